"""Several normalized batches as one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa

from pipelines.normalize.arrow_reader import Unknown, add_unknown
from pipelines.normalize.batch import Batch
from pipelines.normalize.schemas import RECORD


def combine(batches: Sequence[Batch], positions: np.ndarray) -> Batch:
    """See :func:`pipelines.normalize.combine`."""
    of_each = np.split(positions, np.cumsum([batch.served for batch in batches])[:-1])

    def combined(frames: list[pd.DataFrame]) -> pd.DataFrame:
        moved = [new[frame[RECORD].to_numpy()] for frame, new in zip(frames, of_each, strict=True)]
        record = pd.arrays.ArrowExtensionArray(pa.array(np.concatenate(moved), pa.int32()))
        return pd.concat(frames, ignore_index=True).assign(**{RECORD: record})

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
        frames={name: combined([batch.frames[name] for batch in batches]) for name in batches[0].frames},
        originals=combined([batch.originals for batch in batches]),
        rejected=tuple(sorted(rejected, key=lambda item: item.record)),
        unknown_fields=fields,
        unknown_values=values,
    )
