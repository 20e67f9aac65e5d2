"""Where members of some names stand in the bytes of a record, whatever objects they stand in.

Two lanes again: a search in the bytes for what a strict reader takes, and a walk through all else that is JSON. What
becomes of the members does not belong here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from operator import attrgetter
from typing import Any, NamedTuple

import msgspec

from pipelines.catalogue.tables import Path, Table
from pipelines.normalize.nesting import is_too_deep

Holders = dict[str, Any]
"""Names of the members that lead to the ones that are looked for, nested as they are in a record."""

_VALUE = re.compile(rb'\s*:\s*(?:("[^"\\]*(?:\\.[^"\\]*)*"|[-+.0-9a-zA-Z]+)|[\[{])', re.DOTALL)
_ESCAPED_NAME = re.compile(rb'\\u[0-9a-fA-F]{4}[^"\\]*(?:\\.[^"\\]*)*"\s*:', re.DOTALL)
_SPACE = re.compile(r"[ \t\n\r]*")
_DECODER = json.JSONDecoder()


class Member(NamedTuple):
    """A member of an object, by its places in the record's bytes.

    Args:
        name: None for a value without a name that stands where an object would hold members of such names.
        begins: where the name begins.
        value: where the value begins.
        ends: where the value ends.
    """

    name: str | None
    begins: int
    value: int
    ends: int


_BEGINS = attrgetter("begins")


@dataclass(frozen=True)
class Members:
    """The members of some names in the records of a feed.

    Args:
        names: of the members.
        holders: what they stand in, as the catalogue knows it.
    """

    names: tuple[str, ...]
    holders: Holders

    def find(self, raw: bytes) -> list[Member]:
        """All of them, in their order; they do not overlap.

        Args:
            raw: an object as JSON text; what strict readers refuse may be in it.

        Raises:
            ValueError: it is no JSON, or nested too deeply.
        """
        if is_too_deep(raw):
            raise ValueError("the record is nested too deeply")
        if not self._is_plain(raw):
            return self._walk(raw)
        found: list[Member] = []
        for name, token in self._tokens:
            at = raw.find(token)
            while at >= 0:
                value = _VALUE.match(raw, at + len(token))
                if value is not None and raw[at - 1 : at] != b"\\":
                    if value.start(1) < 0:  # an object or an array, of which only the other lane knows the end
                        return self._walk(raw)
                    found.append(Member(name, at, value.start(1), value.end(1)))
                at = raw.find(token, at + len(token))
        return sorted(found, key=_BEGINS) if len(found) > 1 else found

    @cached_property
    def _tokens(self) -> list[tuple[str, bytes]]:
        return [(name, f'"{name}"'.encode()) for name in self.names]

    @cached_property
    def _shape(self) -> msgspec.json.Decoder[Any]:
        return msgspec.json.Decoder(_struct(self.holders))

    def _is_plain(self, raw: bytes) -> bool:
        """Whether it is strict JSON with all holders objects, so that a quoted name before a colon is a member's."""
        try:
            self._shape.decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return False
        return b"\\" not in raw or _ESCAPED_NAME.search(raw) is None

    def _walk(self, raw: bytes) -> list[Member]:
        text = raw.decode("latin-1")  # every byte is one letter, so that places are the bytes' own
        try:
            json.loads(text)
        except ValueError as problem:
            raise ValueError(f"the record is not JSON: {problem}") from None
        return _Walk(text, frozenset(self.names)).value(_space(text, 0), self.holders)[0]


class _Walk:
    """A walk through text that is JSON; each step returns what it found and where it ended."""

    def __init__(self, text: str, names: frozenset[str]) -> None:
        self._text = text
        self._names = names

    def value(self, at: int, holders: Holders | None) -> tuple[list[Member], int]:
        """What is within a value; a stray one itself where ``holders`` tells that an object belongs there."""
        if self._text[at] == "{":
            return self._object(at, holders or {})
        if self._text[at] == "[":
            return self._array(at, holders)
        ends = _DECODER.raw_decode(self._text, at)[1]
        is_stray = holders is not None and self._text[at:ends] != "null"
        return ([Member(None, at, at, ends)] if is_stray else []), ends

    def _object(self, at: int, holders: Holders) -> tuple[list[Member], int]:
        found: list[Member] = []
        for begins in self._places(at, "}"):
            name, colon = _DECODER.raw_decode(self._text, begins)
            value = _space(self._text, _space(self._text, colon) + 1)
            if name in self._names:
                self._ends = _DECODER.raw_decode(self._text, value)[1]
                found.append(Member(name, begins, value, self._ends))
            else:
                more, self._ends = self.value(value, holders.get(name))
                found += more
        return found, self._ends + 1

    def _array(self, at: int, holders: Holders | None) -> tuple[list[Member], int]:
        found: list[Member] = []
        for begins in self._places(at, "]"):
            more, self._ends = self.value(begins, holders)
            found += more
        return found, self._ends + 1

    def _places(self, at: int, closing: str) -> Iterator[int]:
        """Where the entries of an object or array begin; each sets where it ends, and so does the closing mark."""
        at = _space(self._text, at + 1)
        while self._text[at] != closing:
            yield at
            at = _space(self._text, self._ends)
            if self._text[at] == ",":
                at = _space(self._text, at + 1)
        self._ends = at


def _space(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    assert match is not None
    return match.end()


def _struct(holders: Mapping[str, Any]) -> type[msgspec.Struct]:
    """A type that takes objects whose holders are objects, arrays of objects, or null."""
    inner = [(f"m{place}", _or_many(_struct(held)), None) for place, held in enumerate(holders.values())]
    names = {f"m{place}": name for place, name in enumerate(holders)}
    return msgspec.defstruct("Holder", inner, rename=names)


def _or_many(one: type[msgspec.Struct]) -> Any:
    # An array of arrays holds no record, and a type may be either an object or an array.
    return one | list[one | None] | None  # type: ignore[valid-type]


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
