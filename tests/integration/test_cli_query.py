"""``floriday query`` and ``floriday report`` only read the warehouse, and write results in every format."""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import io
import json
import re
import shlex
import signal
import stat
import subprocess
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import duckdb
import openpyxl
import pyarrow.parquet as pq
import pytest

from pipelines.cli.entry import run
from pipelines.cli.output import chosen_format, write_result
from pipelines.errors import PipelineError, UsageError
from pipelines.reports import all_reports, find_report, installed
from pipelines.reports.availability import apis_of
from pipelines.sandbox import Sandbox
from pipelines.warehouse.file.connection import Warehouse
from pipelines.warehouse.read.query_session import QuerySession, query_session
from pipelines.warehouse.schema.create import create_tables
from tests.command_line import Printed, command, floriday, process_environment, run_on_terminal, without_coverage
from tests.examples import cases
from tests.integration.report_warehouse import feeds_of_reports
from tests.integration.syncing import Syncing
from tests.moments import NOW


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A warehouse with the data of one sync."""
    path = tmp_path_factory.mktemp("query") / "nursery.duckdb"
    with Sandbox(now=NOW, scale=0.05) as sandbox:
        Syncing(sandbox, path, only=feeds_of_reports("suppliers")).sync()
    return path


@pytest.fixture
def warehouse(filled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Point the settings at the warehouse, and assert that the test changes neither the file nor its folder."""
    monkeypatch.setenv("FLORIDAY_WAREHOUSE", str(filled))
    monkeypatch.chdir(tmp_path)
    before, beside = fingerprint(filled), sorted(filled.parent.iterdir())
    yield filled
    assert fingerprint(filled) == before
    assert sorted(filled.parent.iterdir()) == beside


def fingerprint(path: Path) -> str:
    """Hash of the content of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def same_in_excel(cell: Any, value: Any) -> bool:
    """Whether a cell has the type and value of the warehouse's value; times are in UTC, to the millisecond."""
    if isinstance(value, dt.datetime):
        return bool(abs(cell.replace(tzinfo=dt.UTC) - value) < dt.timedelta(milliseconds=1))
    if isinstance(value, dt.date):
        return bool(cell == dt.datetime(value.year, value.month, value.day))  # noqa: DTZ001 - Excel has no time zones
    if isinstance(value, Decimal):
        return bool(type(cell) in {int, float} and cell == pytest.approx(float(value)))
    if isinstance(value, list):
        return bool(json.loads(cell) == value)
    return bool(cell == (str(value) if isinstance(value, UUID) else value) and not isinstance(cell, dt.datetime))


REFUSED = (
    "COPY orders.sales_orders TO 'out.csv'",
    "COPY (SELECT 1) TO 'out.parquet' (FORMAT parquet)",
    "EXPORT DATABASE 'out'",
    "IMPORT DATABASE 'out'",
    "ATTACH 'other.duckdb'",
    "ATTACH ':memory:' AS other",
    "INSTALL httpfs",
    "LOAD httpfs",
    "FROM read_csv('secret.csv')",
    "FROM read_parquet('secret.csv')",
    "FROM read_json('secret.csv')",
    "FROM read_text('secret.csv')",
    "FROM read_blob('secret.csv')",
    "FROM glob('*')",
    "FROM sniff_csv('secret.csv')",
    "FROM parquet_metadata('secret.csv')",
    "FROM 'secret.csv'",
    "FROM 'https://example.com/a.csv'",
    "FROM read_csv('https://example.com/a.csv')",
    "FROM query('COPY (SELECT 1) TO ''out.csv''')",
    "SET enable_external_access = true",
    "SET lock_configuration = false",
    "SET threads = 1",
    "RESET threads",
    "SET VARIABLE x = 1",
    "PRAGMA threads = 1",
    "PRAGMA enable_profiling",
    "PRAGMA version",
    "CREATE TABLE orders.mine AS SELECT 1",
    "CREATE TEMP TABLE mine AS SELECT 1",
    "CREATE TEMP TABLE mine AS SELECT 1; FROM mine",
    "CREATE SECRET (TYPE s3)",
    "INSERT INTO sync.settings VALUES ('a', 'b', 1, now(), 'c')",
    "UPDATE sync.cursors SET cursor = 0",
    "DELETE FROM orders.sales_orders",
    "DROP TABLE orders.sales_orders",
    "ALTER TABLE orders.sales_orders ADD COLUMN mine INTEGER",
    "WITH deleted AS (DELETE FROM orders.sales_orders RETURNING *) FROM deleted",
    "CHECKPOINT",
    "VACUUM",
    "BEGIN",
    "CALL pragma_version()",
    "PREPARE mine AS SELECT 1",
    "USE sync",
    "SELECT 1; SELECT 2",
    "SELECT 1; DROP TABLE orders.sales_orders",
    "PIVOT orders.sales_orders ON status USING count(*); SELECT 1",
    "",
    " ; -- nothing",
    "SELEC 1",
    "SELECT nothing FROM orders.sales_orders",
    "SELECT $1",
    "FROM path",
    "FROM result",
    "FROM warehouse",
)
"""Statements that write, read other files or change settings, empty and invalid ones, and names of local variables."""


THROUGH_COMMAND_LINE = (
    "COPY orders.sales_orders TO 'out.csv'",
    "FROM read_csv('secret.csv')",
    "FROM 'https://example.com/a.csv'",
    "SET enable_external_access = true",
    "PRAGMA version",
    "CREATE TEMP TABLE mine AS SELECT 1; FROM mine",
    "DROP TABLE orders.sales_orders",
    "SELECT 1; DROP TABLE orders.sales_orders",
    "",
    "SELEC 1",
    "SELECT $1",
    "FROM path",
)
"""One statement of each kind, each of which gets a process of its own."""


@pytest.fixture(scope="class")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The working directory of the process that executes queries, with a file that they must not read."""
    folder = tmp_path_factory.mktemp("statements")
    (folder / "secret.csv").write_text("a,b\n1,2\n")
    return folder


@pytest.fixture(scope="class")
def session(filled: Path, folder: Path) -> Iterator[QuerySession]:
    """The process that the command line starts for each query, here one for all of them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        with query_session(filled) as session:
            yield session


@pytest.fixture(scope="class")
def unchanged(filled: Path) -> Iterator[Path]:
    """The warehouse, of which a whole class of tests changes neither the file nor its folder."""
    before, beside = fingerprint(filled), sorted(filled.parent.iterdir())
    yield filled
    assert fingerprint(filled) == before
    assert sorted(filled.parent.iterdir()) == beside


class TestRefusedStatements:
    """A statement that does more than read the warehouse ends with a one-line error, and changes nothing."""

    @pytest.mark.parametrize("sql", REFUSED)
    def test_every_statement_is_refused(self, sql: str, session: QuerySession, unchanged: Path, folder: Path) -> None:
        """The error is one line, and the folder and the warehouse stay as they are."""
        with pytest.raises(PipelineError) as refused:
            session.rows(sql)

        assert refused.value.message
        assert "\n" not in refused.value.message
        assert [path.name for path in folder.iterdir()] == ["secret.csv"]
        assert unchanged.exists()

    @cases("sql", THROUGH_COMMAND_LINE, quick=2)
    def test_the_command_line_prints_the_error(
        self, sql: str, session: QuerySession, warehouse: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """The command prints the error of the session and nothing else, and leaves every file as it is."""
        (tmp_path / "secret.csv").write_text("a,b\n1,2\n")
        with pytest.raises(PipelineError) as refused:
            session.rows(sql)

        code = run(["query", sql])

        out, err = capsys.readouterr()
        assert code == (2 if isinstance(refused.value, UsageError) else 1)
        assert (out, err) == ("", f"floriday: {refused.value.message}\n")
        assert [path.name for path in tmp_path.iterdir()] == ["secret.csv"]
        assert warehouse.exists()


READING = (
    "SELECT count(*) FROM orders.sales_orders",
    "FROM catalog.trade_items LIMIT 1",
    "WITH a AS (SELECT 1 AS x) SELECT x FROM a",
    "VALUES (1), (2)",
    "DESCRIBE orders.sales_orders",
    "SHOW ALL TABLES",
    "SUMMARIZE catalog.trade_items",
    "EXPLAIN SELECT 1",
    "PIVOT orders.sales_orders ON status USING count(*) GROUP BY trade_instrument",
    "FROM history.sales_orders_as_of(current_date) LIMIT 1",
    "FROM reports.revenue_by_week LIMIT 1",
    "SELECT timezone('Europe/Amsterdam', now());",
    "FROM pragma_version()",
)
"""Statements of every kind that only reads."""


class TestReadingStatements:
    """Every kind of statement that only reads returns a result."""

    @pytest.mark.parametrize("sql", READING)
    def test_every_reading_statement_works(
        self, sql: str, session: QuerySession, unchanged: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """Each statement has a result that can be printed."""
        write_result(session.execute(sql), chosen_format(None, None), None, unchanged)

        assert capsys.readouterr().out

    @cases("sql", [sql for sql in READING if sql.startswith(("VALUES", "DESCRIBE", "PIVOT"))], quick=1)
    def test_the_command_line_prints_the_same(
        self, sql: str, session: QuerySession, warehouse: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """The command line prints the lines that the session returns; those of a PIVOT have no order."""
        write_result(session.execute(sql), chosen_format(None, None), None, warehouse)
        expected = sorted(capsys.readouterr().out.splitlines())

        assert run(["query", sql]) == 0
        assert sorted(capsys.readouterr().out.splitlines()) == expected


@pytest.mark.usefixtures("warehouse")
class TestFormats:
    """``floriday query`` writes the same result in every format."""

    SQL = "SELECT trade_item_id, trade_item_name_nl AS name FROM catalog.trade_items ORDER BY 1"

    def test_a_pipe_receives_a_plain_table(self, capsys: pytest.CaptureFixture[str]) -> None:
        """In a pipe, a result is a plain table without colours, boxes or truncated values."""
        run(["query", "SELECT repeat('x', 500) AS long"])

        assert capsys.readouterr().out == f"long\n{'x' * 500}\n"

    def test_csv_and_json_agree(self, capsys: pytest.CaptureFixture[str]) -> None:
        """CSV and JSON contain the same rows."""
        run(["query", self.SQL, "--format", "csv"])
        rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
        run(["query", self.SQL, "-f", "json"])

        assert rows
        assert json.loads(capsys.readouterr().out) == rows

    @pytest.mark.parametrize("ending", ["csv", "json", "parquet", "xlsx", "txt"])
    def test_the_extension_selects_the_format(
        self, ending: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """The extension of the file selects the format, the file is private, and standard error says what it holds."""
        path = tmp_path / f"items.{ending}"

        assert run(["query", self.SQL, "--output", str(path)]) == 0

        out, err = capsys.readouterr()
        assert out == ""
        assert re.fullmatch(rf"[1-9]\d* rows? in {re.escape(str(path))}\n", err)
        begins = {
            "csv": b"trade_item_id,",
            "json": b"[\n{",
            "parquet": b"PAR1",
            "xlsx": b"PK",
            "txt": b"trade_item_id  ",
        }
        assert path.read_bytes().startswith(begins[ending])
        assert path.stat().st_mode & 0o777 == 0o600

    @pytest.mark.parametrize("style", ["parquet", "xlsx"])
    def test_binary_formats_need_a_file(self, style: str, capsys: pytest.CaptureFixture[str]) -> None:
        """Parquet and Excel require an output file."""
        assert run(["query", self.SQL, "--format", style]) == 2
        assert f"--output FILE.{style}" in capsys.readouterr().err

    @pytest.mark.slow
    def test_a_large_result_is_streamed(self, tmp_path: Path) -> None:
        """Memory does not grow with the number of rows of a CSV file."""
        program = (
            "import resource\nfrom pipelines.cli.entry import run\n"
            "def peak(rows):\n"
            "    run(['query', f'SELECT i, uuid() AS u FROM range({rows}) t (i)', '-o', 'out.csv'])\n"
            "    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024\n"
            "before = peak(100_000)\nprint(peak(2_000_000) - before)"
        )
        ended = subprocess.run(
            [command()[0], "-c", program],
            cwd=tmp_path,
            env=process_environment(),
            capture_output=True,
            text=True,
            check=True,
        )

        assert int(ended.stdout) < 60
        assert (tmp_path / "out.csv").read_bytes().count(b"\n") == 2_000_001


def test_values_are_where_arrow_expects_them(warehouse: Path) -> None:
    """The buffers of a result are aligned; otherwise Arrow warns, on standard error, when pandas adds them."""
    with query_session(warehouse) as session:
        (batch,) = session.execute("SELECT 1::BIGINT AS a, 'x' AS b, 2.5::DECIMAL(38, 2) AS c").batches

    buffers = [each for column in batch.columns for each in column.buffers() if each is not None]
    assert {each.address % 8 for each in buffers} == {0}


@pytest.mark.usefixtures("warehouse")
def test_an_error_names_the_line(tmp_path: Path, printed: Printed) -> None:
    """An error within a statement of several lines begins with the number of the line."""
    (file := tmp_path / "report.sql").write_text("SELECT account\nFROM orders.sales_orders\nWHER account = 'x'\n")

    assert printed("query", "--file", str(file))[2].startswith("floriday: line 3: Parser Error: syntax error at or")
    assert "line" not in printed("query", "SELECT 1 FRM")[2]


class TestOutput:
    """An output file is either complete or unchanged."""

    @pytest.mark.usefixtures("warehouse")
    def test_a_failure_leaves_the_old_file(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        """A query that fails halfway leaves the existing file unchanged, and no temporary file."""
        path = tmp_path / "out.csv"
        path.write_text("old")

        code = run(
            ["query", "SELECT CAST(if(i = 50000, 'x', '1') AS INTEGER) FROM range(100000) t (i)", "-o", str(path)]
        )

        assert code == 1
        assert "Conversion Error" in capsys.readouterr().err
        assert path.read_text() == "old"
        assert list(tmp_path.iterdir()) == [path]

    @pytest.mark.parametrize("name", ["nursery.duckdb", "nursery.duckdb.wal", "nursery.duckdb.lock"])
    def test_the_warehouse_is_not_overwritten(
        self, name: str, warehouse: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """The output cannot be the warehouse or a file that belongs to it."""
        assert run(["query", "SELECT 1", "--format", "csv", "--output", str(warehouse.with_name(name))]) == 2
        assert "choose another" in capsys.readouterr().err

    @pytest.mark.usefixtures("warehouse")
    @cases("arguments", [["query", "SELECT 1"], ["report", "sync_health"], ["dashboard"]], quick=1)
    def test_a_missing_output_folder(self, arguments: list[str], tmp_path: Path, printed: Printed) -> None:
        """Each command that writes a file creates its folder, or names the folder that cannot be created."""
        name = "out.html" if arguments == ["dashboard"] else "out.csv"
        file = tmp_path / "new" / "folder" / name
        assert printed(*arguments, "--output", str(file))[0] == 0
        assert [each.name for each in file.parent.iterdir()] == [name]
        assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700

        code, _, err = printed(*arguments, "--output", str(file / "below" / name))
        assert code in {1, 2}
        assert err.endswith(f"its folder {file / 'below'} cannot be created: Not a directory\n")

    @pytest.mark.usefixtures("warehouse")
    def test_a_full_disk(self, capsys: pytest.CaptureFixture[str]) -> None:
        """A full disk is reported."""
        assert run(["query", "SELECT 1", "--output", "/dev/full"]) == 1
        assert "/dev/full cannot be written: No space left on device" in capsys.readouterr().err


def test_without_a_warehouse(tmp_path: Path) -> None:
    """Without a warehouse, the command fails and creates no file."""
    ended = floriday("query", "SELECT 1", folder=tmp_path, FLORIDAY_WAREHOUSE="none.duckdb")

    assert ended.code == 1
    assert "run `floriday sync` first" in ended.error_line
    assert "`floriday demo`" in ended.error_line
    assert list(tmp_path.iterdir()) == []


def test_a_closed_pipe_is_no_error(warehouse: Path) -> None:
    """A pipe that is closed early ends the command silently."""
    process = subprocess.Popen(
        command("query", "FROM range(1000000)", "--format", "csv"),
        cwd=warehouse.parent,
        env=process_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout
    assert process.stderr
    with process.stdout as out, process.stderr as err:
        out.read(10)
        out.close()
        assert (process.wait(60), err.read()) == (141, b"")


@cases(
    ("file", "end", "code"),
    [
        ("out.csv", signal.SIGINT, 130),
        ("out.csv", signal.SIGTERM, 143),
        ("out.csv", signal.SIGHUP, 129),
        ("out.xlsx", signal.SIGINT, 130),
    ],
    quick=1,
)
def test_signals_stop_a_long_query(file: str, end: signal.Signals, code: int, warehouse: Path, tmp_path: Path) -> None:
    """Ctrl-C, SIGTERM and SIGHUP interrupt a running query, and its unfinished files are removed."""
    sql = "SELECT i FROM range(10000000000) a (i) WHERE i > 0"
    process = subprocess.Popen(
        command("query", sql, "--output", file),
        cwd=tmp_path,
        env=without_coverage(TMPDIR=str(tmp_path)),
        stderr=subprocess.PIPE,
    )
    try:
        wait_for_file(tmp_path)
        process.send_signal(end)

        _, err = process.communicate(timeout=30)
    finally:
        process.kill()

    assert process.returncode == code, err
    assert err == b"floriday: stopped\n"
    assert list(tmp_path.iterdir()) == []
    assert warehouse.exists()


@pytest.mark.slow
def test_an_unread_result_does_not_block_the_file(warehouse: Path) -> None:
    """The timeout ends a query whose output nobody reads, and releases the database file."""
    process = subprocess.Popen(
        command("query", "FROM range(10000000000)", "--format", "csv", "--timeout", "1s"),
        env=without_coverage(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,
    )
    try:
        assert process.stdout
        assert process.stdout.read(6) == b"range\n"  # from here on, nobody reads the pipe
        with Warehouse(warehouse, lock_timeout=30.0).writing():
            pass

        out, err = process.communicate(timeout=30)
    finally:
        process.kill()

    assert out.startswith(b"0\n1\n")
    assert (process.returncode, err.count(b"\n")) == (1, 1)
    assert b"took longer than 1 s and was ended" in err


@cases("closed", [">&-", "2>&-", "<&-", ">&- 2>&- <&-"], quick=1)
@pytest.mark.parametrize(("sql", "code"), [("SELECT 1", 0), ("SELEC", 1)])
@pytest.mark.usefixtures("warehouse")
def test_closed_standard_streams(closed: str, sql: str, code: int, tmp_path: Path) -> None:
    """With a closed standard stream, the exit code is still the query's, and no traceback is printed."""
    line = f"{shlex.join(command('query', sql, '--output', 'out.csv'))} {closed}"

    ended = subprocess.run(line, shell=True, cwd=tmp_path, env=without_coverage(), capture_output=True, check=False)  # noqa: S602

    assert ended.returncode == code
    assert b"Traceback" not in ended.stderr
    assert (tmp_path / "out.csv").exists() == (code == 0)


@pytest.mark.slow
def test_sql_must_be_utf8(warehouse: Path) -> None:
    """SQL that is not UTF-8 is a usage error, and an ASCII locale does not change the letters of SQL."""
    broken = subprocess.run(
        [*command("query"), b"SELECT '\xff'"], env=without_coverage(), capture_output=True, check=False
    )
    plain = subprocess.run(
        command("query", "SELECT 'é' AS x", "--format", "csv"),
        env=without_coverage(LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0"),
        capture_output=True,
        check=False,
    )

    assert (broken.returncode, broken.stderr) == (2, b"floriday: the SQL is not valid UTF-8\n")
    assert (plain.returncode, plain.stdout) == (0, "x\né\n".encode())
    assert warehouse.exists()


def wait_for_file(folder: Path) -> None:
    """Wait until the folder contains a file that is not empty."""
    until = time.monotonic() + 30
    while not any(path.stat().st_size for path in folder.iterdir()):
        assert time.monotonic() < until
        time.sleep(0.01)


@pytest.mark.usefixtures("warehouse")
class TestTerminal:
    """On a terminal, ``floriday query`` draws colours and boxes."""

    def test_a_box(self) -> None:
        """A result that fits the terminal is drawn in a box, with its number of rows."""
        printed = run_on_terminal("query", "SELECT 1 AS one, '[bold]x' AS text", columns=80)

        assert "───" in printed
        assert "[bold]x" in printed
        assert "(1 row)" in printed
        assert "\x1b[" in printed

    def test_no_color(self) -> None:
        """NO_COLOR turns colours off."""
        printed = run_on_terminal("query", "SELECT 1 AS one", columns=80, NO_COLOR="1")

        assert "\x1b[3" not in printed
        assert "(1 row)" in printed

    def test_a_wide_result_has_one_value_a_line(self) -> None:
        """A result that is wider than the terminal is printed with one value a line."""
        printed = run_on_terminal("query", "FROM orders.sales_orders LIMIT 2", columns=80)

        assert "row 1" in printed
        assert "  sales_order_id" in printed

    def test_a_long_result_is_truncated(self) -> None:
        """A terminal shows the first 100 rows, and a note says how to get all of them."""
        printed = run_on_terminal("query", "FROM range(2000)", columns=80)

        assert "\n   99\n" in printed
        assert "100\n" not in printed
        assert "(the first 100 rows; --format csv shows all)" in printed


class TestReport:
    """``floriday report``."""

    def test_the_list_needs_no_warehouse(self, tmp_path: Path) -> None:
        """Without a name, the command lists the reports with their descriptions and parameters."""
        ended = floriday("report", folder=tmp_path)

        assert ended.code == 0
        (line,) = [line for line in ended.out.splitlines() if line.startswith("revenue_by_week ")]
        assert " --from --to --currency --customer --trade-item " in line
        assert " Revenue by week of delivery" in line

    @pytest.mark.usefixtures("warehouse")
    def test_options_are_parameters_of_the_report(self, capsys: pytest.CaptureFixture[str]) -> None:
        """The options of the command are the parameters of the report."""
        sql = "FROM reports.revenue_by_week(from_date := '2000-01-03', to_date := '2100-01-01', currency := 'EUR')"
        run(["query", sql, "--format", "json"])
        expected = json.loads(capsys.readouterr().out)

        options = ["--from", "2000-01-03", "--to", "2100-01-01", "--currency", "EUR"]
        assert run(["report", "revenue_by_week", *options, "--format", "json"]) == 0

        assert expected
        assert json.loads(capsys.readouterr().out) == expected

    @pytest.mark.usefixtures("warehouse")
    def test_one_trade_item(self, capsys: pytest.CaptureFixture[str]) -> None:
        """An item's id selects its rows."""
        run(["query", "FROM reports.revenue_by_week", "--format", "json"])
        rows = json.loads(capsys.readouterr().out)
        wanted = rows[0]["trade_item_id"]

        assert run(["report", "revenue_by_week", "--trade-item", wanted, "--format", "json"]) == 0

        assert json.loads(capsys.readouterr().out) == [row for row in rows if row["trade_item_id"] == wanted]

    @pytest.mark.slow
    def test_every_name_selects_what_its_id_selects(self, warehouse: Path, printed: Printed) -> None:
        """A whole name, or a part that only one has, selects the same rows as the id."""
        with Warehouse(warehouse).reading() as connection:
            items = connection.execute(
                "SELECT trade_item_name_nl, CAST(trade_item_id AS VARCHAR) FROM catalog.trade_items ORDER BY ALL"
            ).fetchall()
        names = [name for name, _ in items]
        unique = [(name, key) for name, key in items if names.count(name) == 1]
        assert unique
        for name, key in unique[:2]:
            selected = printed("report", "revenue_by_week", "--trade-item", key, "--format", "csv")
            assert printed("report", "revenue_by_week", "--trade-item", name, "--format", "csv") == selected
            assert printed("report", "revenue_by_week", "--trade-item", name.upper(), "--format", "csv") == selected
            part = name[1:].lower()
            code, _, err = printed("report", "revenue_by_week", "--trade-item", part, "--format", "csv")
            assert (code == 0) == (sum(part in each.lower() for each in names) == 1), err

    @pytest.mark.usefixtures("warehouse")
    def test_a_name_of_several_or_of_none(self, printed: Printed) -> None:
        """A text that is in several names, or in none, is a usage error with three of them and their towns or ids."""
        code, _, several = printed("report", "revenue_by_week", "--customer", "e")
        assert code == 2
        assert re.search(
            r"--customer 'e' is in \d+ names: give a whole name or an id, such as .+\(.+, [0-9a-f-]{36}\)", several
        )
        assert len(re.findall("[0-9a-f-]{36}", several)) == 3
        code, _, misspelt = printed("report", "revenue_by_week", "--trade-item", "Phalaenopsys")
        assert code == 2
        assert "is neither an id nor part of a name: the nearest are Phalaenopsis" in misspelt
        code, _, none = printed("report", "revenue_by_week", "--customer", "qxqxqx")
        assert code == 2
        assert none.endswith("is neither an id nor part of a name: no name in the warehouse is similar\n")

    @pytest.mark.slow
    @pytest.mark.usefixtures("warehouse")
    @pytest.mark.parametrize("is_all", [False, pytest.param(True, marks=pytest.mark.slow)])
    def test_reports_take_an_account(self, printed: Printed, *, is_all: bool) -> None:
        """Each report prints the rows of one account in order; an unknown account is an error with the nearest one.

        A tenth of the reports, or all of them. One of them tells the minutes since a sync, which change meanwhile.
        """
        names = [each.name for each in all_reports() if each.name != "sync_health"]
        for name in names if is_all else names[::10]:
            code, rows, err = printed("report", name, "--format", "csv")
            if code == 0:
                assert printed("report", name, "--account", "main", "--format", "csv")[:2] == (0, rows), err
        code, _, err = printed("report", "sync_health", "--account", "mian")
        assert code == 2
        assert err == "floriday: --account 'mian' is not in the warehouse: did you mean main?\n"

    @pytest.mark.usefixtures("warehouse")
    def test_currencies_in_any_case(self, printed: Printed) -> None:
        """A currency may be in small letters, also in the macro; what cannot be a currency is an error."""
        expected = printed("report", "channel_mix", "--currency", "EUR", "--format", "json")
        assert expected[1].count("\n") > 1
        assert printed("report", "channel_mix", "--currency", "eur", "--format", "json") == expected
        assert printed("query", "FROM reports.channel_mix(currency := 'eur')", "--format", "json") == expected
        for wrong in ("euro", "€", "E1R", ""):
            code, _, err = printed("report", "channel_mix", "--currency", wrong)
            assert (code, "three letters" in err) == (2, True)

    @pytest.mark.usefixtures("warehouse")
    def test_days_in_the_wrong_order(self, printed: Printed) -> None:
        """A last day before the first one is a usage error."""
        code, _, err = printed("report", "channel_mix", "--from", "2026-05-02", "--to", "2026-05-01")
        assert (code, err) == (2, "floriday: --to 2026-05-01 is before --from 2026-05-02\n")

    @pytest.mark.usefixtures("warehouse")
    def test_only_reports_of_the_own_api(self, printed: Printed) -> None:
        """The list has what the warehouse's API can have, and a report of the other API is refused with the reason."""
        listed = {row["report"] for row in json.loads(printed("report", "--format", "json")[1])}
        assert listed == {each.name for each in all_reports() if "suppliers" in apis_of(each.name)}
        assert "spend_by_grower" not in listed
        code, _, err = printed("report", "spend_by_grower")
        assert code == 1
        assert "is a report of the customers API; this warehouse is of the suppliers API" in err

    def test_the_address_decides_before_the_first_sync(
        self, tmp_path: Path, printed: Printed, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Without a warehouse, the base address decides which reports are listed; without one, each has its APIs."""
        monkeypatch.chdir(tmp_path)
        rows = json.loads(printed("report", "--format", "json")[1])
        assert {row["report"]: row["apis"] for row in rows} == {
            each.name: [*apis_of(each.name)] for each in all_reports()
        }
        monkeypatch.setenv("FLORIDAY_BASE_URL", "https://api.staging.floriday.io/customers-api-2026v1")
        rows = json.loads(printed("report", "--format", "json")[1])
        assert all("customers" in row["apis"] for row in rows)
        assert [row["report"] for row in rows if "revenue" in row["shows"].lower()] == []
        assert {"spend_by_grower"} <= {row["report"] for row in rows} < {each.name for each in all_reports()}

    @pytest.mark.usefixtures("warehouse")
    def test_days_without_orders(self, capsys: pytest.CaptureFixture[str]) -> None:
        """A report without rows for the given days is empty, with a note."""
        assert run(["report", "revenue_by_week", "--to", "1999-12-31", "--format", "csv"]) == 0
        out, err = capsys.readouterr()
        assert out.count("\n") == 1
        assert err == "floriday: revenue_by_week has no rows for these parameters\n"

    @pytest.mark.usefixtures("warehouse")
    def test_money_in_csv_has_its_cents(self, capsys: pytest.CaptureFixture[str]) -> None:
        """Decimals have two places, and more where their digits are not zero, so the sum of a column stays the same."""
        run(["report", "revenue_by_week", "--format", "csv"])
        rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
        run(["query", "SELECT sum(revenue) AS total FROM reports.revenue_by_week", "--format", "csv"])
        total = capsys.readouterr().out.split()[1]

        assert all(re.fullmatch(r"-?\d+\.\d\d(\d*[1-9])?", row["revenue"]) for row in rows)
        assert sum(Decimal(row["revenue"]) for row in rows) == Decimal(total)

    @pytest.mark.slow
    def test_all_reports_in_a_workbook(
        self, warehouse: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """With ``--all``, a workbook contains one sheet for each report, with typed values.

        A bold header stays visible while scrolling, and columns are wide enough for it.
        """
        assert run(["report", "--all", "--output", str(tmp_path / "reports.xlsx")]) == 0

        out, err = capsys.readouterr()
        assert "reports.xlsx" in out
        assert "spend_by_grower" not in err
        book = openpyxl.load_workbook(tmp_path / "reports.xlsx")
        with Warehouse(warehouse).reading() as connection:
            assert set(book.sheetnames) == installed(connection)
            for sheet in book:
                rows = connection.execute(f"FROM reports.{sheet.title}").fetchall()
                header, *cells = sheet.iter_rows()
                assert [cell.value for cell in header] == list(find_report(sheet.title).columns)
                assert all(cell.font.b for cell in header)
                assert sheet.freeze_panes == "A2"
                groups = sheet.column_dimensions.values()
                widths = [group.width for group in groups for _ in range(group.min, group.max + 1)]
                assert all(width > len(cell.value) for width, cell in zip(widths, header, strict=True))
                in_sheet = [[cell.value for cell in line] for line in cells if rows]
                assert [len(row) for row in in_sheet] == [len(row) for row in rows]
                for values, expected in zip(in_sheet, rows, strict=True):
                    for column, value, wanted in zip(header, values, expected, strict=True):
                        assert column.value == "minutes_since" or same_in_excel(value, wanted)

    @pytest.mark.usefixtures("warehouse")
    def test_parquet(self, tmp_path: Path) -> None:
        """A Parquet file keeps the types of a report."""
        run(["report", "revenue_by_week", "--output", str(tmp_path / "weeks.parquet")])

        schema = pq.read_schema(tmp_path / "weeks.parquet")
        assert str(schema.field("revenue").type) == "decimal128(38, 6)"
        assert str(schema.field("iso_week").type) == "int32"

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["turnover"], "no report 'turnover': `floriday report` lists the reports"),
            (["--all"], "floriday report --all --output FILE.xlsx"),
            (["--all", "--output", "x.csv"], "floriday report --all --output FILE.xlsx"),
            (["revenue_by_week", "--all", "--output", "x.xlsx"], "floriday report --all --output FILE.xlsx"),
        ],
    )
    @pytest.mark.usefixtures("warehouse")
    def test_wrong_usage(self, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
        """Wrong arguments exit with code 2 and a message."""
        assert run(["report", *arguments]) == 2
        assert message in capsys.readouterr().err

    def test_a_warehouse_without_reports(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """A warehouse that does not contain the reports yet is an error that recommends a sync."""
        path = tmp_path / "old.duckdb"
        with duckdb.connect(str(path)) as connection:
            create_tables(connection, [])
        monkeypatch.setenv("FLORIDAY_WAREHOUSE", str(path))

        assert run(["report", "revenue_by_week"]) == 1
        assert "`floriday sync` creates it" in capsys.readouterr().err
