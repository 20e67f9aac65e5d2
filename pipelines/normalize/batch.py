"""A batch of records as pandas frames, Arrow-backed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pandas as pd
import pyarrow as pa

from pipelines.catalogue.tables import Table
from pipelines.normalize.lanes import Rejected, Typed, typed


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
            {name: _frame(rows) for name, rows in typed.tables.items()},
            _frame(typed.originals),
            typed.rejected,
            typed.unknown_fields,
            typed.unknown_values,
        )


def normalize(table: Table, raws: Sequence[bytes], *, is_strict: bool = False, hashed: bool = True) -> Batch:
    """The batch of some records; the arguments are those of :func:`~pipelines.normalize.lanes.typed`."""
    return Batch.of(typed(table, raws, is_strict=is_strict, hashed=hashed))


def _frame(table: pa.Table) -> pd.DataFrame:
    frame: pd.DataFrame = table.to_pandas(types_mapper=pd.ArrowDtype)
    return frame
