"""The functions of this package that need pandas: their first call imports it.

The import takes a fifth of a second, and a process that normalizes nothing does not need it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pipelines.catalogue.tables import Table
from pipelines.normalize.batch import Batch

if TYPE_CHECKING:
    import numpy as np


def normalize(table: Table, raws: Sequence[bytes], *, is_strict: bool = False, with_originals: bool = True) -> Batch:
    """Read, type and flatten records of a feed.

    Args:
        table: the feed's table with its children.
        raws: the records as received.
        is_strict: whether each record is known to be strict JSON.
        with_originals: whether to fill ``originals``; computing the content hashes takes a quarter of the time.
    """
    from pipelines.normalize import fast_path  # noqa: PLC0415 - it imports pandas

    return fast_path.normalize(table, raws, is_strict=is_strict, with_originals=with_originals)


def combine(batches: Sequence[Batch], positions: np.ndarray) -> Batch:
    """Several batches as one.

    Args:
        batches: at least one batch.
        positions: for each record of the first batch, then of the second, and so on, its position in the result.
    """
    from pipelines.normalize.combining import combine as combine_frames  # noqa: PLC0415 - it imports pandas

    return combine_frames(batches, positions)


def get_ready() -> None:
    """Import pandas: call this in a thread while the process waits for an answer."""
    from pipelines.normalize import combining, fast_path  # noqa: F401, PLC0415 - the import is the purpose
