"""A page of a change feed, split into its records, which stay bytes: ``pipelines.normalize`` reads their fields."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Annotated, Any, TypeVar

import msgspec

from pipelines.errors import GarbledAnswerError
from pipelines.floriday.http.decoding import UNDECODABLE
from pipelines.json_scan import elements, members

_Part = TypeVar("_Part")


@dataclass(frozen=True)
class Page:
    """One answer of a sync operation (docs/floriday.md: Change feeds)."""

    maximum: int  # the answer's ``maximumSequenceNumber``, which is the page's own, before filtering
    records: tuple[bytes, ...]  # as received
    numbers: tuple[int | None, ...]  # the sequence number of each record; None where it has no readable one
    is_strict: bool = field(default=True, compare=False)  # whether the whole answer is strict JSON
    limit: int | None = field(default=None, compare=False)  # requested number of records; None for all allowed

    @property
    def highest(self) -> int:
        """The highest number in the page, its own maximum included."""
        return max([self.maximum, *(number for number in self.numbers if number is not None)])

    def only(self, indexes: Sequence[int]) -> Page:
        """The page with only the records at these indexes, which are in ascending order."""
        if len(indexes) == len(self.records):
            return self
        return replace(
            self,
            records=tuple(self.records[index] for index in indexes),
            numbers=tuple(self.numbers[index] for index in indexes),
        )

    def split(self, limit: int) -> Iterator[Page]:
        """The page as one or more pages of at most ``limit`` bytes of records, or of one larger record."""
        indexes = range(len(self.records))
        first, size = 0, 0
        for index, record in enumerate(self.records):
            if size + len(record) > limit and index > first:
                yield self.only(indexes[first:index])
                first, size = index, 0
            size += len(record)
        yield self.only(indexes[first:])

    @cached_property
    def size(self) -> int:
        """Number of bytes of all records."""
        return sum(map(len, self.records))


class _Envelope(msgspec.Struct, rename="camel"):
    maximum_sequence_number: Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
    results: list[msgspec.Raw]


class _Numbered(msgspec.Struct, rename="camel"):
    sequence_number: Any = None


class _Numbers(msgspec.Struct):
    results: list[_Numbered]


_MEMBERS = ("maximumSequenceNumber", "results")
_ENVELOPE = msgspec.json.Decoder(_Envelope)
_NUMBERS = msgspec.json.Decoder(_Numbers)
_WHOLE = re.compile(r"[+-]?\d{1,19}", re.ASCII)


def read_page(body: bytes) -> Page:
    """Split an answer into its records.

    A record that is not strict JSON (half a surrogate pair, NaN, endless nesting) does not make the page unusable: its
    bytes are found by their brackets, and the record is checked on its own later.

    Raises:
        GarbledAnswerError: the answer is not a page: HTML, cut off, ``results`` missing or null.
    """
    try:
        if any(body.count(f'"{name}"'.encode()) > 1 for name in _MEMBERS):
            return _read_leniently(body)  # the decoder would take the last one
        envelope = _ENVELOPE.decode(body)
        records = tuple(bytes(record) for record in envelope.results)
        numbers = tuple(_whole(item.sequence_number) for item in _NUMBERS.decode(body).results)
        return Page(envelope.maximum_sequence_number, records, numbers)
    except UNDECODABLE:
        return _read_leniently(body)


def read_list(body: bytes) -> tuple[bytes, ...]:
    """Split an answer that is a list into its records, as :func:`read_page` does.

    Raises:
        GarbledAnswerError: the answer is not a list.
    """
    try:
        return tuple(bytes(record) for record in msgspec.json.decode(body, type=list[msgspec.Raw]))
    except UNDECODABLE:
        return tuple(_scanned(elements, body))


def number_of(record: bytes) -> int | None:
    """The sequence number of one record; None where it has no readable one."""
    try:
        return _whole(msgspec.json.decode(record, type=_Numbered).sequence_number)
    except UNDECODABLE:
        return _number_by_brackets(record)


def _number_by_brackets(record: bytes) -> int | None:
    try:
        found = dict(members(record))
    except ValueError:
        return None
    return _whole(_plain(found.get(b'"sequenceNumber"', b"null")))


def _whole(value: object) -> int | None:
    """An integer within int64, in the notations that the normalizer accepts; nothing else may move a cursor."""
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
    named = [(_plain(name), value) for name, value in _scanned(members, body)]
    names, found = [name for name, _ in named], dict(named)
    if any(names.count(name) > 1 for name in _MEMBERS):
        raise GarbledAnswerError("the answer is not a page of records: it has maximumSequenceNumber or results twice")
    maximum, results = _whole(_plain(found.get("maximumSequenceNumber", b""))), found.get("results", b"")
    if maximum is None or not results.startswith(b"["):
        raise GarbledAnswerError("the answer is not a page of records: maximumSequenceNumber or results is missing")
    records = tuple(_scanned(elements, results))
    return Page(maximum, records, tuple(number_of(record) for record in records), is_strict=False)


def _scanned(scan: Callable[[bytes], Iterator[_Part]], text: bytes) -> list[_Part]:
    try:
        return list(scan(text))
    except ValueError as problem:
        raise GarbledAnswerError(f"the answer is not JSON: {problem}") from None
