"""A record that cannot be stored is kept with its reason until it heals, and the last good row stays meanwhile."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any, cast

import duckdb
import pytest

from pipelines.catalogue.tables import tables_of
from pipelines.normalize import Rejected
from pipelines.warehouse.file.connection import transaction
from pipelines.warehouse.load.cursors import FeedPart
from pipelines.warehouse.load.rejected_records import keep, resolve_stored, resolve_vanished
from pipelines.warehouse.load.run_state import RunState
from tests.every_kind import THINGS, thing
from tests.moments import real_now
from tests.thing_warehouse import A, B, ThingWarehouse, word

PART = FeedPart("main", THINGS.name)
KEYLESS = b'{"thingId":"x","sequenceNumber":%d,"word":"keyless"}'


@pytest.fixture
def things(tmp_path: Path) -> ThingWarehouse:
    """An empty warehouse for things."""
    return ThingWarehouse(tmp_path / "w.duckdb").create()


def wrong(value: str, number: int, identity: str = A) -> bytes:
    """A thing with a count that is no number."""
    return thing(f'"count":"{value}"', number, identity)


def listed(things: ThingWarehouse, columns: str = "key, sequence_number, resolved_at IS NULL") -> list[tuple[Any, ...]]:
    """Rejected records, ordered by number."""
    return things.rows(f"SELECT {columns} FROM sync.rejected_records ORDER BY sequence_number, key")


def times(things: ThingWarehouse) -> tuple[dt.datetime, dt.datetime]:
    """When the only rejected record was first and last seen."""
    ((first, last),) = listed(things, "first_seen, last_seen")
    return first, last


def test_a_rejected_record_is_kept_with_all_that_is_known_of_it(things: ThingWarehouse) -> None:
    """Account, feed, key, payload, reason, number and moments."""
    stored = things.store(wrong("many", 5))

    columns = "account, feed, key, payload, reason, sequence_number, first_seen, last_seen, resolved_at"
    assert listed(things, columns) == [
        (
            "main",
            "things.things",
            A,
            wrong("many", 5).decode(),
            "count: expected a number, got 'many'",
            5,
            stored.committed_at,
            stored.committed_at,
            None,
        )
    ]
    assert stored.rejected == 1


def test_there_is_one_open_row_for_a_key(things: ThingWarehouse) -> None:
    """It tells the newest payload, reason and number; last_seen moves, first_seen does not."""
    things.store(wrong("many", 5))
    first, _ = times(things)

    things.store(wrong("few", 8))

    assert listed(things, "sequence_number, reason") == [(8, "count: expected a number, got 'few'")]
    assert times(things)[0] == first < times(things)[1]


def test_there_is_one_open_row_for_a_number_without_a_key(things: ThingWarehouse) -> None:
    """Another number is another record."""
    things.store(KEYLESS % 5)
    things.store(KEYLESS % 5, KEYLESS % 6)

    assert listed(things) == [(None, 5, True), (None, 6, True)]


def test_there_is_one_open_row_for_a_payload_without_key_and_number(things: ThingWarehouse) -> None:
    """However often it is served."""
    for _ in range(2):
        things.store(b"{}", b'{"a":1}', b"{}")

    assert sorted(listed(things, "payload")) == [('{"a":1}',), ("{}",)]


def test_of_one_record_that_is_rejected_twice_in_a_batch_the_last_counts(things: ThingWarehouse) -> None:
    """One row, with the later reason."""
    things.store(wrong("many", 5), wrong("few", 6))

    assert listed(things, "sequence_number, reason") == [(6, "count: expected a number, got 'few'")]


def test_a_payload_that_is_no_text_is_kept_readable(things: ThingWarehouse) -> None:
    """Its bytes are written as escapes."""
    things.store(b'{"thingId":"\xff"}')

    assert listed(things, "payload") == [('{"thingId":"\\xff"}',)]


def test_the_last_good_row_stays(things: ThingWarehouse) -> None:
    """With its children, and its version stays the newest."""
    things.store(thing('"word":"good","branches":[{}]', 3))

    things.store(wrong("many", 5))

    assert things.rows("SELECT word, sequence_number FROM things.things") == [("good", 3)]
    assert things.values("SELECT count(*) FROM things.thing_branches") == [1]
    assert things.rows("SELECT word, is_current FROM history.things") == [("good", True)]


@pytest.mark.parametrize("number", [5, 9])
def test_a_valid_version_resolves_it(things: ThingWarehouse, number: int) -> None:
    """Under the same number or a higher one."""
    things.store(wrong("many", 5))

    stored = things.store(word("healed", number))

    assert listed(things, "resolved_at") == [(stored.committed_at,)]
    assert things.values("SELECT word FROM things.things") == ["healed"]


def test_an_older_valid_version_does_not(things: ThingWarehouse) -> None:
    """It is stored, but what came after it is still wrong."""
    things.store(wrong("many", 5))

    things.store(word("older", 3))

    assert listed(things) == [(A, 5, True)]
    assert things.values("SELECT word FROM things.things") == ["older"]


def test_both_versions_of_one_batch_are_weighed(things: ThingWarehouse) -> None:
    """A newer valid one resolves at once, an older one does not."""
    things.store(wrong("many", 5), word("newer", 6))
    things.store(wrong("many", 5, B), word("older", 4, B))

    assert sorted(listed(things)) == [(A, 5, False), (B, 5, True)]


def test_a_record_without_a_key_is_resolved_by_its_number(things: ThingWarehouse) -> None:
    """When a valid record stands there."""
    things.store(KEYLESS % 5, KEYLESS % 6)

    things.store(word("healed", 5))

    assert listed(things) == [(None, 5, False), (None, 6, True)]


def test_what_breaks_again_is_a_new_row(things: ThingWarehouse) -> None:
    """The resolved one stays as it was."""
    things.store(wrong("many", 5))
    things.store(word("healed", 5))

    things.store(wrong("few", 7))

    assert listed(things) == [(A, 5, False), (A, 7, True)]


def test_the_content_that_heals_is_a_version_like_any_other(things: ThingWarehouse) -> None:
    """The rejected one is not in the raw log."""
    things.store(word("good", 1))
    things.store(wrong("many", 5))
    things.store(word("healed", 5))

    assert things.rows("SELECT word, version FROM history.things ORDER BY version") == [("good", 1), ("healed", 2)]
    assert things.values("SELECT count(*) FROM raw.things") == [2]


def test_accounts_have_their_own(things: ThingWarehouse) -> None:
    """A valid version of one resolves nothing of another."""
    things.store(wrong("many", 5), account="one")
    things.store(wrong("many", 5), account="two")

    things.store(word("healed", 5), account="one")

    rows = things.rows("SELECT account, resolved_at IS NULL FROM sync.rejected_records ORDER BY 1")
    assert rows == [("one", False), ("two", True)]


def test_numbers_at_which_something_is_open_are_told_in_order(things: ThingWarehouse) -> None:
    """Each once, without those that are resolved, of other accounts, or without a number."""
    things.store(wrong("many", 9), KEYLESS % 5, wrong("many", 7, B), b"{}")
    things.store(KEYLESS % 3, account="other")
    things.store(word("healed", 7, B))

    with things.warehouse.reading() as connection:
        assert RunState.load(connection).rejected[PART.account, PART.feed] == [5, 9]


def test_what_stands_nowhere_any_more_is_resolved(things: ThingWarehouse) -> None:
    """The numbers that were asked for, of this account and feed alone."""
    things.store(wrong("many", 9), KEYLESS % 5, KEYLESS % 6)
    things.store(KEYLESS % 5, account="other")

    with things.warehouse.writing() as connection, transaction(connection):
        resolve_vanished(connection, PART, [5, 9], real_now())
        assert RunState.load(connection).rejected[PART.account, PART.feed] == [6]
        assert RunState.load(connection).rejected["other", THINGS.name] == [5]


class Explaining:
    """A connection that writes down how DuckDB goes about what changes the rejected records."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self.plans: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def execute(self, sql: str, parameters: dict[str, object]) -> duckdb.DuckDBPyConnection:
        """The same, explained before."""
        ((_, plan),) = self._connection.execute(f"EXPLAIN {sql}", parameters).fetchall()
        self.plans.append(plan)
        return self._connection.execute(sql, parameters)


def test_many_are_not_compared_with_each_other_one_by_one(things: ThingWarehouse) -> None:
    """A feed may change so that everything is rejected, and grow: each batch must cost what is in it."""
    moment = dt.datetime(2026, 11, 20, 9, tzinfo=dt.UTC)
    many = [Rejected(place, str(place), place, "wrong", "{}") for place in range(3000)]
    with things.warehouse.writing() as connection, transaction(connection):
        explaining = Explaining(connection)
        connection.execute(
            "CREATE TEMP TABLE verdicts AS SELECT uuid() AS thing_id, range AS sequence_number FROM range(3000)"
        )
        for _ in range(2):
            keep(cast("duckdb.DuckDBPyConnection", explaining), PART, many, moment)
            resolve_stored(cast("duckdb.DuckDBPyConnection", explaining), tables_of(THINGS), PART, moment, "verdicts")

    assert explaining.plans
    for plan in explaining.plans:
        assert "HASH_JOIN" in plan
        assert "NL_JOIN" not in plan
        assert "NESTED_LOOP_JOIN" not in plan
