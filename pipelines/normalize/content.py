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


def content_hash(raw: bytes, *, is_numbered: bool = False) -> bytes:
    """16 bytes that are equal exactly where the content is; the top-level sequence number does not count.

    Args:
        raw: the record.
        is_numbered: whether it is known to have a sequence number at the top level. Where the name stands in it once
            only, that is it, and need not be looked for.
    """
    content = _without_number(raw, is_numbered=is_numbered)
    return hashlib.blake2b(content, digest_size=HASH_BYTES, usedforsecurity=False).digest()


def _without_number(raw: bytes, *, is_numbered: bool) -> bytes:
    at = raw.find(_NAME)
    match = _MEMBER.match(raw, at) if at >= 0 and raw.find(_NAME, at + 1) < 0 else None
    if match is not None and (is_numbered or _is_at_the_top(raw, at)):
        return raw[: match.start(1)] + raw[match.end(1) :]
    return _without_top_level_number(raw)


def _is_at_the_top(raw: bytes, at: int) -> bool:
    """Whether what stands at a place belongs to the record itself, and to nothing within it."""
    return raw.count(b"{", 0, at) - raw.count(b"}", 0, at) == 1


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
