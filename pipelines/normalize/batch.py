"""A batch of records as pandas frames, Arrow-backed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pyarrow as pa

from pipelines.catalogue.tables import Table
from pipelines.normalize.fast_path import Rejected, Typed, typed

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Batch:
    """Normalized records, every one that was served, in their order.

    Args:
        served: how many records there were.
        frames: for each table's qualified name, its rows; ``record`` is the record's place in the batch. The
            columns ``account`` and ``synced_at`` are the warehouse's to fill.
        originals: ``record``, ``payload``, ``content_hash`` of each record that was kept.
        rejected: the others.
        unknown_fields: fields that the catalogue does not know, with their type.
        unknown_values: for an enumeration's ``table.column``, values that the catalogue does not know.
    """

    served: int
    frames: dict[str, pd.DataFrame]
    originals: pd.DataFrame
    rejected: tuple[Rejected, ...] = ()
    unknown_fields: dict[str, str] = field(default_factory=dict)
    unknown_values: dict[str, set[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, typed: Typed) -> Batch:
        """The same as frames."""
        return cls(
            typed.served,
            {name: frame_of(rows) for name, rows in typed.tables.items()},
            frame_of(typed.originals),
            typed.rejected,
            typed.unknown_fields,
            typed.unknown_values,
        )


def normalize(table: Table, raws: Sequence[bytes], *, is_strict: bool = False, hashed: bool = True) -> Batch:
    """The batch of some records; the arguments are those of :func:`~pipelines.normalize.fast_path.typed`."""
    return Batch.of(typed(table, raws, is_strict=is_strict, hashed=hashed))


def frame_of(table: pa.Table) -> pd.DataFrame:
    """A table of Arrow's as a frame that holds the same arrays."""
    import pandas as pd  # noqa: PLC0415 - it takes a fifth of a second, see get_ready

    frame: pd.DataFrame = table.to_pandas(types_mapper=pd.ArrowDtype)
    return frame


def get_ready() -> None:
    """Load what frames need, and DuckDB with its first parameter too: best while something else is waited for."""
    frame_of(pa.table({}))
