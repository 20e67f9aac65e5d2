"""``floriday backup``: a copy of one committed state, taken while others work."""

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
from tests.command_line import Printed, surroundings, unmeasured
from tests.integration.syncing import SUPPLIERS, Syncing
from tests.records import in_json, valid_records
from tests.thing_warehouse import ThingWarehouse, word

ORDERS = "orders.sales_orders"


@pytest.fixture
def things(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ThingWarehouse:
    """A warehouse for things, with one in it; the settings point at it."""
    made = ThingWarehouse(tmp_path / "w.duckdb").lay_out()
    made.store(word("a", 1))
    monkeypatch.setenv("FLORIDAY_WAREHOUSE", str(made.path))
    monkeypatch.chdir(tmp_path)
    return made


def names(folder: Path) -> list[str]:
    """What is in a folder."""
    return sorted(path.name for path in folder.iterdir())


class TestBackup:
    """What it leaves."""

    def test_it_equals_the_warehouse(self, things: ThingWarehouse, printed: Printed, tmp_path: Path) -> None:
        """Table by table, for its owner alone, in a folder that is made for it."""
        code, out, err = printed("backup", "backups/monday.duckdb")

        made = tmp_path / "backups" / "monday.duckdb"
        told = f"backups/monday.duckdb: {made.stat().st_size / 1e6:.1f} MB, a copy of {things.path}\n"
        assert (code, out, err) == (0, told, "")
        assert ThingWarehouse(made).contents() == things.contents()
        assert stat.S_IMODE(made.stat().st_mode) == 0o600
        assert names(made.parent) == ["monday.duckdb"]

    def test_a_sync_that_is_under_way_is_no_hindrance(
        self, things: ThingWarehouse, printed: Printed, tmp_path: Path
    ) -> None:
        """It holds its lock file from its beginning to its end; between two batches the file can be copied."""
        with hold_sync_lock(things.path, "floriday sync"):
            code, _, _ = printed("backup", "b.duckdb")

        assert code == 0
        assert ThingWarehouse(tmp_path / "b.duckdb").contents() == things.contents()

    def test_it_waits_for_the_batch_that_is_being_written(self, things: ThingWarehouse, tmp_path: Path) -> None:
        """And has all of it; that the writer goes on reading is no hindrance."""
        command = [sys.executable, "-m", "pipelines.cli", "backup", "b.duckdb"]
        environment = surroundings(FLORIDAY_WAREHOUSE=str(things.path))
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

    def test_it_can_be_restored(self, tmp_path: Path, printed: Printed, monkeypatch: pytest.MonkeyPatch) -> None:
        """Put in the warehouse's place, it is what the next sync goes on from, and that one brings all changes."""
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
    """What it does not write over, and what it cannot do."""

    def test_a_file_that_is_there_stays(self, things: ThingWarehouse, printed: Printed, tmp_path: Path) -> None:
        """Unless it may be replaced."""
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
        """Whatever it is called, and even with --force."""
        (tmp_path / "link.duckdb").symlink_to("w.duckdb")
        before = (tmp_path / "w.duckdb").read_bytes()

        code, _, err = printed("backup", name.format(tmp_path.name), "--force")

        assert code == 2
        assert "choose another" in err
        assert (tmp_path / "w.duckdb").read_bytes() == before
        assert names(tmp_path) == ["link.duckdb", "w.duckdb"]

    @pytest.mark.usefixtures("things")
    def test_a_folder_and_a_device_stay(self, printed: Printed, tmp_path: Path) -> None:
        """A copy would take their place."""
        os.mkfifo(tmp_path / "pipe")
        (tmp_path / "folder").mkdir()

        for name in ("pipe", "folder"):
            code, _, err = printed("backup", name, "--force")
            assert code == 2
            assert "no file" in err

        assert names(tmp_path) == ["folder", "pipe", "w.duckdb"]

    def test_without_a_warehouse(self, printed: Printed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Nothing is made."""
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("FLORIDAY_WAREHOUSE", "w.duckdb")

        code, _, err = printed("backup", "deeper/b.duckdb")

        assert code == 1
        assert "floriday sync" in err
        assert names(tmp_path) == []

    def test_a_damaged_warehouse_is_told(self, things: ThingWarehouse, printed: Printed, tmp_path: Path) -> None:
        """It does not pass for a backup."""
        things.path.write_bytes(b"x" * 100_000)

        code, _, err = printed("backup", "b.duckdb")

        assert code == 1
        assert "damaged" in err
        assert names(tmp_path) == ["w.duckdb"]

    def test_a_full_disk_is_told(self, things: ThingWarehouse, tmp_path: Path) -> None:
        """In one line; what stood there before stays, and nothing else."""
        (tmp_path / "b.duckdb").write_text("mine")
        program = (
            "import resource, sys\nfrom pipelines.cli.entry import run\n"
            "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
            "sys.exit(run(['backup', 'b.duckdb', '--force']))"
        )

        ended = subprocess.run(
            [sys.executable, "-c", program],
            cwd=tmp_path,
            env=unmeasured(FLORIDAY_WAREHOUSE=str(things.path)),
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )

        assert ended.stderr == "floriday: b.duckdb cannot be written: File too large\n"
        assert ended.returncode == 1
        assert (tmp_path / "b.duckdb").read_text() == "mine"
        assert names(tmp_path) == ["b.duckdb", "w.duckdb"]
