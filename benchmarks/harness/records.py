"""Generate millions of records of a feed: a file with all records, and the offset of each.

Keys, numbers, times, texts and arrays differ from record to record; a third of the records lacks some fields. All
values are made up and repeat more than real ones, so that files compress better than real ones.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from harness.rows import key_of
from pipelines.catalogue import catalogue_of
from pipelines.catalogue.tables import tables_of
from pipelines.catalogue.types import Feed, Field, Kind, Record, fields_of

FIRST = 220_000_000
"""The first sequence number. The next ones rise in steps of three, because other feeds and accounts use the others."""

STEP = 3
SHAPES = 96
"""Number of different layouts of a record: which fields exist, and how many members arrays have."""

ARRAYS = (0, 1, 1, 2)
MISSING = ("delivery", "customerOrganization", "remarks", "description", "packingConfiguration", "supplyLineId")


@dataclass(frozen=True)
class RecordFile:
    """Records on disk.

    Args:
        path: file of the records, each followed by a comma.
        offsets: start of each record in the file, and the end of the last one.
        numbers: sequence numbers of the records, ascending.
    """

    path: Path
    offsets: np.ndarray
    numbers: np.ndarray


def feed_of(name: str = "orders.sales_orders") -> Feed:
    """A feed of the Suppliers API."""
    source = catalogue_of("suppliers").source(name)
    assert isinstance(source, Feed)
    return source


def write_records(folder: Path, feed: Feed, records: int, changes: int = 0) -> RecordFile:
    """Write records to a folder, followed by changed versions of some of them; an existing file is reused.

    Args:
        folder: folder of the files.
        feed: feed whose records are generated.
        records: number of different records to write.
        changes: number of records that follow again, changed.
    """
    path = folder / f"{feed.name}.{records}.{changes}.json"
    count = records + changes
    numbers = FIRST + STEP * np.arange(count, dtype=np.int64)
    offsets_path = path.with_suffix(".npy")
    if not offsets_path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        shapes, table = Shapes(feed), tables_of(feed)
        identities = [*range(records), *random.Random(1).sample(range(records), changes)]
        offsets = [0]
        with path.open("wb") as file:
            for index, identity in enumerate(identities):
                changed = index >= records
                text = shapes.record(identity, key_of(table, identity), int(numbers[index]), changed=changed)
                offsets.append(offsets[-1] + file.write(text + b","))
        np.save(offsets_path, np.array(offsets, dtype=np.int64))
    return RecordFile(path, np.load(offsets_path), numbers)


class Shapes:
    """Generates records of a feed in all layouts.

    Args:
        feed: feed whose records are generated.
    """

    def __init__(self, feed: Feed) -> None:
        self._shapes = [_Shape(feed, random.Random(index)) for index in range(SHAPES)]

    def record(self, identity: int, key: str, number: int, *, changed: int) -> bytes:
        """Generate a record.

        Args:
            identity: number of the record, counted from 0.
            key: key of the record.
            number: sequence number of the record.
            changed: number of changes; records with the same identity differ when it differs.
        """
        return self._shapes[identity % SHAPES].record(key, number, changed=changed)


class _Shape:
    """A layout of a record, with placeholders for values that differ from record to record."""

    def __init__(self, feed: Feed, chance: random.Random) -> None:
        self._chance = chance
        self._key = {_json_name(feed, name) for name in feed.key}
        document = self._document(feed.record, top=True)
        if chance.random() < 1 / 3:
            document = {name: value for name, value in document.items() if name in self._key or name not in MISSING}
        text = json.dumps(document, separators=(",", ":")).replace("%", "%%")
        for placeholder, text_format in _PLACEHOLDERS.items():
            text = text.replace(f'"{placeholder}"', text_format)
        self._text = text.encode()

    def record(self, key: str, number: int, *, changed: int) -> bytes:
        """Generate one record."""
        digits = key.replace("-", "")
        mixed = int(digits, 16)
        return self._text % {
            b"key": key.encode(),
            b"number": number,
            b"uuid": f"{digits[4:12]}-{digits[2:6]}-4{digits[7:10]}-a{digits[11:14]}-{digits[18:30]}".encode(),
            b"pieces": 12 + mixed % 5000 + changed,
            b"money": b"%d.%02d" % (mixed % 90, mixed % 89),
            b"moment": b"2026-%02d-%02dT%02d:%02d:%02d.%03dZ"
            % (1 + mixed % 11, 1 + mixed % 27, mixed % 24, mixed % 59, mixed % 58, mixed % 997),
            b"text": b"text %d" % (mixed % 3001),
        }

    def _document(self, record: type[Record], *, top: bool = False) -> dict[str, Any]:
        return {item.json: self._value(item, top=top) for item in fields_of(record)}

    def _value(self, item: Field, *, top: bool) -> Any:
        if top and item.json == "sequenceNumber":
            return "PLACEHOLDER number"
        if top and item.json in self._key:
            return "PLACEHOLDER key"
        if not item.repeated:
            return self._one(item)
        return [self._one(item) for _ in range(self._chance.choice(ARRAYS))]

    def _one(self, item: Field) -> Any:
        if item.record is not None:
            return self._document(item.record)
        if item.values:
            return self._chance.choice(item.values)
        return self._scalar(item.kind)

    def _scalar(self, kind: Kind | None) -> Any:
        differs = self._chance.random() < 0.4
        made: dict[Kind | None, tuple[Any, Any]] = {
            Kind.UUID: ("PLACEHOLDER uuid", f"{self._chance.getrandbits(32):08x}-8a1c-4bfc-9d27-{'7c' * 6}"),
            Kind.TEXT: ("PLACEHOLDER text", f"a text of some length, number {self._chance.randrange(40)}"),
            Kind.DATE_TIME: ("PLACEHOLDER moment", f"2026-0{self._chance.randrange(1, 9)}-11T06:00:00Z"),
            Kind.DATE: ("2026-11-20", "2026-11-21"),
            Kind.INT32: ("PLACEHOLDER pieces", self._chance.randrange(500)),
            Kind.INT64: ("PLACEHOLDER pieces", self._chance.randrange(10**10)),
            Kind.DECIMAL: ("PLACEHOLDER money", round(self._chance.random() * 10, 3)),
            Kind.BOOLEAN: (True, False) if self._chance.random() < 0.1 else (False, False),
        }
        return made[kind][0 if differs else 1]


_PLACEHOLDERS = {
    "PLACEHOLDER key": '"%(key)s"',
    "PLACEHOLDER number": "%(number)d",
    "PLACEHOLDER uuid": '"%(uuid)s"',
    "PLACEHOLDER pieces": "%(pieces)d",
    "PLACEHOLDER money": "%(money)s",
    "PLACEHOLDER moment": '"%(moment)s"',
    "PLACEHOLDER text": '"%(text)s"',
}


def _json_name(feed: Feed, column: str) -> str:
    return next(item.json for item in fields_of(feed.record) if (item.note.column or item.name) == column)


def pages(file: RecordFile, size: int = 1000) -> Iterator[bytes]:
    """Yield the answers of the sync operation in order."""
    with file.path.open("rb") as stream:
        for first in range(0, len(file.numbers), size):
            last = min(first + size, len(file.numbers))
            stream.seek(int(file.offsets[first]))
            body = stream.read(int(file.offsets[last] - file.offsets[first]) - 1)
            yield b'{"maximumSequenceNumber":%d,"results":[%s]}' % (file.numbers[last - 1], body)
