"""The data dictionary: up to date, complete, and with links that lead somewhere."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path, PurePosixPath

import pytest

from pipelines.catalogue import Catalogue, catalogue_of
from pipelines.catalogue.tables import Table, tables_of
from pipelines.catalogue.types import Feed, Int64, Record, Text, Uuid, field
from pipelines.dictionary import api_pages, pages
from pipelines.dictionary.__main__ import write
from pipelines.dictionary.examples import examples
from pipelines.dictionary.reports import reports_page
from pipelines.floriday.endpoints import Endpoint
from pipelines.reports import all_reports
from pipelines.warehouse.schema.create import SYNC_TABLES
from tests.command_line import ROOT

FOLDER = ROOT / "docs" / "dictionary"
APIS = ("suppliers", "customers")
LINE = re.compile(r'    ("[a-z]+\.)?\w+"? (\|o|\}o|\|\|)--o\{ \w+ : (has|"\w+(, \w+)*")')
"""A line of a drawing, as Mermaid reads it."""


@pytest.fixture(scope="module")
def made() -> dict[str, str]:
    """The text of each page."""
    return pages()


def tables(catalogue: Catalogue) -> list[Table]:
    """All tables of a catalogue."""
    return [table for source in catalogue.sources for table in tables_of(source).walk()]


@pytest.fixture(scope="module")
def told_of_reports() -> str:
    """The page on the reports."""
    return reports_page()


def section(page: str, name: str) -> str:
    """What stands on a page about a table."""
    return page.partition(f"### {name}\n")[2].partition("\n### ")[0]


def drawings(page: str) -> list[list[str]]:
    """The lines of each drawing of a page."""
    return [found.splitlines() for found in re.findall(r"```mermaid\nerDiagram\n(.*?)\n```", page, re.DOTALL)]


class Thorn(Record):
    """One thorn."""

    length: Text | None = field("length", personal=True)


class Rose(Record):
    """A rose that nobody sells."""

    rose_id: Uuid = field("the rose's id")
    batch_id: Uuid = field("stock | that *it* comes from (supply.batches)")
    thorns: list[Thorn] = field("thorns of a rose")
    sequence_number: Int64 = field("number")


class TestTheCommittedPages:
    """What stands in ``docs/dictionary``."""

    def test_they_are_up_to_date(self, made: dict[str, str]) -> None:
        """They are what the catalogue makes; ``make docs`` renews them."""
        found = {path.relative_to(FOLDER).as_posix(): path.read_text("utf-8") for path in FOLDER.rglob("*.md")}

        assert sorted(found) == sorted(made)
        assert [name for name in made if found[name] != made[name]] == []

    def test_writing_leaves_nothing_old(self, tmp_path: Path, made: dict[str, str]) -> None:
        """A page of a schema that is no more is removed, every other one is written."""
        (tmp_path / "suppliers").mkdir()
        (tmp_path / "suppliers" / "tulips.md").write_text("old")

        write(tmp_path)

        assert {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.md")} == set(made)

    def test_links(self, made: dict[str, str]) -> None:
        """Every link leads to a page that is there, and to a heading on it."""
        headings = {name: set(re.findall(r"(?m)^#+ (?:\[)?([\w.]+)", text)) for name, text in made.items()}
        broken = []
        for name, text in made.items():
            for path, anchor in re.findall(r"\]\(([\w./]*)(?:#(\w+))?\)", text):
                target = (PurePosixPath(name).parent / path).as_posix() if path else name
                while "/../" in target:
                    target = re.sub(r"\w+/\.\./", "", target)
                if target not in made or (anchor and anchor not in headings[target]):
                    broken.append((name, path, anchor))

        assert broken == []


@pytest.mark.parametrize("api", APIS)
class TestAnApi:
    """The pages of one API."""

    def test_every_table_and_column(self, api: str, made: dict[str, str]) -> None:
        """Each table stands in the overview and has a section, in which each column has a row."""
        for table in tables(catalogue_of(api)):
            told = section(made[f"{api}/{table.schema}.md"], table.name)

            assert f"[{table.name}]({table.schema}.md#{table.name})" in made[f"{api}/README.md"]
            assert re.findall(r"(?m)^\| `(\w+)` \| [A-Z]", told) == [column.name for column in table.columns]

    def test_drawings(self, api: str, made: dict[str, str]) -> None:
        """Each schema has drawings, of lines that Mermaid reads and few enough to be read."""
        for schema in {table.schema for table in tables(catalogue_of(api))}:
            lines = drawings(made[f"{api}/{schema}.md"])

            assert lines
            assert [line for drawing in lines for line in drawing if not LINE.fullmatch(line)] == []
            assert max(map(len, lines)) < 35


def test_what_a_column_tells(made: dict[str, str]) -> None:
    """A column's row has its JSON path, where it leads, what to mind on the way, and its known values."""
    orders = section(made["suppliers/orders.md"], "sales_orders")

    assert "| `delivery_location_gln` | VARCHAR | `delivery.location.gln` |" in orders
    assert "→ [supply.batches](supply.md#batches).`batch_id`" in orders
    assert "`batch_reference`, which is VARCHAR: compare as text" in orders
    assert "**Personal data**, or may be" in orders
    assert "Known values: `ACCEPTED`, `CANCELLED`" in orders
    assert "referenced by: " in orders


def test_what_is_told_of_a_child(made: dict[str, str]) -> None:
    """A child names its array, its parent, and what it is joined on."""
    told = section(made["suppliers/supply.md"], "supply_line_volume_prices")

    assert (
        "the array `volumePrices` of [supply.supply_lines](#supply_lines); join on `account`, `supply_line_id`" in told
    )


def test_what_stands_beside_the_tables(made: dict[str, str]) -> None:
    """The raw log, the history, every table of ``sync`` and every report are explained once."""
    told = made["README.md"]

    for heading in ("## raw", "## history", *(f"### sync.{name}" for name in SYNC_TABLES)):
        assert f"\n{heading}\n" in told
    assert [each.name for each in all_reports() if f"\n### reports.{each.name}\n" not in told] == []
    assert "_as_of(DATE '" in told


def test_a_new_feed_is_described_by_its_entry() -> None:
    """A feed that is added to a catalogue has its section, its children, its drawing; text means only itself."""
    suppliers = catalogue_of("suppliers")
    roses = Feed("catalog", "roses", Rose, ("rose_id",), Endpoint("/roses"), scope="catalog:read")

    made = api_pages(replace(suppliers, feeds=(*suppliers.feeds, roses)))

    told = section(made["catalog.md"], "roses")
    assert "read from `/roses/sync/{sequenceNumber}`; scope `catalog:read`" in told
    assert "children: [catalog.rose_thorns](#rose_thorns)" in told
    assert r"Stock \| that \*it\* comes from (supply.batches). → [supply.batches](supply.md#batches)" in told
    assert "**Personal data**" in section(made["catalog.md"], "rose_thorns")
    assert "    roses ||--o{ rose_thorns : has" in drawings(made["catalog.md"])[0]
    assert '    "supply.batches" |o--o{ roses : "batch_id"' in drawings(made["catalog.md"])[1]
    assert "[catalog.roses](catalog.md#roses) by `batch_id`" in section(made["supply.md"], "batches")


def test_the_reports_page_is_up_to_date(told_of_reports: str) -> None:
    """``make docs`` would change nothing; every report is there, with a type for each of its columns."""
    assert (ROOT / "docs" / "reports.md").read_text(encoding="utf-8") == told_of_reports
    for report in all_reports():
        told = told_of_reports.partition(f"## {report.name}\n")[2].partition("\n## ")[0]
        assert report.sql in told
        for column in report.columns:
            assert re.search(rf"^\| `{column}` \| [A-Z]+\S*( .*)? \| .+ \|$", told, re.MULTILINE), column


def test_every_report_has_an_example(told_of_reports: str) -> None:
    """Each report's example shows all its columns and some rows, and stands on the page; none is of a report of old."""
    kept = examples().reports

    assert list(kept) == [report.name for report in all_reports()]
    for report in all_reports():
        example = kept[report.name]
        told = told_of_reports.partition(f"## {report.name}\n")[2].partition("\n## ")[0]
        heading = f"| {' | '.join(f'`{column}`' for column in report.columns)} |"
        rows = told.partition(f"```sql\n{example.sql}\n```\n\n{heading}\n")[2].partition("\n\n")[0].splitlines()[1:]

        assert list(example.columns) == list(report.columns), f"`make examples` renews the one of {report.name}"
        assert {len(row) for row in example.rows} == {len(report.columns)}
        assert len(rows) == len(example.rows)
