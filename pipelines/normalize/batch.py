"""The normalized batch, and the functions that make one; pandas is imported by their first call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pyarrow as pa

from pipelines.catalogue.tables import Table
from pipelines.normalize.rejected import Rejected

if TYPE_CHECKING:
    import numpy as np
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


def normalize(table: Table, raws: Sequence[bytes], *, is_strict: bool = False, with_originals: bool = True) -> Batch:
    """Read, type and flatten records of a feed.

    Args:
        table: the feed's table with its children.
        raws: the records as received.
        is_strict: whether each record is known to be strict JSON.
        with_originals: whether to fill ``originals``; computing the content hashes takes a quarter of the time.
    """
    from pipelines.normalize import fast_path  # noqa: PLC0415 - it imports pandas, see get_ready

    return fast_path.normalize(table, raws, is_strict=is_strict, with_originals=with_originals)


def combine(batches: Sequence[Batch], positions: np.ndarray) -> Batch:
    """Several batches as one.

    Args:
        batches: at least one batch.
        positions: for each record of the first batch, then of the second, and so on, its position in the result.
    """
    from pipelines.normalize.combining import combine as combine_frames  # noqa: PLC0415 - it imports pandas

    return combine_frames(batches, positions)


def frame_of(table: pa.Table) -> pd.DataFrame:
    """An Arrow table as a frame that shares its memory."""
    import pandas as pd  # noqa: PLC0415 - see get_ready

    frame: pd.DataFrame = table.to_pandas(types_mapper=pd.ArrowDtype)
    return frame


def get_ready() -> None:
    """Import pandas, which takes a fifth of a second: call this in a thread while the process waits for an answer."""
    from pipelines.normalize import combining, fast_path  # noqa: F401, PLC0415 - the import is the purpose

    frame_of(pa.table({}))
