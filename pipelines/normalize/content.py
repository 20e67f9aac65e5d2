"""What makes a version: the bytes received without the top-level sequence number."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

import msgspec
import numpy as np
import pyarrow as pa

_NAME = b'"sequenceNumber"'
_MEMBER = re.compile(_NAME + rb"\s*:\s*(-?[0-9]+)\s*[,}]")
HASH_BYTES = 16


def content_hash(raw: bytes) -> bytes:
    """16 bytes that are equal exactly where the content is; the top-level sequence number does not count."""
    return hashlib.blake2b(_without_number(raw), digest_size=HASH_BYTES, usedforsecurity=False).digest()


def _without_number(raw: bytes) -> bytes:
    at = raw.find(_NAME)
    match = _MEMBER.match(raw, at) if at >= 0 and raw.find(_NAME, at + 1) < 0 else None
    if match is not None and raw.count(b"{", 0, match.start()) - raw.count(b"}", 0, match.start()) == 1:
        return raw[: match.start(1)] + raw[match.end(1) :]
    return _without_top_level_number(raw)


def _without_top_level_number(raw: bytes) -> bytes:
    """For the rare record that names a sequence number more than once, or writes it oddly."""
    try:
        members = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return raw
    members.pop("sequenceNumber", None)
    return msgspec.json.encode(members)


def text_column(raws: Sequence[bytes]) -> pa.StringArray:
    """The records as one Arrow column, copied once."""
    offsets = np.zeros(len(raws) + 1, "int32")
    np.cumsum([len(raw) for raw in raws], out=offsets[1:])
    column = pa.StringArray.from_buffers(len(raws), pa.py_buffer(offsets), pa.py_buffer(b"".join(raws)))
    column.validate(full=True)
    return column
