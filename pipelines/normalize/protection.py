"""Personal values in the bytes of records: replaced or removed before anything else reads them.

A member with the name of a personal field counts in whatever object it is; all other bytes stay as received. The caller
decides which values are kept: settings and keys do not belong here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterator, Sequence

from pipelines.catalogue.tables import Path, Table
from pipelines.catalogue.types import Kind
from pipelines.floriday.pages import number_of
from pipelines.json_scan import Holders, Member, MemberSearch

Value = Callable[[str], str | None]  # returns another text, the same text, or None to remove the member

_STRAY = b'"withheld"'
_COMMA = re.compile(rb"\s*,\s*")


class Withheld(bytes):
    """In place of a record that is no JSON object: only its sequence number and the reason are kept."""

    number: int | None
    reason: str

    @classmethod
    def of(cls, raw: bytes, problem: str) -> Withheld:
        """The replacement of a record."""
        withheld = cls()
        withheld.number = number_of(raw)
        withheld.reason = f"{problem}; the payload is not kept, for personal data cannot be found in it"
        return withheld


class Protection:
    """The treatment of personal values in the records of one feed.

    ``value`` returns what replaces a text; None removes all personal members, those that are null too. Personal values
    that are no texts stay if ``keeps_numbers``; a text cannot replace them.
    """

    def __init__(self, table: Table, value: Value | None, *, keeps_numbers: bool = False) -> None:
        self._kinds = personal_names(table)
        self._search = MemberSearch(tuple(self._kinds), holders_of(table, self._kinds))
        self._value = value
        self._keeps_numbers = keeps_numbers

    @property
    def is_needed(self) -> bool:
        """Whether a record of this feed can hold personal data at all."""
        return bool(self._kinds)

    def __call__(self, raws: Sequence[bytes]) -> tuple[bytes, ...]:
        """The records as they may be stored; a record that is no JSON object is ``Withheld``."""
        return tuple(map(self.record, raws))

    def record(self, raw: bytes) -> bytes:
        """One record as it may be stored."""
        try:
            if raw[:1] != b"{" and raw.lstrip()[:1] != b"{":
                raise ValueError("expected an object")
            return self._changed(raw, self._search.find(raw))
        except ValueError as problem:
            return Withheld.of(raw, str(problem))

    def _changed(self, raw: bytes, members: list[Member]) -> bytes:
        kept = bytearray()
        done = 0
        for member in members:
            old = raw[member.value : member.ends]
            new = self._replacement(old, member.name)
            if new == old:
                continue
            if new is not None:
                kept += raw[done : member.value] + new
                done = member.ends
                continue
            kept += raw[done : member.begins]
            comma = _COMMA.match(raw, member.ends)
            done = comma.end() if comma else member.ends
            if comma is None:
                _remove_last_comma(kept)
        return bytes(kept + raw[done:]) if done else raw

    def _replacement(self, old: bytes, name: str | None) -> bytes | None:
        """The JSON text that replaces a value; None to remove its member."""
        if name is None:
            return old if self._value is not None and self._value(_text(old)) == _text(old) else _STRAY
        if self._kinds[name] is not Kind.TEXT:
            return old if self._keeps_numbers else None
        if self._value is None or old == b"null":
            return None if self._value is None else old
        text = _text(old)
        new = self._value(text)
        if new is None:
            return None
        return old if new == text or not text.strip() else json.dumps(new).encode()


def _remove_last_comma(text: bytearray) -> None:
    """Remove the comma at the end of a text, and the white space behind it."""
    end = len(text)
    while text[end - 1 : end].isspace():  # `rstrip` would copy the whole text, for each object of a record
        end -= 1
    if text[end - 1 : end] == b",":
        del text[end - 1 :]


def _text(token: bytes) -> str:
    """A value as text: a string itself, anything else as its JSON text."""
    letters = token.decode()
    return str(json.loads(letters)) if letters.startswith('"') else letters


def personal_names(table: Table) -> dict[str, Kind]:
    """The present and former JSON names of the personal fields of a feed, with the kind of their values."""
    return {
        name: column.kind
        for part in table.walk()
        for column in part.own_columns
        if column.personal and column.path
        for name in (column.path[-1], *column.formerly)
    }


def holders_of(table: Table, names: Collection[str]) -> Holders:
    """The members around those of some names, in the records of a table."""
    holders = Holders()
    for path in _paths(table, ()):
        if path[-1] in names:
            node = holders
            for step in path[:-1]:
                node = node.setdefault(step, {})
    return holders


def _paths(table: Table, around: Path) -> Iterator[Path]:
    """The path from the record to each column's value, through arrays too."""
    path = (*around, *table.array)
    for column in table.own_columns:
        yield (*path, *(column.path or ()))
    for child in table.children:
        yield from _paths(child, path)
