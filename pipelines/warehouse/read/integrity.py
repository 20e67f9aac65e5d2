"""Check the integrity of tables: unique keys, children with parents, current rows equal to their newest version.

Nothing is repaired here, only counted and listed. Every check reads the tables that it compares once, and only the
columns that it needs; :func:`scope` limits it to one run in a large table.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

import duckdb

from pipelines.catalogue.tables import SYNCED_AT, Table
from pipelines.normalize.rejected import without_value
from pipelines.warehouse.sql import current_rows, listed, literal, quoted, raw, versions

EXAMPLES = 5  # the number of examples in a finding
WHOLE_UP_TO = 1_000_000  # number of versions in a feed's raw log up to which the whole table is checked after every run

INSPECTION_SETTINGS = "SET memory_limit = '500MB'; SET threads = 1"
"""Settings of a connection for checks. More threads are slower for small tables. What does not fit into the memory is
spilled to a temporary file, and contains only keys, numbers and hashes."""


@dataclass(frozen=True)
class Example:
    """An example of a row or record that is wrong."""

    table: str  # ``schema.table``
    account: str | None  # name of the account in the settings
    key: str  # key of the row or record, its values joined with ``/``
    what: str  # description of the error


@dataclass(frozen=True)
class Finding:
    """The result of a check."""

    count: int  # number of rows or records that are wrong
    examples: tuple[Example, ...] = ()  # the first ``EXAMPLES`` of them, ordered by table, account and key
    judged: int | None = None  # number of checked rows; None if all were checked

    @classmethod
    def of(cls, count: int, examples: Sequence[dict[str, str]] | None, judged: int | None = None) -> Self:
        """The finding of a query that returns examples as structs with the fields of :class:`Example`, in order."""
        return cls(count, tuple(Example(*example.values()) for example in examples or ()), judged)


def scope(connection: duckdb.DuckDBPyConnection, table: Table, run_id: str, *, whole: bool) -> str | None:
    """The scope of the checks of a feed after a run: None for all rows, else the run whose records are checked."""
    logged = connection.execute(f"SELECT count(*) FROM {raw(table)}").fetchall()[0][0]
    return None if whole or logged <= WHOLE_UP_TO else run_id


def duplicate_keys(connection: duckdb.DuckDBPyConnection, table: Table, within: str | None = None) -> Finding:
    """Keys with more than one row, in the feed's table and its child tables; a child's key ends with its position.

    ``within`` is the id of a run, to check only the records of which it stored a version; None for all records.
    """
    return _find(connection, table, within, [_duplicates(part, table, within) for part in table.walk()])


def _duplicates(part: Table, table: Table, within: str | None) -> str:
    return (
        f"SELECT {_example(part, part.key)}, concat(count(*), ' rows') AS what"
        f" FROM {_rows(current_rows(part), table, within)} GROUP BY {listed(part.key)} HAVING count(*) > 1"
    )


def orphans(connection: duckdb.DuckDBPyConnection, table: Table, within: str | None = None) -> Finding:
    """Rows of child tables, at any depth, without a parent row."""
    selects = [_orphans(child, parent, table, within) for parent in table.walk() for child in parent.children]
    return _find(connection, table, within, selects)


def _orphans(child: Table, parent: Table, table: Table, within: str | None) -> str:
    levels = zip(child.key[:-1], parent.key, strict=True)
    same = " AND ".join(f"c.{quoted(column)} = p.{quoted(of_parent)}" for column, of_parent in levels)
    return (
        f"SELECT {_example(child, child.key)}, {literal(f'no row in {parent.qualified_name}')} AS what"
        f" FROM {_rows(current_rows(child), table, within)} c ANTI JOIN {current_rows(parent)} p ON {same}"
    )


def differs_from_raw(connection: duckdb.DuckDBPyConnection, table: Table, within: str | None = None) -> Finding:
    """Records whose current rows, including child rows, differ from their newest version in ``raw`` and ``history``.

    A record that was only renumbered has no new version, so its row may have a higher number, but not a lower one of
    the same series.
    """
    _, *children = table.walk()
    selects = [_differing(table, within), *(_differing_children(child, table, within) for child in children)]
    return _find(connection, table, within, selects, _newest(table, within))


def _newest(table: Table, within: str | None) -> str:
    """The newest version of each record in the history: its number and a hash of its content."""
    return (
        f"newest AS MATERIALIZED (SELECT {listed(table.key)}, max(row_version) AS row_version, count(*) AS versions,"
        f" arg_max({_content(table)}, row_version) AS content FROM {_rows(versions(table), table, within)}"
        f" GROUP BY {listed(table.key)})"
    )


def _content(table: Table) -> str:
    """The hash of a row without its key, its sequence number and its time."""
    left_out = {*table.key, "sequence_number", SYNCED_AT.name}
    return f"hash({listed(column.name for column in table.columns if column.name not in left_out)})"


def _differing(table: Table, within: str | None) -> str:
    key, numbered = listed(table.key), "sequence_number" in table.by_name
    below = "s.number < l.number AND s.number <> 0"  # 0 means default values, whatever the number was before
    lower = f" WHEN {below} THEN 'its number is below that of its newest version'" if numbered else ""
    return f"""
        SELECT * FROM (
            SELECT {_example(table, table.key)}, CASE
                WHEN l.versions IS NULL THEN 'no version in raw'
                WHEN s.content IS NULL THEN 'no current row'
                WHEN l.versions IS DISTINCT FROM n.versions THEN 'raw and history have different versions'
                WHEN s.content <> n.content THEN 'the current row differs from its newest version'{lower}
                END AS what
            FROM (
                SELECT {key}, {_content(table)} AS content, {"sequence_number" if numbered else "NULL"} AS number
                FROM {_rows(current_rows(table), table, within)}
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


def _differing_children(child: Table, table: Table, within: str | None) -> str:
    """Records whose rows in a child table differ from their newest version; rows without a version are orphans.

    The hash of a row is hashed again, because DuckDB combines the hashes of columns by XOR: without that, the same
    change in two rows of a record would cancel out.
    """
    key, columns = listed(table.key), listed(column.name for column in child.columns)
    digest = "count(*) AS members, bit_xor(hash(hashed)) AS content"
    return f"""
        SELECT {_example(child, table.key)}, 'the rows differ from those of its newest version' AS what
        FROM newest LEFT JOIN (
            SELECT {key}, {digest}
            FROM (SELECT {key}, hash({columns}) AS hashed FROM {_rows(current_rows(child), table, within)})
            GROUP BY {key}
        ) c USING ({key}) LEFT JOIN (
            SELECT {key}, {digest}
            FROM (SELECT {key}, row_version, hash({columns}) AS hashed FROM {_rows(versions(child), table, within)})
                SEMI JOIN newest USING ({key}, row_version) GROUP BY {key}
        ) v USING ({key})
        WHERE c.members IS DISTINCT FROM v.members OR c.content IS DISTINCT FROM v.content
    """


def open_rejections(connection: duckdb.DuckDBPyConnection, table: Table) -> Finding:
    """Open rejected records of a feed, with their reasons; a record without a key is identified by its number.

    Reasons do not contain the received value, because it could be personal.
    """
    name = "coalesce(key, concat('number ', sequence_number))"
    count, examples = connection.execute(
        f"SELECT count(*), min({{t: feed, a: account, k: {name}, w: reason}}, {EXAMPLES})"
        " FROM sync.rejected_records WHERE feed = ? AND resolved_at IS NULL",
        [table.qualified_name],
    ).fetchall()[0]
    return Finding.of(count, [{**example, "w": without_value(example["w"])} for example in examples or ()])


def _example(place: Table, key: Sequence[str]) -> str:
    """The columns that identify a wrong row: table, account and key."""
    rest = ", ".join(f"CAST({quoted(name)} AS VARCHAR)" for name in key[1:])
    return f"{literal(place.qualified_name)} AS place, account AS owner, concat_ws('/', {rest}) AS row_key"


def _rows(name: str, table: Table, within: str | None) -> str:
    """The rows of a table of the feed, or only those of records of which the run stored a version.

    They are found by key, then read by ``rowid``: the rows of a run are adjacent, so most of a large table is not read.
    """
    if within is None:
        return name
    return f"(FROM {name} WHERE rowid IN (SELECT t.rowid FROM {name} t SEMI JOIN touched USING ({listed(table.key)})))"


def _find(
    connection: duckdb.DuckDBPyConnection, table: Table, within: str | None, selects: Sequence[str], before: str = ""
) -> Finding:
    """Count the rows of some queries, and return the first few as examples."""
    span = None if within is None else _span(connection, table, within)
    if not selects or (within is not None and span is None):
        return Finding(0)
    views = ", ".join(filter(None, (*_touched(table, span), before)))
    sql = (
        f"{'WITH ' if views else ''}{views}"
        f" SELECT count(*), min({{t: place, a: owner, k: row_key, w: what}}, {EXAMPLES})"
        f" FROM ({' UNION ALL '.join(selects)})"
    )
    count, examples = connection.execute(sql, span or {}).fetchall()[0]
    return Finding.of(count, examples)


def _span(connection: duckdb.DuckDBPyConnection, table: Table, run_id: str) -> dict[str, dt.datetime] | None:
    """The time span in which this run, and no other, stored records of the feed; None if it stored none."""
    sql = "SELECT min(committed_at), max(committed_at) FROM sync.windows WHERE feed = ? AND run_id = ?"
    first, last = connection.execute(sql, [table.qualified_name, run_id]).fetchall()[0]
    return None if first is None else {"first": first, "last": last}


def _touched(table: Table, span: dict[str, dt.datetime] | None) -> Iterator[str]:
    """The keys of records of which any of the tables has a version from the span."""
    if span is None:
        return
    key = listed(table.key)
    selects = (
        f"SELECT {key} FROM {name} WHERE {quoted(SYNCED_AT.name)} BETWEEN $first AND $last"
        for name in (raw(table), versions(table), current_rows(table))
    )
    yield f"touched AS MATERIALIZED ({' UNION '.join(selects)})"
