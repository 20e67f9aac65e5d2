"""What the dashboard lists of the reports: contracts, low prices, complaints, old stock, and open invoices."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from pipelines.dashboard import write_dashboard
from pipelines.reports import find_report
from pipelines.warehouse.file.connection import Warehouse
from tests.integration.report_warehouse import ORDERS, Json, ReportWarehouse, Row, id_of, merged
from tests.integration.reports.handmade_orders import ROSE, TULIP
from tests.integration.reports.test_dashboard_claims import MONDAY, labels, page_of, tile
from tests.integration.reports.test_dashboard_page import (
    DashboardPage,
    normalized,
    open_page,
    order,
    pytestmark,
)
from tests.integration.reports.test_dashboard_reports import number, rounded
from tests.moments import NOW, real_now

__all__ = ["pytestmark"]


@pytest.fixture(scope="module")
def page(
    grower_world: ReportWarehouse, browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[DashboardPage]:
    """The page of two growers in the sandbox world, with all weeks."""
    file: Path = tmp_path_factory.mktemp("answers") / "growers.html"
    write_dashboard(Warehouse(grower_world.path), file, NOW)
    with open_page(browser, file) as dashboard:
        dashboard.page.locator("#last-all").click()
        yield dashboard


def rows_of(
    warehouse: ReportWarehouse, report: str, matches: Callable[[dict[str, object]], bool]
) -> list[dict[str, object]]:
    """Return the matching rows of the first account in a report, by column name."""
    columns = list(find_report(report).columns)
    rows = [dict(zip(columns, row, strict=True)) for row in warehouse.report(report) if row[0] == "main"]
    return [row for row in rows if matches(row)]


def shown(page: DashboardPage, section: str, *columns: int) -> list[Row]:
    """Return the numbers in some columns of a section's table, in order."""
    rows = page.cells(f"#{section} tbody tr:not(.group)")
    return sorted(tuple(number(row[column]) for column in columns) for row in rows)


def whole(value: Decimal) -> Decimal:
    """Return a value without decimals, as the page rounds it."""
    return value.quantize(Decimal(1), ROUND_HALF_UP)


@pytest.mark.slow
def test_contracts_that_will_not_be_called_off(page: DashboardPage, grower_world: ReportWarehouse) -> None:
    """The lines that have not ended are those of the report, with what is expected at their end, worst first."""
    today = real_now().date() - dt.timedelta(days=1)  # the day in Amsterdam may be the next one
    lines = rows_of(
        grower_world, "contract_forecast", lambda row: row["currency"] == "EUR" and str(row["last_day"]) > str(today)
    )
    names = ("agreed_pieces", "called_off_pieces", "delivered_pieces", "outstanding_pieces", "expected_at_end")
    expected = [tuple(int(str(row[name])) for name in names) for row in lines]
    missing = [max(0, agreed - end) for agreed, *_, end in expected]
    value = sum(
        (pieces * Decimal(str(row["contract_price"] or 0)) for pieces, row in zip(missing, lines, strict=True)),
        Decimal(0),
    )

    assert lines
    assert shown(page, "contracts", 5, 6, 7, 8, 11) == sorted(expected)
    shares = [number(row[13]) for row in page.cells("#contracts tbody tr")]
    assert shares == sorted(shares)
    coming = sum(each[3] for each in expected)
    failed = sum(max(0, called - delivered - still) for _, called, delivered, still, _ in expected)
    figures = page.figures("contracts")
    assert [number(each.replace("EUR ", "")) for each in figures] == [
        *(sum(pieces > 0 for pieces in missing), sum(missing), whole(value)),
        *(sum(max(0, agreed - called) for agreed, called, *_ in expected), coming),
        *([failed] if failed > 0 else []),
    ]
    (total,) = page.cells("#contracts tfoot tr")
    assert [number(total[9]), number(total[14]), number(total[15])] == [failed, sum(missing), whole(value)]
    assert sum(number(row[9]) for row in page.cells("#contracts tbody tr")) == failed
    paces = [number(row[10]) for row in page.cells("#contracts tbody tr") if row[10] != "\u2013"]
    weekly = [Decimal(str(row["pace"])) * 7 for row in lines if row["pace"] is not None]
    assert sorted(paces) == sorted(map(whole, weekly))


@pytest.mark.slow
def test_contracts_in_other_currencies_are_named(page: DashboardPage, grower_world: ReportWarehouse) -> None:
    """The section names the lines in other currencies, which its sums do not have."""
    today = real_now().date() - dt.timedelta(days=1)
    others = rows_of(
        grower_world, "contract_forecast", lambda row: row["currency"] != "EUR" and str(row["last_day"]) > str(today)
    )
    note = page.page.locator("#contracts .note").first.text_content() or ""

    assert (f"Not shown: {len(others)} line" in note) == bool(others)


def test_prices_below_minimum_and_contract(page: DashboardPage, grower_world: ReportWarehouse) -> None:
    """Orders, pieces and missing amounts below the minimum and the contract are those of the report."""
    alerts = rows_of(
        grower_world, "price_alerts", lambda row: row["currency"] == "EUR" and row["kind"] != "CLOCK_BELOW_DIRECT"
    )
    measures = ("orders", "pieces", "shortfall")
    sums = [sum((Decimal(str(row[name])) for row in alerts), Decimal(0)) for name in measures]

    assert alerts
    (total,) = page.cells("#prices tfoot tr")
    assert [number(total[place]) for place in (3, 4, 8)] == rounded(sums)


ASKED = ("complaints", "accepted", "declined", "pieces", "value")
COMPLAINED = {"complaints": (3, "COMPLAINT"), "reasons": (4, "COMPLAINT"), "beforehand": (3, "CORRECTION")}
"""By section, the first column with numbers, and the kind of the report's rows that it adds up."""


def test_complaints_are_apart_from_corrections(page: DashboardPage, grower_world: ReportWarehouse) -> None:
    """Complaints and corrections before the delivery have sections of their own; what they took off is below zero."""
    found = rows_of(grower_world, "complaints", lambda row: row["currency"] == "EUR")
    customers = {row["customer_organization_id"] for row in found if row["kind"] == "COMPLAINT"}

    assert customers
    rows = page.cells("#complaints tbody tr:not(.group)")
    assert len([row for row in rows if row[3] != "0"]) == len(customers) < len(rows)
    every = tile(page, "partners").removeprefix("Orders").split(" ")[0]
    (total,) = page.cells("#complaints tfoot tr")
    assert every.startswith(total[1])
    for section, (first, kind) in COMPLAINED.items():
        sums = [
            sum((Decimal(str(row[name])) for row in found if row["kind"] == kind), Decimal(0)) * sign
            for name, sign in zip(ASKED, (1, 1, 1, -1, -1), strict=True)
        ]
        assert sums[4] < 0
        (total,) = page.cells(f"#{section} tfoot tr")
        assert [number(total[first + place]) for place in (0, 1, 2, 5, 6)] == rounded(sums), section
        assert "below zero were taken off" in (page.page.locator(f"#{section} .note").text_content() or "")


def test_failed_orders_are_no_complaints(page: DashboardPage, grower_world: ReportWarehouse) -> None:
    """Rejected, cancelled and unfulfillable orders have a section of their own, with their number and value."""
    kinds = ("REJECTED", "CANCELLED", "UNFULFILLABLE")
    found = rows_of(grower_world, "complaints", lambda row: row["currency"] == "EUR" and row["kind"] in kinds)
    sums = [sum((Decimal(str(row[name])) for row in found), Decimal(0)) for name in ("complaints", "pieces", "value")]

    assert found
    (total,) = page.cells("#failed tfoot tr")
    assert [number(cell) for cell in total[2:]] == rounded(sums)


def test_three_shares_of_load_carriers(page: DashboardPage, grower_world: ReportWarehouse) -> None:
    """In time, late and not reported as received are three shares of all load carriers, in section and tile."""
    rows = rows_of(grower_world, "on_time_delivery", bool)
    whole, *parts = (
        sum(int(str(row[name])) for row in rows) for name in ("load_carriers", "on_time", "late", "not_received")
    )
    shares = [f"{part / whole:.1%}" for part in parts]

    assert parts[2]
    assert page.figures("punctuality") == [*shares, f"{parts[0] / (parts[0] + parts[1]):.1%}"]
    shown = tile(page, "punctuality")
    assert f"{shares[0]}of all {whole} load carriers; {shares[1]} late, {shares[2]} not reported as received" in shown


def test_delivery_costs_and_charges(page: DashboardPage, grower_world: ReportWarehouse) -> None:
    """Each month and Incoterm has costs and charges, as the report, with their difference and share, and all orders."""
    found = rows_of(grower_world, "delivery_cost_recovery", lambda row: row["currency"] == "EUR")
    names = ("orders", "orders_without_cost", "delivery_cost", "delivery_revenue")
    sums = [sum((Decimal(str(row[name] or 0)) for row in found), Decimal(0)) for name in names]

    assert found
    assert len(page.cells("#deliverycosts tbody tr:not(.group)")) == len(found)
    (total,) = page.cells("#deliverycosts tfoot tr")
    assert sums[1]
    assert [number(cell) for cell in total[2:7]] == rounded([*sums, sums[3] - sums[2]])
    assert total[7] == f"{sums[3] / sums[2]:.1%}"


def test_words_of_the_trade_are_defined(page: DashboardPage) -> None:
    """The page says who stopped and who is new, what a colour of the corrections is, and what other changes are."""
    notes = {
        each: page.page.locator(f"#{each} .note").text_content() or "" for each in ("changes", "corrections", "stock")
    }

    assert "Stopped: bought in these weeks a year earlier" in notes["changes"]
    assert "New: did not buy in them" in notes["changes"]
    assert "A colour is the side that asked." in notes["corrections"]
    assert "Waste is what was written off" in notes["stock"]
    assert "other changes are reservations" in notes["stock"]


def test_requests_without_an_answer(page: DashboardPage, grower_world: ReportWarehouse) -> None:
    """Each request that is neither accepted nor declined is listed with its order."""
    pending = {"PENDING", "PENDING_CLAIM"}
    requests = [
        record
        for account, record in grower_world.newest_records("orders.sales_order_correction_requests")
        if account == "main" and record["status"] in pending and not record.get("isDeleted")
    ]
    orders = {record["salesOrderId"]: record for _, record in grower_world.newest_records(ORDERS)}
    expected = [
        sold["salesChannelOrderId"]
        for request in requests
        if (sold := orders.get(request["salesOrderId"]))
        and sold["calculatedFields"]["orderAmount"]["currency"] == "EUR"
    ]

    assert expected
    rows = page.cells("#requests tbody tr:not(.group)")
    assert sorted(row[0] for row in rows) == sorted(expected)
    ours, theirs, our_overdue, their_overdue, expired, *kinds = (int(each) for each in page.figures("requests"))
    overdue = our_overdue + their_overdue
    states = [row[7] for row in rows]
    assert (states.count("open"), states.count("past its time")) == (ours + theirs, overdue)
    line = f"{ours + theirs} open, {overdue} past their time and {expired} expired without an answer"
    assert line in labels(page, "corrections")
    (whole,) = page.cells("#requests tfoot tr")
    assert number(whole[8]) == pytest.approx(sum(number(row[8]) for row in rows))
    (_, *_), *_ = groups = page.cells("#requests tbody tr.group")
    assert number(whole[8]) == pytest.approx(sum(number(row[8]) for row in groups))
    assert sum(kinds) == ours + theirs + overdue
    assert "The value is that of the whole order" in (page.page.locator("#requests .note").text_content() or "")


ANSWERED = {"corrections": 1, "causes": 1, "complaints": 3, "reasons": 4, "beforehand": 3}
"""By section, the column with the number of requests; accepted, declined and unanswered ones follow it."""


@pytest.mark.parametrize("section", ANSWERED)
def test_answers_add_up_to_requests(section: str, page: DashboardPage) -> None:
    """In each row and in the total, requests are accepted, declined, or without an answer."""
    first = ANSWERED[section]
    rows = [*page.cells(f"#{section} tbody tr"), *page.cells(f"#{section} tfoot tr:not(.part)")]

    assert rows
    for row in rows:
        requests, *parts = (number(cell) for cell in row[first : first + 4])
        assert requests == sum(parts), row


@pytest.mark.parametrize("section", ["causes", "corrections"])
def test_corrections_have_one_row_each_and_add_up(section: str, page: DashboardPage) -> None:
    """Each reason, and each customer, has one row; all are shown by amount, and add up to the figures."""
    rows = page.cells(f"#{section} tbody tr")
    names = [row[0] for row in rows]
    values = [number(row[6]) for row in rows if not row[0].startswith("All other")]
    (total,) = page.cells(f"#{section} tfoot tr:not(.part)")

    assert len(set(names)) == len(names)
    assert values == sorted(values)
    for place in (1, 2, 3, 4, 5):
        assert sum(number(row[place]) for row in rows) == number(total[place])
    assert sum(number(row[6]) for row in rows) == pytest.approx(number(total[6]))
    assert page.figures("corrections")[0] == total[1]
    assert number(page.figures("corrections")[2].replace("EUR", "")) == whole(number(total[6]))
    if section == "causes":
        assert page.page.locator("#causes tbody tr.more").count() == 0


def test_stock_by_age(page: DashboardPage, grower_world: ReportWarehouse) -> None:
    """What is left stands by age, the oldest first, with what is offered."""
    stock = rows_of(grower_world, "stock_at_risk", lambda row: bool(row["pieces_left"]))
    expected = [(row["oldest_batch_days"], row["batches"], row["pieces_left"], row["offered_pieces"]) for row in stock]

    assert stock
    assert shown(page, "leftovers", 2, 3, 4, 5) == sorted(expected)
    left, offered = (sum(int(str(row[name] or 0)) for row in stock) for name in ("pieces_left", "offered_pieces"))
    share = f"{(left - offered) / left:.1%}"
    assert f"{left - offered} pieces in no offer now ({share} of all that are left)" in labels(page, "leftovers")
    ages = [number(row[2]) for row in page.cells("#leftovers tbody tr:not(.group)")]
    assert ages == sorted(ages, reverse=True)
    subtotals = page.cells("#leftovers tbody tr.group")
    (total,) = page.cells("#leftovers tfoot tr")
    assert sum(number(row[4]) for row in subtotals) == number(total[4])
    assert total[6:] == [f"{left - offered:,}", share]
    assert len(subtotals) == len({row["age_class"] for row in stock})
    assert "14 days" in labels(page, "leftovers")[1]
    old = [row for row in stock if int(str(row["oldest_batch_days"])) > 14]
    unoffered = sum(int(str(row["pieces_left"])) - int(str(row["offered_pieces"] or 0)) for row in old)
    text = f"{unoffered} pieces of batches of more than 14 days are in no offer: offer them, or write them off"
    tasks = [normalized(each) for each in page.page.locator("#tasks li").all_text_contents()]
    assert [each for each in tasks if "14 days" in each] == (
        [f"{text}; {left - offered - unoffered} younger ones are in no offer either"] if unoffered else []
    )


def test_each_task_names_an_action(page: DashboardPage) -> None:
    """What needs action names the action after a colon; a forecast is called one."""
    tasks = page.page.locator("#tasks li").all_text_contents()

    assert tasks
    assert [task for task in tasks if ": " not in task] == []
    assert [task for task in tasks if "contract" in task and not task.startswith("Forecast: ")] == []


@pytest.mark.parametrize("section", ["uninvoiced", "differences"])
def test_orders_that_are_not_invoiced(section: str, page: DashboardPage, grower_world: ReportWarehouse) -> None:
    """Orders without an invoice, and those that are invoiced differently, are those of the report, largest first."""
    is_without = section == "uninvoiced"
    found = rows_of(
        grower_world,
        "invoice_reconciliation",
        lambda row: (
            row["currency"] == "EUR"
            and row["cause"] != "CANNOT_BE_KNOWN"
            and (row["cause"] == "NOT_INVOICED") == is_without
        ),
    )
    shown = page.cells(f"#{section} tbody tr:not(.group)")

    assert found or not is_without
    assert sorted(row[0] for row in shown) == sorted(str(row["sales_channel_order_id"]) for row in found)
    cause, amount = (5, 8) if is_without else (4, 10)
    for each in {row[cause] for row in shown}:
        amounts = [abs(number(row[amount])) for row in shown if row[cause] == each]
        assert amounts == sorted(amounts, reverse=True)


def sale(name: str, item: str, instrument: str, price: str, *, pieces: int, week: int = 2) -> Json:
    """Return an order of a trade item at a price, some weeks before the running one."""
    sold = order(1, item, id_of("customer"), (MONDAY - dt.timedelta(weeks=week)).isoformat())
    own = {"salesOrderId": id_of(name), "tradeInstrument": instrument, "numberOfPieces": pieces}
    return merged(sold, {**own, "pricePerPiece": {"value": Decimal(price)}})


@pytest.mark.slow
def test_clock_and_direct_price_of_the_same_items(warehouse: ReportWarehouse, browser: Browser) -> None:
    """The clock's average is higher only by what it sold: item by item, direct trade paid more, as the report says."""
    sales = [
        sale("rose clock", ROSE, "CLOCK_SALES", "1.00", pieces=30),
        sale("rose direct", ROSE, "DIRECT_SALES", "1.20", pieces=10),
        sale("tulip clock", TULIP, "CLOCK_PRESALES", "0.10", pieces=10),
        sale("tulip direct", TULIP, "DIRECT_SALES", "0.20", pieces=900),
        sale("another week", ROSE, "CLOCK_SALES", "9.00", pieces=100, week=1),
    ]
    warehouse.store(ORDERS, sales)
    direct = {row[2]: row for row in warehouse.report("clock_versus_direct")}["DIRECT_SALES"]

    with open_page(browser, page_of(warehouse)) as dashboard:
        figures = labels(dashboard, "clock")
        rows = [row[1:] for row in dashboard.rows("clockitems")]
        (total,) = dashboard.cells("#clockitems tfoot tr")

    assert figures == [
        "+22.6% like for like: EUR 0.950 direct against EUR 0.775 at the clock, same items and weeks",
        (
            "-96.8% of all sold: EUR 0.211 direct against EUR 6.650 at the clock;"
            " partly because other items were sold direct than at the clock"
        ),
    ]
    assert rows == [["30", "1.000", "10", "1.200", "+20.0%"], ["10", "0.100", "900", "0.200", "+100.0%"]]
    assert [normalized(cell) for cell in total[1:]] == ["40", "EUR 0.775", "910", "EUR 0.950", "+22.6%"]
    assert f"{direct[11]:+.1%}" == "+22.6%"
