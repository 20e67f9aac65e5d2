"""The history: views over the stored versions, and macros that return a table as it was at a moment."""

from __future__ import annotations

from collections.abc import Iterator

from pipelines.catalogue.tables import Column, Table
from pipelines.catalogue.types import Kind
from pipelines.warehouse.sql import history, listed, literal, quoted, record_key, versions
from pipelines.warehouse.storage import Storage

VALIDITY = (
    Column(
        "valid_from", Kind.DATE_TIME, "When this version was first received; nothing is known before the first sync"
    ),
    Column("valid_to", Kind.DATE_TIME, "When the next version was received; NULL for the newest"),
    Column("is_current", Kind.BOOLEAN, "Whether it is the newest version"),
    Column("version", Kind.INT32, "Number of the version among those that were received, from 1"),
)

# New names, in the history, for a record's own fields that have one of these names.
RENAMED = {column.name: f"record_{column.name}" for column in VALIDITY}


def statements(feed: Table, storage: Storage) -> Iterator[str]:
    """The statements for the views and macros of a feed's table and its child tables, parents first."""
    for table in feed.walk():
        yield _parent_view(table) if table is feed else _child_view(table, feed)
        yield f"COMMENT ON VIEW {history(table)} IS {literal(f'One row for each version. {table.description}')}"
        for column in (*table.columns, *VALIDITY) if storage.describes_views else ():
            name = RENAMED.get(column.name, column.name) if column in table.columns else column.name
            yield f"COMMENT ON COLUMN {history(table)}.{quoted(name)} IS {literal(column.description)}"
        yield _as_of(table, feed)


def _typed(table: Table, alias: str) -> str:
    """The table's own columns, renamed where a column of every history has the same name."""
    names = (column.name for column in table.columns)
    return ", ".join(f"{alias}.{quoted(name)} AS {quoted(RENAMED.get(name, name))}" for name in names)


_SEEN = "least(synced_at, now())"
"""The latest possible time at which a version was received: a time in the future comes from a clock that was fast."""


def _parent_view(table: Table) -> str:
    """A version is valid from the earliest time of itself and all later versions, because clocks may be set back."""
    key = listed(record_key(table))
    return (
        f"CREATE OR REPLACE VIEW {history(table)} AS SELECT {_typed(table, 't')},"
        f" min({_SEEN}) OVER (from_newest ROWS UNBOUNDED PRECEDING) AS valid_from,"
        f" min({_SEEN}) OVER (from_newest ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS valid_to,"
        " lag(row_version) OVER from_newest IS NULL AS is_current,"
        f" row_version AS version FROM {versions(table)} t"
        f" WINDOW from_newest AS (PARTITION BY account, {key} ORDER BY row_version DESC)"
    )


def _child_view(table: Table, feed: Table) -> str:
    joined = " AND ".join(f"c.{quoted(name)} = p.{quoted(name)}" for name in ("account", *record_key(feed)))
    return (
        f"CREATE OR REPLACE VIEW {history(table)} AS SELECT {_typed(table, 'c')},"
        f" {listed((c.name for c in VALIDITY), 'p.')}"
        f" FROM {versions(table)} c JOIN {history(feed)} p ON {joined} AND c.row_version = p.version"
    )


MOMENT = (
    "(CASE WHEN length(CAST(moment AS VARCHAR)) = 10"
    " THEN timezone('Europe/Amsterdam', CAST(CAST(moment AS DATE) + 1 AS TIMESTAMP)) - INTERVAL 1 MICROSECOND"
    " ELSE CAST(moment AS TIMESTAMPTZ) END)"
)
"""A date means the end of that day in Amsterdam; any other value is a moment."""


def _as_of(table: Table, feed: Table) -> str:
    """The macro finds each record's version by its number: sorting all versions would cost five times as much.

    It is the last version received by the moment, valid until the first of all later versions. Where a clock was set
    back, version numbers and times may differ in order: `odd` contains those records.
    """
    key = listed(("account", *record_key(feed)))
    same, same_odd = (
        " AND ".join(f"{left}.{quoted(name)} = p.{quoted(name)}" for name in ("account", *record_key(feed)))
        for left in ("t", "o")
    )
    return f"""
        CREATE OR REPLACE MACRO history.{quoted(table.name + "_as_of")}(moment) AS TABLE
        WITH found AS (
            SELECT {key}, max(row_version) FILTER ({_SEEN} <= {MOMENT}) AS number, max(row_version) AS newest,
                arg_max({_SEEN}, row_version) FILTER ({_SEEN} <= {MOMENT}) AS since,
                min({_SEEN}) FILTER ({_SEEN} > {MOMENT}) AS until, count(*) FILTER ({_SEEN} > {MOMENT}) AS later
            FROM {versions(feed)} GROUP BY {key}
        ),
        odd AS (
            SELECT {key}, min({_SEEN}) AS until FROM {versions(feed)}
            JOIN (FROM found WHERE newest - number <> later) USING ({key}) WHERE row_version > number GROUP BY {key}
        )
        SELECT {_typed(table, "t")}, p.since AS valid_from,
            CASE WHEN p.number < p.newest THEN coalesce(o.until, p.until) END AS valid_to,
            p.number = p.newest AS is_current, t.row_version AS version
        FROM {versions(table)} t JOIN found p ON t.row_version = p.number AND {same}
            LEFT JOIN odd o ON {same_odd}
    """
