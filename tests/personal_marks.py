"""Records with a different marked value in each personal field, so that tests can search for them anywhere."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

from pipelines.catalogue import catalogue_of
from pipelines.catalogue.tables import tables_of
from pipelines.catalogue.types import Feed, Kind, Record, fields_of
from pipelines.normalize.protection import personal_names
from pipelines.sandbox import Sandbox
from tests.records import in_json, valid_record

MARK = "Qxzw"
"""Part of every marked text, and of no other text in the tests."""

DIGITS = "618034"
"""The fraction of every marked number."""

RECORDS = 3
"""Number of valid records of each feed."""


FEW = ("orders.sales_orders", "orders.purchase_orders", "fulfillment.track_and_trace_scans")
"""Feeds with personal data of each kind, in records and in objects within them."""


def marked_feeds(api: str, only: Collection[str] = ()) -> list[Feed]:
    """Return the feeds with personal data, or those of them with these names."""
    feeds = [feed for feed in catalogue_of(api).feeds if personal_names(tables_of(feed))]
    return [feed for feed in feeds if not only or feed.name in only]


class Marks:
    """Creates marked values and counts them."""

    def __init__(self) -> None:
        self._numbers = count(1000)
        self.made: list[str] = []

    def value(self, kind: Kind) -> Any:
        """Return the next marked value of a kind."""
        number = next(self._numbers)
        text = f"{number % 90}.{DIGITS}" if kind is not Kind.TEXT else f"{MARK}-{number} Jan"
        self.made.append(text)
        return text if kind is Kind.TEXT else Decimal(text)

    def mark(self, record: type[Record], made: dict[str, Any]) -> None:
        """Put marked values into the personal fields of a record, at every level."""
        for field in fields_of(record):
            if field.note.personal:
                assert field.kind is not None
                made[field.json] = self.value(field.kind)
            elif field.record is not None:
                inner: Any = made.get(field.json)
                if inner is None or (field.repeated and not any(inner)):
                    inner = made[field.json] = [{}] if field.repeated else {}
                for element in inner if field.repeated else [inner]:
                    if element is not None:
                        self.mark(field.record, element)


def fill(sandbox: Sandbox, marks: Marks, only: Collection[str] = ()) -> None:
    """Fill the feeds that have personal data, or some of them; a second call writes other versions of the records.

    Each feed gets valid records, with members of the personal fields' names inside an unknown field, one rejected
    record for each personal field, and one record that is not valid JSON.
    """
    for feed in marked_feeds(sandbox.api, only):
        book, random = sandbox.book(feed.name), Random(feed.name)
        for place in range(RECORDS):
            number = book.reserve()
            made = valid_record(feed, random, number, identity=place)
            marks.mark(feed.record, made)
            made["fieldOfTomorrow"] = {name: marks.value(Kind.TEXT) for name in personal_names(tables_of(feed))}
            book.put(in_json(made), number=number)
        for place, raw in enumerate(_rejected(feed, random, marks)):
            number = book.reserve()
            book.put(raw.replace(b"%d", b"%d" % number), key=("rejected", str(place)), number=number)


def _rejected(feed: Feed, random: Random, marks: Marks) -> Iterator[bytes]:
    """Yield a record for each personal field that is rejected because of it, and one that is not valid JSON."""
    table = tables_of(feed)
    for place, column in enumerate(column for column in table.own_columns if column.personal):
        made = valid_record(feed, random, 0, identity=100 + place)
        holder = made
        for step in (column.path or ())[:-1]:
            holder[step] = dict(holder.get(step) or {})
            holder = holder[step]
        text = marks.value(Kind.TEXT)
        large = Decimal(f"9{DIGITS}000000.5")
        for wrong in [{text: text}] if column.kind is Kind.TEXT else [text, large]:
            holder[(column.path or ())[-1]] = wrong
            yield in_json({**made, "sequenceNumber": 0}).replace(b'"sequenceNumber":0', b'"sequenceNumber":%d')
    name = next(iter(personal_names(table)))
    yield b'{"sequenceNumber":%%d,"%s":"%s" oops}' % (name.encode(), marks.value(Kind.TEXT).encode())


@contextmanager
def marked(api: str = "suppliers", only: Collection[str] = ()) -> Iterator[tuple[Sandbox, Marks]]:
    """Return a sandbox with only those records, and the marked values."""
    with Sandbox(empty=True, api=api) as sandbox:
        marks = Marks()
        fill(sandbox, marks, only)
        yield sandbox, marks


def found_in(files: Mapping[Path, bytes]) -> list[str]:
    """Return the names of the files that contain a marked value."""
    marks = (MARK.encode(), DIGITS.encode())
    return sorted(path.name for path, content in files.items() if any(mark in content for mark in marks))
