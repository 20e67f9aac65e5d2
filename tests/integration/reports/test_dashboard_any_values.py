"""The dashboard's page shows what Floriday serves, however large, old or late it is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from pipelines.dashboard import write_dashboard
from pipelines.dashboard.selection import Selection
from pipelines.warehouse.file.connection import Warehouse
from tests.examples import cases
from tests.integration.report_warehouse import ORDERS, ReportWarehouse
from tests.integration.reports.altered_values import altered
from tests.integration.reports.test_dashboard_claims import CUSTOMER, ITEM, labels, page_of, weekly_orders
from tests.integration.reports.test_dashboard_page import normalized, open_page, order, pytestmark
from tests.moments import NOW

__all__ = ["pytestmark"]

BROKEN = re.compile(r"NaN|undefined|Infinity|Invalid Date|\[object|\bnull\b|\de[+]\d")
"""What a page of JavaScript shows of a value that it cannot show."""
FAR = (2, 4, 6)
"""With these, weeks of the years 1 and 9999 left a page without sections."""
SEEDS = (*FAR, *(seed for seed in range(30) if seed not in FAR))


@cases("seed", SEEDS, quick=1)
@pytest.mark.parametrize("world", ["grower_world", "buyer_world"])
def test_a_page_of_any_values(
    world: str, seed: int, request: pytest.FixtureRequest, tmp_path: Path, browser: Browser
) -> None:
    """In both languages the page has sections, no error, and no text that stands for a value without one."""
    warehouse = Warehouse(altered(request.getfixturevalue(world), tmp_path / "w.duckdb", seed))
    for language in ("en", "nl"):
        page = write_dashboard(warehouse, tmp_path / "page.html", NOW, selection=Selection(language=language)).path
        with open_page(browser, page) as dashboard:
            if (every_week := dashboard.page.locator("#last-all")).is_visible():  # not where nothing has a week
                every_week.click()
            shown = dashboard.page.locator("main").inner_text()

            assert dashboard.page.locator("main section").count() > 0
            assert [*BROKEN.finditer(shown)] == []


def test_orders_of_far_years_are_named_and_left_out(warehouse: ReportWarehouse, browser: Browser) -> None:
    """Orders due in the years 1 and 9999 change nothing but a notice: the weeks between are half a million."""
    far = [order(99, ITEM, CUSTOMER, "9999-12-31T23:59:59Z"), order(98, ITEM, CUSTOMER, "0001-01-01T00:00:00Z")]
    warehouse.store(ORDERS, [*weekly_orders(range(1, 5)), *far])

    with open_page(browser, page_of(warehouse)) as dashboard:
        dashboard.page.locator("#last-all").click()
        notices = [normalized(each) for each in dashboard.page.locator(".notice").all_text_contents()]

        assert labels(dashboard, "revenue")[0] == "EUR 40 revenue in the period"
        assert [text for text in notices if text.startswith("Left out are")] == [
            "Left out are 1 order from before week 42, 2024.",
            "Left out are 1 order from after week 1, 2029.",
        ]
