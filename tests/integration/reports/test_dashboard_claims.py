"""What the dashboard claims about handmade orders: growth, the running week, open amounts, names and colours."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from playwright.sync_api import Browser, expect

from pipelines.dashboard import write_dashboard
from pipelines.warehouse.file.connection import Warehouse
from tests.integration.report_warehouse import ORDERS, Json, ReportWarehouse, id_of, make_record, merged
from tests.integration.reports.test_dashboard_page import (
    DashboardPage,
    normalized,
    open_page,
    order,
    pytestmark,
)
from tests.moments import NOW

__all__ = ["pytestmark"]

MONDAY = dt.datetime(2026, 11, 23, 12, tzinfo=dt.UTC)
"""Noon of the first day of the running week."""
ITEM, CUSTOMER, NAMESAKE = id_of("item"), id_of("customer"), id_of("namesake")


def weekly_orders(weeks: range, customer: str = CUSTOMER, **fields: object) -> list[Json]:
    """Return an order of ten euros in each of some weeks, counted backwards from the running one."""
    return [
        merged(order(week, ITEM, customer, (MONDAY - dt.timedelta(weeks=week)).isoformat()), fields) for week in weeks
    ]


def page_of(warehouse: ReportWarehouse) -> Path:
    """Write the dashboard beside a warehouse, and return its path."""
    return write_dashboard(Warehouse(warehouse.path), warehouse.path.with_suffix(".html"), NOW).path


def labels(dashboard: DashboardPage, section: str) -> list[str]:
    """Return the figures of a section with their labels."""
    return [normalized(each) for each in dashboard.page.locator(f"#{section} .figure").all_text_contents()]


def tile(dashboard: DashboardPage, section: str) -> str:
    """Return the text of the tile that leads to a section."""
    return normalized(dashboard.page.locator(f".tile[href='#{section}']").first.text_content() or "")


def test_growth_compares_weeks_of_both_years(warehouse: ReportWarehouse, browser: Browser) -> None:
    """Sixty weeks of steady sales have not grown, in the eight weeks that both years have; four weeks do the same."""
    warehouse.store(ORDERS, weekly_orders(range(61)))

    with open_page(browser, page_of(warehouse)) as dashboard:
        dashboard.page.locator("#last-52").click()
        assert labels(dashboard, "revenue")[:2] == [
            "EUR 520 revenue in the period",
            "0.0% on last year's EUR 80, in 8 of 52 weeks",
        ]
        dashboard.page.locator("#last-4").click()
        assert labels(dashboard, "revenue")[1] == "0.0% on last year's EUR 40, in 4 of 4 weeks"
        dashboard.choose("to", "week 48, 2026")
        assert labels(dashboard, "revenue")[1] == "0.0% on last year's EUR 40, in 4 of 4 weeks"


def test_no_growth_without_weeks_of_both_years(warehouse: ReportWarehouse, browser: Browser) -> None:
    """Twenty weeks of history are compared with nothing."""
    warehouse.store(ORDERS, weekly_orders(range(20)))

    with open_page(browser, page_of(warehouse)) as dashboard:
        for preset in ("4", "13", "26", "52", "all"):
            dashboard.page.locator(f"#last-{preset}").click()
            assert "on last year" not in (dashboard.page.locator("main").text_content() or "")


def test_the_running_week_is_apart(warehouse: ReportWarehouse, browser: Browser) -> None:
    """The presets end with the last full week; the running one is hatched, and compared with nothing."""
    warehouse.store(ORDERS, weekly_orders(range(60)))

    with open_page(browser, page_of(warehouse)) as dashboard:
        dashboard.page.locator("#last-4").click()
        expect(dashboard.page.locator("#revenue .legend .hatched")).to_have_text("Not over yet")
        assert labels(dashboard, "revenue")[2] == "EUR 10 in the running week so far, not in the period"
        assert [row[0] for row in dashboard.rows("revenue")] == [
            "week 47, 2026",
            "week 46, 2026",
            "week 45, 2026",
            "week 44, 2026",
        ]
        dashboard.choose("to", "week 48, 2026")
        running, last, *_ = dashboard.rows("revenue")
        assert running[0] == "week 48, 2026 (running)"
        assert running[5:] == ["\u2013", "\u2013"]
        assert last[5:] == ["10.00", "0.0%"]


def test_customers_of_one_name(warehouse: ReportWarehouse, browser: Browser) -> None:
    """Customers of one name are told apart by their towns, or else by their GLNs."""
    towns = {CUSTOMER: "Aalsmeer", NAMESAKE: "Venlo", id_of("third"): "Venlo", id_of("other"): "Venlo"}
    organizations = [
        make_record(
            "suppliers",
            "organizations.organizations",
            seed,
            organizationId=id,
            name="Rosa" if id != id_of("other") else "Iris",
            companyGln=f"87000000000{seed:02}",
            mailingAddress={"city": town},
        )
        for seed, (id, town) in enumerate(towns.items())
    ]
    warehouse.store("organizations", organizations)
    warehouse.store(ORDERS, [order(seed, ITEM, id) for seed, id in enumerate(towns)])

    with open_page(browser, page_of(warehouse)) as dashboard:
        assert {row[1] for row in dashboard.rows("partners")} == {
            "Rosa (Aalsmeer)",
            "Rosa (8700000000001)",
            "Rosa (8700000000002)",
            "Iris",
        }


def test_colours_keep_their_meaning(warehouse: ReportWarehouse, browser: Browser) -> None:
    """A way of trading has the same colour when a filter leaves out the ones before it."""
    direct = weekly_orders(range(1, 4), tradeInstrument="DIRECT_SALES", salesChannel="FLORIDAY")
    clock = [
        merged(each, {"tradeInstrument": "CLOCK_SALES", "salesOrderId": id_of(str(seed))})
        for seed, each in enumerate(weekly_orders(range(1, 3), NAMESAKE, salesChannel="FLORIDAY"))
    ]
    warehouse.store(ORDERS, [*direct, *clock])

    with open_page(browser, page_of(warehouse)) as dashboard:
        legend = dashboard.page.locator("#channels .legend li")
        classes = {each.text_content(): each.get_attribute("class") for each in legend.all()}
        assert classes == {"Direct sales": "series-1", "Clock sales": "series-2"}
        dashboard.choose("partner", f"Unknown customer {NAMESAKE[:8]}")
        assert dashboard.rows("channels")[0][1] == "Clock sales"
        fills = dashboard.page.locator("#channels-chart path[fill]").evaluate_all(
            "paths => paths.map(path => path.getAttribute('fill').toLowerCase())"
        )
        assert "#c77700" in fills
        assert "#0b6b5d" not in fills


def test_captions_name_filters_that_apply(warehouse: ReportWarehouse, browser: Browser) -> None:
    """A caption names the customer and the currency only in sections that these filters affect."""
    warehouse.store(ORDERS, weekly_orders(range(1, 4)))
    batch = make_record(
        "suppliers",
        "supply.batches",
        1,
        tradeItemId=ITEM,
        batchDate="2026-11-17T12:00:00Z",
        initialNumberOfPieces=10,
        numberOfPieces=4,
        isDeleted=False,
    )
    warehouse.store("batches", [batch])

    with open_page(browser, page_of(warehouse)) as dashboard:
        captions = [dashboard.page.locator(f"#{section} caption").text_content() for section in ("revenue", "stock")]
        assert captions == [
            "Revenue by week: week 35, 2026 to week 47, 2026 · all customers · all trade items · EUR",
            "Stock and sell-through: week 35, 2026 to week 47, 2026 · all trade items",
        ]


def test_purchase_orders_are_counted_once(buyer_warehouse: ReportWarehouse, browser: Browser) -> None:
    """Two purchase orders with six reasons in all are two that need action."""
    reasons = ["DIFFERENT_PRICE", "SUPPLY_NOT_FOUND", "TRADE_ITEM_NOT_FOUND"]
    purchases = [
        make_record(
            "customers",
            "orders.purchase_orders",
            seed,
            actionsRequired=reasons,
            isDeleted=False,
            delivery={"latestDeliveryDateTime": "2026-11-17T12:00:00Z"},
        )
        for seed in range(2)
    ]
    buyer_warehouse.store("purchase_orders", purchases)

    with open_page(browser, page_of(buyer_warehouse)) as dashboard:
        assert tile(dashboard, "actions").startswith("Need action! 2purchase orders")
        assert labels(dashboard, "actions") == ["2 purchase orders"]
        expect(dashboard.page.locator("#actions-chart text", has_text="Different price")).to_be_visible()


def test_open_and_excess_amounts_are_apart(buyer_warehouse: ReportWarehouse, browser: Browser) -> None:
    """What is not invoiced and what was invoiced too much are two figures, not their difference."""
    orders = [
        make_record(
            "customers",
            ORDERS,
            seed,
            salesOrderId=id_of(f"order {seed}"),
            status="COMMITTED",
            isDeleted=False,
            salesChannel="FLORIDAY",
            paymentProvider="RFH",
            numberOfPieces=10,
            delivery={"latestDeliveryDateTime": "2026-11-17T12:00:00Z"},
            calculatedFields={"orderAmount": {"currency": "EUR", "value": 2991 if seed else 100}},
        )
        for seed in range(2)
    ]
    line = make_record(
        "customers",
        "orders.invoice_lines",
        1,
        salesOrderId=id_of("order 0"),
        invoiceId="1",
        invoiceDate="2026-11-18T12:00:00Z",
        numberOfPieces=10,
        subTotalAmount=1710,
        isDeleted=False,
    )
    buyer_warehouse.store(ORDERS, orders)
    buyer_warehouse.store("orders.invoice_lines", [line])

    with open_page(browser, page_of(buyer_warehouse)) as dashboard:
        assert labels(dashboard, "invoices")[:2] == ["EUR 2991 ordered and not invoiced", "EUR 1610 invoiced too much"]
        assert "EUR 1610 too much" in tile(dashboard, "invoices")
