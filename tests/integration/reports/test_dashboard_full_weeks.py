"""Full weeks of the dashboard: what the page counts as one, what it says of a year without sales, and of young data."""

from __future__ import annotations

import datetime as dt

import pytest
from playwright.sync_api import Browser

from tests.integration.report_warehouse import ORDERS, Json, ReportWarehouse, id_of, make_record, merged
from tests.integration.reports.handmade_deliveries import REQUESTS
from tests.integration.reports.test_dashboard_claims import (
    CUSTOMER,
    ITEM,
    MONDAY,
    NAMESAKE,
    labels,
    page_of,
    tile,
    weekly_orders,
)
from tests.integration.reports.test_dashboard_page import normalized, open_page, order, pytestmark
from tests.integration.reports.test_fill_rate import delivery

__all__ = ["pytestmark"]


def test_a_week_in_which_the_data_begin_is_not_a_full_one(warehouse: ReportWarehouse, browser: Browser) -> None:
    """Months, the week before and the revenue of all full weeks leave it out, as the comparison with a year earlier."""
    first = order(99, ITEM, CUSTOMER, "2025-11-07T12:00:00Z")  # Friday of week 45
    invoiced_late = merged(order(98, ITEM, CUSTOMER, "2025-11-12T12:00:00Z"), {"paymentProvider": "FLORIDAY"})
    warehouse.store(ORDERS, [first, invoiced_late, *weekly_orders(range(1, 54))])

    with open_page(browser, page_of(warehouse), locale="en-GB") as dashboard:
        assert "of all 54 full weeks" in tile(dashboard, "invoices")
        dashboard.page.locator("#last-all").click()
        weeks = {row[0]: row for row in dashboard.rows("revenue")}
        assert (weeks["week 46, 2025"][4], weeks["week 46, 2025"][-1]) == ("10.00", "\u2013")
        assert weeks["week 47, 2025"][-1] == "0.0%"
        dashboard.page.locator("#by-month").click()
        months = {row[0]: row for row in dashboard.rows("revenue")}
        assert months["Nov 2025"][1] == "46\u201348 (3 of 4 weeks)"
        assert months["Not a full week: the data begin in it"][1:5] == ["45", "1", "12", "10.00"]
        (total,) = dashboard.cells("#revenue tfoot tr")
        assert sum(float(row[4]) for row in months.values()) == float(normalized(total[4]).replace("EUR ", ""))


def test_a_year_without_sales_is_not_an_unknown_one(warehouse: ReportWarehouse, browser: Browser) -> None:
    """A customer that is new has weeks to compare with: it bought nothing in them."""
    others = [
        merged(each, {"salesOrderId": id_of(f"other {number}")})
        for number, each in enumerate(weekly_orders(range(1, 70), NAMESAKE))
    ]
    warehouse.store(ORDERS, [*others, *weekly_orders(range(1, 5))])

    with open_page(browser, page_of(warehouse), locale="en-GB") as dashboard:
        dashboard.page.locator("#last-4").click()
        dashboard.choose("partner", f"Unknown customer {CUSTOMER[:8]}")
        assert "nothing a year earlier (4 of 4 weeks)" in tile(dashboard, "revenue")
        assert "nothing a year earlier EUR 40 against EUR 0 a year earlier, in 4 of 4 weeks" in labels(
            dashboard, "revenue"
        )


def batch(number: int, weeks: int) -> Json:
    """Return a batch that was harvested some weeks before the running one."""
    harvested = MONDAY - dt.timedelta(weeks=weeks)
    return make_record(
        "suppliers",
        "supply.batches",
        number,
        batchId=id_of(f"batch {number}"),
        tradeItemId=ITEM,
        batchDate=harvested.isoformat(),
        isDeleted=False,
    )


@pytest.mark.parametrize(("weeks", "named"), [((1, 2, 3, 30), "week 45, 2026"), ((1, 3, 6, 9, 13), "")])
def test_the_first_week_of_batches_is_named(
    weeks: tuple[int, ...], named: str, warehouse: ReportWarehouse, browser: Browser
) -> None:
    """Floriday serves batches for 30 days: single older ones are no measure of the weeks before."""
    warehouse.store(ORDERS, weekly_orders(range(1, 60)))
    warehouse.store("supply.batches", [batch(number, each) for number, each in enumerate(weeks)])

    with open_page(browser, page_of(warehouse), locale="en-GB") as dashboard:
        note = dashboard.page.locator("#stock .note").first.text_content() or ""
        assert ("Known from" in note) == bool(named)
        assert f"Known from {named} on;" in note or not named
        assert f"known from {named} on" in tile(dashboard, "stock") or not named


def test_unknown_weeks_of_batches_have_no_colour(warehouse: ReportWarehouse, browser: Browser) -> None:
    """A period before that has no rate and no colour, and one that begins before it no colour."""
    warehouse.store(ORDERS, weekly_orders(range(1, 60)))
    warehouse.store("supply.batches", [batch(number, each) for number, each in enumerate((1, 2, 3, 30))])

    with open_page(browser, page_of(warehouse), locale="en-GB") as dashboard:
        light = dashboard.page.locator(".tile[href='#stock'] .light")
        assert light.count() == 0
        dashboard.page.locator("#last-4").click()
        assert light.count() == 0
        dashboard.choose("from", "week 45, 2026")
        assert light.count() == 1
        dashboard.choose("from", "week 16, 2026")
        dashboard.choose("to", "week 20, 2026")
        assert "not known before week 45, 2026" in tile(dashboard, "stock")
        assert light.count() == 0
        assert labels(dashboard, "stock")[0].startswith("\u2013 ")


@pytest.mark.parametrize("short", [1, 3, 40])
def test_what_is_not_all_is_never_a_hundred_percent(short: int, warehouse: ReportWarehouse, browser: Browser) -> None:
    """A fill rate of which some pieces are missing is at most 99.9 %."""
    (sold,) = weekly_orders([3], numberOfPieces=100_000, tradeInstrument="DIRECT_SALES", mutations=[])
    warehouse.store(ORDERS, [{**sold, "salesOrderId": id_of("order 1")}])
    warehouse.store(REQUESTS, [delivery(1, 100_000 - short, per_package=1)])

    with open_page(browser, page_of(warehouse), locale="en-GB") as dashboard:
        assert f"{short} of 100000 ordered pieces short" in tile(dashboard, "fill")
        assert dashboard.figures("fill")[0] == "99.9%"
