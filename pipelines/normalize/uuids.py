"""UUIDs from their text, a column at a time: sixteen bytes each, as Arrow and DuckDB hold them."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

UUID = pa.uuid()

_LENGTH, _BYTES = 36, 16
_HYPHENS = (8, 13, 18, 23)
_DIGITS = tuple(place for place in range(_LENGTH) if place not in _HYPHENS)
_NO_DIGIT = 255


def _values_of_digits() -> np.ndarray:
    values = np.full(256, _NO_DIGIT, np.uint8)
    for digits in (b"0123456789abcdef", b"0123456789ABCDEF"):
        for value, digit in enumerate(digits):
            values[digit] = value
    return values


_VALUES = _values_of_digits()


def uuids(text: pa.StringArray) -> tuple[pa.ExtensionArray, list[int]]:
    """The UUIDs, null where the text is null or the nil UUID; and the places of texts that are none."""
    fits = pc.fill_null(pc.equal(pc.binary_length(text), _LENGTH), fill_value=False).to_numpy(zero_copy_only=False)
    made, fine = _from_letters(_letters(text if fits.all() else text.filter(pa.array(fits))))
    there = fits.copy()
    there[fits] = fine & made.any(axis=1)
    stored = np.zeros((len(text), _BYTES), np.uint8)
    stored[fits] = made
    wrong = pc.is_valid(text).to_numpy(zero_copy_only=False)
    wrong[fits] = ~fine
    return _array(stored, there), np.flatnonzero(wrong).tolist()


def _letters(text: pa.StringArray) -> np.ndarray:
    """The bytes of texts of the right length, one row each."""
    if len(text) == 0:
        return np.zeros((0, _LENGTH), np.uint8)
    _, offsets, data = text.buffers()
    begins = np.frombuffer(offsets, np.int32)[text.offset]
    return np.frombuffer(data, np.uint8)[begins : begins + _LENGTH * len(text)].reshape(-1, _LENGTH)


def _from_letters(letters: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sixteen bytes a row, and which rows are well-formed."""
    digits = _VALUES[letters[:, _DIGITS]]
    fine = (digits != _NO_DIGIT).all(axis=1) & (letters[:, _HYPHENS] == ord("-")).all(axis=1)
    return (digits[:, 0::2] << 4) | digits[:, 1::2], fine


def _array(stored: np.ndarray, there: np.ndarray) -> pa.ExtensionArray:
    _, mask = pa.array(there).buffers()
    buffers = [None if there.all() else mask, pa.py_buffer(stored)]
    return pa.ExtensionArray.from_storage(UUID, pa.Array.from_buffers(pa.binary(_BYTES), len(there), buffers))
