"""A page of a change feed, split into its records without reading them.

Records stay bytes here: what is in them is read by ``pipelines.normalize``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Annotated, Any

import msgspec

from pipelines.errors import GarbledAnswerError
from pipelines.floriday.http.decoding import UNDECODABLE


@dataclass(frozen=True)
class Page:
    """One answer of a sync operation (docs/floriday.md: Change feeds).

    Args:
        maximum: the answer's ``maximumSequenceNumber``: the page's own, before filtering.
        records: each record as received.
        numbers: each record's sequence number, None where it has none that can be read.
        is_strict: whether the whole answer is JSON in the strict sense, and with it each record.
        limit: how many records were asked for at most; None for as many as the feed allows.
    """

    maximum: int
    records: tuple[bytes, ...]
    numbers: tuple[int | None, ...]
    is_strict: bool = field(default=True, compare=False)
    limit: int | None = field(default=None, compare=False)

    @property
    def highest(self) -> int:
        """The highest number in the page, its own maximum included."""
        return max([self.maximum, *(number for number in self.numbers if number is not None)])

    def only(self, places: Sequence[int]) -> Page:
        """The same with the records at these places, in order, and no others."""
        if len(places) == len(self.records):
            return self
        return replace(
            self,
            records=tuple(self.records[place] for place in places),
            numbers=tuple(self.numbers[place] for place in places),
        )

    def split(self, limit: int) -> Iterator[Page]:
        """The same in pages of at most so many bytes of records, or of one record; at least one page."""
        places = list(range(len(self.records)))
        first, size = 0, 0
        for place, record in enumerate(self.records):
            if size + len(record) > limit and place > first:
                yield self.only(places[first:place])
                first, size = place, 0
            size += len(record)
        yield self.only(places[first:])

    @cached_property
    def size(self) -> int:
        """Bytes of all records."""
        return sum(map(len, self.records))


class _Envelope(msgspec.Struct, rename="camel"):
    maximum_sequence_number: Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
    results: list[msgspec.Raw]


class _Numbered(msgspec.Struct, rename="camel"):
    sequence_number: Any = None


class _Numbers(msgspec.Struct):
    results: list[_Numbered]


_ENVELOPE = msgspec.json.Decoder(_Envelope)
_NUMBERS = msgspec.json.Decoder(_Numbers)
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[\]{},:]', re.DOTALL)
_WHOLE = re.compile(r"[+-]?\d{1,19}", re.ASCII)


def read_page(body: bytes) -> Page:
    """Split an answer into its records.

    A record that no strict reader takes (half a surrogate pair, NaN, nesting without end) does not spoil the page:
    it is cut out by its brackets and judged alone later.

    Raises:
        GarbledAnswerError: the answer is no page: HTML, cut off, ``results`` missing or null.
    """
    try:
        envelope = _ENVELOPE.decode(body)
        records = tuple(bytes(record) for record in envelope.results)
        numbers = tuple(_whole(item.sequence_number) for item in _NUMBERS.decode(body).results)
        return Page(envelope.maximum_sequence_number, records, numbers)
    except UNDECODABLE:
        return _read_leniently(body)


def read_list(body: bytes) -> tuple[bytes, ...]:
    """Split an answer that is a list of records into these; spoilt ones are cut out as in :func:`read_page`.

    Raises:
        GarbledAnswerError: the answer is no list.
    """
    try:
        return tuple(bytes(record) for record in msgspec.json.decode(body, type=list[msgspec.Raw]))
    except UNDECODABLE:
        return tuple(_elements(body))


def read_members(record: bytes) -> dict[bytes, bytes]:
    """The members of a record as they stand in its bytes: names with their quotes, and values.

    Raises:
        GarbledAnswerError: it is no JSON object.
    """
    return dict(_members(record))


def number_of(record: bytes) -> int | None:
    """The sequence number of one record, None where it has none that can be read."""
    try:
        return _whole(msgspec.json.decode(record, type=_Numbered).sequence_number)
    except UNDECODABLE:
        return _number_by_brackets(record)


def _number_by_brackets(record: bytes) -> int | None:
    try:
        members = dict(_members(record))
    except GarbledAnswerError:
        return None
    return _whole(_plain(members.get(b'"sequenceNumber"', b"null")))


def _whole(value: object) -> int | None:
    """A number within int64, written as the normalizer takes it; anything else must not move a cursor."""
    if isinstance(value, str) and _WHOLE.fullmatch(value.strip()):
        value = int(value)
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if -(2**63) <= value < 2**63 else None


def _plain(text: bytes) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _read_leniently(body: bytes) -> Page:
    members = dict(_members(body))
    maximum, results = _whole(_plain(members.get(b'"maximumSequenceNumber"', b""))), members.get(b'"results"', b"")
    if maximum is None or not results.startswith(b"["):
        raise GarbledAnswerError("the answer is not a page of records: maximumSequenceNumber or results is missing")
    records = tuple(_elements(results))
    return Page(maximum, records, tuple(number_of(record) for record in records), is_strict=False)


def _members(text: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The members of a JSON object, found by brackets and quotes alone."""
    for part in _parts(text, b"{", b"}"):
        name = _TOKEN.match(part)
        colon = name and re.compile(rb"\s*:\s*").match(part, name.end())
        if name is None or colon is None:
            raise GarbledAnswerError("the answer is not JSON: a member without a name")
        yield name.group(), part[colon.end() :]


def _elements(text: bytes) -> Iterator[bytes]:
    """The elements of a JSON array, found by brackets and quotes alone."""
    return _parts(text, b"[", b"]")


def _parts(text: bytes, opening: bytes, closing: bytes) -> Iterator[bytes]:
    text = text.strip()
    if not (text.startswith(opening) and text.endswith(closing)):
        raise GarbledAnswerError(f"the answer is not JSON: {len(text)} bytes that are no object or list")
    depth, start = 0, 1
    for token in _TOKEN.finditer(text):
        mark = token.group()
        if mark in (b"{", b"["):
            depth += 1
        elif mark in (b"}", b"]"):
            depth -= 1
        if (depth == 1 and mark == b",") or (depth == 0 and token.end() == len(text)):
            part = text[start : token.start()].strip()
            if part:
                yield part
            start = token.end()
        elif depth <= 0:
            break
    if depth != 0 or start != len(text):
        raise GarbledAnswerError("the answer is not JSON: it is cut off or its brackets do not match")
