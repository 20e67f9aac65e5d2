"""The content of the page: numbers in columns, every text once, as compressed JSON that is embedded in the HTML."""

from __future__ import annotations

import base64
import datetime as dt
import gzip
import json
from collections.abc import Collection, Iterable, Sequence
from typing import Any

import duckdb

from pipelines.dashboard.facts import OTHER, RANKED, Fact, Row, facts_of, this_week, week_number
from pipelines.dashboard.listed_reports import LISTS
from pipelines.dashboard.lists import Lists, identifiers_in, in_json, read_dues, read_lists
from pipelines.dashboard.names import names_of
from pipelines.dashboard.needs import needs_of
from pipelines.dashboard.row_limit import LimitedFacts, prepare
from pipelines.dashboard.selection import EVERYTHING, Selection
from pipelines.dashboard.thresholds import Thresholds, default_thresholds
from pipelines.reports import define_details, find_report, installed

MOST_LETTERS = 700_000  # the most characters of the content; with the chart library, the file stays under 2 MB
LEAST_LETTERS = 9  # the fewest characters of a row
FEWEST_ROWS = 1_000  # with fewer rows, something else makes the content large

_HEALTH = "feed, is_granted, cursor, behind, last_synced_at, current_at, last_changed_at, records, rejected_open"

MANY = "*"  # the key of merged partners and items
Content = dict[str, Any]


def build_content(
    connection: duckdb.DuckDBPyConnection,
    now: dt.datetime,
    most_letters: int = MOST_LETTERS,
    selection: Selection = EVERYTHING,
    thresholds: Thresholds | None = None,
) -> tuple[str, LimitedFacts]:
    """What the page shows in the week of ``now``, if possible in ``most_letters`` packed characters, and its facts.

    Without ``thresholds``, those of the project apply.
    """
    reports = installed(connection)
    api = api_of(connection)
    facts, week = facts_of(reports, selection), this_week(now)
    limit = prepare(connection, facts, api, week, selection)
    lists = read_lists(connection, reports, api, selection)
    rest = {
        "dues": read_dues(connection, lists[1], selection),
        "thresholds": thresholds or default_thresholds(),
        "needs": needs_of(_reports(facts, lists[0]), api, reports),
        "incomplete": _incomplete_weeks(connection, selection) if "customer_changes" in reports else {},
        "accounts": _accounts(connection, selection),
        "health": _health(connection, selection) if "sync_health" in reports else {},
    }
    rows = most_letters // LEAST_LETTERS
    while True:
        found = limit.read_within(rows)
        content = _content(connection, found, lists, api=api, now=now, selection=selection)
        text = packed({**content, **rest})
        if len(text) <= most_letters or rows < FEWEST_ROWS:
            return text, found
        rows = min(rows, sum(map(len, found.rows.values()))) * most_letters * 9 // len(text) // 10


def _content(
    connection: duckdb.DuckDBPyConnection,
    found: LimitedFacts,
    lists: tuple[Lists, Lists],
    *,
    api: str,
    now: dt.datetime,
    selection: Selection,
) -> Content:
    keys, (rows_of_lists, numbers) = _Keys(), lists
    content: Content = {
        "api": api,
        "language": selection.language,
        "currency": selection.currency,
        "made": now.astimezone(dt.UTC).isoformat(timespec="seconds"),
        "week": this_week(now),
        "first": found.weeks[0],
        "chosen": _weeks(selection, found.weeks[0], this_week(now)),
        "merged": {"partners": found.merged("partner"), "items": found.merged("item")},
        "outside": {"older": found.older, "later": found.later, "last": found.weeks[-1]},
        "facts": {fact.name: _columns(fact, rows, keys, found) for fact, rows in found.rows.items()},
        "lists": rows_of_lists,
        "listed": numbers,
    }
    content["keys"] = keys.all
    limits = selection.limits
    used = {text for text in (*keys.all, *identifiers_in(rows_of_lists), *limits.values()) if text is not None}
    content["names"] = names = names_of(connection, used)
    content["limits"] = sorted(limits)
    content["limited"] = ", ".join(names.get(split, {}).get(text, [text])[0] or text for split, text in limits.items())
    return content


def _weeks(selection: Selection, first: int, this_week: int) -> dict[str, int | None]:
    """The weeks that are shown at first; None for the usual ones."""
    if selection.from_date is None and selection.to_date is None:
        return {"from": None, "to": None}
    start = first if selection.from_date is None else week_number(selection.from_date)
    end = max(start, this_week - 1) if selection.to_date is None else week_number(selection.to_date)
    return {"from": start, "to": end}


def _reports(facts: Iterable[Fact], lists: Collection[str]) -> dict[str, str]:
    """The report behind each fact and list."""
    return {fact.name: fact.report for fact in facts} | {each.name: each.report for each in LISTS if each.name in lists}


def _incomplete_weeks(connection: duckdb.DuckDBPyConnection, selection: Selection) -> dict[str, int]:
    """By account, the week that the reports do not compare with a year earlier, because the data began within that."""
    define_details(connection, find_report("customer_changes"), "year_pairs")
    sql = "SELECT account, week_of(monday) FROM customer_changes_year_pairs() WHERE NOT is_comparable"
    return {name: week for name, week in connection.execute(sql).fetchall() if selection.account in (None, name)}


def _accounts(connection: duckdb.DuckDBPyConnection, selection: Selection) -> dict[str, str | None]:
    sql = "SELECT account, organization_name FROM sync.accounts ORDER BY account"
    return {name: text for name, text in connection.execute(sql).fetchall() if selection.account in (None, name)}


def packed(content: Content) -> str:
    """The content in base64, which needs no escaping in HTML, compressed to a quarter of its size."""
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()


class _Keys:
    """Each text once; rows contain its index."""

    def __init__(self) -> None:
        self._places: dict[str | None, int] = {}

    def place(self, text: str | None) -> int:
        return self._places.setdefault(text, len(self._places))

    @property
    def all(self) -> list[str | None]:
        return list(self._places)


def _columns(fact: Fact, rows: Sequence[Row], keys: _Keys, found: LimitedFacts) -> dict[str, list[Any]]:
    """The rows as columns: weeks counted from the first, texts as indexes of the keys."""
    turned: Iterable[Sequence[Any]] = zip(*rows, strict=True) if rows else [()] * len(fact.columns)
    columns = dict(zip(fact.columns, map(list, turned), strict=True))
    columns["week"] = [None if week is None else week - found.weeks[0] for week in columns["week"]]
    for split in ("account", *fact.splits):
        texts = columns[split]
        if split in RANKED:
            texts = [MANY if place == OTHER else found.ids[split][place] for place in texts]
        columns[split] = [keys.place(text) for text in texts]
    return columns


def api_of(connection: duckdb.DuckDBPyConnection) -> str:
    """The API of the warehouse; before the first sync, the API of its reports."""
    found = connection.execute("SELECT api FROM sync.settings").fetchall()
    return str(found[0][0]) if found else "customers" if "spend_by_grower" in installed(connection) else "suppliers"


def _health(connection: duckdb.DuckDBPyConnection, selection: Selection) -> dict[str, list[dict[str, Any]]]:
    health: dict[str, list[dict[str, Any]]] = {}
    for account, *row in connection.execute(f"SELECT account, {_HEALTH} FROM reports.sync_health").fetchall():
        if selection.account in (None, account):
            health.setdefault(account, []).append(dict(zip(_HEALTH.split(", "), map(in_json, row), strict=True)))
    return health
