"""What is wrong with the tables is counted and named, and nothing else is."""

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
OF_B = f"account = 'north' AND thing_id = '{B}'"
CLEAN = Finding(0)


def grown(identity: str, number: int = 1, count: int = 1) -> bytes:
    """A thing with two branches, each with two leaves."""
    branches = [
        {
            "branchId": f"{identity[:-3]}{place:03}",
            "count": count,
            "leaves": [{"word": f"leaf {place}"}, {"word": "another"}],
        }
        for place in range(2)
    ]
    return thing(f'"word":"grown","branches":{json.dumps(branches)}', number, identity)


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A warehouse with three things in the account north, two of them in two versions, and one thing in south."""
    things = ThingWarehouse(tmp_path_factory.mktemp("stored") / "w.duckdb").create()
    things.store(grown(A, 1), grown(B, 2), word("bare", 3, C), account="north", ends=3, run="first")
    things.store(grown(A, 1), account="south", run="first")
    things.store(grown(B, 5, count=2), word("changed", 6, C), account="north", begins=3, ends=6, run="second")
    return things.path.read_bytes()


@pytest.fixture
def things(stored: bytes, tmp_path: Path) -> ThingWarehouse:
    """The stored warehouse, to be spoiled."""
    path = tmp_path / "w.duckdb"
    path.write_bytes(stored)
    return ThingWarehouse(path)


def found(things: ThingWarehouse, within: str | None = None) -> dict[str, Finding]:
    """What the inspections find, by their names; those that find nothing are left out."""
    with things.warehouse.reading() as connection:
        findings = {
            each.__name__: each(connection, TABLE, within) for each in (duplicate_keys, orphans, differs_from_raw)
        }
    return {name: finding for name, finding in findings.items() if finding.count}


def one(table: str, key: str, what: str, account: str = "north", count: int = 1) -> Finding:
    """A finding with one example."""
    return Finding(count, (Example(table, account, key, what),))


class TestWhatIsFine:
    """Nothing is found where nothing is wrong."""

    def test_stored_batches_hold_together(self, things: ThingWarehouse) -> None:
        """New and changed records, children, two accounts with the same keys."""
        assert found(things) == {}

    def test_an_empty_warehouse_holds_together(self, tmp_path: Path) -> None:
        """There is nothing to find."""
        assert found(ThingWarehouse(tmp_path / "w.duckdb").create()) == {}

    def test_a_renumbered_record_is_no_difference(self, things: ThingWarehouse) -> None:
        """Its number rises without a new version."""
        things.store(grown(A, 9), account="north", begins=6, ends=9)

        assert things.values(f"SELECT sequence_number FROM {THINGS} WHERE thing_id = '{A}' AND account = 'north'") == [
            9
        ]
        assert found(things) == {}

    def test_a_restarted_series_is_no_difference(self, things: ThingWarehouse) -> None:
        """Unchanged records stand at lower numbers than their newest versions, changed ones too."""
        things.store(grown(B, 1, count=2), word("new", 2, C), account="north", series=2, ends=2)

        assert things.values(f"SELECT max(sequence_number) FROM {THINGS} WHERE thing_id IN ('{B}', '{C}')") == [2]
        assert found(things) == {}

    def test_repaired_rows_are_no_difference(self, things: ThingWarehouse) -> None:
        """Reading again makes right what was changed by hand."""
        things.change(f"UPDATE {THINGS} SET word = 'by hand'")
        things.change(f"DELETE FROM {LEAVES}")

        things.store(grown(A, 1), grown(B, 5, count=2), word("changed", 6, C), account="north", ends=6)
        things.store(grown(A, 1), account="south")

        assert found(things) == {}

    def test_rejected_records_are_no_difference(self, things: ThingWarehouse) -> None:
        """The last good row stays."""
        things.store(thing('"count":"many"', 7, A), account="north", begins=6, ends=7)

        assert found(things) == {}


class TestDoubledKeys:
    """Two rows where there should be one."""

    def test_a_doubled_row(self, things: ThingWarehouse) -> None:
        """It is named with its account; an equal row is no other difference."""
        things.change(f"INSERT INTO {THINGS} FROM {THINGS} WHERE thing_id = '{C}'")

        assert found(things) == {"duplicate_keys": one(THINGS, C, "2 rows")}

    @pytest.mark.parametrize("copies", [1, 2])
    def test_a_doubled_child_row(self, things: ThingWarehouse, copies: int) -> None:
        """It is named by its place; the record has more rows than its newest version, too."""
        things.change(
            f"INSERT INTO {LEAVES} SELECT l.* FROM {LEAVES} l, range({copies})"
            f" WHERE account = 'north' AND thing_id = '{A}' AND branch_position = 1 AND position = 0"
        )

        assert found(things) == {
            "duplicate_keys": one(LEAVES, f"{A}/1/0", f"{copies + 1} rows"),
            "differs_from_raw": one(LEAVES, A, "the rows differ from those of its newest version"),
        }


class TestOrphans:
    """Child rows without their parent row."""

    def test_rows_of_no_record(self, things: ThingWarehouse) -> None:
        """Rows whose record was never received are found below each table, and only there."""
        things.change(f"INSERT INTO {BRANCHES} SELECT * REPLACE ('{B[:-1]}e' AS thing_id) FROM {BRANCHES} LIMIT 1")

        assert found(things) == {"orphans": one(BRANCHES, f"{B[:-1]}e/0", f"no row in {THINGS}")}

    def test_a_lost_row_in_between(self, things: ThingWarehouse) -> None:
        """Its own children are orphans, one level further down."""
        things.change(f"DELETE FROM {BRANCHES} WHERE account = 'south' AND position = 1")

        orphaned = [Example(LEAVES, "south", f"{A}/1/{place}", f"no row in {BRANCHES}") for place in range(2)]
        assert found(things)["orphans"] == Finding(2, tuple(orphaned))


class TestDifferences:
    """Current rows against the newest versions."""

    def test_a_changed_value(self, things: ThingWarehouse) -> None:
        """Any column counts."""
        things.change(f"UPDATE {THINGS} SET part_amount = 1.5 WHERE thing_id = '{A}' AND account = 'north'")

        assert found(things) == {"differs_from_raw": one(THINGS, A, "the current row differs from its newest version")}

    def test_a_value_that_was_swapped_for_null(self, things: ThingWarehouse) -> None:
        """NULL is a value like any other."""
        things.change(f"UPDATE {THINGS} SET word = NULL WHERE thing_id = '{C}'")

        assert found(things) == {"differs_from_raw": one(THINGS, C, "the current row differs from its newest version")}

    def test_a_lost_row(self, things: ThingWarehouse) -> None:
        """The record is named."""
        things.change(f"DELETE FROM {THINGS} WHERE thing_id = '{C}'")

        assert found(things) == {"differs_from_raw": one(THINGS, C, "no current row")}

    def test_an_older_version_in_its_place(self, things: ThingWarehouse) -> None:
        """Content and number both fell back; one of them is told."""
        things.change(f"UPDATE {THINGS} SET word = 'bare', sequence_number = 3 WHERE thing_id = '{C}'")

        assert found(things) == {"differs_from_raw": one(THINGS, C, "the current row differs from its newest version")}

    def test_a_number_that_fell(self, things: ThingWarehouse) -> None:
        """A row never stands below its newest version of the same series."""
        things.change(f"UPDATE {THINGS} SET sequence_number = 4 WHERE thing_id = '{C}'")

        assert found(things) == {"differs_from_raw": one(THINGS, C, "its number is below that of its newest version")}

    def test_a_row_without_a_version(self, things: ThingWarehouse) -> None:
        """Nothing in raw says that it was ever received."""
        things.change(f"DELETE FROM raw.things WHERE thing_id = '{A}' AND account = 'south'")

        assert found(things) == {"differs_from_raw": one(THINGS, A, "no version in raw", account="south")}

    @pytest.mark.parametrize("log", ["raw", "versions"])
    @pytest.mark.parametrize("which", ["min", "max"])
    def test_one_version_of_several_lost(self, things: ThingWarehouse, log: str, which: str) -> None:
        """Whichever it is, and whether raw or the history lost it."""
        things.change(
            f"DELETE FROM {log}.things WHERE thing_id = '{C}'"
            f" AND synced_at = (SELECT {which}(synced_at) FROM {log}.things WHERE thing_id = '{C}')"
        )

        assert found(things)["differs_from_raw"].examples[0] == Example(
            THINGS, "north", C, "raw and history have different versions"
        )

    @pytest.mark.parametrize(
        "change",
        [
            f"UPDATE {LEAVES} SET word = 'by hand' WHERE branch_position = 1 AND {OF_B}",
            f"UPDATE {LEAVES} SET word = 'by hand' WHERE {OF_B}",
            f"DELETE FROM {LEAVES} WHERE {OF_B}",
            f"INSERT INTO {LEAVES} SELECT * REPLACE (7 AS position) FROM {LEAVES} WHERE {OF_B} LIMIT 1",
        ],
        ids=["some changed", "all changed alike", "lost", "added"],
    )
    def test_child_rows(self, things: ThingWarehouse, change: str) -> None:
        """Each record is named once for each of its child tables that is wrong."""
        things.change(change)

        assert found(things) == {"differs_from_raw": one(LEAVES, B, "the rows differ from those of its newest version")}

    def test_children_of_an_older_version(self, things: ThingWarehouse) -> None:
        """The rows must be those of the newest version, not of any."""
        things.change(f"DELETE FROM {BRANCHES} WHERE thing_id = '{B}'")
        things.change(
            f"INSERT INTO {BRANCHES} SELECT * EXCLUDE (row_version) FROM versions.thing_branches"
            f" WHERE thing_id = '{B}' AND row_version = 1"
        )

        assert found(things) == {
            "differs_from_raw": one(BRANCHES, B, "the rows differ from those of its newest version")
        }

    def test_a_few_of_many_are_named(self, things: ThingWarehouse) -> None:
        """All are counted, the first few named in the order of their keys."""
        ids = [f"{A[:-2]}{place:02}" for place in range(8)]
        things.store(*(word("many", 10 + place, identity) for place, identity in enumerate(ids)), account="many")
        things.change(f"DELETE FROM {THINGS} WHERE account = 'many'")

        finding = found(things)["differs_from_raw"]

        assert (finding.count, [example.key for example in finding.examples]) == (8, ids[: integrity.EXAMPLES])


class TestScope:
    """How much is looked at."""

    def test_only_what_the_run_stored(self, things: ThingWarehouse) -> None:
        """A run's inspections find what is wrong with the records of which it stored a version, and no other."""
        things.change(f"UPDATE {THINGS} SET word = 'by hand' WHERE thing_id IN ('{A}', '{C}')")
        things.change(f"INSERT INTO {LEAVES} FROM {LEAVES} WHERE thing_id IN ('{A}', '{B}')")
        things.change(f"DELETE FROM {BRANCHES} WHERE thing_id IN ('{A}', '{B}') AND position = 0")

        second, every = found(things, "second"), found(things)

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

    @pytest.mark.parametrize("lost", [THINGS, "raw.things", "versions.things"])
    def test_what_the_run_stored_is_known_from_what_is_left(self, things: ThingWarehouse, lost: str) -> None:
        """Whichever of its rows is gone, the others tell that the record was the run's."""
        things.change(
            f"DELETE FROM {lost} WHERE thing_id = '{C}'"
            f" AND synced_at = (SELECT max(synced_at) FROM {lost} WHERE thing_id = '{C}')"
        )

        assert found(things, "second")["differs_from_raw"].count == 1

    def test_a_run_that_stored_nothing(self, things: ThingWarehouse) -> None:
        """There is nothing to look at."""
        things.change(f"UPDATE {THINGS} SET word = 'by hand'")

        assert found(things, "third") == {}

    def test_small_tables_are_looked_at_as_a_whole(
        self, things: ThingWarehouse, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Large ones by a run that read the whole feed; else only the run's records are."""
        with things.warehouse.reading() as connection:
            assert scope(connection, TABLE, "second", whole=False) is None
            monkeypatch.setattr(integrity, "WHOLE_UP_TO", 5)
            assert scope(connection, TABLE, "second", whole=False) == "second"
            assert scope(connection, TABLE, "second", whole=True) is None


class TestRejections:
    """Records that wait to be read."""

    def test_open_ones_are_told_with_their_reason(self, things: ThingWarehouse) -> None:
        """By key or else by number; what stood in the wrong place is not told."""
        things.store(
            thing('"word":{"name":"Jan"}', 7, A), b'{"thingId":"x","sequenceNumber":8}', account="north", ends=8
        )

        with things.warehouse.reading() as connection:
            finding = open_rejections(connection, TABLE)

        assert finding == Finding(
            2,
            (
                Example(THINGS, "north", A, "word: expected text"),
                Example(THINGS, "north", "number 8", "thingId: malformed UUID"),
            ),
        )

    def test_healed_ones_are_not(self, things: ThingWarehouse) -> None:
        """A valid version closes the matter."""
        things.store(thing('"count":"many"', 7, A), account="north", begins=6, ends=7)
        things.store(grown(A, 8), account="north", begins=7, ends=8)

        with things.warehouse.reading() as connection:
            assert open_rejections(connection, TABLE) == CLEAN
