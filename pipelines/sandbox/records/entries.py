"""Records as they are served, and the pages and views of them. Nothing here knows of HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import msgspec

Key = tuple[str, ...]
Document = dict[str, Any]

NUMBER = "sequenceNumber"

_encoder = msgspec.json.Encoder(decimal_format="number")
_decoder = msgspec.json.Decoder(Document, float_hook=Decimal)
_raw_members = msgspec.json.Decoder(dict[str, msgspec.Raw])


@dataclass(frozen=True, slots=True)
class Entry:
    """A record as it is served.

    Args:
        key: its identifying values, as text.
        number: the number at which it stands.
        body: its JSON text.
        hidden: whether it is kept out of every page; it still counts for the page's maximum.
        part: the part of the feed that it belongs to, where the feed is read part by part.
        filtered_by: the post filters that keep it out of a page when they are on.
    """

    key: Key
    number: int
    body: bytes
    hidden: bool = False
    part: str | None = None
    filtered_by: frozenset[str] = frozenset()

    @property
    def document(self) -> Document:
        """The record, decoded; numbers with a fraction are decimals."""
        return _decoder.decode(self.body)


@dataclass(frozen=True, slots=True)
class View:
    """What of a feed one call asks for.

    Args:
        part: the part, for a feed that is read part by part; None for all.
        filters: names of the post filters that are on.
    """

    part: str | None = None
    filters: frozenset[str] = frozenset()

    def counts(self, entry: Entry) -> bool:
        """Whether a record takes a place in a page, seen or not."""
        return self.part is None or self.part == entry.part

    def shows(self, entry: Entry) -> bool:
        """Whether a record that counts is seen."""
        return not entry.hidden and self.filters.isdisjoint(entry.filtered_by)


EVERYTHING = View()


@dataclass(frozen=True, slots=True)
class Page:
    """A page before it becomes JSON.

    Args:
        maximum: the highest number on it before filtering, or the number that was asked for if nothing stands above.
        entries: what it shows, ascending.
    """

    maximum: int
    entries: tuple[Entry, ...]

    def encode(self) -> bytes:
        """The answer's body."""
        results = b",".join([entry.body for entry in self.entries])
        return b'{"maximumSequenceNumber":%d,"results":[%b]}' % (self.maximum, results)


def encode(record: Mapping[str, Any]) -> bytes:
    """A record's JSON text."""
    return _encoder.encode(record)


def numbered(body: bytes, number: int) -> bytes:
    """The record with another number and every other member as it was; what is no record stays as it is."""
    try:
        members = _raw_members.decode(body)
    except msgspec.DecodeError:
        return body
    members[NUMBER] = msgspec.Raw(str(number).encode())
    return _encoder.encode(members)
