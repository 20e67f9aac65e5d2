"""Values as text: exact, with times in UTC, and on request safe for spreadsheets."""

from __future__ import annotations

import datetime as dt
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.errors import PipelineError

_SIGNS = "=+\\-@\uff1d\uff0b\uff0d\uff20"
"""The characters that begin a formula, and their full-width forms, which spreadsheets treat the same."""

_FORMULA = rf"(^[\pZ]*|[;,\t\r\n])([\pC\"]*)([{_SIGNS}])"
"""A formula at the start, or after a character at which some spreadsheet splits cells, in quotes or not.

Invisible characters before it are ignored, because some programs drop them, such as a byte order mark. A Dutch Excel
splits lines at semicolons, and recognizes quotes only at the beginning of a cell.
"""

_NESTED_FORMULA = rf"([;\t\r\n])([\pC\"]*)([{_SIGNS}])"
"""The same within JSON, where a comma before a number is not part of a text."""

_LAST_DAY = 365 * 30_000  # days from 1970 up to which times are written; Arrow writes years up to 32767
_ENCODER = msgspec.json.Encoder(decimal_format="number")


def exact_text(column: pa.Array) -> pa.Array:
    """Every value as text, NULL as NULL: decimals with all digits, times as ISO 8601, bytes in hex, lists as JSON."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return exact_text(column.dictionary_decode())
    if pa.types.is_temporal(kind) and not pa.types.is_interval(kind):
        return _times(column)
    if pa.types.is_binary(kind) or pa.types.is_nested(kind) or pa.types.is_interval(kind):
        return pa.array([_as_text(value) for value in json_values(column)], pa.string())
    return column.cast(pa.string())


def display_text(column: pa.Array) -> pa.Array:
    """As ``exact_text``, but decimals lose trailing zeros after their second decimal place."""
    text = exact_text(column)
    if pa.types.is_decimal(column.type):
        return pc.replace_substring_regex(text, r"^(-?\d+\.\d{2}\d*?)0*$", r"\1")
    return text


def spreadsheet_text(column: pa.Array, *, has_cents: bool = False) -> pa.Array:
    """As ``exact_text``, or ``display_text`` for ``has_cents``, with an apostrophe before text that is a formula."""
    text = display_text(column) if has_cents else exact_text(column)
    if pa.types.is_string(column.type) or pa.types.is_dictionary(column.type):
        return guard_formulas(text)
    if pa.types.is_nested(column.type):
        return pc.replace_substring_regex(text, _NESTED_FORMULA, r"\1\2'\3")
    return text


def guard_formulas(text: pa.Array) -> pa.Array:
    """Insert an apostrophe before each formula, at every place where a spreadsheet may split the text into cells."""
    guarded = pc.replace_substring_regex(text, r"^([\t\r\n])", r"'\1")
    return pc.replace_substring_regex(guarded, _FORMULA, r"\1\2'\3")


def json_value(value: Any) -> Any:
    """A value from Arrow as JSON has it: bytes in hex, intervals as ISO 8601. A ValueError for nanoseconds."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, pa.MonthDayNano):
        return f"P{value.months}M{value.days}DT{value.nanoseconds / 1e9:.9g}S"
    if isinstance(value, dt.datetime) and type(value) is not dt.datetime:
        raise ValueError("a time with nanoseconds, which Arrow returns as a type of pandas")
    if isinstance(value, dict):
        return {key: json_value(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [json_value(inner) for inner in value]
    return value


def json_values(column: pa.Array) -> list[Any]:
    """The ``json_value`` of each value. A PipelineError for times that JSON does not have, such as infinity."""
    try:
        return [json_value(value) for value in column.to_pylist()]
    except (OverflowError, ValueError):
        raise PipelineError("a list or struct contains a time that cannot be shown: CAST it AS VARCHAR") from None


def encode_json(value: Any) -> bytes:
    """A ``json_value`` as JSON; decimals are numbers with all their digits."""
    return _ENCODER.encode(value)


def _as_text(value: Any) -> str | None:
    """A ``json_value`` as text: JSON, unless it is text already."""
    return value if value is None or isinstance(value, str) else encode_json(value).decode()


def _times(column: pa.Array) -> pa.Array:
    """Times as ISO 8601. A year out of Arrow's range is an error, because Arrow would write a wrong one."""
    text = pc.replace_substring_regex(column.cast(pa.string()), r"\.0+(Z?)$", r"\1")
    if pa.types.is_timestamp(column.type):
        text = pc.replace_substring(text, " ", "T", max_replacements=1)
    if pa.types.is_time(column.type):
        return pc.if_else(pc.equal(column.cast(pa.int64()), _day_length(column.type)), "24:00:00", text)
    text = _with_infinity(column, text)
    if pc.any(_is_out_of_range(column, text)).as_py():
        raise PipelineError("a time is outside of the years that can be shown here: CAST it AS VARCHAR")
    return text


def _day_length(kind: pa.DataType) -> int:
    return 86_400 * {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[kind.unit]


def _numbers(column: pa.Array) -> pa.Array:
    return column.cast(pa.int64() if column.type.bit_width == 64 else pa.int32()).cast(pa.int64())


def _is_out_of_range(column: pa.Array, text: pa.Array) -> pa.Array:
    """Whether a finite time is out of the range that Arrow can write."""
    per_day = 1 if pa.types.is_date32(column.type) else _day_length(column.type)
    is_far = pc.greater(pc.abs_checked(pc.divide(_numbers(column), per_day)), _LAST_DAY)
    return pc.and_(is_far, pc.invert(pc.is_in(text, pa.array(["infinity", "-infinity"]))))


def _with_infinity(column: pa.Array, text: pa.Array) -> pa.Array:
    """Write infinity, which DuckDB stores as the largest number and Arrow does not recognize."""
    largest = 2 ** (column.type.bit_width - 1) - 1
    for number, word in ((largest, "infinity"), (-largest, "-infinity")):
        text = pc.if_else(pc.equal(_numbers(column), number), word, text)
    return text
