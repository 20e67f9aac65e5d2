"""The content of a record, a change of which makes a new version: its bytes without the top-level sequence number."""

from __future__ import annotations

import hashlib

from pipelines.json_scan import without_sequence_number

HASH_BYTES = 16


def content_hash(raw: bytes, *, is_numbered: bool = False) -> bytes:
    """The hash of a record's content; for ``is_numbered`` see :func:`~pipelines.json_scan.without_sequence_number`."""
    content = without_sequence_number(raw, is_numbered=is_numbered)
    return hashlib.blake2b(content, digest_size=HASH_BYTES, usedforsecurity=False).digest()
