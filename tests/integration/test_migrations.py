"""A warehouse of an older layout is brought up to date in one transaction, or refused with a clear line."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines.catalogue.tables import tables_of
from pipelines.catalogue.types import Boolean, Feed, Int32, Int64, Record, Source, Text, Uuid, field
from pipelines.cli.entry import run
from pipelines.errors import WarehouseError
from pipelines.floriday.endpoints import Endpoint
from pipelines.sandbox import Sandbox
from pipelines.sync.rebuild import bring_up_to_date, rebuild
from pipelines.warehouse.file.connection import Warehouse, transaction
from pipelines.warehouse.schema.create import LAYOUT_VERSION, create_tables
from pipelines.warehouse.schema.owner import read_owner
from tests.every_kind import THINGS, thing
from tests.integration.syncing import SUPPLIERS, Syncing, laid_out
from tests.records import in_json, valid_records
from tests.thing_warehouse import A, B, ThingWarehouse, word

ORDERS = "orders.sales_orders"

FINGERPRINTS = {1: "569188a0b1738025", 2: "f4625373e09ff3b0"}
"""Of the layout of each version, both APIs together; the second has other views."""

LISTED = {
    "duckdb_tables()": "schema_name, table_name, comment, sql",
    "duckdb_columns()": "schema_name, table_name, column_name, column_index, comment, data_type",
    "duckdb_views()": "schema_name, view_name, comment, sql",
    "duckdb_functions()": "schema_name, function_name, comment, macro_definition",
}


class EarlierBranch(Record):
    """A branch before it had leaves."""

    branch_id: Uuid = field("what it was called then")


class EarlierThing(Record):
    """A thing as it was described before: most was not known, one column has gone, another was text."""

    thing_id: Uuid = field("identifier")
    sequence_number: Int64 = field("number")
    shade: Text = field("a field that Floriday no longer has")
    count: Text = field("a number that was text")
    word: Text = field("another description")
    branches: list[EarlierBranch] = field("branches", id="branch_id")
    is_deleted: Boolean = field("deleted")


class OtherThing(Record):
    """A thing with another key."""

    other_id: Uuid = field("identifier")
    sequence_number: Int64 = field("number")
    count: Int32 = field("count")


EARLIER = Feed("things", "things", EarlierThing, ("thing_id",), Endpoint("/things"), scope="things:read")
OTHER = Feed("things", "things", OtherThing, ("other_id",), Endpoint("/things"), scope="things:read")

VERSIONS = (
    thing(
        '"word":"a","shade":"red","count":"7","branches":[{"branchId":null,"leaves":[{"word":"x"},{"word":"y"}]}]', 1
    ),
    thing('"word":"b","count":8,"amount":1.5,"ids":["8bb25702-90f6-4123-8ccc-08dc1b2a061e"],"branches":[]', 2),
    thing('"word":"c","part":{"word":"p"},"isDeleted":true', 3, B),
)


def earlier(path: Path, feed: Feed = EARLIER, *raws: bytes) -> ThingWarehouse:
    """A warehouse that an older version laid out and filled, record by record."""
    made = ThingWarehouse(path, (feed,)).lay_out()
    made.change("INSERT INTO sync.settings VALUES ('suppliers', 'localhost', ?, now())", LAYOUT_VERSION - 1)
    for number, raw in enumerate(raws or VERSIONS, 1):
        made.store(raw, feed=feed, begins=number - 1, ends=number)
    return made


def update(things: ThingWarehouse, *sources: Source) -> bool:
    """Bring it up to date, as a sync does."""
    with things.warehouse.writing() as connection, transaction(connection):
        return bring_up_to_date(connection, sources or (THINGS,))


def listed(things: ThingWarehouse) -> dict[str, list[tuple[Any, ...]]]:
    """Everything that the file says of itself."""
    mine = "database_name = current_database() AND NOT internal AND schema_name != 'reports'"
    return {
        source: things.rows(f"SELECT {columns} FROM {source} WHERE {mine} ORDER BY ALL")
        for source, columns in LISTED.items()
    }


def rows(things: ThingWarehouse) -> dict[str, list[tuple[Any, ...]]]:
    """The rows of all tables of records, without the moments at which they were stored, which no two files share."""
    names = [part.name for part in tables_of(THINGS).walk()]
    found = {}
    for table in (*(f"things.{name}" for name in names), *(f"versions.{name}" for name in names), "raw.things"):
        timed = table in ("things.things", "versions.things", "raw.things")
        found[table] = things.rows(f"SELECT *{' EXCLUDE (synced_at)' if timed else ''} FROM {table} ORDER BY ALL")
    return found


class TestOlder:
    """A warehouse of an older layout."""

    def test_it_becomes_what_this_version_would_have_made(self, tmp_path: Path) -> None:
        """Tables, order of columns, descriptions, views and macros; rows, children and versions, from the raw log."""
        things = earlier(tmp_path / "old.duckdb")
        fresh = ThingWarehouse(tmp_path / "new.duckdb").lay_out()
        for number, raw in enumerate(VERSIONS, 1):
            fresh.store(raw, begins=number - 1, ends=number)

        assert update(things)

        assert listed(things) == listed(fresh)
        assert rows(things) == rows(fresh)
        assert things.values("SELECT layout_version FROM sync.settings") == [LAYOUT_VERSION]
        stored = "SELECT thing_id, synced_at FROM raw.things ORDER BY ALL"
        assert things.rows("SELECT thing_id, valid_from FROM history.things ORDER BY ALL") == things.rows(stored)
        assert not update(things)

    def test_a_rebuild_after_it_changes_nothing(self, tmp_path: Path) -> None:
        """Row for row."""
        things = earlier(tmp_path / "w.duckdb")
        update(things)
        before = things.contents()

        rebuild(things.warehouse, THINGS)

        assert things.contents() == before

    def test_the_next_batch_is_stored_as_ever(self, tmp_path: Path) -> None:
        """Versions go on counting, and what is known is known."""
        things = earlier(tmp_path / "w.duckdb")
        update(things)

        stored = things.store(VERSIONS[1], word("d", 4, B))

        assert (stored.new, stored.changed) == (0, 1)
        assert things.rows("SELECT word, version FROM history.things WHERE thing_id = ? ORDER BY version", B) == [
            ("c", 1),
            ("d", 2),
        ]

    def test_rows_keep_their_numbers(self, tmp_path: Path) -> None:
        """Also one that came with another number and nothing else: the raw log does not have that."""
        things = earlier(tmp_path / "w.duckdb", EARLIER, word("a", 1), word("a", 7))

        update(things)

        assert things.values("SELECT sequence_number FROM things.things") == [7]
        assert things.values("SELECT sequence_number FROM raw.things") == [1]

    def test_what_the_warehouse_knows_of_its_syncs_is_taken_over(self, tmp_path: Path) -> None:
        """A column that is new is NULL, one that has gone goes, one of another type is cast, whatever their order."""
        things = earlier(tmp_path / "w.duckdb")
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
            listed(things)["duckdb_columns()"]
            == listed(ThingWarehouse(tmp_path / "n.duckdb").lay_out())["duckdb_columns()"]
        )

    def test_tables_of_users_and_of_feeds_that_have_gone_stay(self, tmp_path: Path) -> None:
        """With their rows."""
        things = ThingWarehouse(tmp_path / "w.duckdb", (EARLIER, SUPPLIERS.feed("batches"))).lay_out()
        things.change("INSERT INTO sync.settings VALUES ('suppliers', 'localhost', ?, now())", LAYOUT_VERSION - 1)
        things.store(in_json(valid_records(SUPPLIERS.feed("batches"), 1, 1)[0]), feed=SUPPLIERS.feed("batches"))
        things.change("CREATE TABLE notes AS SELECT 'mine' AS note")

        update(things)

        assert things.values("SELECT count(*) FROM supply.batches") == [1]
        assert things.values("SELECT count(*) FROM history.batches") == [1]
        assert things.values("SELECT note FROM notes") == ["mine"]


class TestRefused:
    """What cannot be brought up to date: one line, and nothing is changed."""

    @pytest.mark.parametrize(
        ("feed", "raws", "told"),
        [
            (
                EARLIER,
                (word("a", 1), thing('"count":"many"', 2)),
                r"raw\.things cannot be read by this version .* Nothing",
            ),
            (
                OTHER,
                (b'{"otherId":"%s","sequenceNumber":1}' % A.encode(),),
                r"raw log of things\.things .* another key",
            ),
        ],
        ids=["a value", "a key"],
    )
    def test_records_that_this_version_cannot_read(
        self, tmp_path: Path, feed: Feed, raws: tuple[bytes, ...], told: str
    ) -> None:
        """They were good in the version that stored them."""
        things = earlier(tmp_path / "w.duckdb", feed, *raws)
        things.change("ALTER TABLE sync.cursors ADD COLUMN mood VARCHAR")
        before = (listed(things), things.contents())

        with pytest.raises(WarehouseError, match=told):
            update(things)

        assert (listed(things), things.contents()) == before

    def test_a_value_in_sync_that_does_not_fit(self, tmp_path: Path) -> None:
        """The line names the table."""
        things = earlier(tmp_path / "w.duckdb")
        things.change("ALTER TABLE sync.cursors ALTER cursor TYPE VARCHAR")
        things.change("UPDATE sync.cursors SET cursor = 'far'")
        before = (listed(things), things.contents())

        with pytest.raises(WarehouseError, match=r"sync\.cursors cannot be brought .* use the version that wrote it"):
            update(things)

        assert (listed(things), things.contents()) == before

    @pytest.mark.parametrize(
        ("change", "told"),
        [
            ("ALTER TABLE things.things ADD COLUMN note VARCHAR", r"things\.things .* other columns .*\(note\)"),
            ("ALTER TABLE versions.things DROP COLUMN word", r"versions\.things .* other columns .*\(word\)"),
            ("DROP TABLE things.thing_branches", r"things\.thing_branches .* is missing"),
        ],
    )
    def test_what_was_changed_by_hand_is_no_older_layout(self, tmp_path: Path, change: str, told: str) -> None:
        """A sync refuses, so that nothing of a user's gets lost unasked; a rebuild makes the tables anew."""
        things = earlier(tmp_path / "w.duckdb")
        update(things)
        before = (listed(things), things.contents())
        things.change(change)
        assert not update(things)

        with (
            pytest.raises(WarehouseError, match=f"{told}.*floriday rebuild"),
            things.warehouse.writing() as connection,
            transaction(connection),
        ):
            create_tables(connection, [tables_of(THINGS)])

        rebuild(things.warehouse, THINGS)
        assert (listed(things), things.contents()) == before


def test_commands_and_an_older_warehouse(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Those that only read say what to do; `rebuild` does it without Floriday, and reports and syncs go on."""
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


def test_a_sync_brings_an_older_warehouse_up_to_date(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It says so, and the copy for readers has the new layout too."""
    with Sandbox(empty=True) as sandbox:
        path = tmp_path / "w.duckdb"
        for name, value in {**sandbox.environment(), "FLORIDAY_WAREHOUSE": str(path)}.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("FLORIDAY_PUBLISH_EVERY", "0s")
        monkeypatch.chdir(tmp_path)
        path.write_bytes(laid_out("suppliers"))
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


def test_a_changed_layout_has_a_version_of_its_own(tmp_path: Path) -> None:
    """Where this fails, tables or columns changed: raise LAYOUT_VERSION by one and note its fingerprint here.

    Then older warehouses are brought up to date, and older programs refuse newer ones. Within one release, while no
    other has that version, replacing its fingerprint is enough.
    """
    digest = hashlib.sha256()
    for api in ("suppliers", "customers"):
        path = tmp_path / f"{api}.duckdb"
        path.write_bytes(laid_out(api))
        with duckdb.connect(str(path), read_only=True) as connection:
            found = connection.execute(
                "SELECT schema_name, table_name, column_name, column_index, data_type FROM duckdb_columns()"
                " WHERE NOT internal AND schema_name != 'reports' ORDER BY ALL"
            ).fetchall()
        digest.update(repr(found).encode())

    assert digest.hexdigest()[:16] == FINGERPRINTS[LAYOUT_VERSION]
