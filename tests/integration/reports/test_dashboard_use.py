"""How the dashboard is used: the address keeps filters, tables sort, total and save, languages, and limited pages."""

from __future__ import annotations

import base64
import csv
import datetime as dt
import gzip
import io
import json
import re
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import pytest
from playwright.sync_api import Browser, expect

from pipelines.cli.entry import run
from pipelines.dashboard import Selection, write_dashboard
from pipelines.reports import find_report
from pipelines.warehouse.file.connection import Warehouse
from tests.integration.report_warehouse import ReportWarehouse, uuid
from tests.integration.reports.test_dashboard_page import (
    LAPTOP,
    QUARTER,
    DashboardPage,
    normalized,
    open_page,
    pytestmark,
    rounded,
    totals,
)
from tests.moments import NOW, real_now

__all__ = ["pytestmark"]


@pytest.fixture(scope="module")
def path(grower_world: ReportWarehouse, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The dashboard file of two growers in the sandbox world."""
    file = tmp_path_factory.mktemp("use") / "growers.html"
    return write_dashboard(Warehouse(grower_world.path), file, NOW).path


def test_the_address_keeps_the_filters(path: Path, browser: Browser, grower_world: ReportWarehouse) -> None:
    """The address of a filtered page opens the same page; several customers count together."""
    with open_page(browser, path) as dashboard:
        customers = [row[1] for row in dashboard.rows("partners")[:2]]
        for customer in customers:
            dashboard.choose("partner", customer)
        dashboard.page.locator("#last-26").click()
        address = dashboard.page.url
        figures = dashboard.figures("revenue")
    names = grower_world.organization_names()
    both = totals(
        grower_world,
        ("2026-W22", "2026-W47"),
        lambda order: names.get(("main", uuid(order, "customerOrganizationId"))) in customers,
    )

    assert figures[0] == rounded(both.revenue)
    with browser.new_context(offline=True, **LAPTOP) as context:
        page = context.new_page()
        page.goto(address)
        expect(page.locator("#facts div").first).to_be_visible()
        assert DashboardPage(page).figures("revenue") == figures
        assert page.locator("#last-26").get_attribute("aria-pressed") == "true"
        shown = (page.locator("#chosen").text_content() or "").split(" · ")
        assert sorted(shown[0].split(", ")) == sorted(customers)
        assert shown[1:] == ["week 22 to 47, 2026", "EUR"]


@pytest.mark.parametrize(
    "address", ["account=none", "weeks=2026-W99", "weeks=x~y", "partner=zz&item=&currency=XXX", "%"]
)
def test_a_wrong_address_shows_the_usual_page(address: str, path: Path, browser: Browser) -> None:
    """Unknown accounts, weeks, names and currencies in the address are ignored."""
    messages: list[str] = []
    with browser.new_context(offline=True, **LAPTOP) as context:
        page = context.new_page()
        page.on("pageerror", lambda error: messages.append(str(error)))
        page.goto(f"{path.as_uri()}#{address}")
        expect(page.locator("#facts div").first).to_be_visible()
        assert page.locator("#last-13").get_attribute("aria-pressed") == "true"
    assert messages == []


@pytest.mark.slow
def test_all_accounts_together(path: Path, browser: Browser, grower_world: ReportWarehouse) -> None:
    """All accounts are added up, in one currency."""
    both = sum(totals(grower_world, QUARTER, account=account).revenue for account in ("main", "second"))

    with open_page(browser, path) as dashboard:
        dashboard.choose("account", "All accounts")
        assert dashboard.figures("revenue")[0] == rounded(Decimal(both))
        assert dashboard.page.locator("#organization").text_content() == "All accounts"


@pytest.mark.slow
def test_tables_are_sorted_and_totalled(path: Path, browser: Browser) -> None:
    """A click on a column's head sorts by it, a second one the other way; the last row is the total of the others."""
    with open_page(browser, path) as dashboard:
        dashboard.page.locator("#partners .open").first.click()
        head = dashboard.page.locator("#partners thead th").nth(1)
        for direction in ("ascending", "descending"):
            head.get_by_role("button").click()
            expect(head).to_have_attribute("aria-sort", direction)
            names = [row[1] for row in dashboard.rows("partners")]
            wanted = sorted(names, key=str.casefold, reverse=direction == "descending")
            assert [name.casefold()[0] for name in names] == [name.casefold()[0] for name in wanted]
        dashboard.page.locator("#partners thead th").nth(2).get_by_role("button").click()
        orders = [int(row[2]) for row in dashboard.rows("partners")]
        assert orders == sorted(orders, reverse=True)
        (total,) = dashboard.cells("#partners tfoot tr")
        assert int(normalized(total[2])) == sum(orders)


def test_a_click_on_a_name_filters_by_it(path: Path, browser: Browser) -> None:
    """A customer in a table, and a bar of the chart, are filters; a second click takes the first one back."""
    with open_page(browser, path) as dashboard:
        everything = dashboard.figures("revenue")
        name = dashboard.rows("partners")[0][1]
        dashboard.page.locator("#partners .open").first.click()
        dashboard.page.locator("#partners .pick").first.click()
        assert dashboard.page.locator("#partner-chosen").text_content() == name
        assert dashboard.figures("revenue") != everything
        dashboard.page.locator("#partners .pick").first.click()
        assert dashboard.figures("revenue") == everything
        box = dashboard.page.locator("#items-chart").bounding_box()
        assert box is not None
        dashboard.page.locator("#items-chart").click(position={"x": box["width"] * 0.6, "y": 20})
        expect(dashboard.page.locator("#item-chosen")).to_have_text(dashboard.rows("items")[0][0])


def test_a_table_is_saved_as_csv(path: Path, browser: Browser, tmp_path: Path) -> None:
    """The CSV file has all rows of the table with plain numbers; texts are no formulas."""
    with browser.new_context(offline=True, accept_downloads=True, **LAPTOP) as context:
        page = context.new_page()
        page.goto(path.as_uri())
        expect(page.locator("#facts div").first).to_be_visible()
        rows = DashboardPage(page).rows("partners")
        with page.expect_download() as download:
            page.locator("#partners .save").click()
        download.value.save_as(tmp_path / "partners.csv")
    head, *saved = csv.reader(io.StringIO((tmp_path / "partners.csv").read_text(encoding="utf-8-sig")))

    years = ["In the weeks compared", "A year earlier", "Change"]
    assert head == ["Rank", "Customer", "Orders", "Pieces", "Revenue", "Share", "Cumulative", *years]
    assert [row[:4] for row in saved] == [row[:4] for row in rows]
    assert [f"{Decimal(row[4]):.2f}" for row in saved] == [row[4] for row in rows]


@pytest.mark.slow
def test_csv_for_a_dutch_spreadsheet(path: Path, browser: Browser, tmp_path: Path) -> None:
    """A Dutch page saves semicolons, decimal commas, and times of Amsterdam."""
    with browser.new_context(offline=True, accept_downloads=True, locale="nl-NL", **LAPTOP) as context:
        page = context.new_page()
        page.goto(path.as_uri())
        expect(page.locator("#facts div").first).to_be_visible()
        for section in ("partners", "departures"):
            with page.expect_download() as download:
                page.locator(f"#{section} .save").click()
            download.value.save_as(tmp_path / f"{section}.csv")
    partners, departures = (
        list(csv.reader(io.StringIO((tmp_path / f"{name}.csv").read_text(encoding="utf-8-sig")), delimiter=";"))
        for name in ("partners", "departures")
    )

    assert partners[0][4] == "Omzet"
    assert all(re.fullmatch(r"-?\d+(,\d{1,6})?", row[4]) for row in partners[1:])
    assert any("," in row[4] for row in partners[1:])
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d|", row[0]) for row in departures[1:])


@pytest.mark.slow
def test_days_and_ages_are_those_of_the_reader(path: Path, browser: Browser) -> None:
    """Read three days later, what left meanwhile is late, and the data have a red light."""
    with open_page(browser, path) as dashboard:
        first = int(dashboard.page.locator("#due-late strong").text_content() or "")
    with open_page(browser, path, at=real_now() + dt.timedelta(days=3)) as dashboard:
        expect(dashboard.page.locator("#health .light")).to_have_attribute("aria-label", "act")
        later = int(dashboard.page.locator("#due-late strong").text_content() or "")

    assert later > first


@pytest.mark.slow
def test_orders_on_their_way_are_not_overdue(path: Path, browser: Browser, grower_world: ReportWarehouse) -> None:
    """Orders that left are counted apart from those that have not left and should have been delivered."""
    columns = list(find_report("open_orders").columns)
    step, time = columns.index("next_step"), columns.index("departure")
    orders = [row for row in grower_world.report("open_orders") if row[0] == "main"]

    with open_page(browser, path) as dashboard:
        late, left = (dashboard.page.locator(f"#due-{due} strong").text_content() or "" for due in ("late", "left"))
        assert int(left) == sum(row[step] == "DELIVER" for row in orders) > 0
        assert int(late) == sum(row[step] != "DELIVER" and bool(row[time]) and row[time] < NOW for row in orders)
        assert f"{late} more are overdue" in (dashboard.page.locator("#tasks li").first.text_content() or "")


@pytest.mark.parametrize(("locale", "revenue"), [("nl-NL", "Omzet"), ("de-DE", "Revenue"), ("en-US", "Revenue")])
def test_language_of_the_browser(locale: str, revenue: str, path: Path, browser: Browser) -> None:
    """The page is in Dutch or English as the browser wants, with the numbers, dates and weeks of that language."""
    with open_page(browser, path, locale=locale, **LAPTOP) as dashboard:
        assert revenue in (dashboard.page.locator(".tile .label").first.text_content() or "")
        tile = (dashboard.page.locator(".tile strong").first.text_content() or "").replace("\u00a0", " ")
        number = r"€ \d{1,3}(\.\d{3})*" if revenue == "Omzet" else r"€\d{1,3}(,\d{3})*"
        assert re.search(number + "$", tile)
        assert dashboard.page.locator("html").get_attribute("lang") == ("nl" if revenue == "Omzet" else "en")
        shown = dashboard.page.locator("#chosen").text_content() or ""
        assert ("t/m 47, 2026" in shown) == (revenue == "Omzet")


@pytest.mark.slow
def test_the_language_can_be_switched(path: Path, browser: Browser) -> None:
    """A button opens the page in the other language with the same choices, whatever the browser wants."""
    with open_page(browser, path, locale="en-GB", **LAPTOP) as dashboard:
        page = dashboard.page
        page.locator("#last-26").click()
        for name, label, language in (("Nederlands", "Omzet", "nl"), ("English", "Revenue", "en")):
            page.get_by_role("button", name=name).click()
            expect(page.locator(".tile .label").first).to_have_text(label)
            expect(page.locator("#last-26")).to_have_attribute("aria-pressed", "true")
            page.locator("#last-4").click()
            assert page.url.partition("#")[2] == f"language={language}&weeks=4"
            page.locator("#last-26").click()


@pytest.mark.slow
def test_tiles_say_which_choice_they_ignore(path: Path, browser: Browser) -> None:
    """With customers chosen, the figures of stock, which has no customers, say that they are those of all customers."""
    with open_page(browser, path, locale="en-GB", **LAPTOP) as dashboard:
        stock, revenue = (dashboard.page.locator(f'.tile[href="#{name}"]') for name in ("stock", "revenue"))
        expect(stock).not_to_contain_text("all customers")
        expect(stock).to_contain_text("all currencies")
        late = dashboard.page.locator("#tasks li", has_text="came late")
        expect(late).not_to_contain_text("all customers")

        dashboard.page.locator("#partners .open").first.click()
        dashboard.page.locator("#partners .pick").first.click()

        expect(stock).to_contain_text("all customers")
        expect(late).to_contain_text("all customers")
        expect(revenue).not_to_contain_text("all customers")


SECTIONS = """
() => Object.fromEntries([...document.querySelectorAll("main section:not(#tasks, #health)")].map(section =>
  [section.id, [section.querySelector(".note").textContent,
    [...section.querySelectorAll(".figure, tbody tr")].map(each => each.textContent).join("\\n")]]))
"""
"""The note of each section, and its figures and rows."""


def test_each_section_names_what_it_leaves_out(path: Path, browser: Browser) -> None:
    """A section names the currencies that it leaves out, or that it has all, and each choice that it ignores."""
    with open_page(browser, path, locale="en-GB", **LAPTOP) as dashboard:
        everything = dashboard.page.evaluate(SECTIONS)
        currencies = {
            id: ("Only EUR, without USD." in note, "All currencies." in note) for id, (note, _) in everything.items()
        }
        blind: dict[str, set[str]] = {}
        for split in ("partner", "item"):
            name = dashboard.rows("partners" if split == "partner" else "items")[0][split == "partner"]
            dashboard.choose(split, name)
            word = {"partner": "Not split by customer", "item": "Not split by trade item"}[split]
            shown = dashboard.page.evaluate(SECTIONS)
            dashboard.choose_all(split)
            blind[split] = {id for id, (note, _) in shown.items() if word in note}
            assert {id for id, (_, text) in shown.items() if text == everything[id][1] != ""} <= blind[split]

    assert {id for id, (only, every) in currencies.items() if only == every} == set()
    assert {"prices", "changes", "revenue"} <= {id for id, (only, _) in currencies.items() if only}
    assert blind["partner"] == {"punctuality", "loadcarriers", "deliverycosts", "stock", "leftovers"}
    assert blind["item"] == {"punctuality", "loadcarriers", "deliverycosts", "changes"}


def test_amounts_say_what_they_are(path: Path, browser: Browser) -> None:
    """Below the key figures stands what amounts include, also on paper; sections of documents repeat it."""
    with open_page(browser, path, locale="en-GB", **LAPTOP) as dashboard:
        page = dashboard.page
        expect(page.locator(".tiles + #amounts")).to_have_text(
            "Amounts are as Floriday gives them; it does not say whether VAT is included."
            " Auction fees and commission are not deducted."
        )
        for section in ("corrections", "invoices", "deliverycosts"):
            expect(page.locator(f"#{section} .note").first).to_contain_text(
                "does not say whether these amounts include VAT"
            )
        page.emulate_media(media="print")
        expect(page.locator("#amounts")).to_be_visible()
        expect(page.locator(".tile .more").first).to_contain_text("also US$", use_inner_text=True)


@pytest.mark.slow
@pytest.mark.parametrize("locale", ["nl-NL", "en-GB"])
def test_pages_on_paper(locale: str, path: Path, browser: Browser) -> None:
    """On paper, the page has at most four sheets in both languages, and the number of rows below each table."""
    with open_page(browser, path, locale=locale, **LAPTOP) as dashboard:
        for button in dashboard.page.locator("#partners .open").all()[:2]:
            button.click()
        printed = dashboard.page.pdf(format="A4", prefer_css_page_size=True)
        rows = len(dashboard.rows("partners"))
        of = "van" if locale == "nl-NL" else "of"
        assert (dashboard.page.locator("#partners .paper").text_content() or "").startswith(f"{rows} {of} {rows} ")

    assert len(re.findall(rb"/Type\s*/Page\b", printed)) <= 4


@pytest.mark.slow
def test_units_of_axes(path: Path, browser: Browser) -> None:
    """Each chart names the unit of its values."""
    units = {"revenue": "EUR", "fill": "% of ordered pieces", "corrections": "requests", "clock": "EUR per piece"}
    with open_page(browser, path) as dashboard:
        for section, unit in units.items():
            assert unit in dashboard.page.locator(f"#{section}-chart text").all_text_contents()


def test_tasks_lead_to_their_lists(path: Path, browser: Browser) -> None:
    """The page lists three things that need action and says how many more there are; each opens its list."""
    with open_page(browser, path) as dashboard:
        tasks = dashboard.page.locator("#tasks li button")
        more = dashboard.page.locator("#tasks > button")
        assert tasks.count() > 3
        expect(tasks.nth(3)).to_be_hidden()
        expect(more).to_have_text(f"{tasks.count() - 3} more")
        more.click()
        expect(tasks.last).to_be_visible()
        expect(more).to_be_hidden()
        tasks.first.click()
        assert dashboard.page.locator(".table:visible").count() == 1


@pytest.mark.slow
def test_lights_and_their_limits(path: Path, browser: Browser) -> None:
    """Key figures have a light whose limits are shown; the age of the data is one line with a light."""
    with open_page(browser, path) as dashboard:
        tiles = dashboard.page.locator(".tile")
        assert 5 <= tiles.count() <= 7
        fill = dashboard.page.locator(".tile[href='#fill']")
        expect(fill.locator(".light")).to_have_attribute("aria-label", re.compile("good|watch|act"))
        expect(fill.locator(".limits").first).to_have_text("green from 98%, red below 95%")
        expect(dashboard.page.locator("#health .light")).to_have_count(1)
        expect(dashboard.page.locator("#health .chart")).to_have_count(0)


def test_a_limited_page_contains_nothing_else(grower_world: ReportWarehouse, browser: Browser, tmp_path: Path) -> None:
    """A page for one customer of one account contains its orders, and no section that shows others."""
    names = grower_world.organization_names()
    (customer, *_) = [row[1] for row in grower_world.report("customer_ranking") if row[0] == "main"]
    selection = Selection(
        account="main", partner=customer, from_date=dt.date(2026, 8, 24), to_date=dt.date(2026, 11, 22), language="nl"
    )
    file = write_dashboard(Warehouse(grower_world.path), tmp_path / "one.html", NOW, selection=selection).path
    expected = totals(grower_world, QUARTER, lambda order: uuid(order, "customerOrganizationId") == customer)

    with open_page(browser, file) as dashboard:
        first = dashboard.page.locator("#revenue .figure strong").first.text_content() or ""
        assert re.sub(r"\D", "", first) == f"{expected.revenue:.0f}"
        assert [row[1] for row in dashboard.rows("partners")] == [names["main", customer]]
        assert dashboard.page.locator("#stock, #punctuality, #account").count() == 0
        expect(dashboard.page.locator(".notice").filter(has_text="main, ")).to_contain_text(
            names["main", customer] or ""
        )


def test_a_page_of_one_currency_contains_no_other(
    grower_world: ReportWarehouse, browser: Browser, tmp_path: Path
) -> None:
    """Figures that are not known by currency are left out, and no order of another currency is in the file."""
    usd = Selection(account="main", currency="USD", language="en")
    file = write_dashboard(Warehouse(grower_world.path), tmp_path / "usd.html", NOW, selection=usd).path
    currencies = {
        row[list(find_report("open_orders").columns).index("currency")] for row in grower_world.report("open_orders")
    }
    assert "EUR" in currencies

    with open_page(browser, file) as dashboard:
        assert dashboard.page.locator("#fill, #stock, #punctuality, #loadcarriers").count() == 0
        expect(dashboard.page.locator("#revenue")).to_be_visible()
    (packed,) = re.findall(r'id="content"[^>]*>\s*([^<]+)<', file.read_text(encoding="utf-8"))
    content = json.loads(gzip.decompress(base64.b64decode(packed)))
    assert all("currency" in columns for columns in content["facts"].values())
    found = {content["keys"][place] for columns in content["facts"].values() for place in columns["currency"]}
    assert found <= {"USD"}
    assert "EUR" not in json.dumps(content["lists"])
    assert "EUR" not in json.dumps(content["listed"])


@pytest.mark.slow
def test_options_of_the_command(
    grower_world: ReportWarehouse,
    browser: Browser,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The command takes days, an account, a customer by name, and a language; wrong ones are usage errors."""
    names = grower_world.organization_names()
    ids = [row[1] for row in grower_world.report("customer_ranking") if row[0] == "main"]
    monkeypatch.setenv("FLORIDAY_WAREHOUSE", str(grower_world.path))
    monkeypatch.setenv("FLORIDAY_LANGUAGE", "nl")
    name = next(names["main", id] for id in ids if list(names.values()).count(names["main", id]) <= 2)
    file = tmp_path / "page.html"
    base = ["dashboard", "--output", str(file)]

    assert run([*base, "--customer", str(name), "--from", "2026-10-05", "--to", "2026-10-11"]) == 0
    with open_page(browser, file) as dashboard:
        assert dashboard.page.locator("html").get_attribute("lang") == "nl"
        assert "week 41, 2026" in (dashboard.page.locator("#chosen").text_content() or "")
    assert run([*base, "--language", "en"]) == 0
    with open_page(browser, file, locale="nl-NL", **LAPTOP) as dashboard:
        assert dashboard.page.locator("html").get_attribute("lang") == "en"
    assert run([*base, "--grower", str(ids[0])]) == 2
    assert run(["dashboard", "--account", "nobody"]) == 2
    assert run(["dashboard", "--from", "2026-10-05", "--to", "2026-10-01"]) == 2
    assert "--grower is for a buyer's page" in capsys.readouterr().err


def test_lists_of_orders_and_customers(path: Path, browser: Browser, grower_world: ReportWarehouse) -> None:
    """Open orders and changed customers of an account are those of the reports, whatever weeks are chosen."""
    orders = [row for row in grower_world.report("open_orders") if row[0] == "main"]
    changed = [row for row in grower_world.report("customer_changes") if row[0] == "main" and row[3] == "EUR"]
    assert orders
    assert changed

    with open_page(browser, path) as dashboard:
        for preset in ("4", "all"):
            dashboard.page.locator(f"#last-{preset}").click()
            assert {row[1] for row in dashboard.rows("departures")} == {row[4] or "\u2013" for row in orders}
            assert len(dashboard.rows("departures")) == len(orders)
            shown = sorted((row[2], row[3]) for row in dashboard.rows("changes"))
            columns = list(find_report("customer_changes").columns)
            places = [columns.index(name) for name in ("revenue", "comparable_revenue")]
            assert shown == sorted(tuple(f"{row[place]:.2f}" for place in places) for row in changed)


def test_selection_of_ids_is_quoted() -> None:
    """The limits of a page are texts by split."""
    item = UUID(int=1)

    assert Selection(account="a", item=item).limits == {"account": "a", "item": str(item)}
    assert json.dumps(Selection().limits) == "{}"
