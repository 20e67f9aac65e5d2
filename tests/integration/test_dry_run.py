"""``floriday sync --dry-run`` prints exactly what a sync would change, and changes nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines.cli.entry import run
from pipelines.errors import WarehouseError
from pipelines.sandbox import Fault, Kind, Sandbox, status
from pipelines.warehouse.file.connection import Warehouse
from pipelines.warehouse.file.dry_run import private_copy
from tests.command_line import Printed, command, without_coverage
from tests.integration.syncing import SUPPLIERS
from tests.records import in_json, valid_records
from tests.warehouses import KIND, Saved, saved_at, settings_at, state_at, warehouse_at

pytestmark = pytest.mark.both_kinds

ORDERS, BATCHES = "orders.sales_orders", "supply.batches"
VALID_MEMBERS = {"status": "COMMITTED", "isDeleted": False, "lastModifiedDateTime": "2026-03-02T12:00:00Z"}
MUTATIONS = "orders.sales_order_mutations"


@contextmanager
def filled_sandbox() -> Iterator[Sandbox]:
    """Start a server of ten orders with two mutations each, and three batches."""
    with Sandbox(empty=True) as sandbox:
        for place, record in enumerate(valid_records(SUPPLIERS.feed(ORDERS), 1, 10)):
            put(sandbox, {**record, **VALID_MEMBERS, "mutations": mutations(place)})
        for record in valid_records(SUPPLIERS.feed(BATCHES), 1, 3):
            sandbox.book(BATCHES).put(record)
        yield sandbox


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """The server of one test."""
    with filled_sandbox() as sandbox:
        yield sandbox


def mutations(place: int, count: int = 2) -> list[dict[str, Any]]:
    """The mutations of the order at this place."""
    return [{"basedOnSalesOrderVersion": 10 * place + number} for number in range(count)]


def put(sandbox: Sandbox, record: dict[str, Any]) -> None:
    """Serve an order under a new sequence number."""
    book = sandbox.book(ORDERS)
    number = book.reserve()
    book.put(in_json({**record, "sequenceNumber": number}), number=number)


def order(sandbox: Sandbox, place: int) -> dict[str, Any]:
    """The order at this place; the first is 0."""
    return sandbox.book(ORDERS).entries()[place].document


@pytest.fixture
def warehouse(sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Point the settings at the sandbox and at a warehouse that does not exist yet."""
    path = tmp_path / "w.duckdb"
    for name, value in settings(sandbox, path).items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    return path


def settings(sandbox: Sandbox, path: Path) -> dict[str, str]:
    """The FLORIDAY settings of the test."""
    return {**sandbox.environment(), **settings_at(path), "FLORIDAY_FEEDS": f"{ORDERS},{BATCHES}"}


@pytest.fixture(scope="module")
def first_sync(tmp_path_factory: pytest.TempPathFactory) -> Saved:
    """The warehouse after a first sync; every server that is filled like this one serves the same records."""
    path = tmp_path_factory.mktemp("first") / "w.duckdb"
    with filled_sandbox() as sandbox, pytest.MonkeyPatch.context() as patch:
        for name, value in settings(sandbox, path).items():
            patch.setenv(name, value)
        patch.chdir(path.parent)
        assert run(["sync"]) == 0
    return saved_at(path)


@pytest.fixture
def synced(warehouse: Path, first_sync: Saved) -> Path:
    """The warehouse after a sync of all records."""
    if KIND == "file":
        warehouse.touch(mode=0o600)
    first_sync.restore(warehouse)
    return warehouse


@pytest.fixture
def printed(warehouse: Path, printed: Printed) -> Printed:
    """Run a command with these settings."""
    assert warehouse.parent.is_dir()
    return printed


def counts(out: str) -> dict[str, list[int]]:
    """The printed counts by table: new, changed, deleted and rejected rows."""
    rows = (line.split() for line in out.splitlines() if "·" not in line)
    return {row[1]: [int(count) for count in row[2:]] for row in rows if len(row) == 6 and row[0] == "main"}


def content(folder: Path) -> dict[str, object]:
    """The files in a folder without the lock file, and the state of a lake; beside a file, a subfolder is an error."""
    if KIND == "lake":
        files: dict[str, object] = {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        path = folder / "w.duckdb"
        return {**files, "lake": state_at(path)} if warehouse_at(path).exists() else files
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "w.duckdb.lock"}


class TestOutput:
    """A dry run prints what a sync would change in each table."""

    @pytest.mark.slow
    def test_without_a_warehouse_everything_is_new(self, printed: Printed, warehouse: Path) -> None:
        """Without a warehouse every row is new, and the dry run creates none."""
        code, out, err = printed("sync", "--dry-run")

        assert (code, err) == (0, "")
        assert counts(out)[ORDERS] == [10, 0, 0, 0]
        assert counts(out)[MUTATIONS] == [20, 0, 0, 0]
        assert counts(out)[BATCHES] == [3, 0, 0, 0]
        assert "Nothing was written; no other table would change.\n" in out
        assert content(warehouse.parent) == {}

    def test_each_kind_of_change(self, printed: Printed, sandbox: Sandbox, synced: Path) -> None:
        """New, changed, deleted and rejected records are counted; a new sequence number alone is no change."""
        before = content(synced.parent)
        first, second, third, fourth, *_ = (order(sandbox, place) for place in range(10))
        put(sandbox, {**first, "numberOfPieces": 4711})
        put(sandbox, {**second, "isDeleted": True})
        put(sandbox, {**third, "mutations": [*mutations(2, 1), *mutations(9)]})
        put(sandbox, {**fourth, "mutations": mutations(3, 1), "numberOfPieces": 12})
        sandbox.book(ORDERS).renumber(sandbox.book(ORDERS).entries()[0].key[0])
        (fresh,) = valid_records(SUPPLIERS.feed(ORDERS), 2, 1)
        put(sandbox, {**fresh, **VALID_MEMBERS, "mutations": []})
        put(sandbox, {**fresh, "salesOrderId": "not-an-id"})

        code, out, err = printed("sync", "--dry-run")

        assert (code, err) == (0, "")
        assert counts(out)[ORDERS] == [1, 2, 1, 1]
        assert counts(out)[MUTATIONS] == [1, 1, 1, 0]
        assert BATCHES not in counts(out)
        assert content(synced.parent) == before

    @pytest.mark.slow
    def test_a_sync_makes_the_printed_changes(self, printed: Printed, sandbox: Sandbox, synced: Path) -> None:
        """The next sync makes exactly the printed changes."""
        put(sandbox, {**order(sandbox, 0), "numberOfPieces": 4711, "mutations": mutations(0, 3)})
        printed_changes = counts(printed("sync", "--dry-run")[1])

        assert printed_changes == {ORDERS: [0, 1, 0, 0], MUTATIONS: [1, 0, 0, 0]}
        printed("sync")
        assert counts(printed("sync", "--dry-run")[1]) == {}
        with warehouse_at(synced).reading() as connection:
            assert connection.execute(f"SELECT count(*) FROM {MUTATIONS}").fetchall() == [(21,)]

    @pytest.mark.slow
    def test_lost_rows_would_be_new(self, printed: Printed, synced: Path) -> None:
        """Rows that were lost are printed as new in a full re-read and in a re-read of days."""
        with warehouse_at(synced).writing() as connection:
            connection.execute(f"DELETE FROM {ORDERS} WHERE hash(sales_order_id) % 2 = 0")
            ((kept,),) = connection.execute(f"SELECT count(*) FROM {ORDERS}").fetchall()

        for options in (("--full",), ("--from", "2026-03-02")):
            _, out, _ = printed("sync", "--dry-run", *options)
            assert counts(out) == {ORDERS: [10 - kept, 0, 0, 0]}

    @pytest.mark.usefixtures("synced")
    def test_no_changes(self, printed: Printed) -> None:
        """Without changes, one line reports that no table would change."""
        code, out, _ = printed("sync", "--dry-run")

        assert code == 0
        assert out.splitlines()[-1] == "Nothing was written; no table would change."

    @pytest.mark.slow
    def test_failures_are_reported(self, printed: Printed, sandbox: Sandbox, warehouse: Path) -> None:
        """A feed that fails sets exit code 1, and a skipped feed is reported."""
        sandbox.faults.add(status(400, "/sales-orders/sync/*", times=None))
        sandbox.faults.add(status(423, "/batches/*", times=None))

        code, out, err = printed("sync", "--dry-run")

        assert code == 1
        assert f"main · {BATCHES}: skipped: Floriday is rebuilding" in out
        assert err.startswith(f"floriday: main · {ORDERS}: ")
        assert not warehouse_at(warehouse).exists()


class TestCopy:
    """A dry run works on a private copy, which it removes."""

    @pytest.mark.slow
    @pytest.mark.file_only("the test looks at its copy")
    def test_ctrl_c_removes_the_copy(self, sandbox: Sandbox, synced: Path, printed: Printed) -> None:
        """Ctrl-C removes the copy and leaves the warehouse unchanged; a sync is refused until then."""
        before = content(synced.parent)
        put(sandbox, order(sandbox, 0))
        sandbox.faults.add(Fault(kind=Kind.SLOW, seconds=60, where="/sales-orders/sync/*", times=None))
        sandbox.calls.clear()
        process = subprocess.Popen(
            command("sync", "--dry-run"),
            cwd=synced.parent,
            env=without_coverage(**settings(sandbox, synced)),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        copy = synced.parent / ".w.duckdb.trial" / "w.duckdb"
        while not sandbox.calls.to("/sales-orders/current-max-sequence"):
            with suppress(subprocess.TimeoutExpired):
                pytest.fail(f"the dry run ended with {process.wait(0.02)}")

        assert (copy.stat().st_mode & 0o777, copy.parent.stat().st_mode & 0o777) == (0o600, 0o700)
        code, _, refused = printed("sync")
        assert code == 1
        assert "floriday sync --dry-run" in refused
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
        assert (process.returncode, err) == (130, "floriday: stopped\n")
        assert content(synced.parent) == before

    @pytest.mark.file_only("the test looks at its copy")
    def test_the_copy_of_a_killed_dry_run_is_removed(self, printed: Printed, synced: Path) -> None:
        """The next dry run removes the copy of a killed one."""
        before = content(synced.parent)
        stale = synced.parent / ".w.duckdb.trial"
        stale.mkdir()
        (stale / "w.duckdb").write_bytes(b"half a copy")

        assert printed("sync", "--dry-run")[0] == 0

        assert content(synced.parent) == before

    @pytest.mark.file_only("PostgreSQL keeps such a log")
    def test_the_copy_contains_the_write_ahead_log(self, tmp_path: Path) -> None:
        """The copy contains what a killed process committed to the write-ahead log, and both files stay unchanged."""
        path = tmp_path / "w.duckdb"
        program = (
            "import duckdb, os, sys\nconnection = duckdb.connect(sys.argv[1])\n"
            "connection.execute('CREATE TABLE t AS SELECT 42 AS answer')\nos._exit(0)"
        )
        subprocess.run([sys.executable, "-c", program, str(path)], check=True)
        before = content(tmp_path)
        assert set(before) == {"w.duckdb", "w.duckdb.wal"}

        with private_copy(Warehouse(path)) as copy, copy.writing() as connection:
            assert connection.execute("FROM t").fetchall() == [(42,)]
            connection.execute("DELETE FROM t")

        assert content(tmp_path) == before

    @pytest.mark.file_only("it is not copied by a command")
    def test_a_full_disk_is_one_line(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A full disk is reported in one line, and the incomplete copy is removed."""
        path, tools = tmp_path / "data" / "w.duckdb", tmp_path / "tools"
        path.parent.mkdir()
        duckdb.connect(str(path)).close()
        tools.mkdir()
        (tools / "cp").write_text("#!/bin/sh\necho 'cp: no space left on device' >&2\nexit 1\n")
        (tools / "cp").chmod(0o700)
        monkeypatch.setenv("PATH", str(tools), prepend=os.pathsep)

        with (
            pytest.raises(WarehouseError, match="no space left on device; nothing was changed"),
            private_copy(Warehouse(path)),
        ):
            pass

        assert set(content(path.parent)) == {"w.duckdb"}
