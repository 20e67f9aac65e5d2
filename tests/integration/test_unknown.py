"""What the catalogue does not know is remembered until it does."""

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

ROWS = "SELECT account, feed, kind, name, seen FROM sync.unknown ORDER BY ALL"


@pytest.fixture
def things(tmp_path: Path) -> ThingWarehouse:
    """An empty warehouse for things."""
    return ThingWarehouse(tmp_path / "w.duckdb").create()


def unknown(things: ThingWarehouse, table: Table = TABLE) -> list[tuple[str, str]]:
    """Names and types or values that the catalogue does not know."""
    with things.warehouse.reading() as connection:
        return [(one.name, one.seen) for one in still_unknown(connection, table)]


def test_nothing_is_written_where_all_is_known(things: ThingWarehouse) -> None:
    """Also not for fields that are known and have no column."""
    things.store(thing('"word":"a","colour":"RED","branches":[{"thingId":"x"}]'))

    assert things.rows(ROWS) == []


def test_fields_are_remembered_by_their_way(things: ThingWarehouse) -> None:
    """With their type, for each account, also within arrays."""
    things.store(thing('"fresh":1,"part":{"scent":"sweet"},"branches":[{"leaves":[{"shape":"round"}]}]'))
    things.store(thing('"fresh":2'), account="south")

    assert things.rows(ROWS) == [
        ("main", "things.things", "field", "branches[].leaves[].shape", "string"),
        ("main", "things.things", "field", "fresh", "int64"),
        ("main", "things.things", "field", "part.scent", "string"),
        ("south", "things.things", "field", "fresh", "int64"),
    ]


def test_values_of_enumerations_are_remembered(things: ThingWarehouse) -> None:
    """Each by its column, also those of lists."""
    things.store(thing('"colour":"BLUE","colours":["RED","PINK"]'), thing('"colour":"GREEN"', 2, B))

    assert unknown(things) == [
        ("things.things.colour", "BLUE"),
        ("things.things.colour", "GREEN"),
        ("things.things.colours", "PINK"),
    ]


def test_what_comes_again_is_one_row(things: ThingWarehouse) -> None:
    """Its last day moves, its first one stays; a field keeps the type that it was last seen with."""
    first = things.store(thing('"fresh":1,"colour":"BLUE"')).committed_at
    last = things.store(thing('"fresh":"one","colour":"BLUE"', 2)).committed_at

    rows = things.rows("SELECT kind, seen, first_seen, last_seen FROM sync.unknown ORDER BY kind")
    assert rows == [("field", "string", first, last), ("value", "BLUE", first, last)]


def test_ids_in_the_place_of_names_do_not_pile_up(things: ThingWarehouse) -> None:
    """However many batches bring others; the object that holds them is one field."""
    for batch in range(15):
        ids = ",".join(f'"{batch:04x}-{one:04x}":{one}' for one in range(60))
        things.store(thing(f'{ids},"byId":{{{ids}}}', batch + 1))

    fields = things.values("SELECT name FROM sync.unknown WHERE kind = 'field'")
    assert "byId" in fields
    assert len(fields) <= FIELDS_A_FEED + MOST_UNKNOWN


def test_a_batch_that_fails_leaves_nothing(things: ThingWarehouse) -> None:
    """It is written in the batch's transaction."""
    things.change("DROP TABLE sync.windows")
    things.change("CREATE VIEW sync.windows AS SELECT now() AS committed_at")

    with pytest.raises(Exception, match=r"to_sequence_number|windows"):
        things.store(thing('"fresh":1'))

    assert things.rows(ROWS) == []


def test_free_text_in_place_of_a_value_does_not_flood_it(things: ThingWarehouse) -> None:
    """A batch adds so many values of a column at most, and cuts long ones."""
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
def test_a_newer_catalogue_ends_it(things: ThingWarehouse, members: str, known: dict[str, Any]) -> None:
    """The row stays, and no longer counts, once the catalogue knows the field or the value."""
    things.store(thing(members))
    columns = [column for column in TABLE.columns if column.name != known.get("name")]
    newer = replace(TABLE, columns=(*columns, replace(TABLE.by_name["colour"], **{"name": "fresh", **known})))

    assert (len(unknown(things)), unknown(things, newer)) == (1, [])


def test_a_field_within_an_array_is_known_by_its_child_table(things: ThingWarehouse) -> None:
    """The ways of nested arrays are compared as a whole."""
    things.store(thing('"branches":[{"leaves":[{"shape":"round"}],"leaf":1}]'))
    branches = TABLE.children[0]
    leaves = branches.children[0]
    shape = replace(leaves.by_name["word"], name="shape", path=("shape",))
    grown = replace(leaves, columns=(*leaves.columns, shape))
    newer = replace(TABLE, children=(replace(branches, children=(grown,)),))

    assert unknown(things, newer) == [("branches[].leaf", "int64")]


def test_moments_are_told(things: ThingWarehouse) -> None:
    """When it was first and last served."""
    moment = things.store(thing('"fresh":1')).committed_at

    with things.warehouse.reading() as connection:
        (one,) = still_unknown(connection, TABLE)

    assert (one.account, one.kind) == ("main", "field")
    assert one.first_seen == one.last_seen == moment
    assert isinstance(one.first_seen, dt.datetime)
