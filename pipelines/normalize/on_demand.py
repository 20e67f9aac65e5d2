"""The start of the package: its first call imports pandas, which takes a fifth of a second."""

from __future__ import annotations

from collections.abc import Sequence

from pipelines.catalogue.tables import Table
from pipelines.normalize.batch import Batch


def normalize(table: Table, raws: Sequence[bytes], *, is_strict: bool = False, with_originals: bool = True) -> Batch:
    """Read, type and flatten records of a feed; ``is_strict``: each is known to be strict JSON.

    ``with_originals`` fills ``originals``; computing the content hashes takes a quarter of the time.
    """
    from pipelines.normalize import fast_path  # noqa: PLC0415 - it imports pandas

    return fast_path.normalize(table, raws, is_strict=is_strict, with_originals=with_originals)


def get_ready() -> None:
    """Import pandas: call this in a thread while the process waits for an answer."""
    from pipelines.normalize import fast_path  # noqa: F401, PLC0415 - the import is the purpose
