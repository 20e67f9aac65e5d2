"""The page on paper: the rows that are open are printed, on sheets that cut no text."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

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
(id) => [...document.querySelectorAll(`#${id} thead th`)].map(each => each.checkVisibility())
"""
"""Whether each column of a section's table is shown."""

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
    page.emulate_media(media="print")
    page.set_viewport_size({"width": PAPER[0], "height": PAPER[1]})
    expect(page.locator("#items table")).to_be_visible()

    assert len(re.findall(rb"/Type\s*/Page\b", printed)) <= 4
    assert page.evaluate(BEYOND_THE_EDGE) == []
    assert page.evaluate(BROKEN_WORDS) == []
    page.emulate_media(media="null")
    page.set_viewport_size(LAPTOP["viewport"])
