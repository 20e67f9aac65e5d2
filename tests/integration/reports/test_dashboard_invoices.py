"""What a controller reads of invoices on the dashboard: one amount, ages and causes, and lists that add up to it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal

import pytest
from playwright.sync_api import Browser

from tests.integration.report_warehouse import ORDERS, Json, ReportWarehouse, id_of, make_record, merged
from tests.integration.reports.handmade_deliveries import REQUESTS
from tests.integration.reports.test_dashboard_claims import ITEM, labels, page_of, tile
from tests.integration.reports.test_dashboard_page import (
    LAPTOP,
    DashboardPage,
    normalized,
    open_page,
    order,
    pytestmark,
)
from tests.integration.reports.test_fill_rate import delivery as delivered
from tests.moments import real_now

__all__ = ["pytestmark"]

LINES = "orders.invoice_lines"
OLD, RECENT = "2024-01-10T12:00:00Z", (real_now() - dt.timedelta(days=10)).isoformat()
"""Deliveries of more than a year ago, and of less than thirty days ago by the real clock, which the report reads."""
PAID = {"salesChannel": "FLORIDAY", "paymentProvider": "RFH"}
SOLD: dict[str, tuple[str, str, list[tuple[int, str, str]]]] = {
    "old": ("rosa", OLD, []),
    "recent": ("rosa", RECENT, []),
    "part": ("rosa", OLD, [(6, "5.00", "F-1")]),
    "more": ("iris", OLD, [(12, "10.00", "F-2"), (3, "2.50", "F-3")]),
    "dearer": ("iris", OLD, [(12, "11.00", "F-2")]),
}
"""By order of twelve pieces for ten euros, its customer, delivery, and lines with pieces, amount and invoice."""
UNKNOWN = (
    "EUR 30 of 2 orders of which it is not known whether they were invoiced, EUR 30 of it for more than 30 days: "
    "paid outside of Floriday EUR 20, sold through VRM EUR 10"
)
MORE = 204
"""More orders of another currency than a list has."""


def sold(name: str, customer: str, delivery: str, **fields: object) -> Json:
    """Return an order that must be invoiced."""
    own = {"salesOrderId": id_of(name), "salesChannelOrderId": name, "isDeleted": False, **PAID, **fields}
    return merged(order(1, ITEM, id_of(customer), delivery), own)


def line(seed: int, name: str, pieces: int, amount: str, invoice: str) -> Json:
    """Return a line of an invoice for an order."""
    return make_record(
        "suppliers",
        LINES,
        seed,
        salesOrderId=id_of(name),
        numberOfPieces=pieces,
        subTotalAmount=Decimal(amount),
        invoiceId=invoice,
        invoiceDate="2024-01-15T12:00:00Z",
        isDeleted=False,
    )


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> ReportWarehouse:
    """A warehouse with an order of each cause, one whose invoices cannot be known, and many in dollars."""
    warehouse = ReportWarehouse(tmp_path_factory.mktemp("books") / "w.duckdb")
    dollars = {"calculatedFields": {"orderAmount": {"currency": "USD", "value": 10}}}
    warehouse.store(
        ORDERS,
        [
            *(sold(name, customer, delivery) for name, (customer, delivery, _) in SOLD.items()),
            sold("unknown", "iris", OLD, salesChannel="VRM_CLOCK", paymentProvider="VRM"),
            sold("outside", "rosa", OLD, paymentProvider="OTHER", calculatedFields={"orderAmount": {"value": 20}}),
            *(sold(f"dollars {number:03}", "many", OLD, **dollars) for number in range(MORE)),
        ],
    )
    lines = [(name, each) for name, (_, _, of_order) in SOLD.items() for each in of_order]
    warehouse.store(
        LINES,
        [line(seed, name, pieces, amount, invoice) for seed, (name, (pieces, amount, invoice)) in enumerate(lines)],
    )
    names = [
        make_record("suppliers", "organizations.organizations", seed, organizationId=id_of(name), name=name.title())
        for seed, name in enumerate(("rosa", "iris", "many"))
    ]
    warehouse.store("organizations", names)
    return warehouse


@pytest.fixture(scope="module")
def page(books: ReportWarehouse, browser: Browser) -> Iterator[DashboardPage]:
    """The page of these books, in euros."""
    with open_page(browser, page_of(books)) as dashboard:
        dashboard.choose("currency", "EUR")
        yield dashboard


def total(page: DashboardPage, section: str) -> list[str]:
    """Return the cells of the total of a section's table."""
    (cells,) = page.cells(f"#{section} tfoot tr")
    return [normalized(cell).replace("EUR ", "") for cell in cells]


def test_one_amount_is_not_invoiced(page: DashboardPage) -> None:
    """Tile, section, ages and lists have one amount, of all weeks; it is not green while some of it is old."""
    shown = tile(page, "invoices")
    assert shown.startswith(
        "Not invoiced\u2715 EUR 25of all weeks, without the last 7 days; EUR 15 of it for more than 30 days"
    )
    assert "which is 150.0% of the revenue of 1 full week (EUR 10)" in shown
    assert "also USD 2040" in shown
    assert "green up to 0.2%, red above 1%" in shown
    assert labels(page, "invoices") == [
        "EUR 25 ordered and not invoiced, without the last 7 days",
        "EUR 20 of it not invoiced at all, in 2 orders",
        "EUR 5 of it invoiced too little",
        "EUR 15 of it for more than 30 days",
        "EUR 25 of it in orders whose delivery is not known",
        "EUR 4 invoiced too much",
        UNKNOWN,
        "300.0% of the revenue of 1 full week (EUR 10): not known whether invoiced",
    ]
    assert total(page, "ageing")[1] == "25.00"
    assert labels(page, "uninvoiced")[1] == "EUR 20 not invoiced is in this list"
    assert labels(page, "differences")[1] == "EUR 5 invoiced too little is in this list"
    task = (
        "EUR 15 has not been invoiced for more than 30 days (EUR 10 without any invoice, EUR 5 invoiced too little):"
        " invoice these orders, or ask the auction"
    )
    assert task in [normalized(each) for each in page.page.locator("#tasks li").all_text_contents()]


def test_the_task_of_invoices_opens_both_parts(page: DashboardPage) -> None:
    """A click on the action about old amounts opens what is not invoiced by customer and age, and changes no filter."""
    address = page.page.url
    page.page.locator("#tasks li button", has_text="invoice these orders").click()

    assert page.page.evaluate("document.activeElement.id") == "ageing-title"
    assert page.page.locator("#ageing table").is_visible()
    assert page.page.url == address


def test_invoices_stand_by_cause(page: DashboardPage) -> None:
    """Each cause has its sums and its customers by open amount; what cannot be known is last, without an amount."""
    groups = [[normalized(cell).replace("EUR ", "") for cell in row] for row in page.cells("#invoices tbody tr.group")]

    assert [(group[0], *group[2:]) for group in groups] == [
        ("Not invoiced at all", "2", "20.00", "0.00", "20.00", "0.00"),
        ("Invoiced in part", "1", "10.00", "5.00", "5.00", "0.00"),
        ("More pieces invoiced than ordered", "1", "10.00", "12.50", "0.00", "2.50"),
        ("Higher price invoiced", "1", "10.00", "11.00", "0.00", "1.00"),
        ("Not known whether invoiced", "2", "30.00", "\u2013", "\u2013", "\u2013"),
    ]
    assert page.rows("invoices")[-2:] == [
        ["Rosa", "Not known whether invoiced", "1", "20.00", "\u2013", "\u2013", "\u2013"],
        ["Iris", "Not known whether invoiced", "1", "10.00", "\u2013", "\u2013", "\u2013"],
    ]
    assert total(page, "invoices") == ["Total (known)", "\u2013", "5", "50.00", "28.50", "25.00", "3.50"]


def test_some_cents_are_rounding(warehouse: ReportWarehouse, browser: Browser) -> None:
    """A difference of less than five cents has no bar of its own, and is called rounding."""
    warehouse.store(ORDERS, [sold("cent", "rosa", OLD), sold("part", "rosa", OLD)])
    warehouse.store(LINES, [line(1, "cent", 12, "10.01", "F-1"), line(2, "part", 6, "5.00", "F-2")])

    with open_page(browser, page_of(warehouse), locale="en-GB", **LAPTOP) as dashboard:
        assert not any(
            "too much" in each for each in (*labels(dashboard, "invoices"), *labels(dashboard, "differences"))
        )
        assert [row[:2] for row in dashboard.cells("#invoices tbody tr.group")] == [
            ["Invoiced in part", "\u2013"],
            ["Rounding", "\u2013"],
        ]
        assert [row[0] for row in dashboard.cells("#differences tbody tr.group")] == [
            "Invoiced in part: 1 order",
            "Rounding: 1 order",
        ]
        assert {row[0]: row[4] for row in dashboard.rows("differences")} == {
            "part": "Invoiced in part",
            "cent": "Rounding",
        }
        assert "Higher price" not in (dashboard.page.locator("#invoices-chart").text_content() or "")


def test_not_invoiced_by_customer_and_age(page: DashboardPage) -> None:
    """Each customer has what is not invoiced, by days since the delivery; old amounts are apart from recent ones."""
    ages = [each.split(" ", 2)[2] for each in labels(page, "ageing")]

    assert ages == ["up to 30 days", "more than 365 days"]
    assert page.rows("ageing") == [["Rosa", "25.00", "10.00", "15.00"]]
    assert "not receivables" in (page.page.locator("#ageing .note").text_content() or "")


def test_differences_have_invoice_numbers_and_a_cause(page: DashboardPage) -> None:
    """Orders that are invoiced differently have their invoices, pieces, amounts and the cause; the others are apart."""
    rows = [[row[place] for place in (0, 1, *range(3, 11))] for row in page.rows("differences")]

    assert rows == [
        ["part", "Rosa", "F-1", "Invoiced in part", "12", "\u2013", "6", "10.00", "5.00", "+5.00"],
        [
            "more",
            "Iris",
            "F-2, F-3",
            "More pieces invoiced than ordered",
            "12",
            "\u2013",
            "15",
            "10.00",
            "12.50",
            "-2.50",
        ],
        ["dearer", "Iris", "F-2", "Higher price invoiced", "12", "\u2013", "12", "10.00", "11.00", "-1.00"],
    ]
    groups = [[normalized(cell) for cell in cells] for cells in page.cells("#differences tbody tr.group")]
    assert [(group[0], group[-1]) for group in groups] == [
        ("Invoiced in part: 1 order", "+EUR 5.00"),
        ("More pieces invoiced than ordered: 1 order", "EUR -2.50"),
        ("Higher price invoiced: 1 order", "EUR -1.00"),
    ]
    assert total(page, "differences")[5:] == ["36", "\u2013", "33", "30.00", "28.50", "+1.50"]
    assert {row[0]: row[5] for row in page.rows("uninvoiced")} == {"old": "no", "recent": "no"}


def test_invoices_stand_beside_what_was_delivered(warehouse: ReportWarehouse, browser: Browser) -> None:
    """A list of open invoices has the delivered pieces, so that half a delivery is not taken for half an invoice."""
    direct = {"tradeInstrument": "DIRECT_SALES", "mutations": []}
    half = {**direct, "salesOrderId": id_of("order 1")}
    warehouse.store(ORDERS, [merged(sold("half", "rosa", OLD), half), merged(sold("part", "rosa", OLD), direct)])
    warehouse.store(REQUESTS, [delivered(1, 6, per_package=1)])
    warehouse.store(LINES, [line(1, "order 1", 6, "5.00", "F-1"), line(2, "part", 6, "5.00", "F-2")])

    with open_page(browser, page_of(warehouse), locale="en-GB", **LAPTOP) as dashboard:
        heads = dashboard.page.locator("#differences thead th").all_text_contents()
        shown = [dict(zip(heads, row, strict=True)) for row in dashboard.rows("differences")]
        pieces = [(row["Pcs ordered"], row["Pcs delivered"], row["Pcs invoiced"]) for row in shown]
        assert sorted(pieces) == [("12", "0", "6"), ("12", "6", "6")]
        assert "EUR 10 of it for pieces that were not delivered, by the delivery orders" in labels(
            dashboard, "invoices"
        )
        assert any(
            "(EUR 10 of it for pieces that were not delivered)" in normalized(each)
            for each in dashboard.page.locator("#tasks li").all_text_contents()
        )


def test_the_largest_amount_makes_a_page(warehouse: ReportWarehouse, browser: Browser) -> None:
    """The largest amount that a table can hold, of which nothing was delivered, is split as any other."""
    own = {"salesOrderId": id_of("order 1"), "tradeInstrument": "DIRECT_SALES", "mutations": []}
    amount = {"calculatedFields": {"orderAmount": {"value": Decimal("999999999999.999999")}}}
    warehouse.store(ORDERS, [merged(sold("largest", "rosa", OLD), {**own, **amount})])
    warehouse.store(REQUESTS, [delivered(1, 0, per_package=1)])

    with open_page(browser, page_of(warehouse), locale="en-GB", **LAPTOP) as dashboard:
        shown = f"EUR {10**12} of it for pieces that were not delivered, by the delivery orders"
        assert shown in labels(dashboard, "invoices")


def test_a_long_list_has_its_share_of_all(page: DashboardPage) -> None:
    """A list of 200 orders has its own total and that of all, for the currency that is chosen."""
    page.choose("currency", "USD")
    try:
        assert [normalized(each) for each in labels(page, "uninvoiced")] == [
            "200 of 204 orders without any invoice are in this list",
            "USD 2000 of USD 2040 not invoiced is in this list",
        ]
        assert "The list has 200 of 204 rows." in (page.page.locator("#uninvoiced .note").text_content() or "")
        assert total(page, "ageing")[1] == "USD 2040.00"
        note = page.page.locator("#uninvoiced .note")
        assert "Only USD, without EUR." in (note.text_content() or "")
        page.choose("partner", "Many")
        assert "Chosen from a list that has 200 of 204 rows." in (note.text_content() or "")
        page.choose("partner", "Many")
    finally:
        page.choose("currency", "EUR")
