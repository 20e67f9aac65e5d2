"""The dashboard in a browser that reaches no network: everything drawn, filters that work, and nothing that leaks."""

from __future__ import annotations

import datetime as dt
import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Playwright, Request, expect, sync_playwright

from pipelines.dashboard import write_dashboard
from pipelines.warehouse.file.connection import Warehouse
from tests.integration.reporting import AMOUNT, DELIVERY, ORDERS, Json, Reporting, day, id_of, made, number, text, uuid
from tests.moments import NOW, real_now

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
PICTURES = "PICTURES"
"""The variable that names the folder in which pictures are kept."""

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium: apt-get install chromium"),
]

PATIENCE = 30_000
"""Milliseconds to wait for what the page is to show."""
LAPTOP: dict[str, Any] = {"viewport": {"width": 1280, "height": 900}}
PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2, "has_touch": True}

NASTY = (
    "</script><img src=x onerror=\"document.title='hacked'\">",
    "<b>&amp;</b> \"quoted\" 'single' `back` ${1+1}",
    "{a|rich} \u2028 \u202e reversed",
    "=HYPERLINK('http://example.com')",
)


def started(driver: Playwright) -> Browser:
    """The machine's Chromium, without a window; a context manager."""
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    return driver.chromium.launch(executable_path=CHROMIUM, args=arguments)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The machine's Chromium."""
    with sync_playwright() as driver, started(driver) as chromium:
        yield chromium


@dataclass
class Reader:
    """A person with the page before them."""

    page: Page

    def figures(self, section: str) -> list[str]:
        """The large figures of a section, without the spaces between digits."""
        return [plain(figure) for figure in self.page.locator(f"#{section} .figure strong").all_text_contents()]

    def rows(self, section: str) -> list[list[str]]:
        """The cells of a section's table."""
        read = "rows => rows.map(row => [...row.cells].map(cell => cell.textContent))"
        return [list(map(plain, row)) for row in self.page.locator(f"#{section} tbody tr").evaluate_all(read)]

    def chooses(self, field: str, label: str) -> None:
        """Choose an entry of a filter."""
        self.page.locator(f"#{field}").select_option(label=label)

    @property
    def drawn(self) -> dict[str, int]:
        """How many shapes each picture has."""
        count = "charts => Object.fromEntries(charts.map(each => [each.id, each.querySelectorAll('svg path').length]))"
        found: dict[str, int] = self.page.locator(".chart").evaluate_all(count)
        return found

    @property
    def overflow(self) -> int:
        """By how many pixels the page is wider than the window."""
        wider: int = self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        return wider


@contextmanager
def reading(browser: Browser, path: Path, **options: Any) -> Iterator[Reader]:
    """A page that is opened without a network; in the end it asked for nothing, and nothing went wrong."""
    asked: list[str] = []
    wrong: list[str] = []

    def note(request: Request) -> None:
        asked.append(request.url)

    def listen(message: ConsoleMessage) -> None:
        wrong.append(message.text)

    with browser.new_context(offline=True, **(options or LAPTOP)) as context:
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        page.on("request", note)
        page.on("console", listen)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.goto(path.as_uri())
        expect(page.locator("#facts div").first).to_be_visible(timeout=PATIENCE)
        yield Reader(page)
    assert asked == [path.as_uri()]
    assert wrong == []


def plain(text: str) -> str:
    """A text with a figure as Python writes it."""
    return re.sub(r"\u00a0", " ", text).replace("\u202f", "").replace("\u2212", "-")


@pytest.fixture(scope="module")
def growers(grower_world: Reporting, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of two growers' world."""
    path = tmp_path_factory.mktemp("page") / "growers.html"
    write_dashboard(Warehouse(grower_world.path), path, NOW)
    return path


@pytest.fixture(scope="module")
def reader(browser: Browser, growers: Path) -> Iterator[Reader]:
    """A person who looks at it on a laptop; each test begins as the page does."""
    with reading(browser, growers) as reader:
        yield reader


@pytest.fixture
def fresh(reader: Reader) -> Reader:
    """The page as it is when it is opened."""
    for field in ("partner", "item"):
        reader.page.locator(f"#{field}").select_option(index=0)
    reader.page.locator("#last-13").click()
    return reader


@dataclass(frozen=True)
class Sold:
    """What orders come to."""

    orders: int
    pieces: int
    revenue: Decimal


def sold(told: Reporting, weeks: tuple[str, str] | None, fits: Callable[[Json], bool], account: str = "main") -> Sold:
    """The sum of an account's orders in euros that were delivered in some ISO weeks, in plain Python."""
    chosen = []
    for whose, order in told.committed():
        date = day(order, DELIVERY)
        named = "{}-W{:02}".format(*date.isocalendar()[:2]) if date else ""
        within = weeks is None or weeks[0] <= named <= weeks[1]
        if whose == account and text(order, f"{AMOUNT}.currency") == "EUR" and within and fits(order):
            chosen.append(order)
    values = [number(order, f"{AMOUNT}.value") or Decimal(0) for order in chosen]
    return Sold(len(chosen), sum(order["numberOfPieces"] for order in chosen), sum(values, Decimal(0)))


def rounded(value: Decimal) -> str:
    """A sum of euros as a figure of the page."""
    return f"EUR {value:.0f}"


QUARTER = ("2026-W36", "2026-W48")
"""Thirteen weeks up to the world's moment."""


def test_everything_is_drawn(fresh: Reader) -> None:
    """Each section has a figure, a picture with shapes and words, and a table."""
    drawn = fresh.drawn
    sections = [each.get_attribute("id") for each in fresh.page.locator("main section").all()]

    assert sections == [
        "health",
        "revenue",
        "partners",
        "items",
        "channels",
        "clock",
        "fill",
        "punctuality",
        "corrections",
        "invoices",
        "stock",
    ]
    assert set(drawn) == {f"{section}-chart" for section in sections}
    assert min(drawn.values()) > 4
    for section in sections:
        assert fresh.figures(section or "")
        assert fresh.rows(section or "")
        assert len(fresh.page.locator(f"#{section}-chart").get_attribute("aria-label") or "") > 20


def test_a_picture_tells_what_the_pointer_is_at(fresh: Reader) -> None:
    """The week, and its revenue as the table has it."""
    week, _, _, _, revenue, *_ = fresh.rows("revenue")[0]
    chart = fresh.page.locator("#revenue-chart")
    box = chart.bounding_box()
    assert box is not None
    chart.hover(position={"x": box["width"] - 30, "y": box["height"] / 2})

    expect(chart.locator("text", has_text=week)).to_be_visible()
    shown = [plain(each) for each in chart.locator("text").all_text_contents()]
    assert f"Revenue  {rounded(Decimal(revenue))}" in shown


def test_figures_are_those_of_the_orders(fresh: Reader, grower_world: Reporting) -> None:
    """Revenue, orders and pieces of the quarter, as plain Python adds them up, and the year before beside them."""
    now = sold(grower_world, QUARTER, lambda _: True)
    before = sold(grower_world, ("2025-W36", "2025-W48"), lambda _: True)
    tiles = [plain(each) for each in fresh.page.locator(".tile").all_text_contents()]

    assert fresh.figures("revenue") == [rounded(now.revenue), f"{now.revenue / before.revenue * 100 - 100:+.1f}%"]
    assert plain(fresh.page.locator("#revenue .figure span").last.text_content() or "").endswith(
        rounded(before.revenue)
    )
    assert tiles[1] == f"Orders{now.orders}{now.pieces} pieces"


def test_filters_change_the_figures(fresh: Reader, grower_world: Reporting) -> None:
    """A customer, an item, a period: figures are what plain Python computes, and sections say what they ignore."""
    rank, customer, orders, pieces, revenue, *_ = fresh.rows("partners")[0]
    names = grower_world.organizations()

    def of_customer(order: Json) -> bool:
        return names.get(("main", uuid(order, "customerOrganizationId"))) == customer

    fresh.chooses("partner", customer)
    now = sold(grower_world, QUARTER, of_customer)
    assert (rank, orders, pieces, revenue) == ("1", str(now.orders), str(now.pieces), f"{now.revenue:.2f}")
    assert fresh.figures("revenue")[0] == rounded(now.revenue)
    assert "Not split by customer" in (fresh.page.locator("#stock .note").text_content() or "")

    item = fresh.rows("items")[0][0]
    fresh.chooses("item", item)
    fresh.chooses("from", "2026-W44")
    fresh.chooses("to", "2026-W46")
    items = grower_world.items()
    narrow = sold(
        grower_world,
        ("2026-W44", "2026-W46"),
        lambda order: of_customer(order) and items.get(("main", uuid(order, "tradeItemId"))) == item,
    )
    assert fresh.rows("items") == [
        [item, str(narrow.orders), str(narrow.pieces), f"{narrow.revenue:.2f}", fresh.rows("items")[0][4], "100.0%"]
    ]
    assert "2026-W44 to 2026-W46" in (fresh.page.locator("#shown").text_content() or "")

    fresh.page.locator("#partner").select_option(index=0)
    fresh.page.locator("#item").select_option(index=0)
    fresh.page.locator("#last-all").click()
    everything = sold(grower_world, None, lambda _: True)
    assert fresh.figures("revenue") == [rounded(everything.revenue)]


def test_accounts_and_currencies_stay_apart(fresh: Reader, grower_world: Reporting) -> None:
    """Each account has its own figures, and so has each currency."""
    try:
        fresh.chooses("account", "second")
        other = sold(grower_world, QUARTER, lambda _: True, "second")
        assert fresh.figures("revenue")[0] == rounded(other.revenue)
    finally:
        fresh.chooses("account", "main")

    fresh.chooses("currency", "USD")
    assert fresh.figures("revenue")[0].startswith("USD ")
    assert "EUR" not in (fresh.page.locator("main").text_content() or "").replace("All currencies", "")
    fresh.chooses("currency", "EUR")


def test_it_works_without_a_mouse(growers: Path, browser: Browser) -> None:
    """The first step leads to the figures; a table opens and closes by the keyboard, and says so."""
    with reading(browser, growers) as reader:
        page = reader.page
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "Go to the figures"

        button = page.locator("#partners .open").first
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


def test_light_dark_and_paper(fresh: Reader) -> None:
    """All text stands out as WCAG's level AA asks; on paper filters are gone, tables open, nothing sticks out."""
    page = fresh.page
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        assert page.evaluate(CONTRAST) >= 4.5
        keep_a_picture(page, f"dashboard_{scheme}")
    assert fresh.overflow == 0

    page.emulate_media(media="print", color_scheme="dark")
    page.set_viewport_size({"width": 703, "height": 1000})
    expect(page.locator("#revenue table")).to_be_visible()
    expect(page.locator(".fields")).to_be_hidden()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert fresh.overflow == 0
    assert max(page.locator(".chart svg").evaluate_all("all => all.map(each => each.clientWidth)")) <= 660
    keep_a_picture(page, "dashboard_print")
    page.emulate_media(media="screen", color_scheme="light")
    page.set_viewport_size({"width": 1280, "height": 900})


def test_a_few_sheets_of_paper_hold_it(fresh: Reader) -> None:
    """Pictures are small enough by the time at which pages are counted, and as large as before afterwards."""
    size = "svg => [svg.clientWidth, svg.clientHeight]"
    before = fresh.page.locator("#revenue-chart svg").evaluate(size)

    sheets = re.findall(rb"/Type\s*/Page\b", fresh.page.pdf(format="A4", prefer_css_page_size=True))

    assert 5 <= len(sheets) <= 8
    assert fresh.page.locator("#revenue-chart svg").evaluate(size) == before


def test_a_phone_holds_it(growers: Path, browser: Browser) -> None:
    """Nothing is wider than the screen, filters are folded away at first, and can be touched."""
    with reading(browser, growers, **PHONE) as reader:
        expect(reader.page.locator(".fields")).to_be_hidden()
        keep_a_picture(reader.page, "dashboard_phone")
        reader.page.locator("summary").tap()
        expect(reader.page.locator(".fields")).to_be_visible()
        reader.page.locator("#partners .open").first.tap()
        assert reader.overflow == 0
        assert min(reader.drawn.values()) > 4


def test_names_are_only_text(grower: Reporting, browser: Browser, tmp_path: Path) -> None:
    """Whatever a customer or an item is called, it is shown as it stands, and runs nothing."""
    named = [(place, name, id_of(f"item {place}"), id_of(f"customer {place}")) for place, name in enumerate(NASTY)]
    grower.store(
        "trade_items",
        [
            made("suppliers", "catalog.trade_items", place, tradeItemId=item, tradeItemName={"nl": name})
            for place, name, item, _ in named
        ],
    )
    grower.store(
        "organizations",
        [
            made("suppliers", "organizations.organizations", place, organizationId=customer, name=name)
            for place, name, _, customer in named
        ],
    )
    grower.store(ORDERS, [order(place, item, customer) for place, _, item, customer in named])
    path = tmp_path / "page.html"
    write_dashboard(Warehouse(grower.path), path, NOW)

    with reading(browser, path) as reader:
        assert reader.page.title() == "main \u2013 Floriday dashboard"
        assert reader.page.locator("img, b, a:not(.tile):not(.skip)").count() == 0
        for section, place in (("partners", 1), ("items", 0)):
            assert sorted(row[place] for row in reader.rows(section)) == sorted(map(plain, NASTY))
        reader.page.locator("#items-chart").hover()
        for place in range(len(NASTY)):
            reader.page.locator("#partner").select_option(index=1 + place)
            assert reader.figures("revenue") == ["EUR 10"]


def order(seed: int, item: str, customer: str) -> Json:
    """An order of this week, of twelve pieces for ten euros."""
    return made(
        "suppliers",
        ORDERS,
        seed,
        status="COMMITTED",
        tradeItemId=item,
        customerOrganizationId=customer,
        numberOfPieces=12,
        pricePerPiece={"currency": "EUR", "value": 1},
        delivery={"latestDeliveryDateTime": "2026-11-24T12:00:00Z"},
        calculatedFields={"orderAmount": {"currency": "EUR", "value": 10}},
    )


@pytest.mark.parametrize("api", ["grower", "buyer"])
def test_an_empty_warehouse_is_told_politely(
    api: str, browser: Browser, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """There is nothing to show yet, and a line on what to do; no filter, no empty picture."""
    reporting: Reporting = request.getfixturevalue(api)
    path = tmp_path / "page.html"
    write_dashboard(Warehouse(reporting.path), path, NOW)

    with reading(browser, path) as reader:
        expect(reader.page.locator("#nothing")).to_contain_text("floriday sync")
        expect(reader.page.locator("#filters")).to_be_hidden()
        assert reader.drawn == {}
        keep_a_picture(reader.page, f"dashboard_empty_{api}")


def test_a_buyers_page_is_about_growers(buyer_world: Reporting, browser: Browser, tmp_path: Path) -> None:
    """What is spent with whom, and which purchase orders need action."""
    path = tmp_path / "page.html"
    write_dashboard(Warehouse(buyer_world.path), path, NOW)
    spend: dict[UUID | None, Decimal] = {}
    for account, grower_, name, _, currency, _, _, value, *_ in buyer_world.report("spend_by_grower"):
        if (account, currency) == ("main", "EUR"):
            spend[name or grower_] = spend.get(name or grower_, Decimal(0)) + value

    with reading(browser, path) as reader:
        reader.page.locator("#last-all").click()
        assert {row[1]: row[4] for row in reader.rows("partners")} == {
            name: f"{value:.2f}" for name, value in spend.items()
        }
        exceptions = [row for row in buyer_world.report("purchase_order_exceptions") if row[0] == "main"]
        assert [row[1] for row in reader.rows("actions")] == [row[2] for row in exceptions]
        assert min(reader.drawn.values()) > 4
        keep_a_picture(reader.page, "dashboard_buyer")


def test_an_old_page_says_how_old_it_is(grower: Reporting, browser: Browser, tmp_path: Path) -> None:
    """A page that lies in somebody's mail for days is not taken for today's."""
    path = tmp_path / "page.html"
    write_dashboard(Warehouse(grower.path), path, real_now() - dt.timedelta(days=12, hours=1))

    with reading(browser, path) as reader:
        expect(reader.page.locator(".notice:visible")).to_have_text(re.compile("made 12 days ago"))


def keep_a_picture(page: Page, name: str) -> None:
    """Keep how the page looks, where a folder for that is named."""
    if folder := os.environ.get(PICTURES):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)
