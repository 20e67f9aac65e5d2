"""``floriday rename`` changes the name of an account in every table, in one transaction."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines.errors import SettingError
from pipelines.sandbox import Sandbox
from pipelines.warehouse.file.connection import transaction
from pipelines.warehouse.file.publish import publish
from pipelines.warehouse.opening import hold_sync_lock
from pipelines.warehouse.schema.owner import record_owner
from pipelines.warehouse.schema.rename_account import rename
from tests.command_line import Printed
from tests.every_kind import thing
from tests.integration.syncing import SUPPLIERS, Syncing
from tests.records import in_json, valid_records
from tests.thing_warehouse import B, ThingWarehouse, word
from tests.warehouses import Saved, address_at, saved_at, use_warehouse

pytestmark = pytest.mark.both_kinds

ORDERS = "orders.sales_orders"
ORGANIZATIONS: dict[str, tuple[str, str | None]] = {
    name: (f"{digit}1111111-1111-4111-8111-111111111111", None) for digit, name in enumerate("ab", 1)
}


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> Saved:
    """A warehouse for things of the accounts a and b, with versions, branches and a rejected record of each."""
    things = ThingWarehouse(tmp_path_factory.mktemp("content") / "w.duckdb").create()
    for account in ORGANIZATIONS:
        things.store(
            word("one", 1), thing('"branches":[{"branchId":null,"leaves":[{"word":"x"}]}]', 2, B), account=account
        )
        things.store(word("two", 3), thing('"count":"many"', 4, B), account=account, begins=1, ends=4)
    with things.warehouse.writing() as connection, transaction(connection):
        record_owner(connection, "suppliers", "localhost", ORGANIZATIONS)
        for table in ("catch_ups", "unknown", "views", "rereads"):
            connection.execute(f"INSERT INTO sync.{table} (account, feed) VALUES ('a', 'f'), ('b', 'f')")
        connection.execute("CREATE SCHEMA own; CREATE TABLE own.notes AS SELECT 'a' AS account, 'mine' AS note")
    return saved_at(things.path)


@pytest.fixture
def things(content: Saved, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ThingWarehouse:
    """A copy of this warehouse, to which the settings point."""
    things = ThingWarehouse(tmp_path / "w.duckdb")
    content.restore(things.path)
    use_warehouse(things.path, monkeypatch)
    monkeypatch.chdir(tmp_path)
    return things


def by_table(things: ThingWarehouse) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of all tables, in stored order."""
    names = things.values(
        "SELECT schema_name || '.' || table_name FROM duckdb_tables() WHERE database_name = current_database()"
        " ORDER BY ALL"
    )
    return {name: things.rows(f"FROM {name}") for name in names}


def renamed(rows: list[tuple[Any, ...]], old: str, new: str) -> list[tuple[Any, ...]]:
    """The rows with another name of the account."""
    return [(new if row[0] == old else row[0], *row[1:]) for row in rows]


def test_the_name_changes_in_every_table(things: ThingWarehouse, printed: Printed) -> None:
    """The name changes in every table, and other accounts, the order of the raw log and users' tables do not change."""
    before = by_table(things)
    changing = {name for name, rows in before.items() if rows and name not in ("sync.settings", "own.notes")}
    assert len(changing) == 15

    code, out, err = printed("rename", "a", "north")

    assert (code, err) == (0, "")
    count = sum(row[0] == "a" for name in changing for row in before[name])
    assert out.splitlines()[0] == f"a is now north: {count} rows of 15 tables"
    assert "Rename it in FLORIDAY_API_KEYS too" in out
    assert by_table(things) == {
        name: renamed(rows, "a", "north") if name in changing else rows for name, rows in before.items()
    }


@pytest.mark.slow
def test_a_rename_is_atomic(things: ThingWarehouse) -> None:
    """When one table cannot be changed, no table is."""
    things.change("ALTER TABLE sync.windows RENAME TO kept")
    things.change("CREATE TABLE sync.windows (account VARCHAR CHECK (account IN ('a', 'b')))")
    things.change("INSERT INTO sync.windows VALUES ('a')")
    before = by_table(things)

    with things.warehouse.writing() as connection, pytest.raises(duckdb.ConstraintException):
        rename(connection, "a", "north")

    assert by_table(things) == before


@pytest.mark.parametrize(
    ("arguments", "keys", "message"),
    [
        (["c", "d"], None, "the warehouse has no account c; there are: a, b"),
        (["a", "b"], None, "the warehouse already has an account b"),
        (["a", "a"], None, "the name is a already"),
        (["a", " north"], None, "' north' cannot be the name of an account"),
        (["a", "north"], ["a", "b"], "the settings have keys of a, b: rename a to north in FLORIDAY_API_KEYS first"),
        (["a", "north"], ["a", "north"], "rename a to north in FLORIDAY_API_KEYS first"),
    ],
)
def test_refused_names(
    things: ThingWarehouse,
    printed: Printed,
    monkeypatch: pytest.MonkeyPatch,
    *,
    arguments: list[str],
    keys: list[str] | None,
    message: str,
) -> None:
    """A rename that is not possible exits with code 2 and one line, and changes nothing."""
    if keys:
        monkeypatch.setenv("FLORIDAY_API_KEYS", json.dumps({name: f"key-of-{name}" for name in keys}))
    before = things.contents()

    code, out, err = printed("rename", *arguments)

    assert (code, out, err.count("\n")) == (2, "", 1)
    assert message in err
    assert "key-of" not in err
    assert things.contents() == before


def test_a_rename_during_a_sync(things: ThingWarehouse, printed: Printed) -> None:
    """During a sync, a rename fails with the name of the process, and changes nothing."""
    with hold_sync_lock(address_at(things.path), "floriday sync"):
        code, _, err = printed("rename", "a", "north")

    assert code == 1
    assert "another sync holds" in err
    assert things.values("SELECT account FROM sync.accounts ORDER BY ALL") == ["a", "b"]


@pytest.mark.file_only("it has no published copy")
def test_the_published_copy_is_updated(things: ThingWarehouse, printed: Printed, tmp_path: Path) -> None:
    """A rename updates the published copy if there is one."""
    copy = tmp_path / "w.published.duckdb"
    printed("rename", "a", "north")
    assert not copy.exists()
    publish(things.warehouse, copy)

    printed("rename", "north", "south")

    assert ThingWarehouse(copy).values("SELECT DISTINCT account FROM things.things ORDER BY ALL") == ["b", "south"]


def test_the_next_sync_continues_under_the_new_name(
    tmp_path: Path, printed: Printed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next sync continues from the cursor under the new name, and is refused under the old one."""
    with Sandbox(accounts=("north", "south"), empty=True) as sandbox:
        syncing = Syncing(sandbox, tmp_path / "w.duckdb", only=(ORDERS,))
        first, *later = valid_records(SUPPLIERS.feed(ORDERS), seed=1, count=40)
        for record in (first, *later[:-1]):
            sandbox.book(ORDERS, "north").put(in_json(record))
        syncing.sync(ORDERS)
        # Recent records are read again in any case. These are to be old, so that only the new record is read.
        with syncing.warehouse.writing() as connection:
            connection.execute("UPDATE sync.windows SET committed_at = committed_at - INTERVAL 1 DAY")
        keys = {"centre": sandbox.api_keys["north"], "south": sandbox.api_keys["south"]}
        use_warehouse(syncing.path, monkeypatch)
        monkeypatch.setenv("FLORIDAY_API_KEYS", json.dumps(keys))
        monkeypatch.chdir(tmp_path)

        code, out, err = printed("rename", "north", "centre")

        assert (code, err) == (0, "")
        assert out.count("\n") == 1
        sandbox.book(ORDERS, "north").put(in_json(later[-1]))
        outcome = syncing.sync(ORDERS, FLORIDAY_API_KEYS=json.dumps(keys))["centre", ORDERS]
        assert (outcome.records, outcome.new, outcome.changed, outcome.current) == (1, 1, 0, True)
        assert syncing.rows(f"SELECT account, count(*) FROM {ORDERS} GROUP BY ALL") == [("centre", 40)]
        with pytest.raises(SettingError, match="which the warehouse already holds as account centre: use that name"):
            syncing.sync(ORDERS)
