"""Records that cannot be stored, with the reason and what can be read of them."""

from __future__ import annotations

import json
from dataclasses import dataclass

from pipelines.catalogue.tables import Table
from pipelines.floriday.pages import number_of
from pipelines.json_scan import is_too_deep
from pipelines.normalize import exact
from pipelines.normalize.protection import Withheld


@dataclass(frozen=True)
class Rejected:
    """A record that cannot be stored."""

    record: int  # its position in the batch
    key: str | None  # the values of the key joined with `/`; None if one of them cannot be read
    sequence_number: int | None  # None if it cannot be read
    reason: str
    payload: str  # as received, bytes that are not UTF-8 escaped; empty if it could contain personal data


def reject(table: Table, position: int, raw: bytes, reason: str) -> Rejected:
    """The rejected record at a position of the batch."""
    if isinstance(raw, Withheld):
        return Rejected(position, None, raw.number, raw.reason, "")
    payload = raw.decode("utf-8", "backslashreplace")
    return Rejected(position, key_of(table, raw), number_of(raw), reason, payload)


def key_of(table: Table, raw: bytes) -> str | None:
    """The values of a record's key joined with ``/``; None if one of them is missing or cannot be read."""
    if is_too_deep(raw):  # the decoder's own limit differs between versions of Python
        return None
    try:
        record = json.loads(raw.decode(), parse_float=exact.Number, parse_int=exact.Number, parse_constant=str)
        columns = [column for column in table.own_columns if column.name in table.key]
        by_name = {column.name: exact.read(column, exact.dig(record, column.path or ())) for column in columns}
    except (ValueError, ArithmeticError, exact.UnreadableError):
        return None
    values = [by_name[name] for name in table.key[1:]]
    return None if None in values else "/".join(map(str, values))
