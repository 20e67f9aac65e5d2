"""Records as they are served, and pages of them. No HTTP."""

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
        key: values of the identifying fields, as text.
        number: sequence number of the record.
        body: JSON text of the record.
        hidden: whether no page contains it; it still counts for the page's maximum.
        part: sub-feed that it belongs to, for a feed that is read in parts.
        filtered_by: names of the post filters that remove it from a page when they are on.
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
    """The part of a feed that a call requests, and its filters.

    Args:
        part: sub-feed, for a feed that is read in parts; None for all records.
        filters: names of the post filters that are on.
    """

    part: str | None = None
    filters: frozenset[str] = frozenset()

    def counts(self, entry: Entry) -> bool:
        """Whether a record counts for the size of a page, even if the page does not contain it."""
        return self.part is None or self.part == entry.part

    def shows(self, entry: Entry) -> bool:
        """Whether the page contains a record that counts."""
        return not entry.hidden and self.filters.isdisjoint(entry.filtered_by)


EVERYTHING = View()


@dataclass(frozen=True, slots=True)
class Page:
    """A page before it becomes JSON.

    Args:
        maximum: highest number on it before filtering, or the requested number if there is none above it.
        entries: records on the page, in order of their numbers.
    """

    maximum: int
    entries: tuple[Entry, ...]

    def encode(self) -> bytes:
        """The body of the answer."""
        results = b",".join([entry.body for entry in self.entries])
        return b'{"maximumSequenceNumber":%d,"results":[%b]}' % (self.maximum, results)


def encode(record: Mapping[str, Any]) -> bytes:
    """A record as JSON text."""
    return _encoder.encode(record)


def numbered(body: bytes, number: int) -> bytes:
    """The record with another number and all other members unchanged; invalid JSON is returned as it is."""
    try:
        members = _raw_members.decode(body)
    except msgspec.DecodeError:
        return body
    members[NUMBER] = msgspec.Raw(str(number).encode())
    return _encoder.encode(members)
