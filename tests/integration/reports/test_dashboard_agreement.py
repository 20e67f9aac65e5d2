"""Figures of the dashboard that must agree: bars with tables, percentages with their amounts, cards with sections."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from pipelines.dashboard import write_dashboard
from pipelines.settings.values import AMSTERDAM
from pipelines.warehouse.file.connection import Warehouse
from tests.integration.report_warehouse import ORDERS, Json, ReportWarehouse, id_of, make_record, merged
from tests.integration.reports.test_dashboard_claims import (
    CUSTOMER,
    ITEM,
    NAMESAKE,
    labels,
    page_of,
    tile,
    weekly_orders,
)
from tests.integration.reports.test_dashboard_figures import content_of, entries
from tests.integration.reports.test_dashboard_page import DashboardPage, normalized, open_page, order, pytestmark
from tests.moments import NOW, real_now

__all__ = ["pytestmark"]

CORRECTIONS = "orders.sales_order_correction_requests"


@pytest.fixture(scope="module")
def page(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DashboardPage]:
    """The page of Rosa, with orders of 80 weeks, of the running one and of two later ones, and of Iris with fewer."""
    warehouse = ReportWarehouse(tmp_path_factory.mktemp("agreement") / "w.duckdb")
    iris = [
        merged(each, {"salesOrderId": id_of(f"iris {number}")})
        for number, each in enumerate(weekly_orders([1, 2, 3, 53], NAMESAKE))
    ]
    rosa = [
        merged(each, {"salesOrderId": id_of(f"rosa {number}")})
        for number, each in enumerate(weekly_orders(range(-2, 80)))
    ]
    warehouse.store(ORDERS, [*rosa, *iris])
    names = [
        make_record("suppliers", "organizations.organizations", seed, organizationId=id, name=name)
        for seed, (id, name) in enumerate(((CUSTOMER, "Rosa"), (NAMESAKE, "Iris")))
    ]
    warehouse.store("organizations", names)
    with open_page(browser, page_of(warehouse), locale="en-GB") as dashboard:
        yield dashboard


@pytest.fixture
def dashboard(page: DashboardPage) -> DashboardPage:
    """The page with its initial choices."""
    page.choose_all("partner")
    page.page.locator("#by-week").click()
    page.page.locator("#last-13").click()
    return page


def totals(dashboard: DashboardPage, section: str) -> list[str]:
    """Return the cells of the total of a section's table."""
    (cells,) = dashboard.cells(f"#{section} tfoot tr")
    return [normalized(cell).replace("EUR ", "") for cell in cells]


def test_a_month_has_its_full_weeks(dashboard: DashboardPage) -> None:
    """Bar and row of the running month have the full weeks that are compared; the running week is apart, hatched."""
    dashboard.page.locator("#by-month").click()

    november, *_ = dashboard.rows("revenue")
    assert november == [
        "Nov 2026",
        "45\u201347 (3 of 4 weeks)",
        "6",
        "72",
        "60.00",
        "60.00",
        "40.00",
        "+50.0%",
        "3 of 3",
    ]
    expect(dashboard.page.locator("#revenue .legend .hatched")).to_have_text("Not a full week")
    box = dashboard.page.locator("#revenue-chart").bounding_box()
    assert box is not None
    dashboard.page.locator("#revenue-chart").hover(position={"x": box["width"] * 0.93, "y": box["height"] / 2})
    expect(dashboard.page.locator("#revenue-chart text", has_text="Revenue, full weeks").first).to_be_visible()
    texts = [normalized(each) for each in dashboard.page.locator("#revenue-chart text").all_text_contents()]
    assert texts[-4:] == [
        "Nov 2026 (3 of 4 weeks)",
        "Revenue, full weeks  EUR 60",
        "Not a full week  EUR 10",
        "A year earlier  EUR 40",
    ]


def test_a_running_quarter_adds_up(dashboard: DashboardPage) -> None:
    """Of the running quarter, the rows add up to the total: full weeks, and apart from them those that are not over."""
    dashboard.page.locator("#by-quarter").click()
    dashboard.choose("quarter", "Q4 2026 (week 40\u201353)")

    assert [row[:5] for row in dashboard.rows("revenue")] == [
        ["Not over yet", "48\u201350", "3", "36", "30.00"],
        ["Q4 2026", "40\u201347 (8 of 14 weeks)", "11", "132", "110.00"],
    ]
    assert totals(dashboard, "revenue")[4:8] == ["140.00", "110.00", "90.00", "+22.2%"]
    shown = tile(dashboard, "revenue")
    assert "EUR 140" in shown
    assert "+22.2%: EUR 110 against EUR 90 a year earlier (8 of 8 weeks)" in shown
    dashboard.page.locator("#by-week").click()
    assert totals(dashboard, "revenue")[4:8] == ["140.00", "110.00", "90.00", "+22.2%"]


def test_growth_on_the_amount_of_the_card(dashboard: DashboardPage) -> None:
    """If the whole amount of the card is compared, its growth stands beside the amount of the year before."""
    assert "+14.3% against last year (EUR 140; 13 of 13 weeks)" in tile(dashboard, "revenue")
    assert "week 47, 2026: EUR 20, 0.0% on the week before (EUR 20)" in tile(dashboard, "revenue")


def test_customers_stand_beside_a_year_earlier(dashboard: DashboardPage) -> None:
    """Each customer has what it bought in the same weeks a year earlier, also with a filter, and its share of all."""
    assert [row[1:2] + row[4:] for row in dashboard.rows("partners")] == [
        ["Rosa", "130.00", "81.3%", "81.3%", "130.00", "0.0%"],
        ["Iris", "30.00", "18.8%", "100.0%", "10.00", "+200.0%"],
    ]
    dashboard.choose("partner", "Iris")
    ((_, name, *cells),) = dashboard.rows("partners")
    assert [name, *cells[2:]] == ["Iris", "30.00", "100.0%", "100.0%", "18.8%", "10.00", "+200.0%"]
    assert "18.8% of the revenue of all customers (EUR 160)" in labels(dashboard, "partners")
    dashboard.choose_all("partner")
    dashboard.choose("item", dashboard.options("item")[0])
    assert dashboard.rows("partners")[1][-2:] == ["10.00", "+200.0%"]
    dashboard.choose_all("item")


def late_order(name: str, days: int, **fields: object) -> Json:
    """Return an order of twelve pieces that was due at noon in Amsterdam, some days ago by the real clock."""
    day = real_now().astimezone(AMSTERDAM).date() - dt.timedelta(days=days)
    delivery = dt.datetime.combine(day, dt.time(12), AMSTERDAM).isoformat()
    own = {"salesOrderId": id_of(name), "tradeInstrument": "DIRECT_SALES", "mutations": [], **fields}
    return merged(order(1, ITEM, CUSTOMER, delivery), own)


@pytest.fixture
def deliveries(warehouse: ReportWarehouse) -> ReportWarehouse:
    """Orders that are short, still to leave, reduced, cancelled, and one of the clock without a request."""
    reduction = {
        "createdDateTime": "2024-01-01T12:00:00Z",
        "mutationType": "WITHDRAWN_BY_CUSTOMER",
        "oldValues": {"numberOfPieces": 15},
        "newValues": {"numberOfPieces": 12},
    }
    warehouse.store(
        ORDERS,
        [
            late_order("old", 30),
            late_order("waiting", 2),
            late_order("reduced", 30, mutations=[reduction]),
            late_order("cancelled", 30, status="CANCELLED"),
            late_order("clock", 30, tradeInstrument="CLOCK_SALES"),
        ],
    )
    warehouse.mark_read()
    return warehouse


def test_what_can_still_leave_is_not_short(deliveries: ReportWarehouse, browser: Browser, tmp_path: Path) -> None:
    """Pieces are short, not left yet, reduced or cancelled; the rate and the orders that are left out are explained."""
    now = real_now()
    path = write_dashboard(Warehouse(deliveries.path), tmp_path / "page.html", now).path

    with open_page(browser, path, at=now) as dashboard:
        dashboard.page.locator("#last-all").click()
        assert labels(dashboard, "fill")[:5] == [
            "38.5% fill rate: 1 \u2212 24 pieces short by the grower / 39 ordered",
            "24 pieces short by the grower",
            "12 pieces of 1 order, overdue, of which nothing has left yet; not counted as short",
            "3 pieces reduced by customers",
            "12 pieces of cancelled orders",
        ]
        note = dashboard.page.locator("#fill .note").text_content() or ""
        assert "4 orders count: 3 of the revenue, 1 cancelled and 0 that could not be fulfilled." in note
        assert "Left out of the revenue: 1 order of the clock for which no delivery was requested" in note
        assert totals(dashboard, "fill")[1:] == ["4", "51", "0", "24", "12", "3", "12", "0", "38.5%"]
        assert "24 of 39 ordered pieces short; 12 more not left yet" in tile(dashboard, "fill")


@pytest.mark.slow
def test_lost_customers_are_the_same_in_task_and_section(
    warehouse: ReportWarehouse, browser: Browser, tmp_path: Path
) -> None:
    """The task counts the customers that the section calls silent and stopped; an order to come is a next delivery."""
    rhythms = {
        "busy": [-6, *range(1, 60, 7), *range(365, 424, 7)],
        "quiet": [*range(43, 80, 7), *range(400, 437, 7)],
        "gone": range(393, 450, 7),
    }
    sales = [
        late_order(f"{name} {days}", days, customerOrganizationId=id_of(name))
        for name, of_customer in rhythms.items()
        for days in of_customer
    ]
    warehouse.store(ORDERS, sales)
    names = [
        make_record("suppliers", "organizations.organizations", seed, organizationId=id_of(name), name=name.title())
        for seed, name in enumerate(rhythms)
    ]
    warehouse.store("organizations", names)
    now = real_now()

    with open_page(
        browser, write_dashboard(Warehouse(warehouse.path), tmp_path / "page.html", now).path, at=now
    ) as dashboard:
        rows = {row[0]: row for row in dashboard.rows("changes")}
        tasks = dashboard.page.locator("#tasks li").all_text_contents()
        shown = labels(dashboard, "changes")[:2]
        groups = [row[0] for row in dashboard.cells("#changes tbody tr.group")]

    assert list(rows)[:2] == ["Gone", "Quiet"]
    assert groups[:2] == ["Stopped: 1 customer", "Silent: 1 customer"]
    assert rows["Busy"][8] == "1"
    assert "\u2013" not in rows["Busy"][7:]
    assert rows["Quiet"][8] == "43"
    assert rows["Quiet"][10] == "\u2013"
    assert shown == ["1 stopped", "1 are silent"]
    assert (
        "Customers: 1 silent, 1 stopped, all of them with at least 1% of the revenue of the last 13 weeks"
        " or of the same weeks a year earlier: ask why, first Gone"
        " (393 days without a delivery)"
    ) in tasks


def request(number: int, of: str, asked_at: dt.datetime, status: str, **fields: object) -> Json:
    """Return a correction request to an order."""
    own = {"salesOrderId": id_of(of), "creationDateTime": asked_at.isoformat(), "status": status, "isDeleted": False}
    decided = {"reclamationActionDecision": None, "expiresAtDateTime": None, "customerOrganizationId": CUSTOMER}
    return make_record("suppliers", CORRECTIONS, number, **{**own, **decided, **fields})


@pytest.mark.slow
def test_who_complains_most_for_its_orders(warehouse: ReportWarehouse, browser: Browser) -> None:
    """Customers with some orders come first, by complaints per order; those with few orders follow."""
    numbers = {"often": (5, 2), "seldom": (12, 3), "once": (1, 1)}
    sales: list[Json] = []
    asked: list[Json] = []
    for name, (orders, complaints) in numbers.items():
        for each in range(orders):
            sale = weekly_orders([1 + each % 4], id_of(name), salesOrderId=id_of(f"{name} {each}"))
            sales += sale
        asked += [
            request(100 * len(asked) + each, f"{name} {each}", NOW, "ACCEPTED", initiatedBy="CUSTOMER")
            for each in range(complaints)
        ]
    customers = {
        id_of(f"{name} {each}"): id_of(name) for name, (orders, _) in numbers.items() for each in range(orders)
    }
    warehouse.store(ORDERS, sales)
    warehouse.store(
        CORRECTIONS, [merged(each, {"customerOrganizationId": customers[each["salesOrderId"]]}) for each in asked]
    )
    names = [
        make_record("suppliers", "organizations.organizations", seed, organizationId=id_of(name), name=name.title())
        for seed, name in enumerate(numbers)
    ]
    warehouse.store("organizations", names)

    with open_page(browser, page_of(warehouse)) as dashboard:
        assert [row[:4] for row in dashboard.rows("complaints")] == [
            ["Often", "5", "40.0%", "2"],
            ["Seldom", "12", "25.0%", "3"],
            ["Once", "1", "100.0%", "1"],
        ]
        assert [row[:3] for row in dashboard.cells("#complaints tbody tr.group")] == [
            ["At least 5 orders: 2 customers", "17", "29.4%"],
            ["Fewer than 5 orders: 1 customer", "1", "100.0%"],
        ]
        assert totals(dashboard, "complaints")[1:4] == ["18", "33.3%", "6"]
        assert "33.3% complaints per order, of 18 orders of all customers" in labels(dashboard, "complaints")


@pytest.mark.slow
def test_corrections_by_cause_and_how_long_open_ones_wait(
    warehouse: ReportWarehouse, browser: Browser, tmp_path: Path
) -> None:
    """Corrections have their amounts by who asked and why; open requests say how long they wait, complaints apart."""
    now = real_now()
    changes = {"too short": ("CUSTOMER", 8), "too ripe": ("CUSTOMER", 4), "not harvested": ("SUPPLIER", 6)}
    sales = []
    for reason, (_, pieces) in changes.items():
        mutation = {
            "createdDateTime": now.isoformat(),
            "salesOrderCorrectionRequestId": id_of(reason),
            "correctionType": "MODIFICATION",
            "oldValues": {"numberOfPieces": 12, "totalPricePerPiece": 1},
            "newValues": {"numberOfPieces": pieces, "totalPricePerPiece": 1},
        }
        sales.append(late_order(reason, 20, mutations=[mutation]))
    warehouse.store(ORDERS, [*sales, late_order("coming", -3)])
    accepted = [
        request(
            number,
            reason,
            now,
            "ACCEPTED",
            initiatedBy=side,
            salesOrderCorrectionRequestId=id_of(reason),
            reason=reason,
        )
        for number, (reason, (side, _)) in enumerate(changes.items())
    ]
    waiting = [
        request(10, "too short", now - dt.timedelta(days=4), "PENDING", initiatedBy="CUSTOMER", reason="too short"),
        request(11, "coming", now - dt.timedelta(days=1), "PENDING", initiatedBy="CUSTOMER", reason="fewer"),
    ]
    warehouse.store(CORRECTIONS, [*accepted, *waiting])
    path = write_dashboard(Warehouse(warehouse.path), tmp_path / "page.html", now).path

    with open_page(browser, path, at=now) as dashboard:
        dashboard.page.locator("#last-all").click()
        assert dashboard.rows("causes") == [
            ["too ripe", "1", "1", "0", "0", "-8", "-8.00", "44.4%", "-8.00", "\u2013"],
            ["not harvested", "1", "1", "0", "0", "-6", "-6.00", "33.3%", "\u2013", "-6.00"],
            ["too short", "2", "1", "0", "1", "-4", "-4.00", "22.2%", "-4.00", "\u2013"],
            ["fewer", "1", "0", "0", "1", "0", "0.00", "0.0%", "0.00", "\u2013"],
        ]
        heads = dashboard.page.locator("#causes thead th").all_text_contents()
        assert heads[-2:] == ["Value by: Customer", "Value by: Grower"]
        assert totals(dashboard, "causes")[1:] == ["5", "3", "0", "2", "-18", "-18.00", "100.0%", "-12.00", "-6.00"]
        ((_, *cells),) = dashboard.rows("corrections")
        assert cells == ["5", "3", "0", "2", "-18", "-18.00", "4", "-12.00", "1", "-6.00"]
        rest = "days on average, to orders of EUR 10 as a whole; 0 past their time)"
        assert labels(dashboard, "requests") == [
            "2 open: wait for the grower's answer, for 2.5 days on average",
            "0 open: wait for the customer's answer",
            "0 past their time without the grower's answer",
            "0 past their time without the customer's answer",
            "0 expired without an answer, not in this list",
            f"1 without an answer: After the delivery, or about the goods (1 open, for 4.0 {rest}",
            f"1 without an answer: Changes before the delivery (1 open, for 1.0 {rest}",
        ]
        assert [row[0] for row in dashboard.cells("#requests tbody tr.group")] == [
            "After the delivery, or about the goods, asked by: Customer: 1 request",
            "Changes before the delivery, asked by: Customer: 1 request",
        ]


def test_the_fill_rate_without_the_report_of_open_orders(deliveries: ReportWarehouse) -> None:
    """Where the tables of open orders are not synced, all missing pieces are short."""
    with Warehouse(deliveries.path).writing() as connection:
        connection.execute("DROP VIEW reports.open_orders")

    assert sum(row["short_by_grower"] for row in entries(content_of(deliveries, real_now()), "fill")) == 36
