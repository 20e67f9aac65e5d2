"""The start of the package: its first call imports pandas, Arrow and NumPy, which takes half a second."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from threading import Thread

from pipelines.catalogue.tables import Table
from pipelines.normalize.batch import Batch

_FAST_PATH = "pipelines.normalize.fast_path"


def normalize(table: Table, raws: Sequence[bytes], *, is_strict: bool = False, with_originals: bool = True) -> Batch:
    """Read, type and flatten records of a feed; ``is_strict``: each is known to be strict JSON.

    ``with_originals`` fills ``originals``; computing the content hashes takes a quarter of the time.
    """
    from pipelines.normalize import fast_path  # noqa: PLC0415 - it imports pandas

    return fast_path.normalize(table, raws, is_strict=is_strict, with_originals=with_originals)


def combine(batches: Sequence[Batch], positions: Sequence[int]) -> Batch:
    """Several batches as one.

    Args:
        batches: at least one batch.
        positions: for each record of the first batch, then of the second, and so on, its position in the result.
    """
    from pipelines.normalize import fast_path  # noqa: PLC0415 - it imports pandas

    return fast_path.combine(batches, positions)


def get_ready() -> None:
    """Begin to import pandas in a thread, while the process waits for the records that it will normalize."""
    if _FAST_PATH not in sys.modules:
        Thread(target=import_module, args=[_FAST_PATH], name="floriday frames", daemon=True).start()
