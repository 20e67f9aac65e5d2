"""A test feed whose records have a field of every kind."""

from __future__ import annotations

from typing import Literal

from pipelines.catalogue.tables import tables_of
from pipelines.catalogue.types import (
    Boolean,
    Date,
    DateTime,
    Decimal,
    Feed,
    Int32,
    Int64,
    Record,
    Text,
    Uuid,
    field,
)
from pipelines.floriday.endpoints import Endpoint

THING_ID = "8bb25702-90f6-4123-8ccc-08dc1b2a061a"


class Part(Record):
    """The nested object of a thing."""

    word: Text | None = field("text")
    amount: Decimal | None = field("decimal")


class Leaf(Record):
    """An element of a branch's array."""

    word: Text = field("text")


class Branch(Record):
    """An element of a thing's array."""

    branch_id: Uuid = field("identifier")
    count: Int32 = field("count")
    leaves: list[Leaf] = field("leaves")
    thing_id: Uuid = field("the thing again", stored=False)


class Thing(Record):
    """A record with a field of every kind."""

    thing_id: Uuid = field("identifier")
    sequence_number: Int64 = field("number")
    word: Text = field("text")
    count: Int32 = field("32 bits")
    big: Int64 = field("64 bits")
    amount: Decimal = field("decimal")
    moment: DateTime = field("date-time")
    day: Date = field("date")
    flag: Boolean = field("boolean")
    other_id: Uuid = field("uuid")
    colour: Literal["RED", "WHITE"] = field("enumeration")
    part: Part = field("nested")
    words: list[Text] = field("texts")
    ids: list[Uuid] = field("uuids")
    counts: list[Int32] = field("counts")
    amounts: list[Decimal] = field("decimals")
    moments: list[DateTime] = field("date-times")
    colours: list[Literal["RED", "WHITE"]] = field("enumerations")
    branches: list[Branch] = field("branches", id="branch_id")
    is_deleted: Boolean = field("deleted")


THINGS = Feed("things", "things", Thing, ("thing_id",), Endpoint("/things"), scope="things:read")
"""A feed that exists in no API."""

TABLE = tables_of(THINGS)


def thing(members: str = "", number: int = 1, identity: str = THING_ID) -> bytes:
    """Return a thing with these additional members, as JSON text."""
    more = f",{members}" if members else ""
    return f'{{"thingId":"{identity}","sequenceNumber":{number}{more}}}'.encode()
