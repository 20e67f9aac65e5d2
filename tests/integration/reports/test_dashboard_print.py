"""The page on paper: the rows that are open are printed, on sheets that cut no text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from pipelines.dashboard import write_dashboard
from pipelines.warehouse.file.connection import Warehouse
from tests.integration.report_warehouse import ReportWarehouse
from tests.integration.reports.test_dashboard_page import LAPTOP, DashboardPage, open_page, pytestmark
from tests.moments import NOW

__all__ = ["pytestmark"]

PAPER = (718, 1054)
"""Width and height of an A4 sheet within its margins, in pixels."""

PRINTED_ROWS = """
() => Object.fromEntries([...document.querySelectorAll(".card > .table")].map(each =>
  [each.closest("section").id, [...each.querySelectorAll("tbody tr")].filter(row => row.checkVisibility()).length]))
"""
"""The number of rows that are shown, by section."""

BEYOND_THE_EDGE = """
() => [...document.querySelectorAll("main *, header *")]
  .filter(each => each.checkVisibility() && !each.closest("svg"))
  .filter(each => each.getBoundingClientRect().right > document.documentElement.clientWidth + 1)
  .map(each => each.textContent.slice(0, 40))
"""

CHARTS_FIT = """
() => [...document.querySelectorAll(".chart")].every(
  each => each.getBoundingClientRect().right <= document.documentElement.clientWidth + 1)
"""

BROKEN_WORDS = r"""
() => {
  const walker = document.createTreeWalker(document.querySelector("main"), NodeFilter.SHOW_TEXT);
  const found = [];
  while (walker.nextNode()) {
    const node = walker.currentNode;
    if (!node.parentElement.checkVisibility() || node.parentElement.closest("svg")) continue;
    for (const { index, 0: word } of node.textContent.matchAll(/[\p{L}\d]+/gu)) {
      const range = document.createRange();
      range.setStart(node, index);
      range.setEnd(node, index + word.length);
      if (new Set([...range.getClientRects()].map(box => Math.round(box.top))).size > 1) found.push(word);
    }
  }
  return found;
}
"""
"""Words that stand on two lines."""

LEAST_GAP = 2 / 25.4 * 96
"""Two millimetres, in pixels."""

TOUCHING = """
(least) => {
  const ink = cell => {
    const walker = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
    const boxes = [];
    while (walker.nextNode()) {
      const parent = walker.currentNode.parentElement;
      if (!parent.checkVisibility() || getComputedStyle(parent).color === "rgba(0, 0, 0, 0)") continue;
      const range = document.createRange();
      range.selectNodeContents(walker.currentNode);
      boxes.push(...[...range.getClientRects()].filter(box => box.width));
    }
    return boxes;
  };
  const isRuled = cell => parseFloat(getComputedStyle(cell).borderInlineStartWidth) > 0;
  return [...document.querySelectorAll(".table tr")].filter(row => row.checkVisibility()).flatMap(row => {
    const cells = [...row.cells].filter(cell => cell.checkVisibility()).map(cell => [cell, ink(cell)]);
    const filled = cells.filter(([, boxes]) => boxes.length);
    return filled.slice(1).flatMap(([cell, right], place) => {
      const [before, left] = filled[place];
      const gaps = left.flatMap(one => right.filter(other => one.top < other.bottom && other.top < one.bottom)
        .map(other => other.left - one.right));
      const gap = Math.min(...gaps);
      const between = isRuled(cell) && gap > 0;
      const name = `${row.closest("section").id}: ${before.textContent} ${cell.textContent}`;
      return gap >= least - 0.1 || between ? [] : [name];
    });
  });
}
"""
"""Cells of a row with less than a gap between their texts, and no rule."""

LONELY_TOTALS = """
([width, height]) => {
  const main = document.querySelector("main");
  main.style.cssText = `width: ${width}px; height: ${height}px; columns: ${width}px; column-fill: auto; column-gap: 0`;
  const shown = [...document.querySelectorAll(".table table")].filter(table => table.checkVisibility() && table.tFoot);
  const found = shown.flatMap(table => {
    const rows = [...table.tBodies[0].rows].filter(row => row.checkVisibility());
    const [before, total] = [rows.at(-1), table.tFoot.rows[1]].map(row => row.getBoundingClientRect());
    return total.left > before.left + width / 2 ? [`${table.closest("section").id}, ${height}`] : [];
  });
  main.style.cssText = "";
  return found;
}
"""
"""Tables whose last row is alone on a sheet; columns of the sheet's height stand for the sheets."""

SHORTENED = """
() => [...document.querySelectorAll("main section:has(tfoot)")].map(section => {
  const rows = [...section.querySelectorAll("tbody tr:not(.group)")];
  const shown = rows.filter(row => row.checkVisibility());
  const part = section.querySelector(".part");
  return [section.id, rows.length, shown.length, part.checkVisibility() ? part.textContent : ""];
})
"""
"""Of each open table: its section, its rows, the rows that are shown, and what stands above its total."""


@pytest.fixture(scope="module", params=["nl-NL", pytest.param("en-GB", marks=pytest.mark.slow)])
def paper(
    request: pytest.FixtureRequest,
    grower_world: ReportWarehouse,
    browser: Browser,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[DashboardPage]:
    """The page of two growers, to be printed, in both languages."""
    file = tmp_path_factory.mktemp("print") / "growers.html"
    path = write_dashboard(Warehouse(grower_world.path), file, NOW).path
    with open_page(browser, path, locale=request.param, **LAPTOP) as dashboard:
        yield dashboard


@pytest.mark.slow
def test_printed_rows_are_the_open_ones(paper: DashboardPage) -> None:
    """A closed table prints its first rows, an open one those that it shows, and one with all rows all of them."""
    page = paper.page
    buttons = page.locator("#items .buttons button")
    rows = len(paper.rows("items"))
    found = []
    for button in (None, buttons.nth(0), buttons.nth(1)):
        if button:
            button.click()
        page.emulate_media(media="print")
        expect(page.locator("#items table")).to_be_visible()
        shown = page.evaluate(PRINTED_ROWS)
        page.emulate_media(media="null")
        found.append(shown["items"])
        text = page.locator("#items .paper").text_content() or ""
        assert text.split()[0] == str(shown["items"])
    for place in (1, 0):
        buttons.nth(place).click()

    assert found == [6, 12, rows]


SHOWN_COLUMNS = """
(id) => [...document.querySelectorAll(`#${id} thead th`)].map(each => each.checkVisibility() || each.matches(".void"))
"""
"""Whether each column of a section's table is shown, or has no value in any row."""

ON_THE_SCREEN = ("contracts", "health")
MORE_ON_THE_SCREEN = ("movers", "prices", "complaints", "requests", "uninvoiced", "leftovers")
"""Sections that are printed only if they are open."""
HEADLINES = ("contracts", "movers", "prices")
"""Of these, those of which the figures are printed while they are closed."""


@pytest.mark.parametrize("sections", [ON_THE_SCREEN, pytest.param(MORE_ON_THE_SCREEN, marks=pytest.mark.slow)])
def test_what_is_open_is_printed(paper: DashboardPage, sections: tuple[str, ...]) -> None:
    """An open section is printed with all columns of its table, a closed one of these not; so are all tasks."""
    page = paper.page
    page.emulate_media(media="print")
    closed = [page.locator(f"#{id}").is_visible() for id in sections if id not in HEADLINES]
    headlines = [id for id in sections if id in HEADLINES]
    figures = [page.locator(f"#{id} .figures").is_visible() for id in headlines]
    tables = [page.locator(f"#{id} table").is_visible() for id in headlines]
    named = page.locator("#unprinted").text_content() or ""
    titles = ["Feeds" if id == "health" else page.locator(f"#{id} h2").text_content() or "" for id in sections]
    total = page.locator("#departures .paper").text_content() or ""
    all_columns = page.evaluate(SHOWN_COLUMNS, "departures")
    tasks = [each.is_visible() for each in page.locator("#tasks li").all()]
    hidden = page.evaluate(SHOWN_COLUMNS, "items").count(False)
    left_out = page.locator("#items .paper").text_content() or ""
    page.emulate_media(media="null")
    buttons = [page.locator(f"#{id} .open").first for id in (*sections, "items")]
    for button in buttons:
        button.click()
    page.emulate_media(media="print")
    opened = [page.locator(f"#{id} table").is_visible() for id in sections]
    named_now = page.locator("#unprinted").text_content() or ""
    columns = [shown for id in (*sections, "items") for shown in page.evaluate(SHOWN_COLUMNS, id)]
    page.emulate_media(media="null")
    for button in buttons:
        button.click()

    assert not any(closed)
    assert all(figures)
    assert not any(tables)
    assert set(titles) <= set(re.split("[:,.] ?", named))
    assert not set(titles) & set(re.split("[:,.] ?", named_now))
    assert all(all_columns)
    assert re.search("total of all|totaal van alle", left_out)
    assert total
    assert all(opened)
    assert all(columns)
    assert len(tasks) > 3
    assert all(tasks)
    assert hidden == 3
    assert re.search(r"6 (van|of) 9 (kolommen|columns)$", left_out)


def open_all(page: Page) -> Locator:
    """Open all tables, and return the buttons that close them again."""
    page.locator("main .buttons .open[aria-expanded=false]").evaluate_all("all => all.forEach(each => each.click())")
    return page.locator("main .buttons .open[aria-expanded=true]")


@contextmanager
def on_paper(page: Page) -> Iterator[None]:
    """Lay the page out as on paper, with all charts drawn for it."""
    page.emulate_media(media="print")
    page.set_viewport_size({"width": PAPER[0], "height": PAPER[1]})
    page.wait_for_function(CHARTS_FIT)
    try:
        yield
    finally:
        page.emulate_media(media="null")
        page.set_viewport_size(LAPTOP["viewport"])


def test_columns_on_paper_do_not_touch(paper: DashboardPage) -> None:
    """With all tables open, the texts of neighbouring cells are 2 mm apart, or a rule is between them.

    Else a number and a code could be read as one number.
    """
    close = open_all(paper.page)
    with on_paper(paper.page):
        touching = paper.page.evaluate(TOUCHING, LEAST_GAP)
    close.evaluate_all("all => all.forEach(each => each.click())")

    assert touching == []


@pytest.mark.slow
def test_no_total_is_alone_on_a_sheet(paper: DashboardPage) -> None:
    """Whatever fits on a sheet, the total of a table follows one of its rows."""
    with on_paper(paper.page):
        for height in range(400, PAPER[1], 47):
            assert paper.page.evaluate(LONELY_TOTALS, [PAPER[0], height]) == []


def test_a_shortened_table_states_its_rows_above_the_total(paper: DashboardPage) -> None:
    """The number of rows that are shown stands above the total of all; up to 15 rows are all shown."""
    close = open_all(paper.page)
    tables = paper.page.evaluate(SHORTENED)
    close.evaluate_all("all => all.forEach(each => each.click())")

    assert {"items", "partners"} <= {name for name, rows, shown, _ in tables if shown < rows}
    for name, rows, shown, text in tables:
        assert shown == rows or rows > 15, name
        expected = rf"{shown} (van|of) {rows} (regels|rows)" if shown < rows else ""
        assert re.fullmatch(expected, text.replace(".", "").replace(",", "")), name


@pytest.mark.slow
def test_no_word_is_broken_on_the_screen(paper: DashboardPage) -> None:
    """In an open table with many columns on a laptop, each word stands on one line."""
    for section in ("departures", "contracts"):
        button = paper.page.locator(f"#{section} .open").first
        button.click()
        broken = paper.page.evaluate(BROKEN_WORDS)
        button.click()
        assert broken == []


@pytest.mark.slow
def test_paper_cuts_nothing(paper: DashboardPage) -> None:
    """On at most four sheets, no text is beyond the edge, and no word is broken."""
    page = paper.page
    printed = page.pdf(format="A4", prefer_css_page_size=True)
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) <= 4
    with on_paper(page):
        expect(page.locator("#items table")).to_be_visible()
        assert page.evaluate(BEYOND_THE_EDGE) == []
        assert page.evaluate(BROKEN_WORDS) == []
