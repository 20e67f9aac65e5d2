"""``floriday backup`` copies one committed state of the warehouse while others use it."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.sandbox import Sandbox
from pipelines.warehouse.file.connection import transaction
from pipelines.warehouse.file.sync_lock import hold_sync_lock
from tests.command_line import Printed, process_environment, without_coverage
from tests.integration.syncing import SUPPLIERS, Syncing
from tests.records import in_json, valid_records
from tests.thing_warehouse import ThingWarehouse, word

ORDERS = "orders.sales_orders"


@pytest.fixture
def things(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ThingWarehouse:
    """A warehouse with one thing, selected by the settings."""
    things = ThingWarehouse(tmp_path / "w.duckdb").create()
    things.store(word("a", 1))
    monkeypatch.setenv("FLORIDAY_WAREHOUSE", str(things.path))
    monkeypatch.chdir(tmp_path)
    return things


def names(folder: Path) -> list[str]:
    """The names in a folder."""
    return sorted(path.name for path in folder.iterdir())


class TestBackup:
    """A backup is a complete copy that can be restored."""

    def test_it_equals_the_warehouse(self, things: ThingWarehouse, printed: Printed, tmp_path: Path) -> None:
        """A backup has the same tables and rows as the warehouse, and is private."""
        code, out, err = printed("backup", "backups/monday.duckdb")

        backup = tmp_path / "backups" / "monday.duckdb"
        message = f"backups/monday.duckdb: {backup.stat().st_size / 1e6:.1f} MB, a copy of {things.path}\n"
        assert (code, out, err) == (0, message, "")
        assert ThingWarehouse(backup).contents() == things.contents()
        assert stat.S_IMODE(backup.stat().st_mode) == 0o600
        assert names(backup.parent) == ["monday.duckdb"]

    def test_a_backup_during_a_sync(self, things: ThingWarehouse, printed: Printed, tmp_path: Path) -> None:
        """A backup can be made during a sync, between two transactions."""
        with hold_sync_lock(things.path, "floriday sync"):
            code, _, _ = printed("backup", "b.duckdb")

        assert code == 0
        assert ThingWarehouse(tmp_path / "b.duckdb").contents() == things.contents()

    def test_it_waits_for_a_running_transaction(self, things: ThingWarehouse, tmp_path: Path) -> None:
        """A backup waits for a running transaction and contains it, and a reader does not delay it."""
        command = [sys.executable, "-m", "pipelines.cli", "backup", "b.duckdb"]
        environment = process_environment(FLORIDAY_WAREHOUSE=str(things.path))
        with things.warehouse.writing() as connection:
            with transaction(connection):
                connection.execute("UPDATE things.things SET word = 'b'")
                backup = subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE)
                while not (tmp_path / "b.duckdb.part").exists():
                    assert backup.poll() is None
            assert not (tmp_path / "b.duckdb").exists()

        with things.warehouse.reading():
            backup.communicate()
        assert backup.returncode == 0
        assert ThingWarehouse(tmp_path / "b.duckdb").values("SELECT word FROM things.things") == ["b"]

    @pytest.mark.slow
    def test_it_can_be_restored(self, tmp_path: Path, printed: Printed, monkeypatch: pytest.MonkeyPatch) -> None:
        """After a backup is restored, the next sync continues from its cursors and stores all later changes."""
        with Sandbox(empty=True) as sandbox:
            syncing = Syncing(sandbox, tmp_path / "w.duckdb")
            monkeypatch.setenv("FLORIDAY_WAREHOUSE", str(syncing.path))
            first, *later = valid_records(SUPPLIERS.feed(ORDERS), seed=1, count=6)
            sandbox.book(ORDERS).put(in_json(first))
            syncing.sync(ORDERS)
            printed("backup", str(tmp_path / "b.duckdb"))
            for record in later:
                sandbox.book(ORDERS).put(in_json(record))
            syncing.sync(ORDERS)

            shutil.copy(tmp_path / "b.duckdb", syncing.path)
            assert syncing.versions(ORDERS) == 1
            outcome = syncing.sync_one(ORDERS)

            assert (outcome.new, outcome.current) == (5, True)
            syncing.assert_equal(ORDERS)


class TestRefusals:
    """A backup that is refused or fails leaves all files unchanged."""

    def test_an_existing_file_stays(self, things: ThingWarehouse, printed: Printed, tmp_path: Path) -> None:
        """An existing file is replaced with ``--force`` only."""
        (tmp_path / "b.duckdb").write_text("mine")

        code, out, err = printed("backup", "b.duckdb")

        assert (code, out) == (2, "")
        assert "--force" in err
        assert (tmp_path / "b.duckdb").read_text() == "mine"
        assert printed("backup", "b.duckdb", "--force")[0] == 0
        assert ThingWarehouse(tmp_path / "b.duckdb").contents() == things.contents()

    @pytest.mark.parametrize(
        "name", ["w.duckdb", "w.duckdb.wal", "w.duckdb.lock", "link.duckdb", "w.published.duckdb", "../{}/w.duckdb"]
    )
    @pytest.mark.usefixtures("things")
    def test_the_warehouse_and_what_belongs_to_it_stay(self, printed: Printed, tmp_path: Path, name: str) -> None:
        """The warehouse and the files that belong to it are not replaced, even with ``--force``."""
        (tmp_path / "link.duckdb").symlink_to("w.duckdb")
        before = (tmp_path / "w.duckdb").read_bytes()

        code, _, err = printed("backup", name.format(tmp_path.name), "--force")

        assert code == 2
        assert "choose another" in err
        assert (tmp_path / "w.duckdb").read_bytes() == before
        assert names(tmp_path) == ["link.duckdb", "w.duckdb"]

    @pytest.mark.usefixtures("things")
    def test_a_folder_and_a_device_stay(self, printed: Printed, tmp_path: Path) -> None:
        """A folder or a device is not replaced."""
        os.mkfifo(tmp_path / "pipe")
        (tmp_path / "folder").mkdir()

        for name in ("pipe", "folder"):
            code, _, err = printed("backup", name, "--force")
            assert code == 2
            assert "no file" in err

        assert names(tmp_path) == ["folder", "pipe", "w.duckdb"]

    def test_without_a_warehouse(self, printed: Printed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Without a warehouse, a backup fails and creates nothing."""
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("FLORIDAY_WAREHOUSE", "w.duckdb")

        code, _, err = printed("backup", "deeper/b.duckdb")

        assert code == 1
        assert "floriday sync" in err
        assert names(tmp_path) == []

    def test_a_damaged_warehouse_is_reported(self, things: ThingWarehouse, printed: Printed, tmp_path: Path) -> None:
        """A damaged warehouse is reported, and no backup is left."""
        things.path.write_bytes(b"x" * 100_000)

        code, _, err = printed("backup", "b.duckdb")

        assert code == 1
        assert "damaged" in err
        assert names(tmp_path) == ["w.duckdb"]

    def test_a_full_disk_is_reported(self, things: ThingWarehouse, tmp_path: Path) -> None:
        """A full disk is reported in one line, and an existing backup stays."""
        (tmp_path / "b.duckdb").write_text("mine")
        program = (
            "import resource, sys\nfrom pipelines.cli.entry import run\n"
            "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
            "sys.exit(run(['backup', 'b.duckdb', '--force']))"
        )

        ended = subprocess.run(
            [sys.executable, "-c", program],
            cwd=tmp_path,
            env=without_coverage(FLORIDAY_WAREHOUSE=str(things.path)),
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )

        assert ended.stderr == "floriday: b.duckdb cannot be written: File too large\n"
        assert ended.returncode == 1
        assert (tmp_path / "b.duckdb").read_text() == "mine"
        assert names(tmp_path) == ["b.duckdb", "w.duckdb"]
