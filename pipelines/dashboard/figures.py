"""The figures of the page's first screen, without growth, for those who do not open the page: Dagster and messages."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from pipelines.dashboard.facts import FIRST_MONDAY, Fact
from pipelines.dashboard.row_limit import LimitedFacts

WEEKS = 13  # full weeks that are added up, as on the page
PLOTTED = 26  # full weeks in the plot
_BAR = 40  # characters of the longest bar
_SMALLEST = 0.001  # the smallest share that is shown: 0.1 %
_LABELS = {
    "revenue": ("revenue", "omzet"),
    "spend": ("spend", "inkoop"),
    "orders": ("orders{in_currency}", "orders{in_currency}"),
    "fill rate": ("fill rate", "leverbetrouwbaarheid"),
    "on time": ("on time", "op tijd"),
    "corrections": ("corrections of orders{in_currency}", "correcties van orders{in_currency}"),
    "not invoiced": ("not invoiced, of all weeks", "niet gefactureerd, van alle weken"),
    "sell-through": ("sold, of the batches of these weeks", "verkocht, van de partijen van deze weken"),
    "purchase orders that need action": ("purchase orders that need action", "inkooporders die actie vragen"),
}
"""What a line calls each figure, in English and Dutch; it is of the last full weeks unless that says otherwise."""


@dataclass(frozen=True)
class Figure:
    """One figure."""

    name: str
    value: float
    unit: str = ""  # a currency, ``share``, or nothing for a number


@dataclass(frozen=True)
class KeyFigures:
    """The figures of one account over the last full weeks."""

    account: str
    currency: str  # of the amounts: the one with most orders
    figures: tuple[Figure, ...]
    weeks: tuple[tuple[str, float], ...]  # the last full weeks of the plot, as ISO 8601, with their value

    def plot(self) -> str:
        """The value by week as lines with bars of text."""
        most = max((value for _, value in self.weeks), default=0.0) or 1.0
        bars = ((week, value, "█" * round(_BAR * max(value, 0.0) / most)) for week, value in self.weeks)
        return "\n".join(f"{week} {value:>14,.0f} {bar}".rstrip() for week, value, bar in bars)

    def lines(self, language: str) -> list[str]:
        """The figures as lines of text, in Dutch for ``nl``, else in English."""
        is_dutch, in_currency = language == "nl", f" in {self.currency}" if self.currency else ""
        return [
            f"{_LABELS[each.name][is_dutch].format(in_currency=in_currency)}: {_text(each, is_dutch=is_dutch)}"
            for each in self.figures
        ]

    def period(self, language: str) -> str:
        """The weeks that are added up, in Dutch for ``nl``, else in English."""
        (year, first), (last_year, last) = (_year_and_week(self.weeks[place][0]) for place in (-WEEKS, -1))
        is_dutch = language == "nl"
        of, to = ("van", "t/m") if is_dutch else ("of", "to")
        if year == last_year:
            return f"{'week' if is_dutch else 'weeks'} {first} {to} {last} {of} {year}"
        return f"week {first} {of} {year} {to} week {last} {of} {last_year}"


def key_figures(found: LimitedFacts, week: int, api: str) -> tuple[KeyFigures, ...]:
    """The figures of each account at a time within this week."""
    accounts = sorted({str(row[0]) for rows in found.rows.values() for row in rows})
    return tuple(_of_account(_Sums(found, account, range(week - WEEKS, week)), week, api) for account in accounts)


def _of_account(sums: _Sums, week: int, api: str) -> KeyFigures:
    currency = sums.main_currency()
    weekly = sums.by_week(currency)
    weeks = [(_iso(each), weekly.get(each, 0.0)) for each in range(week - PLOTTED, week)]
    value = "spend" if api == "customers" else "revenue"
    return KeyFigures(sums.account, currency, tuple(_figures(sums, currency, value)), tuple(weeks))


def _figures(sums: _Sums, currency: str, value: str) -> Iterator[Figure]:
    if sums.has("sales"):
        yield Figure(value, sums.of("sales", "revenue", currency), currency)
        yield Figure("orders", sums.of("sales", "orders", currency))
    could_leave = sums.of("fill", "ordered") - sums.of("fill", "pending")  # as on the page
    if could_leave > 0:
        yield Figure("fill rate", 1 - sums.of("fill", "short_by_grower") / could_leave, "share")
    if carriers := sums.of("deliveries", "load_carriers"):
        yield Figure("on time", sums.of("deliveries", "on_time") / carriers, "share")
    if sums.has("corrections"):
        yield Figure("corrections", sums.of("corrections", "requests", currency))
    if sums.has("invoices"):
        yield Figure("not invoiced", sums.of_all_weeks("invoices", "open", currency), currency)
    if initial := sums.of("stock", "initial"):
        yield Figure("sell-through", sums.of("stock", "sold") / initial, "share")
    if sums.has("actions"):
        yield Figure("purchase orders that need action", sums.of("actions", "orders"))


class _Sums:
    """Sums of one account's facts over some weeks."""

    def __init__(self, found: LimitedFacts, account: str, weeks: Collection[int]) -> None:
        self.account = account
        self._weeks = weeks
        self._facts: dict[str, Fact] = {fact.name: fact for fact in found.rows}
        self._rows = {fact.name: [row for row in rows if row[0] == account] for fact, rows in found.rows.items()}

    def has(self, fact: str) -> bool:
        """Whether the page has this fact."""
        return fact in self._facts

    def of(self, fact: str, measure: str, currency: str | None = None) -> float:
        """The sum of a measure, if wanted in one currency; 0 without the fact."""
        return float(sum(value for week, value in self._values(fact, measure, currency) if week in self._weeks))

    def of_all_weeks(self, fact: str, measure: str, currency: str) -> float:
        """The sum of a measure in one currency, whatever weeks are added up."""
        return float(sum(value for _, value in self._values(fact, measure, currency)))

    def by_week(self, currency: str) -> dict[int | None, float]:
        """The value of orders by week, of all weeks."""
        found: Counter[int | None] = Counter()
        for week, value in self._values("sales", "revenue", currency):
            found[week] += value  # type: ignore[assignment]  # a counter also adds fractions
        return dict(found)

    def main_currency(self) -> str:
        """The currency with most orders; empty without orders."""
        orders: Counter[str] = Counter()
        if self.has("sales"):
            place, count = (self._facts["sales"].columns.index(name) for name in ("currency", "orders"))
            for row in self._rows["sales"]:
                orders[row[place] or ""] += row[count]
        return max(orders, key=lambda code: (orders[code], code), default="")

    def _values(self, name: str, measure: str, currency: str | None) -> Iterator[tuple[int | None, float]]:
        if name not in self._facts:
            return
        columns = self._facts[name].columns
        place = columns.index(measure)
        code = columns.index("currency") if currency is not None and "currency" in columns else None
        for row in self._rows[name]:
            if code is None or (row[code] or "") == currency:
                yield row[1], float(row[place] or 0)


def _iso(week: int) -> str:
    year, number, _ = (FIRST_MONDAY + dt.timedelta(weeks=week)).isocalendar()
    return f"{year}-W{number:02}"


def _year_and_week(text: str) -> tuple[int, int]:
    """Year and week of ``2026-W07``."""
    year, week = text.split("-W")
    return int(year), int(week)


def _text(figure: Figure, *, is_dutch: bool) -> str:
    """The value of a figure. As on the page, what is not all is never 100 %, and what is not nothing never 0 %."""
    value = min(max(figure.value, _SMALLEST), 1 - _SMALLEST) if 0 < figure.value < 1 else figure.value
    is_share = figure.unit == "share"
    text = f"{100 * value:,.1f}%" if is_share else f"{figure.unit} {figure.value:,.0f}".strip()
    return text.translate(str.maketrans(",.", ".,")) if is_dutch else text
