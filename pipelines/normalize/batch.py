"""The normalized batch: typed frames, what was rejected and what is unknown."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pyarrow as pa

from pipelines.normalize.rejected import Rejected

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Batch:
    """Normalized records, in the order in which they were given.

    Args:
        served: number of records, rejected ones included.
        frames: the rows of each table, by its qualified name. ``record`` is the record's position in the batch. The
            warehouse adds the columns ``account`` and ``synced_at``.
        originals: ``record``, ``payload`` and ``content_hash`` of each record that was not rejected.
        rejected: the rejected records.
        unknown_fields: path and type of each field that the catalogue does not contain.
        unknown_values: by ``table.column`` of an enumeration, the values that the catalogue does not contain.
    """

    served: int
    frames: dict[str, pd.DataFrame]
    originals: pd.DataFrame
    rejected: tuple[Rejected, ...] = ()
    unknown_fields: dict[str, str] = field(default_factory=dict)
    unknown_values: dict[str, set[str]] = field(default_factory=dict)


def frame_of(table: pa.Table) -> pd.DataFrame:
    """An Arrow table as a frame that shares its memory."""
    import pandas as pd  # noqa: PLC0415 - it takes a fifth of a second, see on_demand

    frame: pd.DataFrame = table.to_pandas(types_mapper=pd.ArrowDtype)
    return frame
