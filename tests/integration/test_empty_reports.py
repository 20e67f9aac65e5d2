"""``floriday report`` on a warehouse without rows, and without a warehouse: polite in every format."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pyarrow.parquet as pq
import pytest

from pipelines.cli.entry import run
from pipelines.reports import find_report, installed
from pipelines.warehouse.file.connection import Warehouse
from tests.integration.syncing import empty_warehouse

NOTHING_SYNCED = "nothing has been synced into this warehouse, `floriday sync` does that"


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A warehouse that was laid out and holds no row; the settings point at it."""
    path = tmp_path / "empty.duckdb"
    path.write_bytes(empty_warehouse("suppliers"))
    monkeypatch.setenv("FLORIDAY_WAREHOUSE", str(path))
    return path


def test_reports_of_an_empty_warehouse(empty: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each is its header, and a line on standard error says why; the exit code is that of success."""
    with Warehouse(empty).reading() as connection:
        names = installed(connection)
    for name in sorted(names):
        assert run(["report", name, "--format", "csv"]) == 0

        out, err = capsys.readouterr()
        assert out == ",".join(find_report(name).columns) + "\n"
        assert err == f"floriday: {name} has no rows yet: {NOTHING_SYNCED}\n"


@pytest.mark.parametrize("style", ["table", "json", "parquet", "xlsx"])
def test_an_empty_report_in_each_format(
    style: str, empty: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is as well formed as any other, and the same line is said."""
    monkeypatch.chdir(empty.parent)
    to_file = ["--output", f"weeks.{style}"] if style in {"parquet", "xlsx"} else []

    assert run(["report", "revenue_by_week", "--format", style, *to_file]) == 0

    out, err = capsys.readouterr()
    columns = list(find_report("revenue_by_week").columns)
    if style == "xlsx":
        sheet = openpyxl.load_workbook("weeks.xlsx").worksheets[0]
        assert [[cell.value for cell in line if cell.value] for line in sheet.iter_rows()] == [columns, ["no rows"]]
    elif style == "parquet":
        assert pq.read_table("weeks.parquet").to_pydict() == {name: [] for name in columns}
    else:
        assert out.split() == (columns if style == "table" else ["[]"])
    assert err == f"floriday: revenue_by_week has no rows yet: {NOTHING_SYNCED}\n"


@pytest.mark.usefixtures("empty")
def test_a_workbook_of_an_empty_warehouse(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every sheet is there, and one line says that none has rows."""
    assert run(["report", "--all", "--output", str(tmp_path / "reports.xlsx")]) == 0

    book = openpyxl.load_workbook(tmp_path / "reports.xlsx")
    assert {sheet["A2"].value for sheet in book} == {"no rows"}
    counted = f"{len(book.sheetnames)} reports in {tmp_path}/reports.xlsx, {len(book.sheetnames)} of them"
    assert capsys.readouterr().out == f"{counted} without rows yet: {NOTHING_SYNCED}\n"


@pytest.mark.parametrize("arguments", [["revenue_by_week"], ["--all", "--output", "reports.xlsx"]])
def test_without_a_warehouse(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line says what to do, and nothing is left behind."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FLORIDAY_WAREHOUSE", "none.duckdb")

    assert run(["report", *arguments]) == 1

    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert "there is no warehouse" in err
    assert "`floriday sync`" in err
    assert list(tmp_path.iterdir()) == []
