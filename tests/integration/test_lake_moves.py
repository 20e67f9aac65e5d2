"""An account moves between a file and lakes with every row, in the same order, or stays where it is."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from pipelines.catalogue.tables import tables_of
from pipelines.errors import SettingError, UsageError, WarehouseBusyError, WarehouseError
from pipelines.lake_address import LakeCells
from pipelines.sandbox import Sandbox
from pipelines.settings import load_settings
from pipelines.sync.session import open_clients
from pipelines.sync.stored.move_account import move_account
from pipelines.warehouse.opening import hold_sync_lock, open_warehouse
from pipelines.warehouse.schema.rename_account import rename
from pipelines.warehouse.schema.unfinished_moves import check_no_move
from pipelines.warehouse.two_places import Place, TwoPlaces
from tests.integration.syncing import Syncing, catalogue_with, fewer_feeds
from tests.lakes import lake_at, postgres

NOW = dt.datetime(2026, 11, 23, 12, tzinfo=dt.UTC)
FEEDS = ("orders.sales_orders", "catalog.trade_items")
ACCOUNTS = ("north", "south")


@pytest.fixture(scope="module")
def synced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[bytes]:
    """The bytes of a file with two accounts, of which some records have several versions."""
    postgres()
    path = tmp_path_factory.mktemp("file") / "w.duckdb"
    with Sandbox(now=NOW, scale=0.02, accounts=ACCOUNTS) as sandbox, fewer_feeds(*FEEDS):
        syncing = Syncing(sandbox, path, only=FEEDS)
        syncing.sync()
        syncing.sync(full=True)
        yield path.read_bytes()


@pytest.fixture
def file(synced: bytes, tmp_path: Path) -> Path:
    """A file with two accounts."""
    path = tmp_path / "w.duckdb"
    path.write_bytes(synced)
    return path


def rows_of(place: Place, account: str) -> dict[str, list[tuple[Any, ...]]]:
    """Return the rows of an account in all tables of feeds and of syncs, in the order in which they are stored."""
    feeds = [tables_of(source) for source in catalogue_with("suppliers", FEEDS).sources]
    names = [
        *(part.qualified_name for table in feeds for part in table.walk()),
        *(f"versions.{part.name}" for table in feeds for part in table.walk()),
        *(f"raw.{table.name}" for table in feeds),
        *("sync.cursors", "sync.windows", "sync.accounts", "sync.catch_ups", "sync.views"),
    ]
    with open_warehouse(place).reading() as connection:
        sql = "FROM {} WHERE account = $account ORDER BY rowid"
        return {name: connection.execute(sql.format(name), {"account": account}).fetchall() for name in names}


@pytest.mark.slow
def test_an_account_moves_from_a_file_through_two_cells_to_a_file(file: Path, tmp_path: Path) -> None:
    """Every row stays what it was, in its order; the other account does not move."""
    before, other = rows_of(file, "north"), rows_of(file, "south")
    whole = lake_at(tmp_path / "lake")
    way: list[Place] = [file, whole.cell("a"), whole.cell("b"), tmp_path / "new.duckdb"]

    for source, target in pairwise(way):
        moved = move_account("north", source, target)
        assert moved.rows >= sum(map(len, before.values()))
        assert rows_of(target, "north") == before
        assert not any(rows_of(source, "north").values())
    assert rows_of(file, "south") == other


def test_an_interrupted_move_is_completed(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the copy was stored, the account is in both places; the next call deletes it in the first."""
    before, target = rows_of(file, "north"), lake_at(tmp_path / "lake")
    with monkeypatch.context() as patch:
        patch.setattr(TwoPlaces, "delete", interrupted)
        with pytest.raises(KeyboardInterrupt):
            move_account("north", file, target)
    assert rows_of(file, "north") == rows_of(target, "north") == before

    move_account("north", file, target)

    assert not any(rows_of(file, "north").values())
    assert rows_of(target, "north") == before


def interrupted(*_: object) -> None:
    """Stand for the deletion, which Ctrl-C ends before it begins."""
    raise KeyboardInterrupt


@pytest.fixture
def cells(file: Path, tmp_path: Path) -> LakeCells:
    """Two cells, of which the first has an account, and both have tables."""
    cells = LakeCells(lake_at(tmp_path / "lake"), ("a", "b"))
    move_account("south", file, cells.cell("b"))
    move_account("north", file, cells.cell("a"))
    return cells


@contextmanager
def ended_in(step: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Within the block, a move ends when a step of it begins."""
    with monkeypatch.context() as patch:
        patch.setattr(TwoPlaces, step, interrupted)
        with pytest.raises(KeyboardInterrupt):
            yield


def change_in(place: Place, account: str) -> None:
    """Change rows of an account, as a sync does."""
    warehouse = open_warehouse(place)
    with warehouse.writing() as connection:
        connection.execute("UPDATE orders.sales_orders SET number_of_pieces = 7 WHERE account = ?", [account])
        connection.execute("DELETE FROM catalog.trade_items WHERE account = ?", [account])
    warehouse.finish()


def test_an_account_that_was_synced_after_an_interruption_moves_as_it_is(
    cells: LakeCells, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The copy, which nothing else may change, is made anew."""
    with ended_in("delete", monkeypatch):
        move_account("north", cells.cell("a"), cells.cell("b"))
    change_in(cells.cell("a"), "north")
    before, other = rows_of(cells.cell("a"), "north"), rows_of(cells.cell("b"), "south")

    move_account("north", cells.cell("a"), cells.cell("b"))

    assert rows_of(cells.cell("b"), "north") == before
    assert rows_of(cells.cell("b"), "south") == other
    assert not any(rows_of(cells.cell("a"), "north").values())


def test_a_move_is_not_ended_from_a_place_that_never_had_the_account(
    cells: LakeCells, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise the copy and the account at its old place would both count."""
    with ended_in("delete", monkeypatch):
        move_account("north", cells.cell("a"), cells.cell("b"))

    with pytest.raises(UsageError, match="has no account north; there are: none"):
        move_account("north", file, cells.cell("b"))
    with open_warehouse(cells.cell("b")).reading() as connection, pytest.raises(SettingError, match="has not ended"):
        check_no_move(connection, ["north"])


def test_a_copy_is_not_moved_on(cells: LakeCells, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The account at its old place and the moved copy would both count."""
    with ended_in("delete", monkeypatch):
        move_account("north", cells.cell("a"), cells.cell("b"))

    with pytest.raises(SettingError, match=r"the move of the account north from .* has not ended"):
        move_account("north", cells.cell("b"), file)
    assert not any(rows_of(file, "north").values())
    assert any(rows_of(cells.cell("a"), "north").values())


@pytest.mark.parametrize("step", ["delete", "end"])
def test_after_an_interrupted_move_each_record_is_read_once(
    cells: LakeCells, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Readers of all cells take an account at one place; it is not synced at the other, and the next move ends it."""
    sql = "SELECT account, count(*), count(DISTINCT sales_order_id) FROM orders.sales_orders GROUP BY ALL ORDER BY ALL"
    with open_warehouse(cells).reading() as connection:
        before = connection.execute(sql).fetchall()
    with ended_in(step, monkeypatch):
        move_account("north", cells.cell("a"), cells.cell("b"))

    with open_warehouse(cells).reading() as connection:
        assert connection.execute(sql).fetchall() == before
    with pytest.raises(WarehouseError, match="the move of the account north"), open_warehouse(cells).committed_bytes():
        pass
    with open_warehouse(cells.cell("b")).reading() as connection:
        with pytest.raises(SettingError, match="the move of the account north"):
            check_no_move(connection, ["north"])
        check_no_move(connection, ["south"])

    move_account("north", cells.cell("a"), cells.cell("b"))

    with open_warehouse(cells).reading() as connection:
        assert connection.execute(sql).fetchall() == before
    with open_warehouse(cells).committed_bytes() as stream:
        assert stream.read(16)
    with open_warehouse(cells.cell("b")).reading() as connection:
        check_no_move(connection, ["north"])


@pytest.mark.slow
def test_different_rows_are_not_deleted(file: Path, synced: bytes, tmp_path: Path) -> None:
    """If the target has other rows of the account, nothing changes in either place."""
    target = lake_at(tmp_path / "lake")  # and not by a move that did not end
    move_account("north", file, target)
    file.write_bytes(synced)
    warehouse = open_warehouse(target)
    with warehouse.writing() as connection:
        connection.execute("DELETE FROM versions.sales_orders WHERE account = 'north'")
    warehouse.finish()
    before = rows_of(file, "north"), rows_of(target, "north")

    with pytest.raises(UsageError, match=r"those of versions\.sales_orders differ: nothing was deleted"):
        move_account("north", file, target)
    assert (rows_of(file, "north"), rows_of(target, "north")) == before


def test_an_unknown_account_is_answered_with_the_known_ones(file: Path, tmp_path: Path) -> None:
    """The names of the accounts follow."""
    with pytest.raises(UsageError, match="has no account west; there are: north, south"):
        move_account("west", file, lake_at(tmp_path / "lake"))


def test_a_sync_keeps_an_account_in_its_place(file: Path, tmp_path: Path) -> None:
    """While a sync holds the lock of one of the two, nothing moves, and the holder is named."""
    target = lake_at(tmp_path / "lake")
    for place in (file, target):
        with hold_sync_lock(place, "floriday sync"), pytest.raises(WarehouseBusyError, match="floriday sync"):
            move_account("north", file, target)
    assert any(rows_of(file, "north").values())


def test_a_cell_with_an_account_of_another_cell_is_not_synced(file: Path, tmp_path: Path) -> None:
    """A sync that would read an account anew, which another cell has, is refused: it would be stored twice."""
    cells = LakeCells(lake_at(tmp_path / "lake"), ("a", "b"))
    move_account("north", file, cells.cell("a"))

    with Sandbox(now=NOW, empty=True, accounts=("north", "west")) as sandbox:
        settings = load_settings({**sandbox.environment(), "FLORIDAY_WAREHOUSE": "w.duckdb"}, tmp_path)
        in_b = settings.model_copy(update={"warehouse": cells.cell("b"), "published": None})
        with (
            open_clients(in_b) as connected,
            pytest.raises(
                SettingError, match=r"account north is stored in cell a, .*`floriday move north --from a --to b`"
            ),
        ):
            connected.prepare()


def test_a_file_that_does_not_exist_has_nothing_to_move(cells: LakeCells, tmp_path: Path) -> None:
    """The error says so, and no file is made."""
    missing = tmp_path / "missing.duckdb"

    with pytest.raises(WarehouseError, match=r"there is no warehouse at .*missing\.duckdb, so nothing can be moved"):
        move_account("north", missing, cells.cell("a"))
    assert not missing.exists()


def renamed(place: Place, old: str, new: str) -> None:
    """Rename an account, as a program that does not know of the move."""
    warehouse = open_warehouse(place)
    with warehouse.writing() as connection:
        rename(connection, old, new)
    warehouse.finish()


def test_a_move_is_not_ended_after_a_rename_at_the_old_place(cells: LakeCells, monkeypatch: pytest.MonkeyPatch) -> None:
    """The copy would count beside the account, which is still there under its new name."""
    with ended_in("delete", monkeypatch):
        move_account("north", cells.cell("a"), cells.cell("b"))
    renamed(cells.cell("a"), "north", "nord")

    with pytest.raises(SettingError, match="north was renamed nord at its old place before its move had ended"):
        move_account("north", cells.cell("a"), cells.cell("b"))

    renamed(cells.cell("a"), "nord", "north")
    before = rows_of(cells.cell("a"), "north")
    move_account("north", cells.cell("a"), cells.cell("b"))
    assert rows_of(cells.cell("b"), "north") == before


def test_a_move_that_ended_before_its_copy_goes_on(cells: LakeCells, monkeypatch: pytest.MonkeyPatch) -> None:
    """The new place is marked before the first row: nothing is synced there, and the next call copies all."""
    before = rows_of(cells.cell("a"), "north")
    with ended_in("copy", monkeypatch):
        move_account("north", cells.cell("a"), cells.cell("b"))

    with open_warehouse(cells.cell("b")).reading() as connection, pytest.raises(SettingError, match="has not ended"):
        check_no_move(connection, ["north"])
    assert not any(rows_of(cells.cell("b"), "north").values())

    move_account("north", cells.cell("a"), cells.cell("b"))

    assert rows_of(cells.cell("b"), "north") == before
    with open_warehouse(cells.cell("b")).reading() as connection:
        check_no_move(connection, ["north"])


def test_a_move_of_nothing_does_not_succeed(cells: LakeCells, monkeypatch: pytest.MonkeyPatch) -> None:
    """If neither place has the account after an interruption, an error says so, and the new place may be synced."""
    with ended_in("copy", monkeypatch):
        move_account("north", cells.cell("a"), cells.cell("b"))
    renamed(cells.cell("a"), "north", "nord")

    with pytest.raises(UsageError, match=r"neither place has the account north: nothing was moved, .* there are: nord"):
        move_account("north", cells.cell("a"), cells.cell("b"))
    with open_warehouse(cells.cell("b")).reading() as connection:
        check_no_move(connection, ["north"])


def test_a_copy_of_another_place_is_not_replaced(
    cells: LakeCells, file: Path, synced: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An unfinished move is ended from where it began, because the account is still there."""
    with ended_in("delete", monkeypatch):
        move_account("north", cells.cell("a"), cells.cell("b"))
    file.write_bytes(synced)

    with pytest.raises(SettingError, match=r"the move of the account north from .*_a has not ended"):
        move_account("north", file, cells.cell("b"))


def test_the_error_about_different_rows_names_the_way_out(cells: LakeCells, file: Path, synced: bytes) -> None:
    """The other rows are put aside by a move, and then the account is moved."""
    file.write_bytes(synced)
    change_in(file, "north")
    before = rows_of(file, "north")

    with pytest.raises(
        UsageError, match=r"`floriday move north --from a --to north-aside\.duckdb`, and run this again"
    ):
        move_account("north", file, cells.cell("a"))
    move_account("north", cells.cell("a"), file.with_name("north-aside.duckdb"))
    move_account("north", file, cells.cell("a"))

    assert rows_of(cells.cell("a"), "north") == before
