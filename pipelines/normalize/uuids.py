"""UUIDs from their text, a column at a time: sixteen bytes each, as Arrow and DuckDB store them."""

from __future__ import annotations

import binascii

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

UUID = pa.uuid()
UUID_TEXT = r"^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$"

_LENGTH, _BYTES = 36, 16
_HYPHENS = (8, 13, 18, 23)


def uuids(text: pa.StringArray) -> tuple[pa.ExtensionArray, list[int]]:
    """The UUIDs, null where the text is null or the nil UUID; and the positions of malformed texts."""
    given = text.is_valid().to_numpy(zero_copy_only=False)
    is_read, data = given, _bytes_of(text.drop_null())
    if data is None:
        is_read = pc.fill_null(pc.match_substring_regex(text, UUID_TEXT), fill_value=False).to_numpy(
            zero_copy_only=False
        )
        data = _bytes_of(text.filter(pa.array(is_read)))
    stored = np.zeros((len(text), _BYTES), np.uint8)
    stored[is_read] = np.frombuffer(data or b"", np.uint8).reshape(-1, _BYTES)
    return _array(stored), np.flatnonzero(given & ~is_read).tolist()


def _bytes_of(text: pa.StringArray) -> bytes | None:
    """The bytes of all UUIDs, one after the other; None if a text is malformed. There are no nulls.

    Reading all digits at once takes a fifth of the time of Arrow's regular expression and a conversion for each.
    """
    if len(text) == 0:
        return b""
    _, offsets, data = text.buffers()
    ends = np.frombuffer(offsets, np.int32)[text.offset : text.offset + len(text) + 1]
    letters = np.frombuffer(data, np.uint8)[ends[0] : ends[-1]]
    if (np.diff(ends) != _LENGTH).any() or (letters.reshape(-1, _LENGTH)[:, _HYPHENS] != ord("-")).any():
        return None
    try:
        read = binascii.unhexlify(letters.tobytes().translate(None, b"-"))
    except binascii.Error:
        return None
    return read if len(read) == _BYTES * len(text) else None


def _array(stored: np.ndarray) -> pa.ExtensionArray:
    """UUIDs of sixteen bytes a row; rows of zeros are null."""
    halves = stored.view(np.uint64)
    valid = (halves[:, 0] | halves[:, 1]) != 0
    _, mask = pa.array(valid).buffers()
    buffers = [None if valid.all() else mask, pa.py_buffer(stored)]
    return pa.ExtensionArray.from_storage(UUID, pa.Array.from_buffers(pa.binary(_BYTES), len(stored), buffers))
