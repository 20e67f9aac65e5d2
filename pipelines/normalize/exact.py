"""The exact path: one record in plain Python. It defines what is right; the fast path must agree with it."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any
from uuid import UUID

from pipelines.catalogue.tables import Column, Path, Table, deletion_paths, has_status
from pipelines.catalogue.types import Kind
from pipelines.json_scan import is_too_deep

NIL = "00000000-0000-0000-0000-000000000000"
EPOCH_DAY = dt.date(1970, 1, 1).toordinal()
FIRST_MICROSECOND = (1 - EPOCH_DAY) * 86_400_000_000
LAST_MICROSECOND = (dt.date.max.toordinal() + 1 - EPOCH_DAY) * 86_400_000_000 - 1
SHOWN = 60  # characters of a value that the reason of a rejection shows

_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_TIME = re.compile(
    r"(?P<day>\d{4}-\d\d-\d\d)[Tt ](?P<hour>\d\d):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:\.(?P<fraction>\d+))?)?"
    r"(?P<zone>[Zz]|[+-]\d\d(?::?\d\d)?)?",
    re.ASCII,
)
_STEP = Decimal("0.000001")
_ROOM = Context(prec=400)
_LARGEST = Decimal(10**12)

Row = dict[str, Any]


class UnreadableError(Exception):
    """A record or value that does not have the type of the catalogue; the message is the reason."""


class Number(str):
    """A JSON number as its text."""

    __slots__ = ()


def parse(raw: bytes) -> dict[str, Any]:
    """The record as Python values, numbers as their text; an UnreadableError if it is no JSON object, or too deep."""
    if is_too_deep(raw):
        raise UnreadableError("the record is nested too deeply")
    try:
        record = json.loads(raw.decode(), parse_float=Number, parse_int=Number, parse_constant=_refuse_constant)
    except ValueError as error:
        raise UnreadableError(f"the record is not JSON: {error}") from None
    if not isinstance(record, dict):
        raise UnreadableError(f"expected an object, got {_show(record)}")
    return record


def _refuse_constant(name: str) -> None:
    raise UnreadableError(f"{name} is not a number of JSON")


def _show(value: object) -> str:
    text = value if isinstance(value, Number) else repr(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


def read(column: Column, value: object) -> Any:
    """One value as its column stores it: UUIDs within lists as text, times as microseconds since 1970."""
    if not column.repeated:
        scalar = _scalar(column.kind, value)
        return UUID(scalar) if column.kind is Kind.UUID and scalar is not None else scalar
    if value is None:
        return None
    if not isinstance(value, list):
        raise UnreadableError(f"expected an array, got {_show(value)}")
    return [_scalar(column.kind, item) for item in value]


def _scalar(kind: Kind, value: object) -> Any:
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    return _READERS[kind](value)


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str):
        raise UnreadableError(f"expected text, got {_show(value)}")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise UnreadableError("text with half a surrogate pair") from None
    return str(value)


def _boolean(value: object) -> bool:
    if not isinstance(value, bool):
        raise UnreadableError(f"expected true or false, got {_show(value)}")
    return value


def _number(value: object) -> Decimal:
    if not isinstance(value, str) or not _NUMBER.fullmatch(value):
        raise UnreadableError(f"expected a number, got {_show(value)}")
    try:
        number = Decimal(value)
    except ArithmeticError:
        raise UnreadableError(f"exponent out of range: {_show(Number(value))}") from None
    if number.adjusted() > 40:
        raise UnreadableError(f"number too large: {_show(Number(value))}")
    return number


def _whole(bits: int) -> Callable[[object], int]:
    limit = 2 ** (bits - 1)

    def read_whole(value: object) -> int:
        number = _number(value)
        if number != number.to_integral_value(context=_ROOM):
            raise UnreadableError(f"expected a whole number, got {_show(value)}")
        if not -limit <= number < limit:
            raise UnreadableError(f"{_show(value)} does not fit {bits} bits")
        return int(number)

    return read_whole


def _decimal(value: object) -> Decimal:
    number = _number(value)
    rounded = Decimal(0) if number.adjusted() < -40 else number.quantize(_STEP, ROUND_HALF_UP, context=_ROOM)
    if abs(rounded) >= _LARGEST:
        raise UnreadableError(f"{_show(value)} does not fit DECIMAL(18,6)")
    return rounded.quantize(_STEP, context=_ROOM) + 0


def _uuid(value: object) -> str | None:
    text = _only_text(value)
    if not _UUID.fullmatch(text):
        raise UnreadableError(f"malformed UUID {_show(value)}")
    return None if text == NIL else text.lower()


def _only_text(value: object) -> str:
    if not isinstance(value, str) or isinstance(value, Number):
        raise UnreadableError(f"expected text, got {_show(value)}")
    return value


def _date(value: object) -> dt.date:
    text = _only_text(value)
    try:
        if not _DAY.fullmatch(text) and not _TIME.fullmatch(text):
            raise ValueError(text)
        return dt.date.fromisoformat(text[:10])
    except ValueError:
        raise UnreadableError(f"malformed date {_show(value)}") from None


def _date_time(value: object) -> int:
    text = _only_text(value)
    match = _TIME.fullmatch(text)
    try:
        if match is None:
            raise ValueError(text)
        moment = _microseconds(match)
        if not FIRST_MICROSECOND <= moment <= LAST_MICROSECOND:
            raise ValueError(text)
    except ValueError:
        raise UnreadableError(f"malformed date-time {_show(value)}") from None
    return moment


def _microseconds(match: re.Match[str]) -> int:
    day = dt.date.fromisoformat(match["day"]).toordinal() - EPOCH_DAY
    clock = dt.time(int(match["hour"]), int(match["minute"]), int(match["second"] or 0))
    seconds = day * 86_400 + clock.hour * 3600 + clock.minute * 60 + clock.second - _offset(match["zone"])
    return seconds * 1_000_000 + int((match["fraction"] or "")[:6].ljust(6, "0"))


def _offset(zone: str | None) -> int:
    """The offset in seconds east of UTC; none means UTC."""
    if not zone or zone in "Zz":
        return 0
    minutes = int(zone[1:3]) * 60 + int(zone[3:].lstrip(":") or 0)
    return minutes * 60 if zone[0] == "+" else -minutes * 60


_READERS: dict[Kind, Callable[[object], Any]] = {
    Kind.UUID: _uuid,
    Kind.TEXT: _text,
    Kind.DATE: _date,
    Kind.DATE_TIME: _date_time,
    Kind.INT32: _whole(32),
    Kind.INT64: _whole(64),
    Kind.DECIMAL: _decimal,
    Kind.BOOLEAN: _boolean,
}


def dig(record: Any, path: Path) -> Any:
    """The value at the end of a path; None if a step of it is missing or null."""
    for step in path:
        if record is None:
            return None
        if not isinstance(record, dict):
            raise UnreadableError(f"expected an object, got {_show(record)}")
        record = record.get(step)
    return record


def rows_of(table: Table, raw: bytes) -> dict[str, list[Row]]:
    """The rows of one record by the table's qualified name; an UnreadableError if it must be rejected."""
    rows: dict[str, list[Row]] = {part.qualified_name: [] for part in table.walk()}
    record = parse(raw)
    parent = _own_values(table, record, {})
    parent["is_deleted"] = _is_deleted(table, record)
    for name in (*table.key[1:], *(["sequence_number"] if "sequence_number" in table.by_name else [])):
        if parent[name] is None:
            raise UnreadableError(f"{name} is missing")
    rows[table.qualified_name].append(parent)
    for child in table.children:
        _add_children(child, record, parent, rows)
    return rows


def _own_values(table: Table, record: Any, leading: Row) -> Row:
    row = dict(leading)
    for column in table.own_columns:
        try:
            row[column.name] = read(column, dig(record, column.path or ()))
        except UnreadableError as error:
            raise UnreadableError(f"{'.'.join((*table.array, *(column.path or ())))}: {error}") from None
    return row


def _is_deleted(table: Table, record: Any) -> bool:
    if any(dig(record, path) is True for path in deletion_paths(table)):
        return True
    return has_status(table) and dig(record, ("status",)) == "DELETED"


def _add_children(child: Table, record: Any, parent: Row, rows: dict[str, list[Row]]) -> None:
    members = dig(record, child.array)
    if members is None:
        return
    if not isinstance(members, list):
        raise UnreadableError(f"{'.'.join(child.array)}: expected an array, got {_show(members)}")
    leading = _inherited(child, parent)
    for position, member in enumerate(members):
        if member is not None and not isinstance(member, dict):
            raise UnreadableError(f"{'.'.join(child.array)}[{position}]: expected an object, got {_show(member)}")
        row = _own_values(child, member, {**leading, "position": position})
        rows[child.qualified_name].append(row)
        for grandchild in child.children:
            _add_children(grandchild, member, row, rows)


def _inherited(child: Table, parent: Row) -> Row:
    """The parent's values that a child's row repeats; the parent's own position has another name there."""
    names = [c.name for c in child.columns if c.path is None and c.name not in ("account", "position")]
    return {name: parent[name] if name in parent else parent["position"] for name in names}
