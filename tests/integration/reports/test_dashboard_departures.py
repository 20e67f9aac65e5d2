"""The open orders of the dashboard: what must leave when, from where, and until when it can be cancelled."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from pipelines.dashboard import lists, write_dashboard
from pipelines.dashboard.listed_reports import LISTED
from pipelines.warehouse.file.connection import Warehouse
from tests.integration.report_warehouse import AMSTERDAM, ORDERS, Json, ReportWarehouse, id_of, make_record
from tests.integration.reports.handmade_deliveries import REQUESTS, SHIPMENTS
from tests.integration.reports.test_dashboard_claims import labels
from tests.integration.reports.test_dashboard_page import LAPTOP, PHONE, DashboardPage, open_page, pytestmark
from tests.integration.reports.test_open_orders import WAREHOUSES, delivery, order, shipment
from tests.moments import real_now

__all__ = ["pytestmark"]

_TODAY = real_now().astimezone(AMSTERDAM).date()
TUESDAY = dt.datetime.combine(_TODAY + dt.timedelta(days=8 - _TODAY.weekday()), dt.time(10), AMSTERDAM)
"""Ten o'clock on the Tuesday after this week: all orders are due after it, or shortly before."""
SHED = id_of("shed")


def due(number: int, **after: float) -> Json:
    """Return an order from the shed that is due some time after Tuesday."""
    time = {"latestDeliveryDateTime": (TUESDAY + dt.timedelta(**after)).isoformat()}
    return order(number, salesChannelOrderId=f"order {number}", despatchWarehouseId=SHED, delivery=time)


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> ReportWarehouse:
    """A warehouse with an open order of each kind."""
    warehouse = ReportWarehouse(tmp_path_factory.mktemp("departures") / "w.duckdb")
    deadline = (TUESDAY + dt.timedelta(hours=5)).isoformat()
    orders = [
        due(1, hours=-3),
        due(2, hours=-2),
        due(3, hours=4),
        due(4, days=1),
        {**due(5, days=1), "status": "ACCEPTED", "cancellationDeadline": deadline},
        due(6, days=3),
        due(7, days=6),
        due(8, hours=-4),
        {**due(9, days=1), "status": "ACCEPTED", "cancellationDeadline": (TUESDAY - dt.timedelta(days=2)).isoformat()},
    ]
    warehouse.store(ORDERS, orders)
    left = {"fulfillmentOrderId": id_of("left"), "claimedNumberOfPackages": 10}
    request = {"fulfillmentRequestId": id_of("other"), "salesOrderId": id_of("order 8")}
    warehouse.store(
        REQUESTS,
        [
            {**delivery(1, 10), "despatchWarehouseId": SHED},
            {**delivery(2, 10, {**request, "fulfillmentOrderClaims": [left]}), "despatchWarehouseId": SHED},
        ],
    )
    departed = {**shipment("ACCEPTED"), "fulfillmentOrderId": id_of("left")}
    warehouse.store(SHIPMENTS, [shipment("DRAFT"), departed])
    warehouse.store(WAREHOUSES, [make_record("suppliers", WAREHOUSES, 1, warehouseId=SHED, name="Shed")])
    return warehouse


@pytest.fixture(scope="module")
def page(stored: ReportWarehouse, browser: Browser) -> Iterator[DashboardPage]:
    """The page on Tuesday."""
    file = write_dashboard(Warehouse(stored.path), stored.path.with_suffix(".html"), TUESDAY).path
    with open_page(browser, file, at=TUESDAY, locale="en-GB", **LAPTOP) as dashboard:
        yield dashboard


def chips(page: DashboardPage) -> list[str]:
    """Return the choices of when orders are due, with their numbers of orders."""
    return [text.replace(",", "") for text in page.page.locator(".dues button[id^=due-]").all_text_contents()]


def near(date: dt.datetime) -> str:
    """Return a day with its name as the page has it."""
    return f"{date:%a} {date.day} {date:%b}".replace("Sep", "Sept")


def test_orders_by_when_they_are_due(page: DashboardPage) -> None:
    """What must leave tomorrow is one click away, from its warehouse, firm orders apart from cancellable ones."""
    assert chips(page) == [
        "All 9",
        "Overdue 2",
        f"Today {near(TUESDAY)} 1",
        f"Tomorrow {near(TUESDAY + dt.timedelta(days=1))} 3",
        "Later this week 1",
        "After this week 1",
        "Left not reported as delivered 1",
    ]
    page.page.locator("#due-tomorrow").click()
    assert page.page.url.endswith("#due=tomorrow")
    expect(page.page.locator("#due-tomorrow")).to_be_focused()
    assert page.figures("departures") == ["1", "1", "1", "200", "100"]
    assert [(row[1], row[6], row[8]) for row in page.rows("departures")] == [
        ("order 4", "Shed", "100"),
        ("order 9", "Shed", "100"),
        ("order 5", "Shed", "100"),
    ]
    assert [row[3] != "\u2013" for row in page.rows("departures")] == [False, True, True]
    assert "15:00" in page.rows("departures")[2][3]
    groups = page.cells("#departures tbody tr.group")
    assert [[group[0], *group[9:11]] for group in groups] == [
        ["Firm orders: 1 order", "100", "10"],
        ["Not final yet, but no longer cancellable (prepare them too): 1 order", "100", "10"],
        ["Can still be cancelled: 1 order", "100", "10"],
    ]
    (total,) = page.cells("#departures tfoot tr")
    assert (total[0], *total[9:11]) == ("Total: 3 orders", "300", "30")
    assert near(TUESDAY) in (page.page.locator("#tasks h2").text_content() or "").replace(",", "")
    task = page.page.locator("#tasks li").first.text_content() or ""
    assert near(TUESDAY + dt.timedelta(days=1)) in task.replace(",", "")


def test_orders_due_early_tomorrow_leave_today(
    warehouse: ReportWarehouse, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Orders due tomorrow before six, and the pieces of each warehouse, are counted; also those that are not listed."""
    barn = {"despatchWarehouseId": id_of("barn")}
    warehouse.store(ORDERS, [due(1, hours=14.5), due(2, hours=19), {**due(3, hours=20), **barn}, due(4, hours=3)])
    names = {SHED: "Shed", id_of("barn"): "Barn"}
    places = [
        make_record("suppliers", WAREHOUSES, number, warehouseId=id, name=name)
        for number, (id, name) in enumerate(names.items())
    ]
    warehouse.store(WAREHOUSES, places)
    expected = [
        "2 of tomorrow's orders are due before 06:00: they leave today",
        "100 pieces to pick in 10 packages from Barn",
        "300 pieces to pick in 30 packages from Shed",
    ]

    for most in (LISTED, 1):
        monkeypatch.setattr(lists, "LISTED", most)
        file = write_dashboard(Warehouse(warehouse.path), warehouse.path.with_name(f"{most}.html"), TUESDAY).path
        with open_page(browser, file, at=TUESDAY, locale="en-GB", **LAPTOP) as dashboard:
            assert labels(dashboard, "departures")[-3:] == expected
            assert f"Tomorrow {near(TUESDAY + dt.timedelta(days=1))} 3 (2 before 06:00)" in chips(dashboard)
            assert f"Today {near(TUESDAY)} 3 (2 of tomorrow before 06:00)" in chips(dashboard)
            dashboard.page.locator("#due-today").click()
            early = [row for row in dashboard.rows("departures") if near(TUESDAY + dt.timedelta(days=1)) in row[0]]
            assert len(early) == 2 if most > 1 else len(early) <= 2


def test_a_group_is_shaded_over_its_whole_row(page: DashboardPage) -> None:
    """The cells of a group are shown, also those without a value."""
    style = "cells => cells.map(each => getComputedStyle(each).visibility)"
    assert set(page.page.locator("#departures tr.group > *").evaluate_all(style)) == {"visible"}


def test_all_rows_of_a_short_table_are_seen(page: DashboardPage) -> None:
    """A table of up to 40 rows has no box of its own to scroll."""
    page.page.locator("#departures .open").first.click()
    limit = page.page.locator("#departures-table").evaluate("each => getComputedStyle(each).maxHeight")
    page.page.locator("#departures .open").first.click()

    assert limit == "none"


SEPARATED = """
rows => rows.map(row => [...row.cells].filter(each => each.checkVisibility()).map(each =>
  ["::before", "::after"].map(part => getComputedStyle(each, part).content.includes("\u00b7"))))
"""
"""For each cell that is shown, whether a dot stands before and after it."""


@pytest.mark.slow
def test_no_dot_ends_a_row_on_a_phone(stored: ReportWarehouse, browser: Browser) -> None:
    """On a phone a dot stands between two values of a row, and neither after the last one nor before the first."""
    file = write_dashboard(Warehouse(stored.path), stored.path.with_name("phone.html"), TUESDAY).path
    with open_page(browser, file, at=TUESDAY, locale="en-GB", **PHONE) as dashboard:
        dashboard.page.locator("#departures .open").first.click()
        for rows in ("#departures tbody tr:not(.more)", "#departures tfoot tr:not(.part)"):
            for head, first, *others in dashboard.page.locator(rows).evaluate_all(SEPARATED):
                assert (head, first) == ([False, False], [False, False])
                assert all(each == [True, False] for each in others)


@pytest.mark.slow
def test_the_week_ends_on_sunday(stored: ReportWarehouse, browser: Browser) -> None:
    """On Sunday nothing is left of the week: the choice is left out, and tomorrow is next week's Monday."""
    sunday = TUESDAY - dt.timedelta(days=2)
    file = write_dashboard(Warehouse(stored.path), stored.path.with_name("sunday.html"), sunday).path
    with open_page(browser, file, at=sunday, locale="en-GB", **LAPTOP) as dashboard:
        assert chips(dashboard)[:3] == [
            "All 9",
            f"Today {near(sunday)} 0",
            f"Tomorrow {near(sunday + dt.timedelta(days=1))} 0",
        ]
        assert not any("this week" in each and "After" not in each for each in chips(dashboard))


def test_overdue_orders_begin_with_what_must_be_picked(page: DashboardPage) -> None:
    """Among the overdue orders, those without open pieces come last, and those that have left are not overdue."""
    page.page.locator("#due-late").click()
    assert [(row[1], row[9]) for row in page.rows("departures")] == [("order 2", "100"), ("order 1", "0")]
    page.page.locator("#due-all").click()
    assert [row[1] for row in page.rows("departures")] == [f"order {number}" for number in (2, 1, 3, 4, 6, 7, 9, 5, 8)]
    assert "due=" not in page.page.url


@pytest.mark.slow
def test_the_address_keeps_when_orders_are_due(page: DashboardPage) -> None:
    """The address with a filter shows the same orders, and an unknown one is ignored."""
    for address, rows in (("#due=week", ["order 6"]), ("#due=never", 9)):
        page.page.evaluate("address => { location.hash = address; }", address)
        shown = len(rows) if isinstance(rows, list) else rows
        expect(page.page.locator("#departures tbody tr:not(.group)")).to_have_count(shown)


@pytest.mark.slow
def test_a_list_names_its_limit(stored: ReportWarehouse, browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of more orders than a list has, each kind has some, and the numbers are those of all."""
    monkeypatch.setattr(lists, "LISTED", 1)
    file = write_dashboard(Warehouse(stored.path), stored.path.with_name("few.html"), TUESDAY).path

    with open_page(browser, file, at=TUESDAY, locale="en-GB", **LAPTOP) as dashboard:
        note = dashboard.page.locator("#departures .note").first.text_content() or ""
        assert "The list has 2 of 9 rows." in note
        assert chips(dashboard)[0] == "All 9"
        assert chips(dashboard)[-1].endswith("1")
        assert dashboard.figures("departures") == ["6", "1", "1", "600", "100"]


COUNTED = """(() => {
  window.made = 0;
  for (const name of ["DateTimeFormat", "NumberFormat"]) {
    const Format = Intl[name];
    const construct = (of, given) => {
      window.made += 1;
      return Reflect.construct(of, given);
    };
    Intl[name] = new Proxy(Format, { construct });
  }
})()"""
"""Count how many formats a page makes."""


def test_formats_are_made_once(warehouse: ReportWarehouse, browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page with many open orders makes no more formats than one with few: with a million it would take seconds."""
    monkeypatch.setattr(lists, "LISTED", 3)
    made = []
    for number in (4, 60):
        warehouse.store(ORDERS, [due(each, hours=each) for each in range(number)])
        file = write_dashboard(Warehouse(warehouse.path), warehouse.path.with_name(f"{number}.html"), TUESDAY).path
        with browser.new_context(offline=True, locale="en-GB", **LAPTOP) as context:
            page = context.new_page()
            page.add_init_script(COUNTED)
            page.clock.set_fixed_time(TUESDAY)
            page.goto(file.as_uri())
            page.locator("#departures table").wait_for(state="attached")
            made.append(page.evaluate("made"))
    assert 5 < made[1] <= made[0] + 5
