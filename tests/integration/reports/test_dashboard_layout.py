"""The page in windows of any size: nothing is off the screen, clipped or covered, and every filter can be used."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from playwright.sync_api import Browser, Page, expect

from pipelines.dashboard import write_dashboard
from pipelines.warehouse.file.connection import Warehouse
from tests.integration.report_warehouse import ReportWarehouse
from tests.integration.reports.test_dashboard_page import SEVERAL, DashboardPage, open_page, pytestmark
from tests.integration.reports.test_dashboard_pictures import OUTSIDE
from tests.moments import NOW

__all__ = ["pytestmark"]

LANGUAGES = ("en", "nl")
WIDTHS = st.integers(320, 1920)
HEIGHTS = st.sampled_from([360, 640, 844, 1024])
FEW = settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))

CONTROLS = "a, button, summary, select, input"

COVERED = """
(controls) => [...document.querySelectorAll(controls)].flatMap(each => {
  if (!each.checkVisibility() || each.id === "skip") return [];
  if (each.closest("thead")) each.closest(".table").scrollTop = 0;
  each.scrollIntoView({ block: each.closest("form") ? "center" : "end", inline: "center", behavior: "instant" });
  const box = each.getBoundingClientRect();
  const hit = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2);
  const isHit = each.contains(hit) || (hit?.tagName === "LABEL" && hit.contains(each));
  const isField = ["INPUT", "SELECT"].includes(each.tagName);
  const name = `${each.tagName} ${each.id || each.textContent.trim().slice(0, 40)}`;
  if (!isHit) return [`${name} is covered by ${hit?.tagName} ${hit?.id}`];
  if (box.left < -0.5 || box.right > document.documentElement.clientWidth + 0.5) return [`${name} is off the screen`];
  return !isField && each.clientWidth && each.scrollWidth > each.clientWidth + 1 ? [`${name} is cut`] : [];
})
"""
"""Controls that are not hit at their centre, are off the screen, or do not show their whole text."""

OFF_SCREEN = """
() => {
  const width = document.documentElement.clientWidth;
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const found = [];
  while (walker.nextNode()) {
    const [parent, text] = [walker.currentNode.parentElement, walker.currentNode.textContent.trim()];
    if (!text || !parent.checkVisibility() || parent.closest(".spoken, .skip, script, style")) continue;
    const range = document.createRange();
    range.selectNodeContents(walker.currentNode);
    const box = range.getBoundingClientRect();
    if (box.width && (box.left < -0.5 || box.right > width + 0.5)) found.push(text.slice(0, 40));
  }
  return found;
}
"""
"""Texts of which a part is beside the window, also where a box scrolls."""

CHOSEN_WEEKS = """
() => [...document.querySelectorAll("#from, #to")].filter(each => {
  const canvas = document.createElement("canvas").getContext("2d");
  const { fontSize, fontFamily } = getComputedStyle(each);
  canvas.font = `${fontSize} ${fontFamily}`;
  return canvas.measureText(each.selectedOptions[0].textContent).width + 24 > each.clientWidth;
}).map(each => each.id)
"""
"""The fields of weeks that do not show the whole week."""

CUT_CELLS = """
() => {
  const found = [];
  const width = window.innerWidth;
  const boxOf = node => {
    const range = document.createRange();
    range.selectNodeContents(node);
    return range.getBoundingClientRect();
  };
  for (const table of document.querySelectorAll(".table")) {
    if (!table.checkVisibility()) continue;
    const name = table.closest("section").id;
    const isWide = table.scrollWidth > table.clientWidth + 1;
    if (isWide && !["auto", "scroll"].includes(getComputedStyle(table).overflowX)) found.push(`${name} is cut`);
    if (isWide && (width <= 600 || width >= 1280)) found.push(`${name} must be scrolled`);
    if (width <= 600) continue;
    for (const cell of table.querySelectorAll("th, td")) {
      if (!cell.checkVisibility() || cell.matches(".reaching") || !cell.textContent) continue;
      const [text, box] = [boxOf(cell), cell.getBoundingClientRect()];
      if (text.left < box.left - 1 || text.right > box.right + 1) found.push(`${name}: ${cell.textContent}`);
    }
  }
  for (const card of document.querySelectorAll(".card, .tile")) {
    const frame = card.getBoundingClientRect();
    const walker = document.createTreeWalker(card, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const [node, parent] = [walker.currentNode, walker.currentNode.parentElement];
      const scrolls = parent.closest(".table") && width > 600;
      if (!node.textContent.trim() || !parent.checkVisibility() || parent.closest("svg") || scrolls) continue;
      const text = boxOf(node);
      if (text.width && (text.left < frame.left || text.right > frame.right)) found.push(node.textContent.slice(0, 60));
    }
  }
  return found;
}
"""
"""Cells that do not show their text, tables that are cut without a scroll bar, and texts that leave their card."""

BROKEN_DATES = """
() => [...document.querySelectorAll(".date")].filter(each => each.checkVisibility()).filter(each => {
  const range = document.createRange();
  range.selectNodeContents(each);
  return range.getClientRects().length > 2;
}).map(each => each.textContent)
"""
"""Dates that stand on more than two lines."""

IN_SIGHT = """
(id) => {
  const box = document.getElementById(`${id}-title`).getBoundingClientRect();
  const hit = document.elementFromPoint(box.left + 4, box.top + 4);
  return box.bottom <= window.innerHeight && Boolean(hit?.closest(`#${id}`));
}
"""
"""Whether the title of a section is in the window, and not below the bar."""


@pytest.fixture(scope="module")
def path(grower_world: ReportWarehouse, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The dashboard file of two growers in the sandbox world."""
    file = tmp_path_factory.mktemp("layout") / "growers.html"
    return write_dashboard(Warehouse(grower_world.path), file, NOW).path


@pytest.fixture(scope="module", params=LANGUAGES)
def dashboard(request: pytest.FixtureRequest, path: Path, browser: Browser) -> Iterator[DashboardPage]:
    """The page in a language; each test sets the size of its window."""
    locale = {"en": "en-GB", "nl": "nl-NL"}[request.param]
    with open_page(browser, path, locale=locale, has_touch=True) as page:
        yield page


def resize(page: Page, width: int, height: int) -> None:
    """Give the page a window of a size, with the filters open and no list open."""
    page.set_viewport_size({"width": width, "height": height})
    page.evaluate(
        """() => {
          window.scrollTo(0, 0);
          document.querySelector("#filters > details").open = true;
          for (const list of document.querySelectorAll(".field details")) list.open = false;
        }"""
    )
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


def open_tables(page: Page) -> None:
    """Open the tables of all sections."""
    page.evaluate(
        """() => document.querySelectorAll('main [aria-expanded="false"]').forEach(button => button.click())"""
    )


def use_lists(dashboard: DashboardPage) -> None:
    """Choose and take back the first name of each list, with the mouse and with the keyboard."""
    page = dashboard.page
    for field in SEVERAL:
        chosen = page.locator(f"#{field}-chosen")
        everything = chosen.text_content()
        for keyboard in (False, True):
            if keyboard:
                chosen.focus()
                page.keyboard.press("Enter")
            else:
                chosen.click()
            entry = page.locator(f"#{field} li label").first
            name = (entry.text_content() or "").strip()
            if keyboard:
                page.keyboard.press("Tab")
                expect(page.locator(f"#{field}-search")).to_be_focused()
                page.keyboard.press("Tab")
                page.keyboard.press("Tab") if page.evaluate("document.activeElement.tagName") == "UL" else None
                page.keyboard.press("Space")
            else:
                entry.click()
            expect(chosen).to_have_text(name)
            expect(page.locator("#chosen")).to_contain_text(name)
            page.locator(f"#{field} .none").click()
            expect(chosen).to_have_text(everything or "")
            page.keyboard.press("Escape")


def faults(page: Page) -> list[str]:
    """Return what is off the screen, covered or cut."""
    checks = {COVERED: CONTROLS, CHOSEN_WEEKS: None}
    if page.viewport_size and page.viewport_size["width"] <= 600:
        checks[OFF_SCREEN] = None
    return [str(fault) for check, argument in checks.items() for fault in page.evaluate(check, argument)]


@pytest.mark.slow
@FEW
@given(width=WIDTHS, height=HEIGHTS)
def test_any_window(dashboard: DashboardPage, width: int, height: int) -> None:
    """In a window of any width, with all tables open, no control is covered, cut or off the screen."""
    resize(dashboard.page, width, height)
    open_tables(dashboard.page)

    assert faults(dashboard.page) == []
    assert dashboard.overflow <= 0


@pytest.mark.slow
@FEW
@given(width=WIDTHS)
@example(width=320)
@example(width=768)
def test_cells_in_any_window(dashboard: DashboardPage, width: int) -> None:
    """In a window of any width, no cell of an open table and no text of a card is cut; from 1280 on, none scrolls."""
    resize(dashboard.page, width, 844)
    open_tables(dashboard.page)

    assert dashboard.page.evaluate(CUT_CELLS) == []


@pytest.mark.parametrize("dashboard", ["nl"], indirect=True)
def test_cells_on_a_laptop(dashboard: DashboardPage) -> None:
    """On a laptop, no cell of an open table and no label of a chart is cut, and no date has three lines."""
    resize(dashboard.page, 1280, 844)
    open_tables(dashboard.page)

    assert dashboard.page.evaluate(CUT_CELLS) == []
    assert dashboard.page.evaluate(OUTSIDE) == []
    assert dashboard.page.evaluate(BROKEN_DATES) == []


@pytest.mark.slow
@FEW
@given(width=WIDTHS, height=HEIGHTS)
def test_lists_in_any_window(dashboard: DashboardPage, width: int, height: int) -> None:
    """In a window of any width, the lists of names open and close, by mouse and by keyboard."""
    resize(dashboard.page, width, height)

    use_lists(dashboard)


@pytest.mark.slow
@FEW
@given(width=WIDTHS, height=HEIGHTS)
def test_jumps_in_any_window(dashboard: DashboardPage, width: int, height: int) -> None:
    """A click on a key figure, or on what needs action, shows the title of its section below the filters."""
    resize(dashboard.page, width, height)

    for place in range(dashboard.page.locator(".tile").count()):
        tile = dashboard.page.locator(".tile").nth(place)
        tile.click()
        section = (tile.get_attribute("href") or "").lstrip("#")
        assert dashboard.page.evaluate(IN_SIGHT, section), section


@pytest.mark.slow
@pytest.mark.parametrize("dashboard", ["nl"], indirect=True)
def test_a_phone(dashboard: DashboardPage) -> None:
    """On a phone, the list of customers opens, a jump shows the title of its section, and weeks show their year."""
    resize(dashboard.page, 390, 844)

    dashboard.page.locator("#partner-chosen").tap()
    dashboard.page.locator("#partner li label").nth(2).tap()
    name = (dashboard.page.locator("#partner li label").nth(2).text_content() or "").strip()
    expect(dashboard.page.locator("#chosen")).to_contain_text(name)
    assert dashboard.page.evaluate(CHOSEN_WEEKS) == []
    dashboard.page.locator(".tile[href='#fill']").tap()
    assert dashboard.page.evaluate(IN_SIGHT, "fill")
    dashboard.page.locator("#clear").tap()
    assert name not in (dashboard.page.locator("#chosen").text_content() or "")


@pytest.mark.slow
def test_the_way_back(path: Path, browser: Browser) -> None:
    """Each choice is a step of the browser's history; one button clears all filters."""
    with open_page(browser, path) as dashboard:
        page = dashboard.page
        expect(page.locator("#clear")).to_be_hidden()
        customer = dashboard.options("partner")[1]
        dashboard.choose("partner", customer)
        page.locator("#last-4").click()
        expect(page.locator("#clear")).to_be_visible()
        page.go_back()
        expect(page.locator("#last-13")).to_have_attribute("aria-pressed", "true")
        expect(page.locator("#partner-chosen")).to_have_text(customer)
        page.go_back()
        expect(page.locator("#partner-chosen")).to_have_text("all customers")
        page.go_forward()
        page.locator("#clear").click()
        expect(page.locator("#partner-chosen")).to_have_text("all customers")
        expect(page.locator("#clear")).to_be_hidden()


@pytest.mark.slow
def test_what_filters_say(path: Path, browser: Browser) -> None:
    """A search without a result, and a first week after the last one, are answered; several names are counted."""
    with open_page(browser, path) as dashboard:
        page = dashboard.page
        for name in dashboard.options("partner")[1:3]:
            dashboard.choose("partner", name)
        expect(page.locator("#partner-chosen")).to_have_text("2 customers")
        page.locator("#partner-chosen").click()
        page.locator("#partner-search").fill("no such name")
        expect(page.locator("#partner li")).to_have_text("No name contains \u201cno such name\u201d.")
        page.keyboard.press("Escape")
        dashboard.choose("to", "week 40, 2026")
        expect(page.locator(".moved")).to_have_text("")
        dashboard.choose("from", "week 46, 2026")
        expect(page.locator(".moved")).to_contain_text("week 46, 2026 is after the last week")


@pytest.mark.slow
def test_lists_name_their_own_period(path: Path, browser: Browser) -> None:
    """Captions of lists that ignore the chosen weeks name the weeks that they show."""
    with open_page(browser, path) as dashboard:
        dashboard.page.locator("#last-4").click()
        captions = {
            each: dashboard.page.locator(f"#{each} caption").text_content() for each in ("departures", "changes")
        }

    assert "the last two weeks and all later ones" in (captions["departures"] or "")
    assert "week 35, 2026 to week 47, 2026" in (captions["changes"] or "")


@pytest.mark.slow
def test_tooltips_and_names(path: Path, browser: Browser) -> None:
    """A tooltip has the decimals of its chart, and long names in a narrow chart are legible to their ends."""
    with open_page(browser, path, viewport={"width": 390, "height": 844}, has_touch=True) as dashboard:
        page = dashboard.page
        names = [row[0] for row in dashboard.rows("items")[:12]]
        texts = " ".join(page.locator("#items-chart text").all_text_contents())
        assert [name for name in names if name.split()[-1] not in texts] == []
        chart = page.locator("#corrections-chart")
        box = chart.bounding_box()
        assert box is not None
        chart.hover(position={"x": box["width"] * 0.9, "y": box["height"] / 2})
        expect(chart.locator("text", has_text="By: ").first).to_be_visible()
        tips = [text for text in chart.locator("text").all_text_contents() if text.startswith("By: ")]
        assert [text for text in tips if "." in text] == []
