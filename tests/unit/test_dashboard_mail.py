"""The mail with the dashboard says of which weeks and currency its figures are, and how current the data are."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from pipelines.dashboard import Dashboard, Figure, KeyFigures
from pipelines.dashboard.figures import PLOTTED
from pipelines.orchestration.assets.dashboard_mail import DataStatus, LateFeed, mail_of

MONDAY = dt.datetime(2026, 11, 30, 4, 20, tzinfo=dt.UTC)
FIGURES = (
    Figure("revenue", 12345.6, "EUR"),
    Figure("orders", 1234),
    Figure("fill rate", 0.9996, "share"),
    Figure("corrections", 3),
    Figure("not invoiced", 70, "EUR"),
    Figure("sell-through", 0.5, "share"),
)


def figures(*of: Figure, account: str = "main", monday: dt.date = dt.date(2026, 11, 30)) -> KeyFigures:
    """Return the figures of an account at a Monday."""
    weeks = [(monday - dt.timedelta(weeks=number)).isocalendar() for number in range(PLOTTED, 0, -1)]
    return KeyFigures(account, "EUR", of, tuple((f"{week.year}-W{week.week:02}", 0.0) for week in weeks))


def lines(*of: KeyFigures, statuses: tuple[DataStatus, ...] = (), language: str = "en") -> list[str]:
    """Return the title and the lines of a mail."""
    mail = mail_of(Dashboard(Path("dashboard.html"), 1, 1, of), statuses, language)
    return [mail.title, *mail.text.splitlines()]


def test_figures_name_their_weeks_and_currency() -> None:
    """The weeks are named; a figure of other weeks or of one currency says so."""
    assert lines(figures(*FIGURES), statuses=(DataStatus("main", MONDAY),)) == [
        "Floriday dashboard: weeks 36 to 48 of 2026",
        "Deliveries of weeks 36 to 48 of 2026 (13 full weeks), unless a line says otherwise.",
        "data as of 2026-11-30 05:20 (Amsterdam)",
        "revenue: EUR 12,346",
        "orders in EUR: 1,234",
        "fill rate: 99.9%",
        "corrections of orders in EUR: 3",
        "not invoiced, of all weeks: EUR 70",
        "sold, of the batches of these weeks: 50.0%",
    ]


def test_the_mail_in_dutch() -> None:
    """The same in Dutch, in the words of the page."""
    assert lines(figures(*FIGURES), statuses=(DataStatus("main", MONDAY),), language="nl") == [
        "Floriday-dashboard: week 36 t/m 48 van 2026",
        "Leveringen van week 36 t/m 48 van 2026 (13 volle weken), tenzij erbij staat van welke.",
        "gegevens van 30-11-2026 05:20 (Amsterdam)",
        "omzet: EUR 12.346",
        "orders in EUR: 1.234",
        "leverbetrouwbaarheid: 99,9%",
        "correcties van orders in EUR: 3",
        "niet gefactureerd, van alle weken: EUR 70",
        "verkocht, van de partijen van deze weken: 50,0%",
    ]


@pytest.mark.parametrize(
    ("language", "period"),
    [("en", "week 47 of 2026 to week 6 of 2027"), ("nl", "week 47 van 2026 t/m week 6 van 2027")],
)
def test_weeks_of_two_years(language: str, period: str) -> None:
    """Both years are named; 2026 has a week 53."""
    assert figures(monday=dt.date(2027, 2, 15)).period(language) == period


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (1, "100.0%"),
        (0.99999, "99.9%"),
        (0.9994, "99.9%"),
        (0.5, "50.0%"),
        (0.00001, "0.1%"),
        (0, "0.0%"),
        (-2, "-200.0%"),
    ],
)
def test_a_share_is_not_rounded_to_all_or_nothing(share: float, text: str) -> None:
    """What is not all is never 100 %, and what is not nothing never 0 %."""
    assert lines(figures(Figure("on time", share, "share")))[-1] == f"on time: {text}"


def test_feeds_that_are_not_current_are_named() -> None:
    """Each account has its status, with the feeds that are not current and why; of many, the first five."""
    late = (
        LateFeed("supply.batches", None),
        LateFeed("orders.sales_orders", dt.datetime(2026, 11, 20, 4, 20, tzinfo=dt.UTC)),
        LateFeed("catalog.trade_items", MONDAY, is_late=False),
        *(LateFeed(f"supply.feed_{number}", None) for number in range(4)),
    )
    statuses = (DataStatus("north", MONDAY, late), DataStatus("south", None))
    named = (
        "supply.batches (never read)",
        "orders.sales_orders (last read 2026-11-20 05:20)",
        "catalog.trade_items (not read to its end)",
        "supply.feed_0 (never read)",
        "supply.feed_1 (never read)",
    )

    assert lines(figures(FIGURES[0], account="north"), statuses=statuses)[2:] == [
        "north:",
        "data as of 2026-11-30 05:20 (Amsterdam)",
        f"not current: {', '.join(named)} and 2 more",
        "revenue: EUR 12,346",
        "south:",
        "nothing was read yet",
    ]


def test_without_figures_the_mail_has_the_status_alone() -> None:
    """Without figures, no weeks are named."""
    assert lines(statuses=(DataStatus("main", MONDAY),), language="nl") == [
        "Floriday-dashboard",
        "gegevens van 30-11-2026 05:20 (Amsterdam)",
    ]
