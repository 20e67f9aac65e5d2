"""The data dictionary is up to date and complete, and its links work."""

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
from pipelines.dictionary.examples import Examples, examples
from pipelines.dictionary.glossary import glossary_page
from pipelines.dictionary.reports import report_pages
from pipelines.dictionary.reports import write as write_reports
from pipelines.errors import PipelineError
from pipelines.floriday.endpoints import Endpoint
from pipelines.reports import all_reports
from pipelines.warehouse.schema.create import SYNC_TABLES
from tests.command_line import ROOT

FOLDER = ROOT / "docs" / "dictionary"
APIS = ("suppliers", "customers")
LINE = re.compile(r'    ("[a-z]+\.)?\w+"? (\|o|\}o|\|\|)--o\{ \w+ : (has|"\w+(, \w+)*")')
"""A line of a Mermaid diagram."""


@pytest.fixture(scope="module")
def page_texts() -> dict[str, str]:
    """The text of each page."""
    return pages()


def tables(catalogue: Catalogue) -> list[Table]:
    """Return all tables of a catalogue."""
    return [table for source in catalogue.sources for table in tables_of(source).walk()]


@pytest.fixture(scope="module")
def report_texts() -> dict[str, str]:
    """The text of each page about the reports."""
    return report_pages()


def section(page: str, name: str) -> str:
    """Return the section of a page about a table."""
    return page.partition(f"### {name}\n")[2].partition("\n### ")[0]


def drawings(page: str) -> list[list[str]]:
    """Return the lines of each diagram of a page."""
    return [found.splitlines() for found in re.findall(r"```mermaid\nerDiagram\n(.*?)\n```", page, re.DOTALL)]


class Thorn(Record):
    """One thorn."""

    length: Text | None = field("length", personal=True)


class Rose(Record):
    """An invented record."""

    rose_id: Uuid = field("the rose's id")
    batch_id: Uuid = field("stock | that *it* comes from (supply.batches)")
    thorns: list[Thorn] = field("thorns of a rose")
    sequence_number: Int64 = field("number")


class TestCommittedPages:
    """The pages in ``docs/dictionary`` are correct."""

    def test_pages_are_up_to_date(self, page_texts: dict[str, str]) -> None:
        """The pages are those that the catalogue produces; ``make docs`` updates them."""
        found = {path.relative_to(FOLDER).as_posix(): path.read_text("utf-8") for path in FOLDER.rglob("*.md")}

        assert sorted(found) == sorted(page_texts)
        assert [name for name in page_texts if found[name] != page_texts[name]] == []

    def test_obsolete_pages_are_removed(self, tmp_path: Path, page_texts: dict[str, str]) -> None:
        """Writing the pages removes the page of a schema that no longer exists."""
        (tmp_path / "suppliers").mkdir()
        (tmp_path / "suppliers" / "tulips.md").write_text("old")

        write(tmp_path)

        assert {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.md")} == set(page_texts)

    def test_links(self, page_texts: dict[str, str]) -> None:
        """Every link leads to an existing page and heading."""
        headings = {name: set(re.findall(r"(?m)^#+ (?:\[)?([\w.]+)", text)) for name, text in page_texts.items()}
        broken = []
        for name, text in page_texts.items():
            for path, anchor in re.findall(r"\]\(([\w./]*)(?:#(\w+))?\)", text):
                target = (PurePosixPath(name).parent / path).as_posix() if path else name
                while "/../" in target:
                    target = re.sub(r"\w+/\.\./", "", target)
                if target not in page_texts or (anchor and anchor not in headings[target]):
                    broken.append((name, path, anchor))

        assert broken == []


@pytest.mark.parametrize("api", APIS)
class TestAnApi:
    """The pages of one API are complete."""

    def test_every_table_and_column(self, api: str, page_texts: dict[str, str]) -> None:
        """Each table is in the overview and has a section with a row for each column."""
        for table in tables(catalogue_of(api)):
            text = section(page_texts[f"{api}/{table.schema}.md"], table.name)

            assert f"[{table.name}]({table.schema}.md#{table.name})" in page_texts[f"{api}/README.md"]
            assert re.findall(r"(?m)^\| `(\w+)` \| [A-Z]", text) == [column.name for column in table.columns]

    def test_drawings(self, api: str, page_texts: dict[str, str]) -> None:
        """Each schema has diagrams of valid Mermaid lines, short enough to be read."""
        for schema in {table.schema for table in tables(catalogue_of(api))}:
            lines = drawings(page_texts[f"{api}/{schema}.md"])

            assert lines
            assert [line for drawing in lines for line in drawing if not LINE.fullmatch(line)] == []
            assert max(map(len, lines)) < 35


def test_a_column_has_its_facts(page_texts: dict[str, str]) -> None:
    """A column's row has its JSON path, its reference, notes on the join, and known values."""
    orders = section(page_texts["suppliers/orders.md"], "sales_orders")

    assert "| `delivery_location_gln` | VARCHAR | `delivery.location.gln` |" in orders
    assert "→ [supply.batches](supply.md#batches).`batch_id`" in orders
    assert "`batch_reference`, which is VARCHAR: compare as text" in orders
    assert "**Personal data**, or may be" in orders
    assert "Known values: `ACCEPTED`, `CANCELLED`" in orders
    assert "referenced by: " in orders


def test_a_child_table_has_its_parent(page_texts: dict[str, str]) -> None:
    """A child table's section names its array, its parent and the columns of the join."""
    text = section(page_texts["suppliers/supply.md"], "supply_line_volume_prices")

    assert (
        "the array `volumePrices` of [supply.supply_lines](#supply_lines); join on `account`, `supply_line_id`" in text
    )


def test_other_schemas_are_described(page_texts: dict[str, str]) -> None:
    """The raw log, the history, every ``sync`` table and every report are described."""
    text = page_texts["README.md"]

    for heading in ("## raw", "## history", *(f"### sync.{name}" for name in SYNC_TABLES)):
        assert f"\n{heading}\n" in text
    assert [each.name for each in all_reports() if f"\n### reports.{each.name}\n" not in text] == []
    assert "_as_of(DATE '" in text


def test_a_new_feed_is_described() -> None:
    """A feed that is added to a catalogue gets a section, its children and its diagram."""
    suppliers = catalogue_of("suppliers")
    roses = Feed("catalog", "roses", Rose, ("rose_id",), Endpoint("/roses"), scope="catalog:read")

    page_texts = api_pages(replace(suppliers, feeds=(*suppliers.feeds, roses)))

    text = section(page_texts["catalog.md"], "roses")
    assert "read from `/roses/sync/{sequenceNumber}`; scope `catalog:read`" in text
    assert "children: [catalog.rose_thorns](#rose_thorns)" in text
    assert r"Stock \| that \*it\* comes from (supply.batches). → [supply.batches](supply.md#batches)" in text
    assert "**Personal data**" in section(page_texts["catalog.md"], "rose_thorns")
    assert "    roses ||--o{ rose_thorns : has" in drawings(page_texts["catalog.md"])[0]
    assert '    "supply.batches" |o--o{ roses : "batch_id"' in drawings(page_texts["catalog.md"])[1]
    assert "[catalog.roses](catalog.md#roses) by `batch_id`" in section(page_texts["supply.md"], "batches")


def test_the_pages_of_the_reports_are_up_to_date(report_texts: dict[str, str], tmp_path: Path) -> None:
    """``make docs`` would change no page; each report has one, with a type for each column, and is in the list."""
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / "tulips.md").write_text("of a report that no longer exists")
    write_reports(tmp_path)
    written = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.md")}
    assert written == {"reports.md", *(f"reports/{path.name}" for path in (ROOT / "docs" / "reports").iterdir())}
    assert [name for name in written if (ROOT / "docs" / name).read_text("utf-8") != report_texts[name]] == []
    for report in all_reports():
        text = report_texts[f"reports/{report.name}.md"]
        assert f"\n- [{report.name}](reports/{report.name}.md): " in report_texts["reports.md"]
        assert report.sql in text
        for column in report.columns:
            assert re.search(rf"^\| `{column}` \| [A-Z]+\S*( .*)? \| .+ \|$", text, re.MULTILINE), column


def test_the_glossary_is_up_to_date() -> None:
    """The page is that of the package: change ``pipelines/dictionary/glossary.md``, then ``make docs``."""
    assert (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8") == glossary_page()


def test_a_report_without_an_example_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error is one line that names the report and the command that makes its example."""
    first, *others = all_reports()
    stored = examples()
    kept = {each.name: stored.reports[each.name] for each in others}
    monkeypatch.setattr("pipelines.dictionary.reports.examples", lambda: Examples(stored.now, kept))

    with pytest.raises(PipelineError, match=f"^there is no example of {first.name}: run `make examples` first$"):
        report_pages()


def test_every_report_has_an_example(report_texts: dict[str, str]) -> None:
    """Each report has an example with all its columns and some rows, and only existing reports have one."""
    stored_examples = examples().reports

    assert list(stored_examples) == [report.name for report in all_reports()]
    for report in all_reports():
        example = stored_examples[report.name]
        text = report_texts[f"reports/{report.name}.md"]
        heading = f"| {' | '.join(f'`{column}`' for column in report.columns)} |"
        rows = text.partition(f"```sql\n{example.sql}\n```\n\n{heading}\n")[2].partition("\n\n")[0].splitlines()[1:]

        assert list(example.columns) == list(report.columns), f"`make examples` renews the one of {report.name}"
        assert {len(row) for row in example.rows} == {len(report.columns)}
        assert len(rows) == len(example.rows)
