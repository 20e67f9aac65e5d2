"""Records that cannot be stored, with what can be read of them, and the reason, also without the value it quotes."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from dataclasses import dataclass

from pipelines.catalogue.tables import Table
from pipelines.floriday.pages import number_of
from pipelines.json_scan import is_too_deep
from pipelines.normalize import exact
from pipelines.normalize.protection import Withheld

# The part of a reason behind the field's path: what is wrong, with the value; ``exact`` writes the reasons.
_VALUE = re.compile(
    r"(?P<place>^|: )(?:"
    r"(?P<expected>expected [\w ]+), got .*|"
    r"(?P<malformed>malformed [\w-]+) .*|"
    r"(?P<number>exponent out of range|number too large): .*|"
    r"\S+ (?P<limit>does not fit (?:\d+ bits|DECIMAL\(18,6\)))$"
    r")",
    re.DOTALL,
)


@dataclass(frozen=True)
class Rejected:
    """A record that cannot be stored."""

    record: int  # its position in the batch
    key: str | None  # the values of the key joined with `/`; None if one of them cannot be read
    sequence_number: int | None  # None if it cannot be read
    reason: str
    payload: str  # as received, bytes that are not UTF-8 escaped; empty if it could contain personal data

    @property
    def is_unidentified(self) -> bool:
        """Whether it has neither a readable key nor a number under which it is served, which is at least 1."""
        return self.key is None and (self.sequence_number or 0) <= 0


def reject(table: Table, position: int, raw: bytes, reason: str) -> Rejected:
    """The rejected record at a position of the batch."""
    if isinstance(raw, Withheld):
        return Rejected(position, None, raw.number, raw.reason, "")
    payload = raw.decode("utf-8", "backslashreplace")
    return Rejected(position, key_of(table, raw), number_of(raw), reason, payload)


def key_of(table: Table, raw: bytes) -> str | None:
    """The values of a record's key joined with ``/``; None if one of them is missing or cannot be read."""
    values, names = readable_key(table, raw), table.key[1:]
    return "/".join(str(values[name]) for name in names) if len(values) == len(names) else None


def readable_key(table: Table, raw: bytes) -> dict[str, object]:
    """The values of a record's key by the names of their columns, without those that are missing or cannot be read."""
    if is_too_deep(raw):  # the decoder's own limit differs between versions of Python
        return {}
    try:
        record = json.loads(raw.decode(), parse_float=exact.Number, parse_int=exact.Number, parse_constant=str)
    except ValueError:
        return {}
    values: dict[str, object] = {}
    for column in table.own_columns:
        if column.name in table.key:
            with suppress(ValueError, ArithmeticError, exact.UnreadableError):
                values[column.name] = exact.read(column, exact.dig(record, column.path or ()))
    return {name: value for name, value in values.items() if value is not None}


def without_value(reason: str) -> str:
    """The reason without the value that was found, which may be personal."""
    return _VALUE.sub(_shortened, reason, count=1)


def _shortened(found: re.Match[str]) -> str:
    kept = found["expected"] or found["malformed"] or found["number"] or f"the number {found['limit']}"
    return f"{found['place']}{kept}"
