"""Personal values in the bytes of records: replaced or left out before anything else sees them.

A member with the name of a personal field counts wherever it stands in a record; all other bytes stay as they were
received. Which values go is told by whoever asks: settings and keys do not belong here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence

from pipelines.catalogue.tables import Path, Table
from pipelines.catalogue.types import Kind
from pipelines.floriday.pages import number_of
from pipelines.json_scan import Holders, Member, MemberSearch

Value = Callable[[str], str | None]
"""What stands for a personal text: another text, the same, or None for nothing."""

_STRAY = b'"withheld"'
_COMMA = re.compile(rb"\s*,\s*")


class Withheld(bytes):
    """Stands for a record that is no JSON object, of which nothing is kept but its number and what is wrong."""

    number: int | None
    reason: str

    @classmethod
    def of(cls, raw: bytes, problem: str) -> Withheld:
        """In place of ``raw``."""
        withheld = cls()
        withheld.number = number_of(raw)
        withheld.reason = f"{problem}; the payload is not kept, for personal data cannot be found in it"
        return withheld


class Protection:
    """What is done to the records of one feed.

    Args:
        table: the feed's, children within.
        value: what becomes of a text; None where all goes, and that there is none too.
        keeps_numbers: whether personal fields stay that hold no text, for which a text cannot stand.
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
        """The records as they may be kept; a record that is no JSON object is ``Withheld``."""
        return tuple(map(self.record, raws))

    def record(self, raw: bytes) -> bytes:
        """One record."""
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
            new = self._instead(old, member.name)
            if new == old:
                continue
            if new is not None:
                kept += raw[done : member.value] + new
                done = member.ends
                continue
            kept += raw[done : member.begins]
            comma = _COMMA.match(raw, member.ends)
            done = comma.end() if comma else member.ends
            if comma is None and (before := kept.rstrip()).endswith(b","):
                del kept[len(before) - 1 :]
        return bytes(kept + raw[done:]) if done else raw

    def _instead(self, old: bytes, name: str | None) -> bytes | None:
        """The JSON text that stands for a value; None where the member goes."""
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


def _text(token: bytes) -> str:
    """What a value says: a text itself, anything else as its JSON text."""
    letters = token.decode()
    return str(json.loads(letters)) if letters.startswith('"') else letters


def personal_names(table: Table) -> dict[str, Kind]:
    """The JSON names of the fields that hold personal data, in any record of a feed, and what they hold."""
    return {
        column.path[-1]: column.kind
        for part in table.walk()
        for column in part.own_columns
        if column.personal and column.path
    }


def holders_of(table: Table, wanted: Iterable[str]) -> Holders:
    """What the members of these names stand in, for the records of a table."""
    names, tree = frozenset(wanted), Holders()
    for part, above in _parts(table, ()):
        for column in part.own_columns:
            path = (*above, *(column.path or ()))
            if path[-1] in names:
                _plant(tree, path[:-1])
    return tree


def _parts(table: Table, above: Path) -> Iterator[tuple[Table, Path]]:
    here = (*above, *table.array)
    yield table, here
    for child in table.children:
        yield from _parts(child, here)


def _plant(tree: Holders, path: Path) -> None:
    for step in path:
        tree = tree.setdefault(step, {})
