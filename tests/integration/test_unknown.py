"""Schema drift: unknown fields and values are recorded until the catalogue contains them."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipelines.catalogue.tables import Table
from pipelines.normalize.arrow_reader import MOST_UNKNOWN
from pipelines.warehouse.load.schema_drift import FIELDS_A_FEED, LONGEST, VALUES_A_COLUMN, still_unknown
from tests.every_kind import TABLE, thing
from tests.thing_warehouse import A, B, ThingWarehouse

pytestmark = pytest.mark.both_kinds

ROWS = "SELECT account, feed, kind, name, seen FROM sync.unknown ORDER BY ALL"


@pytest.fixture
def things(tmp_path: Path) -> ThingWarehouse:
    """An empty warehouse for the feed of things."""
    return ThingWarehouse(tmp_path / "w.duckdb").create()


def unknown(things: ThingWarehouse, table: Table = TABLE) -> list[tuple[str, str]]:
    """Return the names and the types or values that the catalogue does not contain."""
    with things.warehouse.reading() as connection:
        return [(row.name, row.seen) for row in still_unknown(connection, table)]


def test_known_fields_are_not_recorded(things: ThingWarehouse) -> None:
    """Known fields are not recorded, also those without a column."""
    things.store(thing('"word":"a","colour":"RED","branches":[{"thingId":"x"}]'))

    assert things.rows(ROWS) == []


def test_unknown_fields_are_recorded_with_their_path(things: ThingWarehouse) -> None:
    """Unknown fields are recorded with path and type for each account, also within arrays."""
    things.store(thing('"fresh":1,"part":{"scent":"sweet"},"branches":[{"leaves":[{"shape":"round"}]}]'))
    things.store(thing('"fresh":2'), account="south")

    assert things.rows(ROWS) == [
        ("main", "things.things", "field", "branches[].leaves[].shape", "string"),
        ("main", "things.things", "field", "fresh", "int64"),
        ("main", "things.things", "field", "part.scent", "string"),
        ("south", "things.things", "field", "fresh", "int64"),
    ]


def test_unknown_enumeration_values_are_recorded(things: ThingWarehouse) -> None:
    """Unknown enumeration values are recorded by column, also those in lists."""
    things.store(thing('"colour":"BLUE","colours":["RED","PINK"]'), thing('"colour":"GREEN"', 2, B))

    assert unknown(things) == [
        ("things.things.colour", "BLUE"),
        ("things.things.colour", "GREEN"),
        ("things.things.colours", "PINK"),
    ]


def test_a_repeated_field_or_value_has_one_row(things: ThingWarehouse) -> None:
    """A field or value that is served again updates ``last_seen`` and the type of its row."""
    first = things.store(thing('"fresh":1,"colour":"BLUE"')).committed_at
    last = things.store(thing('"fresh":"one","colour":"BLUE"', 2)).committed_at

    rows = things.rows("SELECT kind, seen, first_seen, last_seen FROM sync.unknown ORDER BY kind")
    assert rows == [("field", "string", first, last), ("value", "BLUE", first, last)]


@pytest.mark.slow
def test_ids_used_as_field_names_are_limited(things: ThingWarehouse) -> None:
    """The number of fields per feed is limited; an object with ids as names counts as one field."""
    for batch in range(15):
        ids = ",".join(f'"{batch:04x}-{index:04x}":{index}' for index in range(60))
        things.store(thing(f'{ids},"byId":{{{ids}}}', batch + 1))

    fields = things.values("SELECT name FROM sync.unknown WHERE kind = 'field'")
    assert "byId" in fields
    assert len(fields) <= FIELDS_A_FEED + MOST_UNKNOWN


def test_a_failed_batch_records_nothing(things: ThingWarehouse) -> None:
    """Unknown fields are recorded in the transaction of the batch."""
    things.change("DROP TABLE sync.windows")
    things.change("CREATE VIEW sync.windows AS SELECT now() AS committed_at")

    with pytest.raises(Exception, match=r"to_sequence_number|windows"):
        things.store(thing('"fresh":1'))

    assert things.rows(ROWS) == []


def test_free_text_instead_of_an_enumeration_is_limited(things: ThingWarehouse) -> None:
    """The number of values per column and batch is limited, and long values are cut."""
    many = [thing(f'"colour":"{"x" * 99}{place}"', place, f"{A[:-3]}{place:03}") for place in range(1, 5)]
    more = [thing(f'"colour":"{place} x"', place, f"{A[:-3]}{place:03}") for place in range(100, 300)]

    things.store(*many, *more, ends=300)

    seen = things.values("SELECT seen FROM sync.unknown")
    assert len(seen) == len(set(seen)) == VALUES_A_COLUMN
    assert max(map(len, seen)) <= LONGEST


@pytest.mark.parametrize(
    ("members", "known"),
    [
        ('"fresh":1', {"path": ("fresh",)}),
        ('"fresh":{"leaf":1}', {"path": ("fresh", "leaf")}),
        ('"colour":"BLUE"', {"name": "colour", "values": ("BLUE", "RED", "WHITE")}),
        ('"colour":"BLUE"', {"name": "colour", "values": ()}),
    ],
    ids=["a field", "an object", "a value", "an enumeration that became free text"],
)
def test_a_newer_catalogue_resolves_it(things: ThingWarehouse, members: str, known: dict[str, Any]) -> None:
    """The row stays, but it no longer counts as unknown once the catalogue contains the field or value."""
    things.store(thing(members))
    columns = [column for column in TABLE.columns if column.name != known.get("name")]
    newer = replace(TABLE, columns=(*columns, replace(TABLE.by_name["colour"], **{"name": "fresh", **known})))

    assert (len(unknown(things)), unknown(things, newer)) == (1, [])


def test_a_field_within_an_array_is_resolved_by_its_child_table(things: ThingWarehouse) -> None:
    """Paths within nested arrays are compared as a whole."""
    things.store(thing('"branches":[{"leaves":[{"shape":"round"}],"leaf":1}]'))
    branches = TABLE.children[0]
    leaves = branches.children[0]
    shape = replace(leaves.by_name["word"], name="shape", path=("shape",))
    grown = replace(leaves, columns=(*leaves.columns, shape))
    newer = replace(TABLE, children=(replace(branches, children=(grown,)),))

    assert unknown(things, newer) == [("branches[].leaf", "int64")]


def test_times_are_returned(things: ThingWarehouse) -> None:
    """The times at which a field was first and last served are returned."""
    moment = things.store(thing('"fresh":1')).committed_at

    with things.warehouse.reading() as connection:
        (row,) = still_unknown(connection, TABLE)

    assert (row.account, row.kind) == ("main", "field")
    assert row.first_seen == row.last_seen == moment
    assert isinstance(row.first_seen, dt.datetime)
