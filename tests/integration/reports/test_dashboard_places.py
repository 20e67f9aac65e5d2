"""Where sections stand: in order and without gaps, whatever is open, and where they were when something is chosen."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
from playwright.sync_api import Browser

from pipelines.dashboard import write_dashboard
from pipelines.warehouse.file.connection import Warehouse
from tests.integration.report_warehouse import ReportWarehouse
from tests.integration.reports.test_dashboard_page import DashboardPage, open_page, pytestmark
from tests.moments import NOW

__all__ = ["pytestmark"]

BOXES = """() => [...document.querySelectorAll('#figures > section')].map((each) => {
    const { top, left, right } = each.getBoundingClientRect();
    return [each.id, Math.round(top + scrollY), Math.round(left), Math.round(right)];
})"""
"""Each section with its place on the page."""


@pytest.fixture(scope="module")
def path(grower_world: ReportWarehouse, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The dashboard file of two growers in the sandbox world."""
    file = tmp_path_factory.mktemp("places") / "growers.html"
    return write_dashboard(Warehouse(grower_world.path), file, NOW).path


def rows_of_sections(dashboard: DashboardPage) -> list[list[str]]:
    """Return the names of the sections by row, from top to bottom; each row must be filled from left to right."""
    boxes = dashboard.page.evaluate(BOXES)
    left, right = min(each[2] for each in boxes), max(each[3] for each in boxes)
    rows: list[list[str]] = []
    tops: list[int] = []
    for name, top, start, end in boxes:
        if tops and abs(top - tops[-1]) <= 1:
            rows[-1].append(name)
            assert abs(end - right) <= 1, name
        else:
            assert not tops or top > tops[-1], f"{name} stands above the section before it"
            assert abs(start - left) <= 1, name
            rows.append([name])
            tops.append(top)
        if len(rows[-1]) == 1:
            is_alone = abs(end - right) <= 1
            following = next((each for each in boxes if each[0] != name and abs(each[1] - top) <= 1), None)
            assert is_alone or following, f"beside {name} is a gap"
    return rows


@pytest.mark.parametrize("seed", range(4))
def test_sections_keep_their_order_without_gaps(path: Path, browser: Browser, seed: int) -> None:
    """Whatever tables are open, in windows of any width, sections follow each other without a gap."""
    random = Random(seed)
    with open_page(browser, path) as dashboard:
        order = [name for row in rows_of_sections(dashboard) for name in row]
        buttons = dashboard.page.locator("#figures .buttons > button[aria-controls]")
        for _ in range(6):
            dashboard.page.set_viewport_size({"width": random.randint(340, 1700), "height": 900})
            buttons.nth(random.randrange(buttons.count())).click()
            assert [name for row in rows_of_sections(dashboard) for name in row] == order


@pytest.mark.parametrize("section", ["partners", "items", "invoices", "ageing", "fill", "changes"])
def test_what_is_touched_stays_on_the_screen(path: Path, browser: Browser, section: str) -> None:
    """Opening a table, or filtering by a name in it, leaves its section where it is on the screen."""
    top = f"document.getElementById('{section}').getBoundingClientRect().top"
    with open_page(browser, path) as dashboard:
        button = dashboard.page.locator(f"#{section} .buttons > button[aria-controls]")
        button.scroll_into_view_if_needed()
        before = dashboard.page.evaluate(top)
        button.click()
        assert dashboard.page.evaluate(top) == pytest.approx(before, abs=1)

        name = dashboard.page.locator(f"#{section} tbody .pick").first
        name.scroll_into_view_if_needed()
        before = dashboard.page.evaluate(top)
        name.click()
        assert dashboard.page.evaluate(top) == pytest.approx(before, abs=1)
        assert "partner=" in dashboard.page.url or "item=" in dashboard.page.url
