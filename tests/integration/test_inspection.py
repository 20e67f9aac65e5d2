"""Integrity checks find and name duplicate keys, orphans and rows that differ from the raw log, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipelines.warehouse.read import integrity
from pipelines.warehouse.read.integrity import (
    Example,
    Finding,
    differs_from_raw,
    duplicate_keys,
    open_rejections,
    orphans,
    scope,
)
from tests.every_kind import TABLE, thing
from tests.thing_warehouse import A, B, C, ThingWarehouse, word

THINGS, BRANCHES, LEAVES = (part.qualified_name for part in TABLE.walk())
IN_B = f"account = 'north' AND thing_id = '{B}'"
NO_FINDING = Finding(0)


def branched(identity: str, number: int = 1, count: int = 1) -> bytes:
    """A thing with two branches, each with two leaves."""
    branches = [
        {
            "branchId": f"{identity[:-3]}{place:03}",
            "count": count,
            "leaves": [{"word": f"leaf {place}"}, {"word": "another"}],
        }
        for place in range(2)
    ]
    return thing(f'"word":"branched","branches":{json.dumps(branches)}', number, identity)


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A warehouse with three things in the account north, two of them in two versions, and one thing in south."""
    things = ThingWarehouse(tmp_path_factory.mktemp("stored") / "w.duckdb").create()
    things.store(branched(A, 1), branched(B, 2), word("bare", 3, C), account="north", ends=3, run="first")
    things.store(branched(A, 1), account="south", run="first")
    things.store(branched(B, 5, count=2), word("changed", 6, C), account="north", begins=3, ends=6, run="second")
    return things.path.read_bytes()


@pytest.fixture
def things(stored: bytes, tmp_path: Path) -> ThingWarehouse:
    """The warehouse, which the test may corrupt."""
    path = tmp_path / "w.duckdb"
    path.write_bytes(stored)
    return ThingWarehouse(path)


def findings_of(things: ThingWarehouse, run: str | None = None) -> dict[str, Finding]:
    """The findings of all checks by name, without those that find nothing."""
    with things.warehouse.reading() as connection:
        findings = {each.__name__: each(connection, TABLE, run) for each in (duplicate_keys, orphans, differs_from_raw)}
    return {name: each for name, each in findings.items() if each.count}


def finding(table: str, key: str, what: str, account: str = "north", count: int = 1) -> Finding:
    """A finding with one example."""
    return Finding(count, (Example(table, account, key, what),))


class TestConsistentTables:
    """Consistent tables have no findings."""

    def test_stored_records(self, things: ThingWarehouse) -> None:
        """Stored records, children, and two accounts with the same keys have no findings."""
        assert findings_of(things) == {}

    def test_an_empty_warehouse(self, tmp_path: Path) -> None:
        """An empty warehouse has no findings."""
        assert findings_of(ThingWarehouse(tmp_path / "w.duckdb").create()) == {}

    def test_a_renumbered_record(self, things: ThingWarehouse) -> None:
        """A record of which only the sequence number changed has no findings."""
        things.store(branched(A, 9), account="north", begins=6, ends=9)

        assert things.values(f"SELECT sequence_number FROM {THINGS} WHERE thing_id = '{A}' AND account = 'north'") == [
            9
        ]
        assert findings_of(things) == {}

    def test_a_restarted_series(self, things: ThingWarehouse) -> None:
        """After a restarted series, records with lower sequence numbers than their older versions have no findings."""
        things.store(branched(B, 1, count=2), word("new", 2, C), account="north", series=2, ends=2)

        assert things.values(f"SELECT max(sequence_number) FROM {THINGS} WHERE thing_id IN ('{B}', '{C}')") == [2]
        assert findings_of(things) == {}

    def test_corrected_rows(self, things: ThingWarehouse) -> None:
        """Rows that were changed by hand are corrected when their records are read again."""
        things.change(f"UPDATE {THINGS} SET word = 'by hand'")
        things.change(f"DELETE FROM {LEAVES}")

        things.store(branched(A, 1), branched(B, 5, count=2), word("changed", 6, C), account="north", ends=6)
        things.store(branched(A, 1), account="south")

        assert findings_of(things) == {}

    def test_rejected_records(self, things: ThingWarehouse) -> None:
        """A record whose newest version was rejected keeps its last valid row, without a finding."""
        things.store(thing('"count":"many"', 7, A), account="north", begins=6, ends=7)

        assert findings_of(things) == {}


class TestDuplicateKeys:
    """More than one row with a key is a finding."""

    def test_a_duplicate_row(self, things: ThingWarehouse) -> None:
        """A duplicate row is found with its account and key, and is no other finding."""
        things.change(f"INSERT INTO {THINGS} FROM {THINGS} WHERE thing_id = '{C}'")

        assert findings_of(things) == {"duplicate_keys": finding(THINGS, C, "2 rows")}

    @pytest.mark.parametrize("copies", [1, 2])
    def test_a_duplicate_child_row(self, things: ThingWarehouse, copies: int) -> None:
        """A duplicate child row is found with its position, and as a difference from its version."""
        things.change(
            f"INSERT INTO {LEAVES} SELECT l.* FROM {LEAVES} l, range({copies})"
            f" WHERE account = 'north' AND thing_id = '{A}' AND branch_position = 1 AND position = 0"
        )

        assert findings_of(things) == {
            "duplicate_keys": finding(LEAVES, f"{A}/1/0", f"{copies + 1} rows"),
            "differs_from_raw": finding(LEAVES, A, "the rows differ from those of its newest version"),
        }


class TestOrphans:
    """Child rows without a parent row are findings."""

    def test_rows_without_a_record(self, things: ThingWarehouse) -> None:
        """Child rows of a record that was never received are found in their table only."""
        things.change(f"INSERT INTO {BRANCHES} SELECT * REPLACE ('{B[:-1]}e' AS thing_id) FROM {BRANCHES} LIMIT 1")

        assert findings_of(things) == {"orphans": finding(BRANCHES, f"{B[:-1]}e/0", f"no row in {THINGS}")}

    def test_a_missing_row_in_between(self, things: ThingWarehouse) -> None:
        """Children of a missing child row are orphans one level below."""
        things.change(f"DELETE FROM {BRANCHES} WHERE account = 'south' AND position = 1")

        orphaned = [Example(LEAVES, "south", f"{A}/1/{place}", f"no row in {BRANCHES}") for place in range(2)]
        assert findings_of(things)["orphans"] == Finding(2, tuple(orphaned))


class TestDifferences:
    """Current rows that differ from their newest version are findings."""

    def test_a_changed_value(self, things: ThingWarehouse) -> None:
        """A changed value in any column is found."""
        things.change(f"UPDATE {THINGS} SET part_amount = 1.5 WHERE thing_id = '{A}' AND account = 'north'")

        assert findings_of(things) == {
            "differs_from_raw": finding(THINGS, A, "the current row differs from its newest version")
        }

    def test_a_value_replaced_by_null(self, things: ThingWarehouse) -> None:
        """A value that was replaced by NULL is found."""
        things.change(f"UPDATE {THINGS} SET word = NULL WHERE thing_id = '{C}'")

        assert findings_of(things) == {
            "differs_from_raw": finding(THINGS, C, "the current row differs from its newest version")
        }

    def test_a_missing_row(self, things: ThingWarehouse) -> None:
        """A missing row is found."""
        things.change(f"DELETE FROM {THINGS} WHERE thing_id = '{C}'")

        assert findings_of(things) == {"differs_from_raw": finding(THINGS, C, "no current row")}

    def test_an_older_version(self, things: ThingWarehouse) -> None:
        """A row with the content and the number of an older version is one finding."""
        things.change(f"UPDATE {THINGS} SET word = 'bare', sequence_number = 3 WHERE thing_id = '{C}'")

        assert findings_of(things) == {
            "differs_from_raw": finding(THINGS, C, "the current row differs from its newest version")
        }

    def test_a_lower_number(self, things: ThingWarehouse) -> None:
        """A row whose number is below that of its newest version in the same series is found."""
        things.change(f"UPDATE {THINGS} SET sequence_number = 4 WHERE thing_id = '{C}'")

        assert findings_of(things) == {
            "differs_from_raw": finding(THINGS, C, "its number is below that of its newest version")
        }

    def test_a_row_without_a_version(self, things: ThingWarehouse) -> None:
        """A row without a version in the raw log is found."""
        things.change(f"DELETE FROM raw.things WHERE thing_id = '{A}' AND account = 'south'")

        assert findings_of(things) == {"differs_from_raw": finding(THINGS, A, "no version in raw", account="south")}

    @pytest.mark.parametrize("log", ["raw", "versions"])
    @pytest.mark.parametrize("which", ["min", "max"])
    def test_a_missing_version(self, things: ThingWarehouse, log: str, which: str) -> None:
        """A version that is missing in the raw log or in the history is found."""
        things.change(
            f"DELETE FROM {log}.things WHERE thing_id = '{C}'"
            f" AND synced_at = (SELECT {which}(synced_at) FROM {log}.things WHERE thing_id = '{C}')"
        )

        assert findings_of(things)["differs_from_raw"].examples[0] == Example(
            THINGS, "north", C, "raw and history have different versions"
        )

    @pytest.mark.parametrize(
        "change",
        [
            f"UPDATE {LEAVES} SET word = 'by hand' WHERE branch_position = 1 AND {IN_B}",
            f"UPDATE {LEAVES} SET word = 'by hand' WHERE {IN_B}",
            f"DELETE FROM {LEAVES} WHERE {IN_B}",
            f"INSERT INTO {LEAVES} SELECT * REPLACE (7 AS position) FROM {LEAVES} WHERE {IN_B} LIMIT 1",
        ],
        ids=["some changed", "all changed alike", "missing", "added"],
    )
    def test_child_rows(self, things: ThingWarehouse, change: str) -> None:
        """A record with wrong rows in a child table is found once for that table."""
        things.change(change)

        assert findings_of(things) == {
            "differs_from_raw": finding(LEAVES, B, "the rows differ from those of its newest version")
        }

    def test_children_of_an_older_version(self, things: ThingWarehouse) -> None:
        """Child rows of an older version are found."""
        things.change(f"DELETE FROM {BRANCHES} WHERE thing_id = '{B}'")
        things.change(
            f"INSERT INTO {BRANCHES} SELECT * EXCLUDE (row_version) FROM versions.thing_branches"
            f" WHERE thing_id = '{B}' AND row_version = 1"
        )

        assert findings_of(things) == {
            "differs_from_raw": finding(BRANCHES, B, "the rows differ from those of its newest version")
        }

    def test_a_few_of_many_are_named(self, things: ThingWarehouse) -> None:
        """All differences are counted, and the first ones in the order of their keys are named."""
        ids = [f"{A[:-2]}{place:02}" for place in range(8)]
        things.store(*(word("many", 10 + place, identity) for place, identity in enumerate(ids)), account="many")
        things.change(f"DELETE FROM {THINGS} WHERE account = 'many'")

        differences = findings_of(things)["differs_from_raw"]

        assert (differences.count, [example.key for example in differences.examples]) == (8, ids[: integrity.EXAMPLES])


class TestScope:
    """Checks of a run are limited to the records of which it stored a version."""

    def test_only_records_of_the_run(self, things: ThingWarehouse) -> None:
        """The checks of a run find only its own records, and the checks of all find every record."""
        things.change(f"UPDATE {THINGS} SET word = 'by hand' WHERE thing_id IN ('{A}', '{C}')")
        things.change(f"INSERT INTO {LEAVES} FROM {LEAVES} WHERE thing_id IN ('{A}', '{B}')")
        things.change(f"DELETE FROM {BRANCHES} WHERE thing_id IN ('{A}', '{B}') AND position = 0")

        second, every = findings_of(things, "second"), findings_of(things)

        assert {name: finding.count for name, finding in second.items()} == {
            "duplicate_keys": 4,
            "orphans": 4,
            "differs_from_raw": 3,
        }
        assert {example.key[: len(A)] for finding in second.values() for example in finding.examples} == {B, C}
        assert {name: finding.count for name, finding in every.items()} == {
            "duplicate_keys": 12,
            "orphans": 12,
            "differs_from_raw": 9,
        }

    @pytest.mark.parametrize("table", [THINGS, "raw.things", "versions.things"])
    def test_records_of_the_run_are_found_by_any_row(self, things: ThingWarehouse, table: str) -> None:
        """A record belongs to the run if any of its rows or versions has the run's id."""
        things.change(
            f"DELETE FROM {table} WHERE thing_id = '{C}'"
            f" AND synced_at = (SELECT max(synced_at) FROM {table} WHERE thing_id = '{C}')"
        )

        assert findings_of(things, "second")["differs_from_raw"].count == 1

    def test_a_run_that_stored_nothing(self, things: ThingWarehouse) -> None:
        """The checks of a run that stored nothing find nothing."""
        things.change(f"UPDATE {THINGS} SET word = 'by hand'")

        assert findings_of(things, "third") == {}

    def test_small_tables_are_checked_completely(self, things: ThingWarehouse, monkeypatch: pytest.MonkeyPatch) -> None:
        """Small tables are checked completely, large ones only after a run that read the whole feed."""
        with things.warehouse.reading() as connection:
            assert scope(connection, TABLE, "second", whole=False) is None
            monkeypatch.setattr(integrity, "WHOLE_UP_TO", 5)
            assert scope(connection, TABLE, "second", whole=False) == "second"
            assert scope(connection, TABLE, "second", whole=True) is None


class TestRejections:
    """Open rejected records are findings."""

    def test_open_records_have_a_reason(self, things: ThingWarehouse) -> None:
        """An open rejected record is found with its key or number and a reason without values."""
        things.store(
            thing('"word":{"name":"Jan"}', 7, A), b'{"thingId":"x","sequenceNumber":8}', account="north", ends=8
        )

        with things.warehouse.reading() as connection:
            rejections = open_rejections(connection, TABLE)

        assert rejections == Finding(
            2,
            (
                Example(THINGS, "north", A, "word: expected text"),
                Example(THINGS, "north", "number 8", "thingId: malformed UUID"),
            ),
        )

    def test_resolved_records_are_no_finding(self, things: ThingWarehouse) -> None:
        """A rejected record of which a valid version was stored is no finding."""
        things.store(thing('"count":"many"', 7, A), account="north", begins=6, ends=7)
        things.store(branched(A, 8), account="north", begins=7, ends=8)

        with things.warehouse.reading() as connection:
            assert open_rejections(connection, TABLE) == NO_FINDING
