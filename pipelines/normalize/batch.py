"""The normalized batch: typed frames, what was rejected and what is unknown; and several batches as one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from pipelines.normalize.arrow_reader import Unknown, add_unknown
from pipelines.normalize.rejected import Rejected
from pipelines.normalize.schemas import RECORD

if TYPE_CHECKING:
    import pandas as pd


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


def combine(batches: Sequence[Batch], positions: np.ndarray) -> Batch:
    """Several batches as one.

    Args:
        batches: at least one batch.
        positions: for each record of the first batch, then of the second, and so on, its position in the result.
    """
    of_each = np.split(positions, np.cumsum([batch.served for batch in batches])[:-1])
    fields: Unknown = {}
    values: dict[str, set[str]] = {}
    rejected = []
    for batch, new in zip(batches, of_each, strict=True):
        add_unknown(fields, batch.unknown_fields)
        for name, unknown in batch.unknown_values.items():
            values[name] = values.get(name, set()) | unknown
        rejected += [replace(item, record=int(new[item.record])) for item in batch.rejected]
    return Batch(
        served=len(positions),
        frames={name: _combined([batch.frames[name] for batch in batches], of_each) for name in batches[0].frames},
        originals=_combined([batch.originals for batch in batches], of_each),
        rejected=tuple(sorted(rejected, key=lambda item: item.record)),
        unknown_fields=fields,
        unknown_values=values,
    )


def _combined(frames: list[pd.DataFrame], positions: list[np.ndarray]) -> pd.DataFrame:
    import pandas as pd  # noqa: PLC0415 - see on_demand

    moved = [new[frame[RECORD].to_numpy()] for frame, new in zip(frames, positions, strict=True)]
    record = pd.arrays.ArrowExtensionArray(pa.array(np.concatenate(moved), pa.int32()))
    return pd.concat(frames, ignore_index=True).assign(**{RECORD: record})
