"""Whether the tables hold together: keys once, children with parents, current rows as their newest version says.

Nothing is repaired here, only counted and named. Every inspection takes one pass over the tables that it compares and
no column more than it needs; what may be left out of a large table is settled by :func:`scope`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

import duckdb

from pipelines.catalogue.tables import SYNCED_AT, Table
from pipelines.normalize.reasons import without_value
from pipelines.warehouse.sql import current, listed, literal, quoted, raw, versions

EXAMPLES = 5
"""How many of the things that are wrong are named."""

WHOLE_UP_TO = 1_000_000
"""Versions in a feed's raw log up to which an inspection looks at the whole table after every run."""

INSPECTION_SETTINGS = "SET memory_limit = '500MB'; SET threads = 1"
"""For a connection that inspects. Small tables take longer with more threads; what does not fit into the memory goes to
a temporary file, and that is keys, numbers and hashes."""


@dataclass(frozen=True)
class Example:
    """One of the things that are wrong.

    Args:
        table: ``schema.table``.
        account: whose row.
        key: the row's or record's key, its values joined with ``/``.
        what: what is wrong with it.
    """

    table: str
    account: str | None
    key: str
    what: str


@dataclass(frozen=True)
class Finding:
    """What an inspection found.

    Args:
        count: how many things are wrong.
        examples: the first :data:`EXAMPLES` of them, in the order of table, account and key.
        judged: how many things were looked at, where not all of them could be judged.
    """

    count: int
    examples: tuple[Example, ...] = ()
    judged: int | None = None

    @classmethod
    def of(cls, count: int, examples: Sequence[dict[str, str]] | None, judged: int | None = None) -> Self:
        """The finding of a query that gathers examples as structs with the members of :class:`Example`, in order."""
        return cls(count, tuple(Example(*one.values()) for one in examples or ()), judged)


@dataclass(frozen=True)
class Span:
    """The moments in which one run stored versions of a feed; nobody else stored any between them."""

    first: dt.datetime
    last: dt.datetime


def scope(connection: duckdb.DuckDBPyConnection, table: Table, run_id: str, *, whole: bool) -> str | None:
    """What the inspections of a feed look at after a run: None for everything, else what that run stored.

    Args:
        connection: open for reading.
        table: the feed's.
        run_id: the run that has just read it.
        whole: whether it read the feed from its beginning.
    """
    logged = connection.execute(f"SELECT count(*) FROM {raw(table)}").fetchall()[0][0]
    return None if whole or logged <= WHOLE_UP_TO else run_id


def duplicate_keys(connection: duckdb.DuckDBPyConnection, table: Table, within: str | None = None) -> Finding:
    """Keys that more than one row has, of the feed's table and its children; a child's key ends with its position.

    Args:
        connection: open for reading.
        table: the feed's, children within.
        within: a run, to look only at the records of which it stored a version; None for all.
    """
    return _find(connection, table, within, [_doubled(part, table, within) for part in table.walk()])


def _doubled(part: Table, table: Table, within: str | None) -> str:
    return (
        f"SELECT {_example(part, part.key)}, concat(count(*), ' rows') AS what"
        f" FROM {_rows(current(part), table, within)} GROUP BY {listed(part.key)} HAVING count(*) > 1"
    )


def orphans(connection: duckdb.DuckDBPyConnection, table: Table, within: str | None = None) -> Finding:
    """Rows of child tables, at any depth, whose parent row is missing.

    The arguments are those of :func:`duplicate_keys`.
    """
    selects = [_orphans(child, parent, table, within) for parent in table.walk() for child in parent.children]
    return _find(connection, table, within, selects)


def _orphans(child: Table, parent: Table, table: Table, within: str | None) -> str:
    levels = zip(child.key[:-1], parent.key, strict=True)
    same = " AND ".join(f"c.{quoted(own)} = p.{quoted(theirs)}" for own, theirs in levels)
    return (
        f"SELECT {_example(child, child.key)}, {literal(f'no row in {parent.qualified_name}')} AS what"
        f" FROM {_rows(current(child), table, within)} c ANTI JOIN {current(parent)} p ON {same}"
    )


def differs_from_raw(connection: duckdb.DuckDBPyConnection, table: Table, within: str | None = None) -> Finding:
    """Records whose current rows, children within, are not those of their newest version in ``raw`` and ``history``.

    A record that only got another number has no new version: its row may stand at a higher number, never at a lower
    one of the same series. The arguments are those of :func:`duplicate_keys`.
    """
    selects = [_differing(table, within), *(_unlike(part, table, within) for part in _children(table))]
    return _find(connection, table, within, selects, (_newest(table, within),))


def _newest(table: Table, within: str | None) -> str:
    """Of each record in the history the newest version's number and content."""
    return (
        f"newest AS MATERIALIZED (SELECT {listed(table.key)}, max(row_version) AS row_version, count(*) AS versions,"
        f" arg_max({_content(table)}, row_version) AS content FROM {_rows(versions(table), table, within)}"
        f" GROUP BY {listed(table.key)})"
    )


def _content(table: Table) -> str:
    """The hash of what a row says, apart from its key, its number and when it came."""
    left_out = {*table.key, "sequence_number", SYNCED_AT.name}
    return f"hash({listed(column.name for column in table.columns if column.name not in left_out)})"


def _differing(table: Table, within: str | None) -> str:
    key, numbered = listed(table.key), "sequence_number" in table.by_name
    below = "s.number < l.number AND s.number <> 0"  # 0 stands for defaults, whatever number came before
    lower = f" WHEN {below} THEN 'its number is below that of its newest version'" if numbered else ""
    return f"""
        SELECT * FROM (
            SELECT {_example(table, table.key)}, CASE
                WHEN l.versions IS NULL THEN 'no version in raw'
                WHEN s.content IS NULL THEN 'no current row'
                WHEN l.versions IS DISTINCT FROM n.versions THEN 'raw and history have not the same versions'
                WHEN s.content <> n.content THEN 'the current row is unlike its newest version'{lower}
                END AS what
            FROM (
                SELECT {key}, {_content(table)} AS content, {"sequence_number" if numbered else "NULL"} AS number
                FROM {_rows(current(table), table, within)}
            ) s
            FULL JOIN (
                SELECT {key}, count(*) AS versions, max(sequence_number) FILTER (series = now_series) AS number
                FROM {_rows(raw(table), table, within)} LEFT JOIN (
                    SELECT account, max(series) AS now_series FROM sync.cursors
                    WHERE feed = {literal(table.qualified_name)} GROUP BY account
                ) USING (account) GROUP BY {key}
            ) l USING ({key})
            FULL JOIN newest n USING ({key})
        ) WHERE what IS NOT NULL
    """


def _unlike(child: Table, table: Table, within: str | None) -> str:
    """Records whose rows in a child table are not those of their newest version; without a version they are orphans.

    The hash of a row is hashed once more: DuckDB joins the hashes of its columns by XOR, so that the same change in two
    rows of a record would cancel out.
    """
    key, columns = listed(table.key), listed(column.name for column in child.columns)
    digest = "count(*) AS members, bit_xor(hash(hashed)) AS content"
    return f"""
        SELECT {_example(child, table.key)}, 'the rows are unlike those of its newest version' AS what
        FROM newest LEFT JOIN (
            SELECT {key}, {digest}
            FROM (SELECT {key}, hash({columns}) AS hashed FROM {_rows(current(child), table, within)}) GROUP BY {key}
        ) c USING ({key}) LEFT JOIN (
            SELECT {key}, {digest}
            FROM (SELECT {key}, row_version, hash({columns}) AS hashed FROM {_rows(versions(child), table, within)})
                SEMI JOIN newest USING ({key}, row_version) GROUP BY {key}
        ) v USING ({key})
        WHERE c.members IS DISTINCT FROM v.members OR c.content IS DISTINCT FROM v.content
    """


def open_rejections(connection: duckdb.DuckDBPyConnection, table: Table) -> Finding:
    """Records of a feed that could not be stored and have not healed, with the reasons; without a key by number.

    The value that stood where another belongs is left out of a reason: it could be personal.
    """
    name = "coalesce(key, concat('number ', sequence_number))"
    count, examples = connection.execute(
        f"SELECT count(*), min({{t: feed, a: account, k: {name}, w: reason}}, {EXAMPLES})"
        " FROM sync.rejected_records WHERE feed = ? AND resolved_at IS NULL",
        [table.qualified_name],
    ).fetchall()[0]
    return Finding.of(count, [{**one, "w": without_value(one["w"])} for one in examples or ()])


def _children(table: Table) -> list[Table]:
    return list(table.walk())[1:]


def _example(place: Table, key: Sequence[str]) -> str:
    """What every inspection selects of a row that is wrong, before it says what that is."""
    rest = ", ".join(f"CAST({quoted(name)} AS VARCHAR)" for name in key[1:])
    return f"{literal(place.qualified_name)} AS place, account AS whose, concat_ws('/', {rest}) AS row_key"


def _rows(name: str, table: Table, within: str | None) -> str:
    """The rows of a table of the feed, or of those records only of which the run stored a version.

    Found by their keys, then read by their places: those of a run lie together, and most of a large table stays unread.
    """
    if within is None:
        return name
    return f"(FROM {name} WHERE rowid IN (SELECT t.rowid FROM {name} t SEMI JOIN touched USING ({listed(table.key)})))"


def _find(
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    within: str | None,
    selects: Sequence[str],
    before: Sequence[str] = (),
) -> Finding:
    """Count what some queries select, and name the first few."""
    span = None if within is None else _span(connection, table, within)
    if not selects or (within is not None and span is None):
        return Finding(0)
    views = ", ".join((*_touched(table, span), *before))
    sql = (
        f"{'WITH ' if views else ''}{views}"
        f" SELECT count(*), min({{t: place, a: whose, k: row_key, w: what}}, {EXAMPLES})"
        f" FROM ({' UNION ALL '.join(selects)})"
    )
    count, examples = connection.execute(sql, {"first": span.first, "last": span.last} if span else {}).fetchall()[0]
    return Finding.of(count, examples)


def _span(connection: duckdb.DuckDBPyConnection, table: Table, run_id: str) -> Span | None:
    """When the run stored something of the feed; None where it stored nothing."""
    sql = "SELECT min(committed_at), max(committed_at) FROM sync.windows WHERE feed = ? AND run_id = ?"
    first, last = connection.execute(sql, [table.qualified_name, run_id]).fetchall()[0]
    return None if first is None else Span(first, last)


def _touched(table: Table, span: Span | None) -> Iterator[str]:
    """The records of which a version came in the span, whichever of the tables still knows."""
    if span is None:
        return
    key = listed(table.key)
    selects = (
        f"SELECT {key} FROM {name} WHERE {quoted(SYNCED_AT.name)} BETWEEN $first AND $last"
        for name in (raw(table), versions(table), current(table))
    )
    yield f"touched AS MATERIALIZED ({' UNION '.join(selects)})"
