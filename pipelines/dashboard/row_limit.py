"""Limit the rows of the page: two years, and as many single partners and items as fit into a small file.

Without a limit, one order due in the year 9999 would make a page of 400,000 weeks, which no browser can show.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import duckdb

from pipelines.dashboard.facts import (
    NONE,
    RANKED,
    SALES,
    Fact,
    Row,
    count,
    define_weeks,
    gather,
    other_reports,
    read,
    table_of,
)
from pipelines.dashboard.selection import Selection

WEEKS = (110, 60, 30, 15, 5)
"""Weeks before this one: two years to compare and a reserve; fewer if the rows are still too many."""
LATER_WEEKS = 110
"""Weeks after this one."""
STEPS = (10**9, 1000, 700, 500, 350, 250, 175, 125, 90, 60, 45, 30, 20, 15, 10, 7, 5, 3)
"""How many partners and items are shown singly: all of them, or fewer."""

_CHOICES = tuple((step, WEEKS[0]) for step in STEPS) + tuple((STEPS[-1], weeks) for weeks in WEEKS[1:])
"""Numbers of single partners and items, and of weeks; each choice has fewer rows than the one before."""

Ranks = dict[str, list[str | None]]  # identifiers of partners and items by rank; the first element is None


@dataclass(frozen=True)
class LimitedFacts:
    """The rows of the facts, and what was left out."""

    rows: dict[Fact, list[Row]]
    weeks: range  # those that the page can have
    ids: Ranks  # identifiers of partners and items by rank
    alone: int  # number of partners, and of items, that are shown singly
    older: int  # number of orders before the first week
    later: int  # number of orders after the last week

    def merged(self, split: str) -> int:
        """The number of partners or items that are merged as others."""
        return max(0, len(self.ids[split]) - 1 - self.alone)


def prepare(
    connection: duckdb.DuckDBPyConnection, facts: Sequence[Fact], api: str, this_week: int, selection: Selection
) -> RowLimit:
    """Write the selected rows of the facts to temporary tables, with ranks instead of partners and items."""
    define_weeks(connection)
    others = other_reports(connection)
    for fact in facts:
        gather(connection, fact, api, selection, others)
    ranks = {split: _rank(connection, facts, split, _weeks(this_week, WEEKS[0])) for split in sorted(RANKED)}
    for fact in facts:
        _place(connection, fact)
    return RowLimit(connection, facts, ranks, this_week)


@dataclass
class RowLimit:
    """The facts of :func:`prepare`, which are read with ever fewer rows until the page is small enough."""

    connection: duckdb.DuckDBPyConnection
    facts: Sequence[Fact]
    ranks: Ranks
    this_week: int
    _counts: dict[int, int] = field(default_factory=dict)  # number of rows by the place of a choice

    def read_within(self, most_rows: int) -> LimitedFacts:
        """As many rows of all facts together as ``most_rows`` allows."""
        fewest, most = 0, len(_CHOICES) - 1
        while fewest < most:
            middle = (fewest + most) // 2
            if self._rows(middle) <= most_rows:
                most = middle
            else:
                fewest = middle + 1
        alone, weeks = _CHOICES[most]
        shown = _weeks(self.this_week, weeks)
        rows = {fact: read(self.connection, fact, alone, shown) for fact in self.facts}
        older, later = _orders_outside(self.connection, shown) if SALES in self.facts else (0, 0)
        return LimitedFacts(rows, shown, self.ranks, alone, older, later)

    def _rows(self, choice: int) -> int:
        """The rows of a choice, counted once: grouping all orders takes longer than reading the few that are kept."""
        if choice not in self._counts:
            alone, weeks = _CHOICES[choice]
            shown = _weeks(self.this_week, weeks)
            self._counts[choice] = sum(count(self.connection, fact, alone, shown) for fact in self.facts)
        return self._counts[choice]


def _rank(connection: duckdb.DuckDBPyConnection, facts: Sequence[Fact], split: str, weeks: range) -> list[str | None]:
    """Identifiers by their best rank of revenue in any account and currency, then those without revenue."""
    tables = [table_of(fact) for fact in facts if split in fact.splits]
    parts = [f"SELECT DISTINCT f.{split} AS id, NULL AS place FROM {table} f" for table in tables]
    if SALES in facts:
        best = "rank() OVER (PARTITION BY s.account, s.currency ORDER BY sum(s.revenue) DESC NULLS LAST)"
        parts.append(
            f"SELECT s.{split} AS id, {best} AS place FROM {table_of(SALES)} s"
            f" WHERE s.week IS NULL OR s.week BETWEEN {weeks[0]} AND {weeks[-1]}"
            f" GROUP BY s.account, s.currency, s.{split}"
        )
    listed = " UNION ALL ".join(parts) or "SELECT CAST(NULL AS UUID) AS id, NULL AS place"
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE dashboard_{split} AS"
        f" SELECT k.id, row_number() OVER (ORDER BY min(k.place) NULLS LAST, k.id) AS place FROM ({listed}) k"
        " WHERE k.id IS NOT NULL GROUP BY k.id"
    )
    found = connection.execute(f"SELECT CAST(id AS VARCHAR) FROM temp.dashboard_{split} ORDER BY place").fetchall()
    return [None, *(id for (id,) in found)]


def _place(connection: duckdb.DuckDBPyConnection, fact: Fact) -> None:
    splits = [split for split in fact.splits if split in RANKED]
    if not splits:
        return
    places = ", ".join(f"coalesce({split}_.place, {NONE}) AS {split}" for split in splits)
    joins = " ".join(f"LEFT JOIN temp.dashboard_{split} {split}_ ON {split}_.id = f.{split}" for split in splits)
    table = table_of(fact)
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {table} AS SELECT f.* REPLACE ({places}) FROM {table} f {joins}")


def _weeks(this_week: int, before: int) -> range:
    return range(this_week - before, this_week + LATER_WEEKS + 1)


def _orders_outside(connection: duckdb.DuckDBPyConnection, weeks: range) -> tuple[int, int]:
    """How many orders are before, and how many are after some weeks."""
    sql = (
        "SELECT coalesce(sum(s.orders) FILTER (s.week < $first_week), 0),"
        f" coalesce(sum(s.orders) FILTER (s.week > $last_week), 0) FROM {table_of(SALES)} s"
    )
    ((older, later),) = connection.execute(sql, {"first_week": weeks[0], "last_week": weeks[-1]}).fetchall()
    return int(older), int(later)
