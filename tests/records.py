"""Random records of any feed of the catalogue: valid ones as Floriday serves them, and malformed ones.

They follow from a seeded ``Random``, so that failures can be repeated. ``pipelines.normalize`` is not used here.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from random import Random
from typing import Any
from uuid import UUID

from hypothesis import strategies as st

from pipelines.catalogue.tables import Path, Table, tables_of
from pipelines.catalogue.types import Feed, Field, Kind, Record, Source, fields_of

JsonObject = dict[str, Any]
"""A record as Python values; numbers are ``int`` or ``Decimal``, never ``float``."""

TEXTS = (
    "Rosa gr Avalanche+",
    "Blauwe Hyacinth – 12 cm",
    'She said "ja"; \\ / done',
    "Ørsted \U0001f337 花",
    " kept as it came ",
    "line\nbreak\tand tab",
    "nul \u0000 within",
    "",
    "   ",
    "\u2003\u00a0",
    "12.5",
    "true",
    "DELETED",
    "null",
)
DECIMALS = (
    "0",
    "-0",
    "1.5",
    "0.1",
    "12.345678",
    "0.1234565",
    "-0.0000005",
    "0.12345649999999999",
    "1.5E-7",
    "1e3",
    "-98200.00",
    "999999999999.999999",
    "0.123456789012345678901234567890",
)
FRACTIONS = ("", ".5", ".000", ".123456", ".1234567", ".9999999")
ZONES = ("Z", "z", "", "+02:00", "-0530", "+00:00", "+01")

_NASTY_TEXTS = r"""
    null "" "\u0020\u0020" "\u2003" true false 0 5.0 -1 1e3 5.5 2147483648 -2147483649 99999999999999999999 "5" "12.5"
    "many" 0.1234565 -0.0000005 1.5E-7 1e-400 999999999999.9999995 1e12 1e400 -0 -0.0 123456789012.123456
    12345678901234567890.5 0.30000000000000004 "1e5" ".5" "+5" "\u00207" "5." "1_000" "\u0665" 01 .5 +1
    "00000000-0000-0000-0000-000000000000" "8BB25702-90f6-4123-d59c-08dc1b2a061e" "8bb2570290f64123d59c08dc1b2a061e"
    "{8bb25702-90f6-4123-d59c-08dc1b2a061e}" "8bb25702-90f6-4123-d59c-08dc1b2a061e\n" "x" "2026-01-02" "2026-02-30"
    "2026-01-02T03:04:05Z" "2026-01-02T03:04:05.1234567Z" "2026-01-02t03:04:05z" "2026-01-02T03:04:05+02"
    "2026-01-02T03:04:05-0530" "2026-01-02T24:00:00Z" "2026-01-02T03:04:60Z" "2026-01-02\u002003:04:05"
    "0000-01-01T00:00:00Z" "0001-01-01T00:30:00+02:00" "9999-12-31T23:59:59.9999999Z" "9999-12-31T23:30:00-02:00"
    "10000-01-01T00:00:00Z" "2026-01-02T03:04:05" "2026-01-02T03:04Z" "2026-01-02T03:04:05.Z" "2026-1-2" "20260102"
    "1969-12-31T23:59:59.9999999Z" {} [] [null] [{}] [[]] [1,"a"] {"a":[1]} "\ud800" "\ud83d\ude00\u0000" NaN Infinity
    "é☃" "DELETED"
    """
NASTY = tuple(_NASTY_TEXTS.split())
"""Texts to put in place of any JSON value of a record; some of them are not valid JSON."""

SKIP_PROBABILITY = 0.12
"""Probability that an optional field is omitted, and probability that it is null."""


def feed_named(feeds: Iterable[Feed], name: str) -> Feed:
    """Return the feed with the name ``schema.table``."""
    return next(feed for feed in feeds if feed.name == name)


def valid_record(feed: Source, random: Random, number: int, identity: int | None = None) -> JsonObject:
    """Return a record that the warehouse must accept, with present, absent and null fields in every notation.

    Args:
        feed: feed of the record.
        random: source of the random choices.
        number: sequence number of the record.
        identity: records with the same identity have the same key; None makes a new key.
    """
    table = tables_of(feed)
    whole = random.random() < 0.25
    record = _record(feed.record, random, 0.0 if whole else SKIP_PROBABILITY)
    known = random.getrandbits(60) if identity is None else identity
    for place, name in enumerate(table.key[1:]):
        column = table.by_name[name]
        _put(record, column.path or (), _key_value(column.kind, known + place))
    if "sequence_number" in table.by_name:
        record["sequenceNumber"] = number
    names = list(record)
    if random.random() < 0.3:
        random.shuffle(names)
    return {name: record[name] for name in names}


def valid_records(feed: Source, seed: int, count: int, first_number: int = 1) -> list[JsonObject]:
    """Return records with different keys and ascending numbers with gaps."""
    random, number, records = Random(f"{feed.name} {seed}"), first_number, []
    for _ in range(count):
        records.append(valid_record(feed, random, number))
        number += random.choice((1, 1, 2, 7, 1000))
    return records


def renumbered(record: JsonObject, number: int) -> JsonObject:
    """Return the same content with another sequence number."""
    return {**record, "sequenceNumber": number}


def in_json(record: Any) -> bytes:
    """Return a record as JSON bytes, as in the ``results`` of a page."""
    return _written(record).encode()


def nasty_record(feed: Feed, random: Random, number: int, nastiness: float) -> bytes:
    """Return a record in which each value is malformed, duplicated or unknown with the given probability."""
    text = _written(valid_record(feed, random, number), random, nastiness)
    raw = text.encode()
    if random.random() < nastiness:
        place = random.randrange(len(raw) + 1)
        raw = raw[:place] + b"\xff" + raw[place:]
    return raw


def nasty_records(feed: Feed, seed: int, count: int) -> list[bytes]:
    """Return records with different shares of malformed values."""
    random = Random(f"{feed.name} {seed} nasty")
    return [nasty_record(feed, random, place + 1, random.choice((0, 0.002, 0.01, 0.05))) for place in range(count)]


def page_of(records: Sequence[bytes], maximum: int | None = None) -> bytes:
    """Return the response of a sync operation; without a maximum it has that of its records."""
    if maximum is None:
        maximum = max((int(json.loads(record)["sequenceNumber"]) for record in records), default=0)
    return b'{"maximumSequenceNumber":%d,"results":[%s]}' % (maximum, b",".join(records))


def seeds() -> st.SearchStrategy[int]:
    """Seeds for the functions above."""
    return st.integers(min_value=0, max_value=2**32)


def _record(record: type[Record], random: Random, skipping: float) -> JsonObject:
    made: JsonObject = {}
    for member in fields_of(record):
        chance = random.random()
        if chance < skipping:
            continue
        made[member.json] = None if chance < 2 * skipping else _member(member, random, skipping)
    return made


def _member(member: Field, random: Random, skipping: float) -> Any:
    if not member.repeated:
        return _element(member, random, skipping)
    values = [_element(member, random, skipping) for _ in range(random.choice((0, 1, 1, 2, 3)))]
    if values and random.random() < skipping / 2:
        values[random.randrange(len(values))] = None
    return values


def _element(member: Field, random: Random, skipping: float) -> Any:
    if member.record is not None:
        return _record(member.record, random, skipping)
    assert member.kind is not None
    if member.values and random.random() < 0.95:
        return random.choice(member.values)
    return _scalar(member.kind, random)


def _scalar(kind: Kind, random: Random) -> Any:
    return _SCALARS[kind](random)


def _date(random: Random) -> str:
    return f"{_day(random)}{random.choice(('', '', 'T00:00:00Z'))}"


def _date_time(random: Random) -> str:
    clock = dt.time(random.randrange(24), random.randrange(60), random.randrange(60))
    return f"{_day(random)}T{clock}{random.choice(FRACTIONS)}{random.choice(ZONES)}"


def _uuid(random: Random) -> str:
    if random.random() < 0.03:
        return random.choice(("", "00000000-0000-0000-0000-000000000000"))
    text = str(UUID(int=random.getrandbits(128)))
    return text.upper() if random.random() < 0.1 else text


def _day(random: Random) -> dt.date:
    day = dt.date(2026, 1, 1) + dt.timedelta(days=random.randrange(-400, 400))
    return random.choice((day, day, day, day, dt.date(1969, 12, 31), dt.date(2, 1, 1), dt.date(9998, 12, 31)))


_SCALARS: dict[Kind, Callable[[Random], Any]] = {
    Kind.UUID: _uuid,
    Kind.DATE: _date,
    Kind.DATE_TIME: _date_time,
    Kind.INT32: lambda random: random.choice((0, 1, 120, -98200, 2**31 - 1, -(2**31), random.randrange(10_000))),
    Kind.INT64: lambda random: random.choice((0, 9110008000001, 2**63 - 1, -(2**63), random.getrandbits(40))),
    Kind.DECIMAL: lambda random: Decimal(random.choice((*DECIMALS, f"{random.uniform(0, 100):.2f}"))),
    Kind.BOOLEAN: lambda random: random.random() < 0.3,
    Kind.TEXT: lambda random: random.choice((*TEXTS, f"text {random.randrange(1000)}")),
}


def _key_value(kind: Kind, identity: int) -> Any:
    """Return a value that is never nil, and different for each identity."""
    match kind:
        case Kind.UUID:
            return str(UUID(int=(identity + 1) * 0x9E3779B97F4A7C15F39CC0605CEDC835 % 2**128))
        case Kind.INT32 | Kind.INT64:
            return identity % 2**31
        case Kind.DATE:
            return str(dt.date(2020, 1, 1) + dt.timedelta(days=identity % 10_000))
        case _:
            return f"key {identity}"


def _put(record: JsonObject, path: Path, value: Any) -> None:
    for step in path[:-1]:
        if not isinstance(record.get(step), dict):
            record[step] = {}
        record = record[step]
    record[path[-1]] = value


def _written(value: Any, random: Random | None = None, nastiness: float = 0.0) -> str:
    """Return JSON text; with a nastiness, some of its values are malformed."""
    if random and random.random() < nastiness:
        return random.choice(NASTY)
    if isinstance(value, Mapping):
        members = [f"{json.dumps(name)}:{_written(inner, random, nastiness)}" for name, inner in value.items()]
        return _braced(members, random, nastiness)
    if isinstance(value, list):
        return f"[{','.join(_written(inner, random, nastiness) for inner in value)}]"
    return str(value) if isinstance(value, Decimal) else json.dumps(value, ensure_ascii=False)


def _braced(members: list[str], random: Random | None, nastiness: float) -> str:
    if random and members and random.random() < nastiness:
        members = [*members, random.choice(members)]
    if random and random.random() < nastiness:
        members = [f'"aFieldOfTomorrow": {random.choice(NASTY)}', *members]
    comma = ",\n  " if random and random.random() < nastiness else ","
    return f"{{{comma.join(members)}}}"


def tables_by_feed(feeds: Iterable[Feed]) -> dict[str, Table]:
    """Return the table of each feed by the feed's name."""
    return {feed.name: tables_of(feed) for feed in feeds}
