"""A sync updates a warehouse of an older layout in one transaction, or refuses it with a message."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines.catalogue import Catalogue
from pipelines.catalogue.tables import tables_of
from pipelines.catalogue.types import Boolean, Feed, Int32, Int64, Record, Text, Uuid, field
from pipelines.cli.entry import run
from pipelines.errors import WarehouseError
from pipelines.floriday.endpoints import Endpoint
from pipelines.sandbox import Sandbox
from pipelines.sync.stored.rebuild import bring_up_to_date, rebuild
from pipelines.warehouse.file.connection import Warehouse, transaction
from pipelines.warehouse.schema.create import LAYOUT_VERSION, create_tables
from pipelines.warehouse.schema.owner import read_owner
from tests.every_kind import THINGS, thing
from tests.examples import cases
from tests.integration.syncing import SUPPLIERS, Syncing, empty_warehouse
from tests.records import in_json, valid_records
from tests.thing_warehouse import A, B, ThingWarehouse, word

ORDERS = "orders.sales_orders"

FINGERPRINTS = {1: "569188a0b1738025", 2: "f4625373e09ff3b0", 3: "6337b36f834f47af"}
"""Fingerprints of the layouts of both APIs, by layout version."""

CATALOGUE_QUERIES = {
    "duckdb_tables()": "schema_name, table_name, comment, sql",
    "duckdb_columns()": "schema_name, table_name, column_name, column_index, comment, data_type",
    "duckdb_views()": "schema_name, view_name, comment, sql",
    "duckdb_functions()": "schema_name, function_name, comment, macro_definition",
}


class OlderBranch(Record):
    """A branch of an older version, without leaves."""

    branch_id: Uuid = field("what it was called then")


class OlderThing(Record):
    """A thing of an older version: fewer fields, one that no longer exists, and a number that is text."""

    thing_id: Uuid = field("identifier")
    sequence_number: Int64 = field("number")
    shade: Text = field("a field that Floriday no longer has")
    count: Text = field("a number that was text")
    word: Text = field("another description")
    branches: list[OlderBranch] = field("branches", id="branch_id")
    is_deleted: Boolean = field("deleted")


class OtherThing(Record):
    """A thing with another key."""

    other_id: Uuid = field("identifier")
    sequence_number: Int64 = field("number")
    count: Int32 = field("count")


OLDER = Feed("things", "things", OlderThing, ("thing_id",), Endpoint("/things"), scope="things:read")
OTHER = Feed("things", "things", OtherThing, ("other_id",), Endpoint("/things"), scope="things:read")

VERSIONS = (
    thing(
        '"word":"a","shade":"red","count":"7","branches":[{"branchId":null,"leaves":[{"word":"x"},{"word":"y"}]}]', 1
    ),
    thing('"word":"b","count":8,"amount":1.5,"ids":["8bb25702-90f6-4123-8ccc-08dc1b2a061e"],"branches":[]', 2),
    thing('"word":"c","part":{"word":"p"},"isDeleted":true', 3, B),
)


def older_warehouse(path: Path, feed: Feed = OLDER, *raws: bytes) -> ThingWarehouse:
    """A warehouse that an older version created and filled, one transaction a record."""
    things = ThingWarehouse(path, (feed,)).create()
    things.change("INSERT INTO sync.settings VALUES ('suppliers', 'localhost', ?, now(), '2026v1')", LAYOUT_VERSION - 1)
    for number, raw in enumerate(raws or VERSIONS, 1):
        things.store(raw, feed=feed, begins=number - 1, ends=number)
    return things


def update(things: ThingWarehouse, *feeds: Feed) -> bool:
    """Update the warehouse as a sync does; returns whether it was older."""
    with things.warehouse.writing() as connection, transaction(connection):
        return bring_up_to_date(connection, Catalogue("suppliers", "2026v1", feeds or (THINGS,)))


def definitions(things: ThingWarehouse) -> dict[str, list[tuple[Any, ...]]]:
    """All definitions and descriptions of the file, except reports."""
    condition = "database_name = current_database() AND NOT internal AND schema_name != 'reports'"
    return {
        source: things.rows(f"SELECT {columns} FROM {source} WHERE {condition} ORDER BY ALL")
        for source, columns in CATALOGUE_QUERIES.items()
    }


def rows(things: ThingWarehouse) -> dict[str, list[tuple[Any, ...]]]:
    """The rows of all tables of records, without the times at which they were stored, which differ in each file."""
    names = [part.name for part in tables_of(THINGS).walk()]
    found = {}
    for table in (*(f"things.{name}" for name in names), *(f"versions.{name}" for name in names), "raw.things"):
        has_times = table in ("things.things", "versions.things", "raw.things")
        found[table] = things.rows(f"SELECT *{' EXCLUDE (synced_at)' if has_times else ''} FROM {table} ORDER BY ALL")
    return found


class TestUpdate:
    """A warehouse of an older layout is updated."""

    def test_it_equals_a_new_warehouse(self, tmp_path: Path) -> None:
        """The updated warehouse has the same definitions and rows as a new one; tables are rebuilt from the raw log."""
        things = older_warehouse(tmp_path / "old.duckdb")
        new = ThingWarehouse(tmp_path / "new.duckdb").create()
        for number, raw in enumerate(VERSIONS, 1):
            new.store(raw, begins=number - 1, ends=number)

        assert update(things)

        assert definitions(things) == definitions(new)
        assert rows(things) == rows(new)
        assert things.values("SELECT layout_version FROM sync.settings") == [LAYOUT_VERSION]
        stored = "SELECT thing_id, synced_at FROM raw.things ORDER BY ALL"
        assert things.rows("SELECT thing_id, valid_from FROM history.things ORDER BY ALL") == things.rows(stored)
        assert not update(things)

    def test_a_rebuild_after_an_update_changes_nothing(self, tmp_path: Path) -> None:
        """A rebuild after an update changes no row."""
        things = older_warehouse(tmp_path / "w.duckdb")
        update(things)
        before = things.contents()

        rebuild(things.warehouse, THINGS)

        assert things.contents() == before

    def test_the_next_records_are_stored(self, tmp_path: Path) -> None:
        """After an update, changes are detected and versions are counted on."""
        things = older_warehouse(tmp_path / "w.duckdb")
        update(things)

        stored = things.store(VERSIONS[1], word("d", 4, B))

        assert (stored.new, stored.changed) == (0, 1)
        assert things.rows("SELECT word, version FROM history.things WHERE thing_id = ? ORDER BY version", B) == [
            ("c", 1),
            ("d", 2),
        ]

    def test_rows_keep_their_sequence_numbers(self, tmp_path: Path) -> None:
        """A row keeps its sequence number, also when only the number changed and the raw log does not contain it."""
        things = older_warehouse(tmp_path / "w.duckdb", OLDER, word("a", 1), word("a", 7))

        update(things)

        assert things.values("SELECT sequence_number FROM things.things") == [7]
        assert things.values("SELECT sequence_number FROM raw.things") == [1]

    def test_tables_of_syncs_are_converted(self, tmp_path: Path) -> None:
        """In the tables of ``sync``, new columns are NULL, old ones are removed, and other types are cast."""
        things = older_warehouse(tmp_path / "w.duckdb")
        expected = {name: things.rows(f"FROM sync.{name}") for name in ("windows", "cursors")}
        things.change(
            "CREATE OR REPLACE TABLE sync.windows AS SELECT run_id, * EXCLUDE (run_id, series, changed)"
            " REPLACE (CAST(records AS VARCHAR) AS records), 'x' AS mood, series FROM sync.windows"
        )
        things.change("DROP TABLE sync.catch_ups")

        update(things)

        assert things.rows("SELECT * REPLACE (7 AS changed) FROM sync.windows") == [
            (*row[:7], 7, *row[8:]) for row in expected["windows"]
        ]
        assert things.rows("SELECT DISTINCT changed FROM sync.windows") == [(None,)]
        assert things.rows("FROM sync.cursors") == expected["cursors"]
        assert (
            definitions(things)["duckdb_columns()"]
            == definitions(ThingWarehouse(tmp_path / "n.duckdb").create())["duckdb_columns()"]
        )

    def test_other_tables_are_kept(self, tmp_path: Path) -> None:
        """Tables of users, and of feeds that are no longer in the catalogue, keep their rows."""
        things = ThingWarehouse(tmp_path / "w.duckdb", (OLDER, SUPPLIERS.feed("batches"))).create()
        things.change(
            "INSERT INTO sync.settings VALUES ('suppliers', 'localhost', ?, now(), '2026v1')", LAYOUT_VERSION - 1
        )
        things.store(in_json(valid_records(SUPPLIERS.feed("batches"), 1, 1)[0]), feed=SUPPLIERS.feed("batches"))
        things.change("CREATE TABLE notes AS SELECT 'mine' AS note")

        update(things)

        assert things.values("SELECT count(*) FROM supply.batches") == [1]
        assert things.values("SELECT count(*) FROM history.batches") == [1]
        assert things.values("SELECT note FROM notes") == ["mine"]


class TestRefusals:
    """A warehouse that cannot be updated is refused in one line, and nothing changes."""

    @cases(
        ("feed", "raws", "message"),
        [
            (
                OLDER,
                (word("a", 1), thing('"count":"many"', 2)),
                r"raw\.things cannot be read by this version .* Nothing",
            ),
            (
                OTHER,
                (b'{"otherId":"%s","sequenceNumber":1}' % A.encode(),),
                r"raw log of things\.things .* another key",
            ),
        ],
        quick=1,
        ids=["a value", "a key"],
    )
    def test_records_that_this_version_cannot_read(
        self, tmp_path: Path, feed: Feed, raws: tuple[bytes, ...], message: str
    ) -> None:
        """Records that this version cannot read, though an older one could, are a reason to refuse the update."""
        things = older_warehouse(tmp_path / "w.duckdb", feed, *raws)
        things.change("ALTER TABLE sync.cursors ADD COLUMN mood VARCHAR")
        before = (definitions(things), things.contents())

        with pytest.raises(WarehouseError, match=message):
            update(things)

        assert (definitions(things), things.contents()) == before

    def test_a_value_in_sync_that_does_not_fit(self, tmp_path: Path) -> None:
        """A value in ``sync`` that cannot be cast is an error with the name of the table."""
        things = older_warehouse(tmp_path / "w.duckdb")
        things.change("ALTER TABLE sync.cursors ALTER cursor TYPE VARCHAR")
        things.change("UPDATE sync.cursors SET cursor = 'far'")
        before = (definitions(things), things.contents())

        with pytest.raises(WarehouseError, match=r"sync\.cursors cannot be brought .* use the version that wrote it"):
            update(things)

        assert (definitions(things), things.contents()) == before

    @cases(
        ("change", "message"),
        [
            ("ALTER TABLE things.things ADD COLUMN note VARCHAR", r"things\.things .* other columns .*\(note\)"),
            ("ALTER TABLE versions.things DROP COLUMN word", r"versions\.things .* other columns .*\(word\)"),
            ("DROP TABLE things.thing_branches", r"things\.thing_branches .* is missing"),
        ],
        quick=1,
    )
    def test_tables_that_a_user_changed(self, tmp_path: Path, change: str, message: str) -> None:
        """A sync refuses tables that a user changed, so that nothing is lost, and a rebuild creates them again."""
        things = older_warehouse(tmp_path / "w.duckdb")
        update(things)
        before = (definitions(things), things.contents())
        things.change(change)
        assert not update(things)

        with (
            pytest.raises(WarehouseError, match=f"{message}.*floriday rebuild"),
            things.warehouse.writing() as connection,
            transaction(connection),
        ):
            create_tables(connection, [tables_of(THINGS)])

        rebuild(things.warehouse, THINGS)
        assert (definitions(things), things.contents()) == before


@pytest.mark.slow
def test_commands_with_an_older_warehouse(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Commands that read refuse an older warehouse with a remedy; ``rebuild`` updates it without Floriday."""
    with Sandbox(empty=True) as sandbox:
        syncing = Syncing(sandbox, tmp_path / "w.duckdb")
        for record in valid_records(SUPPLIERS.feed(ORDERS), seed=1, count=5):
            sandbox.book(ORDERS).put(in_json(record))
        syncing.sync(ORDERS)
        for name, value in {**sandbox.environment(), "FLORIDAY_WAREHOUSE": str(syncing.path)}.items():
            monkeypatch.setenv(name, value)
        monkeypatch.chdir(tmp_path)
        with Warehouse(syncing.path).writing() as connection:
            connection.execute("ALTER TABLE orders.sales_orders DROP COLUMN number_of_pieces")
            connection.execute("ALTER TABLE orders.sales_orders ADD COLUMN pieces VARCHAR")
            connection.execute("UPDATE sync.settings SET layout_version = ?", [LAYOUT_VERSION - 1])

        for command in (["status", "--offline"], ["rejected"], ["export", "out"], ["sync", "--dry-run"]):
            assert run(command) == 1
            assert "has the layout of an older floriday-warehouse: `floriday sync` brings it" in capsys.readouterr().err
        assert run(["rebuild", "batches"]) == 0

        assert capsys.readouterr().out.startswith("The tables of an older version were updated.\nsupply.batches: ")
        syncing.assert_equal(ORDERS)
        assert run(["report", "revenue_by_week", "--format", "csv"]) == 0
        outcome = syncing.sync_one(ORDERS)
        assert (outcome.new, outcome.changed, outcome.current) == (0, 0, True)


@pytest.mark.slow
def test_a_sync_updates_an_older_warehouse(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A sync of an older warehouse reports the update, and publishes a copy with the new layout."""
    with Sandbox(empty=True) as sandbox:
        path = tmp_path / "w.duckdb"
        for name, value in {**sandbox.environment(), "FLORIDAY_WAREHOUSE": str(path)}.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("FLORIDAY_PUBLISH_EVERY", "0s")
        monkeypatch.chdir(tmp_path)
        path.write_bytes(empty_warehouse("suppliers"))
        run(["sync", ORDERS])
        with Warehouse(path).writing() as connection:
            connection.execute("UPDATE sync.settings SET layout_version = ?", [LAYOUT_VERSION - 1])
        capsys.readouterr()

        assert run(["sync", ORDERS]) == 0

        assert capsys.readouterr().out.startswith("An older version created this warehouse")
        for file in (path, tmp_path / "w.published.duckdb"):
            with Warehouse(file).reading() as connection:
                found = read_owner(connection)
                assert found is not None
                assert not found.is_older


def test_a_changed_layout_has_another_version(tmp_path: Path) -> None:
    """A changed layout requires a higher LAYOUT_VERSION with its fingerprint.

    A failure means that tables or columns changed. A higher version makes syncs update older warehouses, and older
    programs refuse newer ones. Within one release, while no other has that version, a new fingerprint is enough.
    """
    digest = hashlib.sha256()
    for api in ("suppliers", "customers"):
        path = tmp_path / f"{api}.duckdb"
        path.write_bytes(empty_warehouse(api))
        with duckdb.connect(str(path), read_only=True) as connection:
            found = connection.execute(
                "SELECT schema_name, table_name, column_name, column_index, data_type FROM duckdb_columns()"
                " WHERE NOT internal AND schema_name != 'reports' ORDER BY ALL"
            ).fetchall()
        digest.update(repr(found).encode())

    assert digest.hexdigest()[:16] == FINGERPRINTS[LAYOUT_VERSION]
