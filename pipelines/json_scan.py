"""JSON as bytes: split, measured and searched without decoding it.

Records are stored, hashed and protected as they were received, and some of them are accepted by no strict decoder
(half a surrogate pair, NaN). What their values mean does not belong here.

A server decides what the bytes are, so every search takes linear time and constant memory on any bytes: none begins
again within a text that it has read in vain, and possessive quantifiers (``*+``) store no positions to return to.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, chain
from operator import attrgetter
from typing import Any, NamedTuple

import msgspec

DEEPEST = 200
"""Levels that a record may have; Floriday's have fewer than ten. Arrow's reader ends the process at some thousands.

Check a record with :func:`is_too_deep` before a recursive decoder reads it: where a decoder raises RecursionError
depends on the version of Python, on the depth of the call and on the decoder.
"""

BLOCK = 1000  # records that are checked at once for strict JSON
Holders = dict[str, Any]  # names of the members that lead to the wanted ones, nested as they are in a record

_Token = re.Match[bytes]

_REST = rb'[^"\\]*+(?:\\.[^"\\]*+)*+"'  # of a string, from anywhere between two of its characters
_STRING = rb'"' + _REST
_STRINGS = re.compile(_STRING, re.DOTALL)
_ENDED_STRINGS = re.compile(rb'(?:[^"]*+' + _STRING + rb')*+[^"]*+', re.DOTALL)
_OTHER_MARKS = re.compile(rb"[\[\]{},:]")
_MARKS = re.compile(_STRING + rb"|[\[\]{},:]", re.DOTALL)
_VALUES = re.compile(_STRING + rb'|[\[\]{}]|[^\s"\[\]{},:]+', re.DOTALL)
_COLON = re.compile(rb"\s*:\s*")
_VALUE = re.compile(rb"\s*:\s*(?:(" + _STRING + rb"|[-+.0-9a-zA-Z]+)|[\[{])", re.DOTALL)
_ESCAPED = re.compile(rb"\\u[0-9a-fA-F]{4}" + _REST + rb"\s*+(:?)", re.DOTALL)  # a string's first escape, and its colon
_NUMBER_NAME = b'"sequenceNumber"'
_NUMBER = re.compile(_NUMBER_NAME + rb"\s*:\s*(-?[0-9]+)\s*[,}]")

_STEPS = {ord("{"): 1, ord("["): 1, ord("}"): -1, ord("]"): -1}
_NO_BRACKETS = bytes(set(range(256)) - _STEPS.keys())


def is_too_deep(raw: bytes) -> bool:
    """Whether objects and arrays are nested deeper than a record may be."""
    # Python counts a single letter one byte at a time, and removes it several at a time.
    opened = 2 * len(raw) - len(raw.replace(b"{", b"")) - len(raw.replace(b"[", b""))
    if opened <= DEEPEST:
        return False
    end = _end_of_strings(raw)
    brackets = (_STRINGS.sub(b"", raw[:end]) + raw[end:]).translate(None, _NO_BRACKETS)
    return max(accumulate(_STEPS[bracket] for bracket in brackets), default=0) > DEEPEST


def _end_of_strings(text: bytes) -> int:
    """The position behind which no string begins: that of the first quote without a closing one, or the text's end.

    Each quote behind it is an escaped one. A search would take each for the beginning of a string, and read to the end.
    """
    ended = _ENDED_STRINGS.match(text)
    return ended.end() if ended else 0


def _marks(text: bytes) -> Iterator[_Token]:
    """The strings, brackets, commas and colons of a text."""
    end = _end_of_strings(text)
    return chain(_MARKS.finditer(text, 0, end), _OTHER_MARKS.finditer(text, end))


def strict_objects(raws: Sequence[bytes], *, are_strict: bool = False) -> list[int]:
    """The positions of the records that are objects of strict JSON and not nested too deeply.

    ``are_strict``: each record is known to be strict JSON.
    """
    positions: list[int] = []
    for start in range(0, len(raws), BLOCK):
        block = raws[start : start + BLOCK]
        is_checked = are_strict or _are_strict(block)
        for position, raw in enumerate(block, start):
            if raw[:1] == b"{" and not is_too_deep(raw) and (is_checked or _are_strict([raw])):
                positions.append(position)
    return positions


def _are_strict(raws: Sequence[bytes]) -> bool:
    """Whether each record is a value of strict JSON; if not, it is unknown which one is not."""
    try:
        decoded = msgspec.json.decode(b"[%s]" % b",".join(raws), type=list[msgspec.Raw])
    except (msgspec.DecodeError, RecursionError):
        return False
    # If each decoded value is as long as the record, no record is two values or a part of one.
    return [len(memoryview(raw)) for raw in decoded] == [len(raw) for raw in raws]


def elements(text: bytes) -> Iterator[bytes]:
    """The elements of a JSON array, found by brackets and quotes alone; a ValueError if it is none, or cut off."""
    return _parts(text, b"[", b"]")


def members(text: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The members of a JSON object as name with its quotes and value, found likewise; a ValueError if it is none."""
    for part in _parts(text, b"{", b"}"):
        name = _STRINGS.match(part)
        colon = name and _COLON.match(part, name.end())
        if name is None or colon is None:
            raise ValueError("a member without a name")
        yield name.group(), part[colon.end() :]


def _parts(text: bytes, opening: bytes, closing: bytes) -> Iterator[bytes]:
    text = text.strip()
    if not (text.startswith(opening) and text.endswith(closing)):
        raise ValueError(f"{len(text)} bytes that are no object or list")
    depth, start = 0, 1
    for token in _marks(text):
        mark = token.group()
        depth += _STEPS.get(mark[0], 0)
        if (depth == 1 and mark == b",") or (depth == 0 and token.end() == len(text)):
            part = text[start : token.start()].strip()
            if part:
                yield part
            start = token.end()
        elif depth <= 0:
            break
    if depth != 0 or start != len(text):
        raise ValueError("it is cut off or its brackets do not match")


def without_sequence_number(raw: bytes, *, is_numbered: bool = False) -> bytes:
    """A record without its top-level sequence number; the rest of the bytes, and what is no JSON, stay as they are.

    If a record ``is_numbered``, it is known to have a sequence number at the top level. If the name is in it only once,
    that is the number's name, and the level is not checked.
    """
    at = raw.find(_NUMBER_NAME)
    match = _NUMBER.match(raw, at) if at >= 0 and raw.find(_NUMBER_NAME, at + 1) < 0 else None
    if match is not None and (is_numbered or raw.count(b"{", 0, at) - raw.count(b"}", 0, at) == 1):
        return raw[: match.start(1)] + raw[match.end(1) :]
    try:  # the rare record that names a sequence number more than once, or writes it oddly
        decoded = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return raw
    decoded.pop("sequenceNumber", None)
    return msgspec.json.encode(decoded)


class Member(NamedTuple):
    """A member of an object, by its positions in the record's bytes."""

    name: str | None  # None for a value without a name in the place of an object that would hold wanted members
    begins: int
    value: int  # where the value begins
    ends: int  # where the value ends


@dataclass(frozen=True)
class MemberSearch:
    """A search for members of some names in records, in whatever objects they are."""

    names: tuple[str, ...]
    holders: Holders  # the members that they are in, as the catalogue defines them

    def find(self, raw: bytes) -> list[Member]:
        """The members of a JSON object in the order of its bytes; a ValueError if it is no JSON, or too deep."""
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
                    if value.start(1) < 0:  # an object or an array, of which only the walk finds the end
                        return self._walk(raw)
                    found.append(Member(name, at, value.start(1), value.end(1)))
                at = raw.find(token, at + len(token))
        return sorted(found, key=attrgetter("begins")) if len(found) > 1 else found

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
        return b"\\" not in raw or not any(escaped[1] for escaped in _ESCAPED.finditer(raw))

    def _walk(self, raw: bytes) -> list[Member]:
        try:
            json.loads(raw.decode("latin-1"))  # any bytes may be within texts
        except ValueError as problem:
            raise ValueError(f"the record is not JSON: {problem}") from None
        found: list[Member] = []
        tokens = _VALUES.finditer(raw)
        self._visit(next(tokens), tokens, self.holders, found)
        return found

    def _visit(self, first: _Token, tokens: Iterator[_Token], holders: Holders | None, found: list[Member]) -> int:
        """Add the members within a value to those found; returns where the value ends.

        ``tokens`` are those behind the value's first one, without commas and colons. ``holders`` is None if no object
        with wanted members belongs here.
        """
        mark = first.group()
        if mark == b"{":
            for name in tokens:
                if name.group() == b"}":
                    return name.end()
                self._visit_member(name, tokens, holders or {}, found)
        elif mark == b"[":
            for element in tokens:
                if element.group() == b"]":
                    return element.end()
                self._visit(element, tokens, holders, found)
        elif holders is not None and mark != b"null":
            found.append(Member(None, first.start(), first.start(), first.end()))
        return first.end()

    def _visit_member(self, token: _Token, tokens: Iterator[_Token], holders: Holders, found: list[Member]) -> None:
        quoted, value = token.group().decode("latin-1"), next(tokens)
        name = json.loads(quoted) if "\\" in quoted else quoted[1:-1]
        if name not in self.names:
            self._visit(value, tokens, holders.get(name), found)
            return
        ends = self._visit(value, tokens, None, [])
        found.append(Member(name, token.start(), value.start(), ends))


def _struct(holders: Mapping[str, Any]) -> type[msgspec.Struct]:
    """A type that accepts objects whose holders are objects, arrays of objects, or null."""
    inner = [(f"m{place}", _or_many(_struct(held)), None) for place, held in enumerate(holders.values())]
    names = {f"m{place}": name for place, name in enumerate(holders)}
    return msgspec.defstruct("Holder", inner, rename=names)


def _or_many(item: type[msgspec.Struct]) -> Any:
    # An array of arrays holds no record, and a type may be either an object or an array.
    return item | list[item | None] | None  # type: ignore[valid-type]
