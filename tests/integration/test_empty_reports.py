"""``floriday report`` on an empty warehouse, and without a warehouse, in each format."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pyarrow.parquet as pq
import pytest

from pipelines.cli.entry import run
from pipelines.reports import find_report, installed
from pipelines.warehouse.file.connection import Warehouse
from tests.examples import cases
from tests.integration.syncing import empty_warehouse

NOTHING_SYNCED = "nothing has been synced into this warehouse, `floriday sync` does that"


@pytest.fixture
def empty_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A warehouse with all tables and no rows, named in the settings."""
    path = tmp_path / "empty.duckdb"
    path.write_bytes(empty_warehouse("suppliers"))
    monkeypatch.setenv("FLORIDAY_WAREHOUSE", str(path))
    return path


@pytest.mark.parametrize("step", [12, pytest.param(1, marks=pytest.mark.slow)])
def test_reports_of_an_empty_warehouse(step: int, empty_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each report prints only its header, explains this in a line on standard error, and exits with 0."""
    with Warehouse(empty_file).reading() as connection:
        names = installed(connection)
    for name in sorted(names)[::step]:
        assert run(["report", name, "--format", "csv"]) == 0

        out, err = capsys.readouterr()
        assert out == ",".join(find_report(name).columns) + "\n"
        assert err == f"floriday: {name} has no rows yet: {NOTHING_SYNCED}\n"


@cases("format", ["table", "json", "parquet", "xlsx"], quick=2)
def test_empty_report_in_each_format(
    format: str, empty_file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An empty report is valid in each format, with the same line on standard error."""
    monkeypatch.chdir(empty_file.parent)
    to_file = ["--output", f"weeks.{format}"] if format in {"parquet", "xlsx"} else []

    assert run(["report", "revenue_by_week", "--format", format, *to_file]) == 0

    out, err = capsys.readouterr()
    columns = list(find_report("revenue_by_week").columns)
    if format == "xlsx":
        sheet = openpyxl.load_workbook("weeks.xlsx").worksheets[0]
        assert [[cell.value for cell in line if cell.value] for line in sheet.iter_rows()] == [columns, ["no rows"]]
    elif format == "parquet":
        assert pq.read_table("weeks.parquet").to_pydict() == {name: [] for name in columns}
    else:
        assert out.split() == (columns if format == "table" else ["[]"])
    *written, why = err.splitlines()
    assert why == f"floriday: revenue_by_week has no rows yet: {NOTHING_SYNCED}"
    assert written == ([f"0 rows in weeks.{format}"] if to_file else [])


@pytest.mark.slow
@pytest.mark.usefixtures("empty_file")
def test_workbook_of_an_empty_warehouse(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The workbook has a sheet for each report, and the output states that all are without rows."""
    assert run(["report", "--all", "--output", str(tmp_path / "reports.xlsx")]) == 0

    book = openpyxl.load_workbook(tmp_path / "reports.xlsx")
    assert {sheet["A2"].value for sheet in book} == {"no rows"}
    summary = f"{len(book.sheetnames)} reports in {tmp_path}/reports.xlsx, {len(book.sheetnames)} of them"
    assert capsys.readouterr().out == f"{summary} without rows yet: {NOTHING_SYNCED}\n"


@pytest.mark.parametrize("arguments", [["revenue_by_week"], ["--all", "--output", "reports.xlsx"]])
def test_missing_warehouse(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a warehouse, the command names the next step in one line, exits with 1 and creates no file."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FLORIDAY_WAREHOUSE", "none.duckdb")

    assert run(["report", *arguments]) == 1

    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert "there is no warehouse" in err
    assert "`floriday sync`" in err
    assert list(tmp_path.iterdir()) == []
