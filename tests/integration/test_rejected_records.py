"""A record that cannot be stored is kept with its reason until it becomes valid; its last valid row stays meanwhile."""

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
from pipelines.warehouse.load.rejected_records import (
    has_unidentified,
    keep,
    resolve_stored,
    resolve_unidentified,
    resolve_vacant,
)
from pipelines.warehouse.load.run_state import RunState
from tests.every_kind import THINGS, thing
from tests.moments import real_now
from tests.thing_warehouse import A, B, ThingWarehouse, word

pytestmark = pytest.mark.both_kinds

PART = FeedPart("main", THINGS.name)
KEYLESS = b'{"thingId":"x","sequenceNumber":%d,"word":"keyless"}'


@pytest.fixture
def things(tmp_path: Path) -> ThingWarehouse:
    """An empty warehouse for the feed of things."""
    return ThingWarehouse(tmp_path / "w.duckdb").create()


def wrong(value: str, number: int, identity: str = A) -> bytes:
    """Return a thing whose count is not a number."""
    return thing(f'"count":"{value}"', number, identity)


def listed(things: ThingWarehouse, columns: str = "key, sequence_number, resolved_at IS NULL") -> list[tuple[Any, ...]]:
    """Return the rejected records in ascending order of their numbers."""
    return things.rows(f"SELECT {columns} FROM sync.rejected_records ORDER BY sequence_number, key")


def times(things: ThingWarehouse) -> tuple[dt.datetime, dt.datetime]:
    """Return when the only rejected record was first and last seen."""
    ((first, last),) = listed(things, "first_seen, last_seen")
    return first, last


def test_a_rejected_record_is_kept_with_its_details(things: ThingWarehouse) -> None:
    """A rejected record is stored with account, feed, key, payload, reason, number and times."""
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


def test_a_key_has_one_open_row(things: ThingWarehouse) -> None:
    """A rejected record that is served again updates payload, reason, number and ``last_seen`` of its open row."""
    things.store(wrong("many", 5))
    first, _ = times(things)

    things.store(wrong("few", 8))

    assert listed(things, "sequence_number, reason") == [(8, "count: expected a number, got 'few'")]
    assert times(things)[0] == first < times(things)[1]


def test_a_number_without_a_key_has_one_open_row(things: ThingWarehouse) -> None:
    """Rejected records without a readable key have one open row for each sequence number."""
    things.store(KEYLESS % 5)
    things.store(KEYLESS % 5, KEYLESS % 6)

    assert listed(things) == [(None, 5, True), (None, 6, True)]


def test_a_payload_without_key_and_number_has_one_open_row(things: ThingWarehouse) -> None:
    """Rejected records without key and number have one open row for each payload."""
    for _ in range(2):
        things.store(b"{}", b'{"a":1}', b"{}")

    assert sorted(listed(things, "payload")) == [('{"a":1}',), ("{}",)]


def test_the_last_of_two_rejected_versions_in_a_batch_counts(things: ThingWarehouse) -> None:
    """Two rejected versions of a record in one batch make one row with the later reason."""
    things.store(wrong("many", 5), wrong("few", 6))

    assert listed(things, "sequence_number, reason") == [(6, "count: expected a number, got 'few'")]


def test_a_payload_that_is_not_utf_8_is_stored_with_escapes(things: ThingWarehouse) -> None:
    """Bytes of a payload that are not UTF-8 are stored as escapes."""
    things.store(b'{"thingId":"\xff"}')

    assert listed(things, "payload") == [('{"thingId":"\\xff"}',)]


def test_the_last_valid_row_stays(things: ThingWarehouse) -> None:
    """The row, its children and its newest version stay when a later version is rejected."""
    things.store(thing('"word":"good","branches":[{}]', 3))

    things.store(wrong("many", 5))

    assert things.rows("SELECT word, sequence_number FROM things.things") == [("good", 3)]
    assert things.values("SELECT count(*) FROM things.thing_branches") == [1]
    assert things.rows("SELECT word, is_current FROM history.things") == [("good", True)]


@pytest.mark.parametrize("number", [5, 9])
def test_a_valid_version_resolves_it(things: ThingWarehouse, number: int) -> None:
    """A valid version with the same number or a higher one resolves the rejected record."""
    things.store(wrong("many", 5))

    stored = things.store(word("healed", number))

    assert listed(things, "resolved_at") == [(stored.committed_at,)]
    assert things.values("SELECT word FROM things.things") == ["healed"]


def test_an_older_valid_version_does_not_resolve_it(things: ThingWarehouse) -> None:
    """An older valid version is stored, and the rejected record stays open."""
    things.store(wrong("many", 5))

    things.store(word("older", 3))

    assert listed(things) == [(A, 5, True)]
    assert things.values("SELECT word FROM things.things") == ["older"]


def test_versions_of_the_same_batch_are_compared(things: ThingWarehouse) -> None:
    """Within a batch a newer valid version resolves a rejected record, and an older one does not."""
    things.store(wrong("many", 5), word("newer", 6))
    things.store(wrong("many", 5, B), word("older", 4, B))

    assert sorted(listed(things)) == [(A, 5, False), (B, 5, True)]


def test_a_record_without_a_key_is_resolved_by_its_number(things: ThingWarehouse) -> None:
    """A rejected record without a key is resolved by a valid record with its number."""
    things.store(KEYLESS % 5, KEYLESS % 6)

    things.store(word("healed", 5))

    assert listed(things) == [(None, 5, False), (None, 6, True)]


def test_a_record_that_is_rejected_again_is_a_new_row(things: ThingWarehouse) -> None:
    """A record that is rejected after it was resolved gets a second row."""
    things.store(wrong("many", 5))
    things.store(word("healed", 5))

    things.store(wrong("few", 7))

    assert listed(things) == [(A, 5, False), (A, 7, True)]


def test_the_valid_content_is_the_next_version(things: ThingWarehouse) -> None:
    """The raw log and the history contain the valid versions only."""
    things.store(word("good", 1))
    things.store(wrong("many", 5))
    things.store(word("healed", 5))

    assert things.rows("SELECT word, version FROM history.things ORDER BY version") == [("good", 1), ("healed", 2)]
    assert things.values("SELECT count(*) FROM raw.things") == [2]


def test_accounts_have_separate_rejected_records(things: ThingWarehouse) -> None:
    """A valid version of one account resolves nothing of another account."""
    things.store(wrong("many", 5), account="one")
    things.store(wrong("many", 5), account="two")

    things.store(word("healed", 5), account="one")

    rows = things.rows("SELECT account, resolved_at IS NULL FROM sync.rejected_records ORDER BY 1")
    assert rows == [("one", False), ("two", True)]


def test_open_numbers_are_loaded_in_order(things: ThingWarehouse) -> None:
    """The run state has the open numbers of each account and feed once, in ascending order."""
    things.store(wrong("many", 9), KEYLESS % 5, wrong("many", 7, B), b"{}")
    things.store(KEYLESS % 3, account="other")
    things.store(word("healed", 7, B))

    with things.warehouse.reading() as connection:
        assert RunState.load(connection).rejected[PART.account, PART.feed] == [5, 9]


def test_records_that_no_longer_exist_are_resolved(things: ThingWarehouse) -> None:
    """The requested numbers of one account and feed are resolved, and no others."""
    things.store(wrong("many", 9), KEYLESS % 5, KEYLESS % 6)
    things.store(KEYLESS % 5, account="other")

    with things.warehouse.writing() as connection, transaction(connection):
        resolve_vacant(connection, PART, [5, 9], real_now())
        assert RunState.load(connection).rejected[PART.account, PART.feed] == [6]
        assert RunState.load(connection).rejected["other", THINGS.name] == [5]


def test_only_records_without_key_and_number_are_unidentified(things: ThingWarehouse) -> None:
    """Only the records of one account without key and number are resolved; 0 is not a number of a page."""
    things.store(wrong("many", 9), KEYLESS % 5, KEYLESS % 0, b"{}")
    stored = things.store(b"{}", account="other")

    with things.warehouse.writing() as connection, transaction(connection):
        assert has_unidentified(connection, PART)
        resolve_unidentified(connection, PART, real_now())
        assert not has_unidentified(connection, PART)
        assert has_unidentified(connection, FeedPart("other", THINGS.name))

    assert stored.unidentified == 1
    assert listed(things, "account, key, sequence_number, resolved_at IS NULL") == [
        ("main", None, 0, False),
        ("main", None, 5, True),
        ("main", A, 9, True),
        ("main", None, None, False),
        ("other", None, None, True),
    ]


class PlanRecorder:
    """A connection that records the query plan of each statement."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self.plans: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def execute(self, sql: str, parameters: dict[str, object] | None = None) -> duckdb.DuckDBPyConnection:
        """Record the plan of a statement with parameters, and execute it."""
        if parameters is None:
            return self._connection.execute(sql)
        ((_, plan),) = self._connection.execute(f"EXPLAIN (FORMAT json) {sql}", parameters).fetchall()
        self.plans.append(plan)
        return self._connection.execute(sql, parameters)


def test_many_rejected_records_are_compared_with_a_hash_join(things: ThingWarehouse) -> None:
    """Rejected records are compared with hash joins, so that the cost grows linearly with their number."""
    moment = dt.datetime(2026, 11, 20, 9, tzinfo=dt.UTC)
    rejected = [Rejected(place, str(place), place, "wrong", "{}") for place in range(3000)]
    with things.warehouse.writing() as connection, transaction(connection):
        recorder = PlanRecorder(connection)
        connection.execute(
            "CREATE TEMP TABLE verdicts AS SELECT uuid() AS thing_id, range AS sequence_number FROM range(3000)"
        )
        for _ in range(2):
            keep(cast("duckdb.DuckDBPyConnection", recorder), PART, rejected, moment)
            resolve_stored(cast("duckdb.DuckDBPyConnection", recorder), tables_of(THINGS), PART, moment, "verdicts")

    assert recorder.plans
    for plan in recorder.plans:
        assert "HASH_JOIN" in plan
        assert "NL_JOIN" not in plan
        assert "NESTED_LOOP_JOIN" not in plan
