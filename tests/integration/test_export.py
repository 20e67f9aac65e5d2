"""``floriday export`` writes each table of one committed state as a Parquet file, and replaces the folder at once."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from pipelines.catalogue import catalogue_of
from pipelines.catalogue.tables import tables_of
from pipelines.reports import all_reports
from pipelines.warehouse.file.atomic import replace_folder, staging_folder
from pipelines.warehouse.file.connection import Warehouse, transaction
from pipelines.warehouse.load.upsert import Stored
from pipelines.warehouse.read import parquet_export
from pipelines.warehouse.read.parquet_export import export
from pipelines.warehouse.schema.create import SYNC_TABLES
from pipelines.warehouse.schema.owner import record_owner
from tests.command_line import Printed, without_coverage
from tests.every_kind import TABLE, thing
from tests.examples import cases
from tests.integration.syncing import empty_warehouse
from tests.thing_warehouse import ThingWarehouse, word

EVERYTHING = (
    '"word":"=1+1","count":7,"big":9000000000,"amount":12.345678,"moment":"2026-01-02T03:04:05.123456+01:00",'
    '"day":"2026-01-02","flag":true,"otherId":"8bb25702-90f6-4123-8ccc-08dc1b2a0fff","part":{"word":"p","amount":1},'
    '"words":["a","\\"b\\"",null],"ids":["8bb25702-90f6-4123-8ccc-08dc1b2a0fff"],"counts":[],"amounts":[1.5,0.000001],'
    '"moments":["2026-01-02T03:04:05Z"],"branches":[{"branchId":null,"count":1,"leaves":[{"word":"leaf"}]}]'
)
FILES = [f"{schema}/{part.name}.parquet" for schema in ("things", "history") for part in TABLE.walk()]
SYNC_FILES = [f"sync/{name}.parquet" for name in SYNC_TABLES]


@pytest.fixture
def things(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ThingWarehouse:
    """A warehouse for things, with two versions of one and a user's table, selected by the settings."""
    things = ThingWarehouse(tmp_path / "w.duckdb").create()
    things.store(word("first", 1))
    things.store(thing(EVERYTHING, 2))
    with things.warehouse.writing() as connection, transaction(connection):
        record_owner(connection, "suppliers", "localhost", {})
        connection.execute("CREATE SCHEMA own; CREATE TABLE own.things AS SELECT 'main' AS account")
    monkeypatch.setenv("FLORIDAY_WAREHOUSE", str(things.path))
    monkeypatch.chdir(tmp_path)
    return things


def files(folder: Path) -> list[str]:
    """Relative paths of the files in a folder and its subfolders."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def names(folder: Path) -> list[str]:
    """The names in a folder."""
    return sorted(path.name for path in folder.iterdir())


def exported_words(folder: Path) -> list[str]:
    """The words of the exported things."""
    return [row["word"] for row in parquet.read_table(folder / "things" / "things.parquet").to_pylist()]


class TestFiles:
    """Which files are written, with which content."""

    def test_every_table_has_its_file(self, things: ThingWarehouse, printed: Printed, tmp_path: Path) -> None:
        """An export writes private files for all tables, the history and the sync tables, and a summary.

        Tables of users are not exported; payloads are exported with ``--raw`` only.
        """
        code, out, err = printed("export", "out/parquet")

        folder = tmp_path / "out" / "parquet"
        assert (code, err) == (0, "")
        assert files(folder) == sorted(["export.json", *FILES, *SYNC_FILES])
        assert {stat.S_IMODE(path.stat().st_mode) for path in folder.rglob("*") if path.is_file()} == {0o600}
        assert names(tmp_path / "out") == ["parquet"]
        summary = json.loads((folder / "export.json").read_text())
        counts = {file: parquet.read_metadata(folder / file).num_rows for file in (*FILES, *SYNC_FILES)}
        assert summary["rows"] == counts
        assert out.startswith(f"out/parquet: {len(counts)} files, {sum(counts.values())} rows, as of 20")
        ((committed,),) = things.rows("SELECT max(committed_at) FROM sync.windows")
        assert summary["as_of"] == committed.isoformat()

    def test_values_equal_the_warehouse(self, things: ThingWarehouse, printed: Printed, tmp_path: Path) -> None:
        """Every exported row, cast to the types of the warehouse, equals the row of its table."""
        printed("export", "out")

        with things.warehouse.reading() as connection:
            for file in (*FILES, "sync/cursors.parquet", "sync/windows.parquet"):
                table = file.removesuffix(".parquet").replace("/", ".")
                columns = connection.execute(f"DESCRIBE {table}").fetchall()
                restored = ", ".join(
                    f'from_json("{name}", \'["{kind[:-2]}"]\') AS "{name}"'
                    if kind.endswith("[]")
                    else f'CAST("{name}" AS {kind}) AS "{name}"'
                    for name, kind, *_ in columns
                )
                rows = connection.execute(f"SELECT {restored} FROM '{tmp_path}/out/{file}' ORDER BY ALL").fetchall()
                assert rows == connection.execute(f"FROM {table} ORDER BY ALL").fetchall()
                assert rows

    def test_payloads_are_optional(self, things: ThingWarehouse, printed: Printed, tmp_path: Path) -> None:
        """With ``--raw``, payloads are exported exactly as received."""
        printed("export", "out", "--no-history", "--raw")

        exported = parquet.read_table(tmp_path / "out" / "raw" / "things.parquet")
        assert exported["payload"].to_pylist() == things.values("SELECT payload FROM raw.things ORDER BY synced_at")
        assert "history" not in names(tmp_path / "out")

    def test_types_are_supported_by_every_reader(
        self, things: ThingWarehouse, printed: Printed, tmp_path: Path
    ) -> None:
        """Files contain only types that all Parquet readers support, and no lists, structs, intervals or bytes."""
        things.change(
            "CREATE OR REPLACE VIEW history.things AS SELECT *, sum(big) OVER () AS huge, sum(amount) OVER ()"
            " AS total, INTERVAL 1 HOUR AS span, {'a': 1} AS nested, synced_at AS valid_from,"
            " NULL AS valid_to, true AS is_current, row_version AS version FROM versions.things"
        )
        printed("export", "out")

        schema = parquet.read_schema(tmp_path / "out" / "history" / "things.parquet")
        kinds = {name: schema.field(name).type for name in schema.names}
        assert kinds["thing_id"] == kinds["words"] == kinds["ids"] == kinds["span"] == kinds["nested"] == pa.string()
        assert kinds["moment"] == pa.timestamp("us", "UTC")
        assert kinds["day"] == pa.date32()
        assert (kinds["amount"], kinds["total"]) == (pa.decimal128(18, 6), pa.decimal128(28, 6))
        assert kinds["huge"] == pa.int64()

    def test_a_sum_that_no_reader_could_hold_is_null(
        self, things: ThingWarehouse, printed: Printed, tmp_path: Path
    ) -> None:
        """Everything is exported, also where a view has sums of 29 digits and of more than a BIGINT."""
        things.change(
            "CREATE OR REPLACE VIEW history.things AS SELECT *, CAST(2e22 AS DECIMAL(38, 6)) AS total,"
            " CAST(1e19 AS HUGEINT) AS pieces, synced_at AS valid_from, NULL AS valid_to, true AS is_current,"
            " row_version AS version FROM versions.things"
        )
        printed("export", "out")

        exported = parquet.read_table(tmp_path / "out" / "history" / "things.parquet")
        assert set(exported["total"].to_pylist()) == set(exported["pieces"].to_pylist()) == {None}
        assert None not in exported["version"].to_pylist()

    @pytest.mark.slow
    def test_history_and_reports_are_optional(
        self, tmp_path: Path, printed: Printed, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """An export contains all tables and reports; without history and reports, their older files are removed."""
        path = tmp_path / "w.duckdb"
        path.write_bytes(empty_warehouse("customers"))
        with Warehouse(path).writing() as connection, transaction(connection):
            record_owner(connection, "customers", "localhost", {})
        monkeypatch.setenv("FLORIDAY_WAREHOUSE", str(path))
        monkeypatch.chdir(tmp_path)
        tables = [part for source in catalogue_of("customers").sources for part in tables_of(source).walk()]
        current = {f"{table.schema}/{table.name}.parquet" for table in tables}

        assert "before any sync" in printed("export", "out")[1]
        written = set(files(tmp_path / "out"))
        reports = {file.partition("/")[2].removesuffix(".parquet") for file in written if file.startswith("reports/")}
        assert written >= current | {f"history/{table.name}.parquet" for table in tables}
        assert reports <= {report.name for report in all_reports()}
        assert {"sell_through", "spend_by_grower", "sync_health"} & reports == {"spend_by_grower", "sync_health"}
        printed("export", "out", "--no-history", "--no-reports")
        assert set(files(tmp_path / "out")) == current | {"export.json", *SYNC_FILES}


class TestReplacing:
    """A new export replaces the folder of the previous one."""

    def test_a_reader_keeps_the_old_files(self, things: ThingWarehouse, tmp_path: Path) -> None:
        """A reader that has an old file open keeps reading it after the folder is replaced."""
        folder = tmp_path / "out"
        export(things.warehouse, folder, (), history=False)
        with (folder / "things" / "things.parquet").open("rb") as old:
            things.store(word("later", 3))
            export(things.warehouse, folder, (), history=False)

            assert exported_words(folder) == ["later"]
            assert parquet.read_table(old)["word"].to_pylist() == ["=1+1"]
        assert names(tmp_path) == ["out", "w.duckdb"]

    def test_folders_that_cannot_be_exchanged(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Where the system cannot exchange two folders, the new one still replaces the old one."""
        monkeypatch.setattr("pipelines.warehouse.file.atomic._exchange", lambda *_: False)
        target = tmp_path / "out"
        for content in ("old", "new"):
            with staging_folder(target) as part:
                (part / "file").write_text(content)
                replace_folder(part, target)

        assert (target / "file").read_text() == "new"
        assert names(tmp_path) == ["out"]

    def test_each_file_is_announced(self, things: ThingWarehouse, tmp_path: Path) -> None:
        """The listener gets the number of each file, the number of all files, and the name of the table."""
        steps: list[tuple[int, int, str]] = []

        exported = export(
            things.warehouse, tmp_path / "out", (), history=True, listener=lambda *step: steps.append(step)
        )

        assert [f"{name.replace('.', '/')}.parquet" for _, _, name in steps] == [*exported.rows]
        assert [step[:2] for step in steps] == [(number, len(steps)) for number in range(1, len(steps) + 1)]

    def test_writers_do_not_wait_for_an_export(
        self, things: ThingWarehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A commit during an export succeeds and is not part of the exported files."""
        copy_table = parquet_export._copy  # noqa: SLF001 - to commit between two tables
        stored: list[Stored] = []

        def store_between(*arguments: Any) -> int:
            if not stored:
                stored.append(things.store(thing(f'"word":"later",{EVERYTHING.partition(",")[2]}', 3)))
            return copy_table(*arguments)

        monkeypatch.setattr(parquet_export, "_copy", store_between)
        exported = export(things.warehouse, tmp_path / "out", (), history=True)

        assert things.values("SELECT word FROM things.things") == ["later"]
        assert exported_words(tmp_path / "out") == ["=1+1"]
        assert exported.rows["history/things.parquet"] == 2
        assert exported.as_of is not None
        assert exported.as_of < stored[0].committed_at

    def test_files_of_a_killed_export_are_removed(
        self, things: ThingWarehouse, printed: Printed, tmp_path: Path
    ) -> None:
        """Files of a killed export are removed by the next one, and are not part of it."""
        abandoned = tmp_path / ".out.part" / "things"
        abandoned.mkdir(parents=True)
        (abandoned / "old.parquet").touch()
        (tmp_path / ".out.part" / "snapshot.duckdb").write_bytes(b"half a file")

        assert printed("export", "out", "--no-history")[0] == 0

        assert "things/old.parquet" not in files(tmp_path / "out")
        assert names(tmp_path) == ["out", "w.duckdb"]
        assert things.path.exists()

    def test_two_exports_at_once(self, things: ThingWarehouse, printed: Printed, tmp_path: Path) -> None:
        """A second export into the same folder fails while the first one writes."""
        with staging_folder(tmp_path / "out"):
            code, _, err = printed("export", "out")

        assert code == 1
        assert "another process writes" in err
        assert things.path.exists()


class TestRefusals:
    """An export that is refused or fails is one line, and leaves all files unchanged."""

    @pytest.fixture
    def unchanged(self, tmp_path: Path, things: ThingWarehouse) -> Iterator[None]:
        """Assert that the test leaves no hidden folder, and does not change the user's file."""
        assert things.path.exists()
        yield
        assert [name for name in names(tmp_path) if name.startswith(".")] == []
        assert (tmp_path / "mine" / "notes.txt").read_text() == "mine"

    @cases(
        ("folder", "message"),
        [
            ("mine", "mine contains files that no export wrote, such as notes.txt"),
            ("mine/notes.txt", "notes.txt is a file: name a folder"),
            ("mine/notes.txt/deeper", "notes.txt is a file: name a folder"),
            (".", "contains files that no export wrote"),
            ("/proc", "is the mount point of a disk"),
        ],
        quick=1,
    )
    @pytest.mark.usefixtures("unchanged")
    def test_other_files_are_not_replaced(self, printed: Printed, tmp_path: Path, folder: str, message: str) -> None:
        """A folder with other files, and a file, are not replaced."""
        (tmp_path / "mine").mkdir()
        (tmp_path / "mine" / "notes.txt").write_text("mine")

        code, out, err = printed("export", folder)

        assert (code != 0, out, err.count("\n")) == (True, "", 1)
        assert message in err

    def test_a_file_that_a_user_added_stays(self, things: ThingWarehouse, printed: Printed, tmp_path: Path) -> None:
        """A folder to which a user added a file is not replaced."""
        printed("export", "out")
        (tmp_path / "out" / "dashboard.pbix").touch()

        code, _, err = printed("export", "out")

        assert code == 2
        assert "dashboard.pbix" in err
        assert (tmp_path / "out" / "dashboard.pbix").exists()
        assert things.path.exists()

    @cases("limit", [1_000, 30_000_000], quick=1, ids=["while files are written", "while the warehouse is copied"])
    def test_a_full_disk(self, things: ThingWarehouse, printed: Printed, tmp_path: Path, limit: int) -> None:
        """An export that fills the disk is reported, and the previous export stays."""
        printed("export", "out", "--no-history")
        before = {file: (tmp_path / "out" / file).read_bytes() for file in files(tmp_path / "out")}
        program = (
            "import sys, pipelines.warehouse.read.parquet_export as exporting\nfrom pipelines.cli.entry import run\n"
            "import resource\nfrom pipelines.warehouse.file.publish import copy_warehouse\n"
            "def limited():\n    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
            "def then_full(*given):\n    copy_warehouse(*given)\n    limited()\n"
            + ("exporting.copy_warehouse = then_full\n" if limit == 1_000 else "limited()\n")
            + "sys.exit(run(['export', 'out']))"
        )

        ended = subprocess.run(
            [sys.executable, "-c", program],
            cwd=tmp_path,
            env=without_coverage(FLORIDAY_WAREHOUSE=str(things.path)),
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )

        assert ended.returncode == 1
        assert ended.stderr.startswith("floriday: the export to ")
        assert "File too large" in ended.stderr
        assert ended.stderr.count("\n") == 1
        assert {file: (tmp_path / "out" / file).read_bytes() for file in files(tmp_path / "out")} == before
        assert names(tmp_path) == ["out", "w.duckdb"]

    def test_without_a_warehouse(self, printed: Printed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Without a warehouse, or with one without data of Floriday, an export fails and creates nothing."""
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("FLORIDAY_WAREHOUSE", "w.duckdb")
        assert "there is no warehouse" in printed("export", "out")[2]
        assert names(tmp_path) == []
        with Warehouse(tmp_path / "w.duckdb").writing() as connection:
            connection.execute("CREATE TABLE something AS SELECT 1")

        code, _, err = printed("export", "out")

        assert code == 1
        assert "contains no data of Floriday yet" in err
        assert names(tmp_path) == ["w.duckdb"]
