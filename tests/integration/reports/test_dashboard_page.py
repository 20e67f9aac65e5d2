"""The dashboard in an offline browser: charts, filters, accessibility, printing, and no network requests."""

from __future__ import annotations

import datetime as dt
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, expect

from pipelines.dashboard import write_dashboard
from pipelines.warehouse.file.connection import Warehouse
from tests.chromium import CHROMIUM
from tests.integration.report_warehouse import (
    AMOUNT,
    DELIVERY,
    ORDERS,
    Json,
    ReportWarehouse,
    day,
    id_of,
    make_record,
    number,
    text,
    uuid,
)
from tests.integration.reports.comparable_weeks import compared_weeks
from tests.integration.reports.report_parameters import NO_FILTER
from tests.moments import NOW

SCREENSHOTS = "PICTURES"
"""The environment variable with the folder in which screenshots are saved; without it, none are saved."""

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed: apt-get install chromium"),
]

SEVERAL = ("partner", "item")
"""The filters in which several names can be chosen."""
TIMEOUT_MS = 30_000
"""Milliseconds to wait for the page."""
LAPTOP: dict[str, Any] = {"viewport": {"width": 1280, "height": 900}}
PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2, "has_touch": True}

HOSTILE_NAMES = (
    "</script><img src=x onerror=\"document.title='hacked'\">",
    "<b>&amp;</b> \"quoted\" 'single' `back` ${1+1}",
    "{a|rich} \u2028 \u202e reversed",
    "=HYPERLINK('http://example.com')",
)


@dataclass
class DashboardPage:
    """An open dashboard page."""

    page: Page

    def figures(self, section: str) -> list[str]:
        """Return the large figures of a section, without the spaces between digits."""
        return [normalized(figure) for figure in self.page.locator(f"#{section} .figure strong").all_text_contents()]

    def rows(self, section: str) -> list[list[str]]:
        """Return the cells of a section's table, row by row, with amounts as plain numbers."""
        return [
            [normalized(cell).replace("EUR ", "") for cell in row]
            for row in self.cells(f"#{section} tbody tr:not(.group)")
        ]

    def cells(self, rows: str) -> list[list[str]]:
        """Return the texts of the cells of some rows as they are shown, without the line on rows that are left out."""
        cells = (
            "rows => rows.filter(row => !row.matches('.part')).map(row => [...row.cells].map(cell => cell.textContent))"
        )
        shown: list[list[str]] = self.page.locator(rows).evaluate_all(cells)
        return shown

    def choose(self, field: str, label: str) -> None:
        """Choose an option of a filter, or one more of a filter with several."""
        if field in SEVERAL:
            self.page.locator(f"#{field}").evaluate("list => { list.open = true; }")
            self.page.locator(f"#{field} label").get_by_text(label, exact=True).click()
            self.page.keyboard.press("Escape")
        else:
            self.page.locator(f"#{field}").select_option(label=label)

    def choose_all(self, field: str) -> None:
        """Take back all choices of a filter with several."""
        self.page.locator(f"#{field}").evaluate("list => { list.open = true; }")
        clear = self.page.locator(f"#{field} .none")
        if clear.is_visible():
            clear.click()
        self.page.keyboard.press("Escape")

    def options(self, field: str) -> list[str]:
        """Return the names in a filter with several choices."""
        return [text.strip() for text in self.page.locator(f"#{field} li label").all_text_contents()]

    @property
    def shape_counts(self) -> dict[str, int]:
        """Number of shapes in each chart, by chart id."""
        count = (
            "charts => Object.fromEntries(charts.map(chart => [chart.id, chart.querySelectorAll('svg path').length]))"
        )
        counts: dict[str, int] = self.page.locator(".chart").evaluate_all(count)
        return counts

    @property
    def overflow(self) -> int:
        """Number of pixels by which the page is wider than the window."""
        pixels: int = self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        return pixels


@contextmanager
def open_page(browser: Browser, path: Path, *, at: dt.datetime = NOW, **options: Any) -> Iterator[DashboardPage]:
    """Open a page offline at a time; at the end, it has requested nothing else and logged nothing."""
    requested_urls: list[str] = []
    messages: list[str] = []

    def record_request(request: Request) -> None:
        requested_urls.append(request.url)

    def record_message(message: ConsoleMessage) -> None:
        messages.append(message.text)

    with browser.new_context(offline=True, **(options or LAPTOP)) as context:
        page = context.new_page()
        page.set_default_timeout(TIMEOUT_MS)
        page.clock.set_fixed_time(at)
        page.on("request", record_request)
        page.on("console", record_message)
        page.on("pageerror", lambda error: messages.append(str(error)))
        page.goto(path.as_uri())
        expect(page.locator("#facts div").first).to_be_visible(timeout=TIMEOUT_MS)
        yield DashboardPage(page)
    assert set(requested_urls) == {path.as_uri()}
    assert messages == []


def normalized(text: str) -> str:
    """Return a text with its numbers as Python formats them, and the codes of currencies."""
    plain = re.sub(r"(?<=\d),(?=\d{3})", "", re.sub(r"[\u00a0\u202f]", " ", text))
    return plain.replace("US$", "USD ").replace("\u20ac", "EUR ").replace("-EUR ", "EUR -")


@pytest.fixture(scope="module")
def growers_page(grower_world: ReportWarehouse, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The dashboard file of two growers in the sandbox world."""
    path = tmp_path_factory.mktemp("page") / "growers.html"
    write_dashboard(Warehouse(grower_world.path), path, NOW)
    return path


@pytest.fixture(scope="module")
def shared_page(browser: Browser, growers_page: Path) -> Iterator[DashboardPage]:
    """The growers' page in a laptop's window, shared by the tests of this module."""
    with open_page(browser, growers_page) as page:
        yield page


@pytest.fixture
def dashboard(shared_page: DashboardPage) -> DashboardPage:
    """The growers' page with its initial filters."""
    for field in SEVERAL:
        shared_page.choose_all(field)
    shared_page.page.locator("#last-13").click()
    return shared_page


@dataclass(frozen=True)
class Totals:
    """Number, pieces and revenue of orders."""

    orders: int
    pieces: int
    revenue: Decimal


def totals(
    warehouse: ReportWarehouse,
    weeks: tuple[str, str] | None,
    matches: Callable[[Json], bool] = lambda _: True,
    account: str = "main",
) -> Totals:
    """Add up an account's matching orders in euros with a delivery in some ISO weeks, in Python."""
    selected = []
    for owner, order in warehouse.committed_orders():
        date = day(order, DELIVERY)
        week = "{}-W{:02}".format(*date.isocalendar()[:2]) if date else ""
        in_period = weeks is None or weeks[0] <= week <= weeks[1]
        if owner == account and text(order, f"{AMOUNT}.currency") == "EUR" and in_period and matches(order):
            selected.append(order)
    values = [number(order, f"{AMOUNT}.value") or Decimal(0) for order in selected]
    return Totals(len(selected), sum(order["numberOfPieces"] for order in selected), sum(values, Decimal(0)))


def rounded(value: Decimal) -> str:
    """Return a sum of euros as the page shows it in a figure."""
    return f"EUR {value.quantize(Decimal(1), ROUND_HALF_UP)}"


QUARTER = ("2026-W35", "2026-W47")
"""The last thirteen full weeks at the current time of the sandbox world."""


def test_all_sections_have_content(dashboard: DashboardPage) -> None:
    """Each section has a figure, a chart with shapes and a description, and a table."""
    shape_counts = dashboard.shape_counts
    sections = [section.get_attribute("id") for section in dashboard.page.locator("main section").all()]

    assert (sections[0], sections[-1]) == ("tasks", "health")
    lists = [
        *(
            "departures",
            "movers",
            "changes",
            "contracts",
            "clockitems",
            "prices",
            "requests",
            "uninvoiced",
            "differences",
        ),
        *("deliverycosts", "leftovers", "loadcarriers"),
    ]
    assert sections[1:-1] == [
        "revenue",
        "departures",
        "partners",
        "items",
        "movers",
        "changes",
        "contracts",
        "channels",
        "clock",
        "clockitems",
        "prices",
        "fill",
        "punctuality",
        "loadcarriers",
        "complaints",
        "reasons",
        "beforehand",
        "failed",
        "requests",
        "corrections",
        "causes",
        "invoices",
        "ageing",
        "uninvoiced",
        "differences",
        "deliverycosts",
        "stock",
        "leftovers",
    ]
    assert set(shape_counts) == {f"{section}-chart" for section in sections[1:-1] if section not in lists}
    assert min(shape_counts.values()) > 4
    for section in sections[1:-1]:
        assert dashboard.figures(section or "")
        assert dashboard.rows(section or "")
    for chart in shape_counts:
        assert len(dashboard.page.locator(f"#{chart}").get_attribute("aria-label") or "") > 20


def test_contents_lead_to_all_sections(growers_page: Path, browser: Browser) -> None:
    """The contents link to all sections by mouse and keyboard, keep the address, and are not printed."""
    with open_page(browser, growers_page, locale="en-GB", **LAPTOP) as dashboard:
        page = dashboard.page
        sections = page.locator("main section").evaluate_all("all => all.map(each => each.id)")
        page.locator("#contents summary").focus()
        page.keyboard.press("Enter")
        links = page.get_by_role("navigation", name="Contents").get_by_role("link")
        assert links.evaluate_all("all => all.map(each => each.hash.slice(1))") == sections
        page.keyboard.press("Escape")
        expect(links.first).to_be_hidden()
        expect(page.locator("#contents summary")).to_be_focused()
        page.keyboard.press("Enter")
        address = page.url
        links.get_by_text("Stock by age").click()
        expect(page.locator("#leftovers-title")).to_be_focused()
        expect(page.locator("#leftovers-title")).to_be_in_viewport()
        expect(links.first).to_be_hidden()
        assert page.url == address
        page.emulate_media(media="print")
        expect(page.locator("#contents")).to_be_hidden()


AT_THE_TOP = """
() => Math.max(...[...document.querySelectorAll("#filters, #again")].filter(each => each.checkVisibility())
  .map(each => each.getBoundingClientRect().bottom))
"""
"""How much of the top of the window the filters cover."""


def test_filters_leave_room_while_scrolling(growers_page: Path, browser: Browser) -> None:
    """Below the first screen, the filters take one line; a click brings them back until something else is used."""
    with open_page(browser, growers_page, locale="en-GB", **LAPTOP) as dashboard:
        page = dashboard.page
        expect(page.locator("#filters details").first).to_have_attribute("open", "")
        page.evaluate("window.scrollTo(0, 2000)")
        expect(page.locator("#again")).to_be_visible()
        expect(page.locator("#again")).to_contain_text("week 35 to 47, 2026")
        assert page.evaluate(AT_THE_TOP) <= 0.12 * 900
        page.mouse.click(400, 15)
        expect(page.locator("#last-4")).to_be_in_viewport()
        assert page.evaluate("scrollY") == 2000
        page.mouse.click(20, 600)
        expect(page.locator("#last-4")).not_to_be_in_viewport()
        assert page.evaluate(AT_THE_TOP) <= 0.12 * 900


def test_chart_tooltip(dashboard: DashboardPage) -> None:
    """The tooltip at the pointer shows the week and the same revenue as the table."""
    week, _, _, _, revenue, *_ = dashboard.rows("revenue")[0]
    chart = dashboard.page.locator("#revenue-chart")
    box = chart.bounding_box()
    assert box is not None
    chart.hover(position={"x": box["width"] * 0.9, "y": box["height"] / 2})

    expect(chart.locator("text", has_text=week)).to_be_visible()
    shown = [normalized(line) for line in chart.locator("text").all_text_contents()]
    assert f"Revenue  {rounded(Decimal(revenue))}" in shown


def test_figures_equal_the_orders(dashboard: DashboardPage, grower_world: ReportWarehouse) -> None:
    """Revenue, orders and pieces of the quarter, and growth over the weeks of both years, equal sums in Python."""
    mondays = compared_weeks(grower_world, NOW, NO_FILTER, 13)["main"]
    both = [tuple("{}-W{:02}".format(*monday.isocalendar()) for monday in pair) for pair in mondays]
    now, before = (sum(totals(grower_world, (pair[place], pair[place])).revenue for pair in both) for place in range(2))
    quarter = totals(grower_world, QUARTER)
    tiles = [normalized(tile) for tile in dashboard.page.locator(".tile").all_text_contents()]

    assert 0 < len(both) < 13
    running = rounded(totals(grower_world, ("2026-W48", "2026-W48")).revenue)
    last, week_before = (totals(grower_world, (week, week)).revenue for week in ("2026-W47", "2026-W46"))
    growth = [f"{one / other * 100 - 100:+.1f}%" for one, other in ((now, before), (last, week_before))]
    assert dashboard.figures("revenue") == [rounded(quarter.revenue), growth[0], running, growth[1]]
    label = normalized(dashboard.page.locator("#revenue .figure span").nth(1).text_content() or "")
    assert (
        label
        == f"{rounded(Decimal(now))} against {rounded(Decimal(before))} a year earlier, in {len(both)} of 13 weeks"
    )
    dollars = normalized(dashboard.page.locator(".tile .more").first.text_content() or "").rpartition("also ")[2]
    assert dollars.startswith("USD ")
    assert re.fullmatch(rf"Orders{quarter.orders}{quarter.pieces} pieces; also \d+ in USD", tiles[1])


def test_filters_change_the_figures(dashboard: DashboardPage, grower_world: ReportWarehouse) -> None:
    """Filters on customer, trade item and period give the sums computed in Python; sections state ignored filters."""
    rank, customer, orders, pieces, revenue, *_ = dashboard.rows("partners")[0]
    names = grower_world.organization_names()

    def of_customer(order: Json) -> bool:
        return names.get(("main", uuid(order, "customerOrganizationId"))) == customer

    dashboard.choose("partner", customer)
    now = totals(grower_world, QUARTER, of_customer)
    assert (rank, orders, pieces, revenue) == ("1", str(now.orders), str(now.pieces), f"{now.revenue:.2f}")
    assert dashboard.figures("revenue")[0] == rounded(now.revenue)
    assert "Not split by customer" in (dashboard.page.locator("#stock .note").text_content() or "")

    item = dashboard.rows("items")[0][0]
    dashboard.choose("item", item)
    dashboard.choose("from", "week 44, 2026")
    dashboard.choose("to", "week 46, 2026")
    items = grower_world.trade_item_names()
    filtered = totals(
        grower_world,
        ("2026-W44", "2026-W46"),
        lambda order: of_customer(order) and items.get(("main", uuid(order, "tradeItemId"))) == item,
    )
    ((name, orders, pieces, revenue, _, share, *_),) = dashboard.rows("items")
    assert (name, orders, pieces) == (item, str(filtered.orders), str(filtered.pieces))
    assert (revenue, share) == (f"{filtered.revenue:.2f}", "100.0%")
    assert "week 44, 2026 to week 46, 2026" in (dashboard.page.locator("#shown").text_content() or "")

    for field in SEVERAL:
        dashboard.choose_all(field)
    dashboard.page.locator("#last-all").click()
    everything = totals(grower_world, None)
    assert dashboard.figures("revenue")[0] == rounded(everything.revenue)


def test_accounts_and_currencies_are_separate(dashboard: DashboardPage, grower_world: ReportWarehouse) -> None:
    """The figures of accounts and of currencies are not added up."""
    try:
        dashboard.choose("account", "second")
        other = totals(grower_world, QUARTER, account="second")
        assert dashboard.figures("revenue")[0] == rounded(other.revenue)
    finally:
        dashboard.choose("account", "main")

    dashboard.choose("currency", "USD")
    assert dashboard.figures("revenue")[0].startswith("USD ")
    texts = dashboard.page.locator("main > :not(#departures, #contracts)").all_text_contents()
    named = re.compile(r"[\d,]+ in EUR|without EUR\.")  # what the sums leave out
    assert [text for text in texts if "EUR" in named.sub("", text)] == []
    assert "EUR" not in "".join(dashboard.page.locator("#contracts > :not(.note)").all_text_contents())
    dashboard.choose("currency", "EUR")


def test_keyboard_navigation(growers_page: Path, browser: Browser) -> None:
    """The first tab stop skips to the figures; tables open and close with the keyboard and announce their state."""
    with open_page(browser, growers_page) as dashboard:
        page = dashboard.page
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "Go to the figures"

        button = page.locator("#partners .buttons .open").first
        button.focus()
        expect(button).to_have_attribute("aria-expanded", "false")
        page.keyboard.press("Enter")
        expect(button).to_have_attribute("aria-expanded", "true")
        expect(page.locator("#partners table")).to_be_visible()
        page.keyboard.press("Space")
        expect(page.locator("#partners table")).to_be_hidden()


CONTRAST = """
() => {
  const light = ([red, green, blue]) => [red, green, blue]
    .map(value => value / 255).map(value => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4)
    .reduce((sum, value, place) => sum + value * [0.2126, 0.7152, 0.0722][place], 0);
  const numbers = text => text.match(/[\\d.]+/g).map(Number);
  const ground = element => {
    for (let each = element; each; each = each.parentElement) {
      const colour = numbers(getComputedStyle(each).backgroundColor);
      if (colour.length === 3 || colour[3] > 0) return colour;
    }
  };
  const hasText = each => [...each.childNodes].some(node => node.nodeType === 3 && node.textContent.trim());
  const ratios = [...document.querySelectorAll("body *:not(script):not(style):not(svg *)")]
    .filter(each => each.checkVisibility() && hasText(each))
    .map(each => {
      const [one, two] = [light(numbers(getComputedStyle(each).color)), light(ground(each))];
      return (Math.max(one, two) + 0.05) / (Math.min(one, two) + 0.05);
    });
  return Math.min(...ratios);
}
"""


def test_contrast_and_print_layout(dashboard: DashboardPage) -> None:
    """All text has the contrast of WCAG level AA; in print, filters are hidden, tables open, and nothing overflows."""
    page = dashboard.page
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        assert page.evaluate(CONTRAST) >= 4.5
        save_screenshot(page, f"dashboard_{scheme}")
    assert dashboard.overflow == 0

    page.emulate_media(media="print", color_scheme="dark")
    page.set_viewport_size({"width": 718, "height": 1000})
    expect(page.locator("#revenue table")).to_be_visible()
    expect(page.locator(".fields")).to_be_hidden()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert dashboard.overflow == 0
    page.wait_for_function("[...document.querySelectorAll('.chart svg')].every(each => each.clientWidth <= 660)")
    save_screenshot(page, "dashboard_print")
    page.emulate_media(media="null", color_scheme="light")
    page.set_viewport_size({"width": 1280, "height": 900})


def test_number_of_printed_pages(dashboard: DashboardPage) -> None:
    """Charts shrink before the pages of a print are laid out, and have their earlier size afterwards."""
    size = "svg => [svg.clientWidth, svg.clientHeight]"
    before = dashboard.page.locator("#revenue-chart svg").evaluate(size)

    pages = re.findall(rb"/Type\s*/Page\b", dashboard.page.pdf(format="A4", prefer_css_page_size=True))

    assert len(pages) <= 4
    assert dashboard.page.locator("#revenue-chart svg").evaluate(size) == before


def test_phone_layout(growers_page: Path, browser: Browser) -> None:
    """On a phone, nothing is wider than the screen, and the filters are collapsed and open by touch."""
    with open_page(browser, growers_page, **PHONE) as dashboard:
        expect(dashboard.page.locator(".fields")).to_be_hidden()
        save_screenshot(dashboard.page, "dashboard_phone")
        dashboard.page.locator("#filters > details > summary").tap()
        expect(dashboard.page.locator(".fields")).to_be_visible()
        dashboard.page.locator("#partners .buttons .open").first.tap()
        assert dashboard.overflow == 0
        expect(dashboard.page.locator("#partners thead")).to_be_hidden()
        dashboard.page.locator("#partners-sort").select_option(label="Orders \u25b2")
        orders = [int(row[2]) for row in dashboard.rows("partners")]
        assert orders == sorted(orders)
        expect(dashboard.page.locator("#partners-sort")).to_be_focused()
        assert min(dashboard.shape_counts.values()) > 4


def test_names_are_shown_as_text(warehouse: ReportWarehouse, browser: Browser, tmp_path: Path) -> None:
    """Names of customers and trade items with HTML, scripts or formulas are shown unchanged and execute nothing."""
    names = [
        (number, name, id_of(f"item {number}"), id_of(f"customer {number}"))
        for number, name in enumerate(HOSTILE_NAMES)
    ]
    warehouse.store(
        "trade_items",
        [
            make_record("suppliers", "catalog.trade_items", number, tradeItemId=item, tradeItemName={"nl": name})
            for number, name, item, _ in names
        ],
    )
    warehouse.store(
        "organizations",
        [
            make_record("suppliers", "organizations.organizations", number, organizationId=customer, name=name)
            for number, name, _, customer in names
        ],
    )
    warehouse.store(ORDERS, [order(number, item, customer) for number, _, item, customer in names])
    path = tmp_path / "page.html"
    write_dashboard(Warehouse(warehouse.path), path, NOW)

    with open_page(browser, path) as dashboard:
        assert dashboard.page.title() == "main \u2013 Floriday dashboard"
        assert dashboard.page.locator("img, b, a:not(.tile, .skip, #contents a)").count() == 0
        for section, column in (("partners", 1), ("items", 0)):
            assert sorted(row[column] for row in dashboard.rows(section)) == sorted(map(normalized, HOSTILE_NAMES))
        dashboard.page.locator("#items-chart").hover()
        for index in range(len(HOSTILE_NAMES)):
            dashboard.choose_all("partner")
            dashboard.choose("partner", dashboard.options("partner")[index])
            assert dashboard.figures("revenue") == ["EUR 10", "EUR 0"]


def order(seed: int, item: str, customer: str, delivery: str = "2026-11-17T12:00:00Z") -> Json:
    """Return an order of twelve pieces for ten euros; without ``delivery``, of the last full week."""
    return make_record(
        "suppliers",
        ORDERS,
        seed,
        status="COMMITTED",
        tradeItemId=item,
        customerOrganizationId=customer,
        numberOfPieces=12,
        pricePerPiece={"currency": "EUR", "value": 1},
        delivery={"latestDeliveryDateTime": delivery},
        calculatedFields={"orderAmount": {"currency": "EUR", "value": 10}},
    )


@pytest.mark.parametrize("api", ["suppliers", "customers"])
def test_empty_warehouse(api: str, browser: Browser, tmp_path: Path) -> None:
    """The page of an empty warehouse names the command that fills it, and shows no filter and no chart."""
    path = tmp_path / "page.html"
    write_dashboard(Warehouse(ReportWarehouse(tmp_path / "w.duckdb", api).path), path, NOW)

    with open_page(browser, path) as dashboard:
        expect(dashboard.page.locator("#nothing")).to_contain_text("floriday sync")
        expect(dashboard.page.locator("#filters")).to_be_hidden()
        assert dashboard.shape_counts == {}
        save_screenshot(dashboard.page, f"dashboard_empty_{api}")


def test_page_of_a_buyer(buyer_world: ReportWarehouse, browser: Browser, tmp_path: Path) -> None:
    """A buyer's page shows the spend by grower and the purchase orders that need action."""
    path = tmp_path / "page.html"
    write_dashboard(Warehouse(buyer_world.path), path, NOW)
    spend: dict[UUID | None, Decimal] = {}
    for account, grower, name, _, currency, _, _, value, *_ in buyer_world.report("spend_by_grower"):
        if (account, currency) == ("main", "EUR"):
            spend[name or grower] = spend.get(name or grower, Decimal(0)) + value

    with open_page(browser, path) as dashboard:
        dashboard.page.locator("#last-all").click()
        assert {row[1]: row[4] for row in dashboard.rows("partners")} == {
            name: f"{value:.2f}" for name, value in spend.items()
        }
        exceptions = [row for row in buyer_world.report("purchase_order_exceptions") if row[0] == "main"]
        assert [row[1] for row in dashboard.rows("actions")] == [row[2] for row in exceptions]
        assert min(dashboard.shape_counts.values()) > 4
        expect(dashboard.page.locator("#changes")).to_have_count(0)
        save_screenshot(dashboard.page, "dashboard_buyer")


def test_old_page_shows_its_age(warehouse: ReportWarehouse, browser: Browser, tmp_path: Path) -> None:
    """A page that was made days ago shows a notice with its age."""
    path = tmp_path / "page.html"
    write_dashboard(Warehouse(warehouse.path), path, NOW)

    with open_page(browser, path, at=NOW + dt.timedelta(days=12, hours=1)) as dashboard:
        expect(dashboard.page.locator(".notice:visible")).to_have_text(re.compile("made 12 days ago"))


def save_screenshot(page: Page, name: str) -> None:
    """Save a screenshot, if the environment names a folder for screenshots."""
    if folder := os.environ.get(SCREENSHOTS):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)
