"""Values as text: exact, times in UTC, harmless to a spreadsheet where that matters."""

from __future__ import annotations

import datetime as dt
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.errors import PipelineError

_SIGNS = "=+\\-@\uff1d\uff0b\uff0d\uff20"
"""What a formula begins with, and the full-width forms, which spreadsheets read alike."""

_FORMULA = rf"(^[\pZ]*|[;,\t\r\n])([\pC\"]*)([{_SIGNS}])"
"""A formula at the start, or behind what some spreadsheet takes for the end of a cell, in quotes or not.

Invisible characters before it count for nothing: some programs drop them, such as a byte order mark. A Dutch Excel
splits lines at semicolons, and knows quotes only where a cell begins.
"""

_NESTED_FORMULA = rf"([;\t\r\n])([\pC\"]*)([{_SIGNS}])"
"""The same within JSON, where a comma before a number is none of its text's."""

_FARTHEST_DAYS = 365 * 30_000
"""Arrow writes years up to 32767; what lies beyond is no date of anybody's."""

_ENCODER = msgspec.json.Encoder(decimal_format="number")


def exact(column: pa.Array) -> pa.Array:
    """Every value as text, NULL as NULL: decimals with their digits, times as ISO 8601, bytes in hex, lists as JSON."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return exact(column.dictionary_decode())
    if pa.types.is_temporal(kind) and not pa.types.is_interval(kind):
        return _moments(column)
    if pa.types.is_binary(kind) or pa.types.is_nested(kind) or pa.types.is_interval(kind):
        return pa.array([_as_text(value) for value in plain_values(column)], pa.string())
    return column.cast(pa.string())


def shown(column: pa.Array) -> pa.Array:
    """As ``exact``, for a person's eyes: decimals without the zeros at their end, but for two."""
    text = exact(column)
    if pa.types.is_decimal(column.type):
        return pc.replace_substring_regex(text, r"^(-?\d+\.\d{2}\d*?)0*$", r"\1")
    return text


def harmless(column: pa.Array) -> pa.Array:
    """As ``exact``; an apostrophe stands before what a spreadsheet would take for a formula."""
    text = exact(column)
    if pa.types.is_string(column.type) or pa.types.is_dictionary(column.type):
        return guarded(text)
    if pa.types.is_nested(column.type):
        return pc.replace_substring_regex(text, _NESTED_FORMULA, r"\1\2'\3")
    return text


def guarded(text: pa.Array) -> pa.Array:
    """Text with an apostrophe before what a spreadsheet would take for a formula, wherever it may split the text."""
    begun = pc.replace_substring_regex(text, r"^([\t\r\n])", r"'\1")
    return pc.replace_substring_regex(begun, _FORMULA, r"\1\2'\3")


def plain(value: Any) -> Any:
    """A Python value from Arrow as JSON has it: bytes in hex, intervals as ISO 8601, also within lists and structs.

    Raises:
        ValueError: a time has nanoseconds.
    """
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, pa.MonthDayNano):
        return f"P{value.months}M{value.days}DT{value.nanoseconds / 1e9:.9g}S"
    if isinstance(value, dt.datetime) and type(value) is not dt.datetime:
        raise ValueError("a time of nanoseconds, which Arrow gives as pandas' own type")
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(inner) for inner in value]
    return value


def encoded(value: Any) -> bytes:
    """A plain value as JSON; decimals are numbers with their digits."""
    return _ENCODER.encode(value)


def plain_values(column: pa.Array) -> list[Any]:
    """The values as JSON has them, as ``plain`` returns them.

    Raises:
        PipelineError: there is a time that Python and JSON do not have, such as infinity or one of nanoseconds.
    """
    try:
        return [plain(value) for value in column.to_pylist()]
    except (OverflowError, ValueError):
        raise PipelineError("a list or struct holds a time that cannot be shown: CAST it AS VARCHAR") from None


def _as_text(value: Any) -> str | None:
    """A plain value as one text: JSON, unless it is a text."""
    return value if value is None or isinstance(value, str) else encoded(value).decode()


def _moments(column: pa.Array) -> pa.Array:
    """Times as ISO 8601.

    Raises:
        PipelineError: a year has more than four digits and Arrow, which would write something else, cannot show it.
    """
    text = pc.replace_substring_regex(column.cast(pa.string()), r"\.0+(Z?)$", r"\1")
    if pa.types.is_timestamp(column.type):
        text = pc.replace_substring(text, " ", "T", max_replacements=1)
    if pa.types.is_time(column.type):
        return pc.if_else(pc.equal(column.cast(pa.int64()), _end_of_day(column.type)), "24:00:00", text)
    shown = _infinite(column, text)
    if pc.any(_is_beyond(column, shown)).as_py():
        raise PipelineError("a time lies outside of the years that can be shown here: CAST it AS VARCHAR")
    return shown


def _end_of_day(kind: pa.DataType) -> int:
    return 86_400 * {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[kind.unit]


def _is_beyond(column: pa.Array, shown: pa.Array) -> pa.Array:
    """Whether a time is further from 1970 than the years that Arrow writes, infinity aside."""
    days = column.cast(pa.int64() if column.type.bit_width == 64 else pa.int32()).cast(pa.int64())
    per_day = 1 if pa.types.is_date32(column.type) else _end_of_day(column.type)
    is_far = pc.greater(pc.abs_checked(pc.divide(days, per_day)), _FARTHEST_DAYS)
    return pc.and_(is_far, pc.invert(pc.is_in(shown, pa.array(["infinity", "-infinity"]))))


def _infinite(column: pa.Array, text: pa.Array) -> pa.Array:
    """DuckDB keeps infinity as the largest number; Arrow does not know that."""
    wide = column.type.bit_width == 64
    numbers = column.cast(pa.int64() if wide else pa.int32())
    limit = 2**63 - 1 if wide else 2**31 - 1
    for number, word in ((limit, "infinity"), (-limit, "-infinity")):
        text = pc.if_else(pc.equal(numbers, number), word, text)
    return text
