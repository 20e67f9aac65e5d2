"""What the dashboard claims about handmade orders: growth, the running week, open amounts, names and colours."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path

import pytest
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


def weekly_orders(weeks: Iterable[int], customer: str = CUSTOMER, **fields: object) -> list[Json]:
    """Return an order of ten euros in each of some weeks, counted backwards from the running one."""
    return [
        merged(order(week, ITEM, customer, (MONDAY - dt.timedelta(weeks=week)).isoformat()), fields) for week in weeks
    ]


def page_of(warehouse: ReportWarehouse) -> Path:
    """Write the dashboard beside a warehouse, and return its path."""
    warehouse.mark_read()
    return write_dashboard(Warehouse(warehouse.path), warehouse.path.with_suffix(".html"), NOW).path


def labels(dashboard: DashboardPage, section: str) -> list[str]:
    """Return the figures of a section with their labels."""
    return [normalized(each) for each in dashboard.page.locator(f"#{section} .figure").all_text_contents()]


def tile(dashboard: DashboardPage, section: str) -> str:
    """Return the text of the tile that leads to a section."""
    return normalized(dashboard.page.locator(f".tile[href='#{section}']").first.text_content() or "")


@pytest.mark.slow
def test_growth_compares_weeks_of_both_years(warehouse: ReportWarehouse, browser: Browser) -> None:
    """Sixty weeks of steady sales have not grown, in the eight weeks that both years have; four weeks do the same."""
    warehouse.store(ORDERS, weekly_orders(range(61)))

    with open_page(browser, page_of(warehouse)) as dashboard:
        dashboard.page.locator("#last-52").click()
        assert labels(dashboard, "revenue")[:2] == [
            "EUR 520 revenue in the period",
            "0.0% EUR 80 against EUR 80 a year earlier, in 8 of 52 weeks",
        ]
        dashboard.page.locator("#last-4").click()
        assert labels(dashboard, "revenue")[1] == "0.0% EUR 40 against EUR 40 a year earlier, in 4 of 4 weeks"
        dashboard.choose("to", "week 48, 2026")
        assert labels(dashboard, "revenue")[1] == "0.0% EUR 40 against EUR 40 a year earlier, in 4 of 4 weeks"


@pytest.mark.slow
def test_no_growth_without_weeks_of_both_years(warehouse: ReportWarehouse, browser: Browser) -> None:
    """Twenty weeks of history are compared with nothing."""
    warehouse.store(ORDERS, weekly_orders(range(20)))

    with open_page(browser, page_of(warehouse)) as dashboard:
        for preset in ("4", "13", "26", "52", "all"):
            dashboard.page.locator(f"#last-{preset}").click()
            assert "a year earlier, in" not in (dashboard.page.locator("main").text_content() or "")


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
        assert running[5:] == ["\u2013", "\u2013", "\u2013", "\u2013"]
        assert last[5:] == ["10.00", "10.00", "0.0%", "0.0%"]


def test_quarters_and_months(warehouse: ReportWarehouse, browser: Browser) -> None:
    """Months and quarters have whole weeks by their Thursdays; a quarter can be chosen, and is kept in the address."""
    warehouse.store(ORDERS, weekly_orders(range(1, 80)))

    with open_page(browser, page_of(warehouse), locale="en-GB") as dashboard:
        dashboard.page.locator("#last-52").click()
        dashboard.page.locator("#by-quarter").click()
        shown = [row[:2] + row[4:] for row in dashboard.rows("revenue")]
        assert shown[:2] == [
            ["Q4 2026", "40\u201347 (8 of 14 weeks)", "80.00", "80.00", "80.00", "0.0%", "8 of 8"],
            ["Q3 2026", "27\u201339", "130.00", "130.00", "130.00", "0.0%", "13 of 13"],
        ]
        expect(dashboard.page.locator("#revenue h2")).to_have_text("Revenue by quarter")
        assert dashboard.page.locator("#revenue .legend .hatched").count() == 0
        expect(dashboard.page.locator("#revenue-chart")).to_contain_text("8 of 14 weeks")
        dashboard.choose("quarter", "Q3 2026 (week 27\u201339)")
        assert dashboard.page.url.endswith("2026-W39&by=quarter")
        assert dashboard.figures("revenue")[0] == "EUR 130"
        assert dashboard.page.locator("#revenue .legend .hatched").count() == 0
        dashboard.page.locator("#last-all").click()
        assert dashboard.rows("revenue")[-1][:2] == ["Q2 2025", "21\u201326 (6 of 13 weeks)"]
        dashboard.choose("quarter", "Q3 2026 (week 27\u201339)")
        dashboard.page.locator("#by-month").click()
        assert [row[:2] for row in dashboard.rows("revenue")] == [
            ["Sept 2026", "36\u201339"],
            ["Aug 2026", "32\u201335"],
            ["Jul 2026", "27\u201331"],
        ]
        expect(dashboard.page.locator("#revenue h2")).to_have_text("Revenue by month")


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


@pytest.mark.slow
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
        shown = labels(dashboard, "invoices")
        assert (shown[0], shown[-1]) == (
            "EUR 2991 ordered and not invoiced, without the last 7 days",
            "EUR 1610 invoiced too much",
        )
        assert "EUR 1610 too much" in tile(dashboard, "invoices")


@pytest.mark.slow
def test_a_first_week_that_began_late_is_not_compared(warehouse: ReportWarehouse, browser: Browser) -> None:
    """Data begin on a Friday: that week is no measure for the same week a year later, as in the reports."""
    first = order(99, ITEM, CUSTOMER, "2025-11-07T12:00:00Z")  # Friday of week 45
    warehouse.store(ORDERS, [first, *weekly_orders(range(1, 55))])

    with open_page(browser, page_of(warehouse)) as dashboard:
        assert labels(dashboard, "revenue")[1] == "0.0% EUR 20 against EUR 20 a year earlier, in 2 of 13 weeks"
        assert [row[5] for row in dashboard.rows("revenue")][:3] == ["10.00", "10.00", "\u2013"]
        assert sum(row[11] for row in warehouse.report("customer_changes", from_date="2026-08-24")) == 2


@pytest.mark.slow
def test_weeks_without_sales_are_in_the_table(warehouse: ReportWarehouse, browser: Browser) -> None:
    """A week in which a customer bought only a year earlier has a row, and the total is that of the headline."""
    of_others = weekly_orders(range(1, 60), NAMESAKE)
    weeks = [week for week in range(1, 60) if week != 2]
    own = [merged(each, {"salesOrderId": id_of(f"own {n}")}) for n, each in enumerate(weekly_orders(weeks, CUSTOMER))]
    warehouse.store(ORDERS, [*of_others, *own])

    with open_page(browser, page_of(warehouse)) as dashboard:
        dashboard.page.locator("#last-4").click()
        dashboard.choose("partner", f"Unknown customer {CUSTOMER[:8]}")
        rows = dashboard.rows("revenue")
        assert [(row[0], row[2], row[4], row[5]) for row in rows[:2]] == [
            ("week 47, 2026", "1", "10.00", "10.00"),
            ("week 46, 2026", "0", "0.00", "10.00"),
        ]
        (total,) = dashboard.cells("#revenue tfoot tr")
        assert [normalized(cell).replace("EUR ", "") for cell in total[4:7]] == ["30.00", "40.00", "-25.0%"]
        assert labels(dashboard, "revenue")[1] == "-25.0% EUR 30 against EUR 40 a year earlier, in 4 of 4 weeks"


@pytest.mark.slow
def test_the_last_week_stands_beside_the_one_before(warehouse: ReportWarehouse, browser: Browser) -> None:
    """The first tile and the section say how the last full week compares with the week before."""
    double = [merged(each, {"salesOrderId": id_of("double")}) for each in weekly_orders(range(2, 3), NAMESAKE)]
    warehouse.store(ORDERS, [*weekly_orders(range(5)), *double])

    with open_page(browser, page_of(warehouse)) as dashboard:
        assert "-50.0% in week 47, 2026 on the week before (EUR 20)" in labels(dashboard, "revenue")
        assert "week 47, 2026: EUR 10, -50.0% on the week before" in tile(dashboard, "revenue")
        assert [row[7] for row in dashboard.rows("revenue")][:3] == ["-50.0%", "+100.0%", "0.0%"]


@pytest.mark.slow
def test_correction_requests_add_up(warehouse: ReportWarehouse, browser: Browser) -> None:
    """Requests are accepted, declined, without an answer, or expired without one."""
    warehouse.store(ORDERS, weekly_orders(range(1, 2)))
    (sold,) = weekly_orders(range(1, 2))
    statuses = ["ACCEPTED", "DECLINED", "PENDING", "PENDING_CLAIM", "EXPIRED", "EXPIRED"]
    requests = [
        make_record(
            "suppliers",
            "orders.sales_order_correction_requests",
            seed,
            salesOrderId=sold["salesOrderId"],
            customerOrganizationId=CUSTOMER,
            initiatedBy="CUSTOMER",
            status=status,
            isDeleted=False,
        )
        for seed, status in enumerate(statuses)
    ]
    warehouse.store("orders.sales_order_correction_requests", requests)

    with open_page(browser, page_of(warehouse)) as dashboard:
        (row,) = dashboard.rows("corrections")
        assert row[1:5] == ["6", "1", "1", "4"]
        assert labels(dashboard, "corrections")[:2] == [
            "6 requests, 1 accepted and 1 declined",
            "0 open, 2 past their time and 2 expired without an answer",
        ]


@pytest.mark.slow
def test_invoices_that_cannot_be_known(warehouse: ReportWarehouse, browser: Browser) -> None:
    """Orders whose invoices nobody reports are an amount of their own, and not part of the revenue that is checked."""
    paid = {"salesChannel": "FLORIDAY", "paymentProvider": "RFH"}
    outside = {"salesChannel": "VRM_CLOCK", "paymentProvider": "VRM", "salesOrderId": id_of("outside")}
    warehouse.store(ORDERS, weekly_orders(range(2, 3), **paid) + weekly_orders(range(2, 3), NAMESAKE, **outside))

    with open_page(browser, page_of(warehouse)) as dashboard:
        shown = labels(dashboard, "invoices")
        assert shown[0] == "EUR 10 ordered and not invoiced, without the last 7 days"
        assert shown[-2].startswith("EUR 10 of 1 order of which it is not known")
        assert shown[-2].endswith(": sold through VRM EUR 10")
        assert {row[1]: row[5] for row in dashboard.rows("invoices")} == {
            "Not invoiced at all": "10.00",
            "Not known whether invoiced": "\u2013",
        }


@pytest.mark.slow
def test_a_silent_customer_has_not_just_fallen(warehouse: ReportWarehouse, browser: Browser) -> None:
    """A customer that bought as much but not for many weeks is silent; a change of less than 2 % is none."""
    silent = weekly_orders([*range(8, 14), *range(60, 66)])
    steady = weekly_orders(range(1, 66), NAMESAKE)
    more = weekly_orders(range(1, 2), NAMESAKE, calculatedFields={"orderAmount": {"value": Decimal("0.1")}})
    orders = [merged(each, {"salesOrderId": id_of(f"order {n}")}) for n, each in enumerate([*silent, *steady, *more])]
    warehouse.store(ORDERS, orders)

    with open_page(browser, page_of(warehouse)) as dashboard:
        names = {id: f"Unknown customer {id[:8]}" for id in (CUSTOMER, NAMESAKE)}
        rows = {row[0]: row for row in dashboard.rows("changes")}
        assert [rows[names[id]][1] for id in names] == ["Silent", "Bought as much"]
        assert rows[names[CUSTOMER]][9] == "7"
        assert "1 are silent" in labels(dashboard, "changes")
        tasks = dashboard.page.locator("#tasks li").all_text_contents()
        assert any(
            task.startswith(
                "Customers: 1 silent, 0 stopped, all of them with at least 1% of the revenue of the last 13 weeks"
                " or of the same weeks a year earlier: ask why,"
                f" first {names[CUSTOMER]} ("
            )
            for task in tasks
        )


@pytest.mark.slow
def test_trade_items_stand_beside_a_year_earlier(warehouse: ReportWarehouse, browser: Browser) -> None:
    """Each trade item has its change over the weeks of both years, and the changes add up to that of all."""
    tulips = [
        merged(each, {"salesOrderId": id_of(f"tulip {number}"), "tradeItemId": id_of("tulip")})
        for number, each in enumerate(
            [
                *weekly_orders(range(1, 5), calculatedFields={"orderAmount": {"value": 30}}),
                *weekly_orders(range(53, 57)),
            ]
        )
    ]
    ended = [
        merged(each, {"salesOrderId": id_of("gone"), "tradeItemId": id_of("gone")}) for each in weekly_orders([54])
    ]
    warehouse.store(ORDERS, [*weekly_orders(range(1, 60)), *tulips, *ended])

    with open_page(browser, page_of(warehouse)) as dashboard:
        dashboard.page.locator("#last-4").click()
        assert [row[3:4] + row[6:] for row in dashboard.rows("items")] == [
            ["120.00", "40.00", "+200.0%"],
            ["40.00", "40.00", "0.0%"],
            ["0.00", "10.00", "-100.0%"],
        ]
        assert [row[1:] for row in dashboard.rows("movers")] == [
            ["120.00", "40.00", "+80.00", "+200.0%"],
            ["0.00", "10.00", "-10.00", "-100.0%"],
        ]
        groups = dashboard.cells("#movers tbody tr.group")
        assert [group[0] for group in groups] == ["Growing: 1 trade item", "Falling: 1 trade item"]
        (total,) = dashboard.cells("#items tfoot tr")
        assert [normalized(cell).replace("EUR ", "") for cell in total[6:]] == ["90.00", "+77.8%"]
