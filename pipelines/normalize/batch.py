"""The normalized batch: typed frames, what was rejected and what is unknown."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipelines.normalize.rejected import Rejected

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


@dataclass(frozen=True)
class Batch:
    """Normalized records, in the order in which they were given."""

    served: int  # number of records, rejected ones included
    frames: dict[str, pd.DataFrame]  # rows by the table's qualified name; `record` is a record's position in the batch
    originals: pd.DataFrame  # `record`, `payload` and `content_hash` of each record that was not rejected
    rejected: tuple[Rejected, ...] = ()
    unknown_fields: dict[str, str] = field(default_factory=dict)  # path and type of fields not in the catalogue
    unknown_values: dict[str, set[str]] = field(default_factory=dict)  # by `table.column` of enumerations


def frame_of(table: pa.Table) -> pd.DataFrame:
    """An Arrow table as a frame that shares its memory."""
    import pandas as pd  # noqa: PLC0415 - it takes a fifth of a second, see on_demand

    frame: pd.DataFrame = table.to_pandas(types_mapper=pd.ArrowDtype)
    return frame
