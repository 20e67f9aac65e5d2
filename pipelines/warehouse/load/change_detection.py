"""Change detection: each record of a batch is compared with the raw log and the current rows.

A new content hash makes a new version. This module writes only temporary tables.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import duckdb

from pipelines.catalogue.tables import Table
from pipelines.normalize import Batch
from pipelines.warehouse.sql import current_rows, joined_key, listed, place_in_log, quoted, raw, record_key, same_key
from pipelines.warehouse.storage import register

if TYPE_CHECKING:
    import pandas as pd

VERDICTS = "verdicts"
MOST_AHEAD = 100


class StoredNumber(NamedTuple):
    """The sequence number with which a record is stored."""

    number: int
    key: str  # of the record, joined


@dataclass(frozen=True)
class IncomingBatch:
    """A batch on a connection: its frames are views, what is detected is a temporary table."""

    connection: duckdb.DuckDBPyConnection  # open for writing, within a transaction
    table: Table
    params: Mapping[str, object]  # `account`, `series`, `moment` and `run_id`, the parameters of the statements

    @property
    def originals(self) -> str:
        """The view of the records as received, with their keys and numbers."""
        return "originals"

    def rows(self, table: Table) -> str:
        """The view of the normalized rows of the feed's table, or of a child table."""
        return quoted(f"batch_{table.name}")

    @property
    def is_numbered(self) -> bool:
        """Whether the records have sequence numbers; those of a snapshot have none."""
        return "sequence_number" in self.table.by_name

    def number(self, alias: str) -> str:
        """A record's sequence number as SQL, NULL in a snapshot."""
        return f"{alias}.sequence_number" if self.is_numbered else "CAST(NULL AS BIGINT)"

    def execute(self, sql: str) -> duckdb.DuckDBPyConnection:
        """Execute a statement with those parameters that occur in it: DuckDB refuses more."""
        return self.connection.execute(sql, {name: self.params[name] for name in self.params if f"${name}" in sql})


@dataclass(frozen=True)
class DetectedChanges:
    """What was detected in a batch."""

    new: int = 0  # records that were not known
    changed: int = 0  # versions of known records
    all_first: bool = False  # whether each record of the batch is the only version of its record, here and in the batch
    some_twice: bool = False  # whether the batch has several versions of a record
    older: int = 0  # records of the batch that are older than what is stored, which are ignored
    ahead: frozenset[StoredNumber] = frozenset()  # the stored numbers of some of these
    verdicts: str = VERDICTS  # the temporary table with a row for each record that is not ignored

    @property
    def versions(self) -> int:
        """Number of versions that are added."""
        return self.new + self.changed


@contextmanager
def on_connection(
    connection: duckdb.DuckDBPyConnection, table: Table, batch: Batch, params: Mapping[str, object]
) -> Iterator[IncomingBatch]:
    """Within the block the frames of a batch are views of the connection, which is within a transaction.

    After an error they stay until the connection is closed: in DuckDB 2, nothing but a rollback is possible then.
    """
    frames = {f"batch_{name.split('.')[1]}": frame for name, frame in batch.frames.items()}
    frames["originals"] = _with_keys(table, batch)
    register(connection, **frames)
    yield IncomingBatch(connection, table, params)
    for name in frames:
        connection.unregister(name)


def _with_keys(table: Table, batch: Batch) -> pd.DataFrame:
    """The payloads beside the records' keys and numbers; a join of DuckDB's would copy them once more."""
    rows = batch.frames[table.qualified_name]
    if not rows["record"].equals(batch.originals["record"]):
        rows = rows.set_index("record").loc[batch.originals["record"]]
    names = [*record_key(table), *(["sequence_number"] if "sequence_number" in table.by_name else [])]
    return batch.originals.assign(**{name: rows[name].array for name in names})


def detect_changes(incoming: IncomingBatch) -> DetectedChanges:
    """Fill the table ``verdicts``.

    A record older than the one stored gets no verdict. Of several versions of a record in one batch each counts,
    and the one with the highest number becomes the current row. In a list without numbers that is the last one; an
    earlier one that was stored before gets no verdict, so that the same list read again adds no version.

    The number 0 means that a record has its defaults again, of which Floriday stores nothing (docs/floriday.md: Change
    feeds). It counts as the highest number that is known of the record, so that the version served last is current.
    """
    key = record_key(incoming.table)
    incoming.execute(
        f"CREATE OR REPLACE TEMP TABLE incoming AS SELECT o.record, {listed(key, 'o.')},"
        f" {incoming.number('o')} AS sequence_number, o.content_hash FROM {incoming.originals} o"
    )
    _look_up(incoming)
    ((records, keys, known),) = incoming.execute(
        f"SELECT count(*), count(DISTINCT ({listed(key)})), EXISTS (FROM newest) OR EXISTS (FROM stored_rows)"
        " FROM incoming"
    ).fetchall()
    if known or keys < records:
        return _compared(incoming, records)
    incoming.execute(
        f"CREATE OR REPLACE TEMP TABLE {VERDICTS} AS SELECT *, sequence_number AS counted, true AS is_version,"
        " CAST(1 AS BIGINT) AS version, $moment AS row_synced_at, true AS is_newest FROM incoming"
    )
    return DetectedChanges(records, all_first=True)


def _look_up(incoming: IncomingBatch) -> None:
    """Fill ``newest`` from the raw log, and ``stored_rows`` with the places of the current rows."""
    table, key = incoming.table, record_key(incoming.table)
    place = place_in_log("r")
    stored = "max(t.sequence_number)" if incoming.is_numbered else "NULL"
    incoming.execute(
        f"CREATE OR REPLACE TEMP TABLE newest AS SELECT {listed(key, 'r.')},"
        f" arg_max(r.content_hash, {place}) AS content_hash, max(r.series) AS series,"
        f" arg_max(r.sequence_number, {place}) AS sequence_number, arg_max(r.synced_at, {place}) AS synced_at,"
        f" count(*) AS versions FROM {raw(table)} r JOIN (SELECT DISTINCT {listed(key)} FROM incoming) k"
        f" ON {same_key(table, 'r', 'k')} WHERE r.account = $account GROUP BY {listed(key, 'r.')}"
    )
    incoming.execute(
        f"CREATE OR REPLACE TEMP TABLE stored_rows AS SELECT {listed(key, 't.')}, {stored} AS sequence_number,"
        f" list(t.rowid) AS places FROM {current_rows(table)} t JOIN (SELECT DISTINCT {listed(key)} FROM incoming) k"
        f" ON {same_key(table, 't', 'k')} WHERE t.account = $account GROUP BY {listed(key, 't.')}"
    )


def listed_contents(
    connection: duckdb.DuckDBPyConnection, table: Table, account: str, scopes: Sequence[Mapping[str, int]]
) -> list[Counter[bytes]]:
    """For each request of a snapshot, the content hashes of the records that it should list if nothing has changed.

    ``scopes`` are the values of the key columns, such as year and week, that each request is for; no values for all.
    """
    names = tuple(scopes[0])
    within = [" AND ".join(f"t.{quoted(name)} = {int(scope[name])}" for name in names) or "true" for scope in scopes]
    rows = connection.execute(
        f"SELECT [{listed(names, 't.')}], arg_max(r.content_hash, {place_in_log('r')}) FROM {current_rows(table)} t"
        f" JOIN {raw(table)} r ON {same_key(table, 't', 'r')} WHERE t.account = $account AND r.account = $account"
        f" AND NOT t.is_deleted AND ({' OR '.join(within)}) GROUP BY {listed(record_key(table), 't.')}",
        {"account": account},
    ).fetchall()
    contents: dict[tuple[int, ...], Counter[bytes]] = {}
    for values, content in rows:
        contents.setdefault(tuple(values), Counter())[content] += 1
    return [contents.get(tuple(scope.values()), Counter()) for scope in scopes]


def _repeated(table: Table) -> str:
    """The query for records that are in the raw log, and that a later record of the batch with their key follows."""
    followed = f"lead(record) OVER (PARTITION BY {listed(record_key(table))} ORDER BY record) IS NOT NULL"
    return (
        f"SELECT e.record FROM (SELECT *, {followed} AS is_followed FROM incoming) e JOIN {raw(table)} r"
        f" ON r.account = $account AND {same_key(table, 'r', 'e')} AND r.content_hash = e.content_hash"
        " WHERE e.is_followed"
    )


def _compared(incoming: IncomingBatch, records: int) -> DetectedChanges:
    """The changes if some records are known, or occur in several versions."""
    table, key = incoming.table, record_key(incoming.table)
    order = f"PARTITION BY {listed(key, 'i.')} ORDER BY i.counted, i.record"
    not_older = "i.counted >= i.counted_before" if incoming.is_numbered else "true"
    not_repeated = "true" if incoming.is_numbered else f"i.record NOT IN ({_repeated(table)})"
    incoming.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE {VERDICTS} AS
        WITH known AS (
            SELECT i.*, n.versions, n.synced_at, n.content_hash AS hash_before, n.series, s.places,
                CASE WHEN n.series = $series THEN greatest(n.sequence_number, s.sequence_number) END AS counted_before
            FROM incoming i LEFT JOIN newest n ON {same_key(table, "i", "n")}
                LEFT JOIN stored_rows s ON {same_key(table, "i", "s")}
        ),
        counted AS (
            SELECT i.*, CASE WHEN i.sequence_number = 0 THEN max(greatest(i.sequence_number, i.counted_before)) OVER (
                PARTITION BY {listed(key, "i.")} ORDER BY i.record ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
            ) ELSE i.sequence_number END AS counted FROM known i
        ),
        judged AS (
            SELECT i.*, i.content_hash IS DISTINCT FROM lag(i.content_hash, 1, i.hash_before) OVER ({order})
                AS is_version
            FROM counted i WHERE (i.series IS NULL OR i.series < $series OR {not_older}) AND {not_repeated}
        )
        SELECT i.*, coalesce(versions, 0) + sum(CAST(is_version AS INTEGER)) OVER ({order}) AS version,
            CASE WHEN bool_or(is_version) OVER (PARTITION BY {listed(key, "i.")}) THEN $moment ELSE synced_at END
                AS row_synced_at,
            row_number() OVER (PARTITION BY {listed(key, "i.")} ORDER BY i.counted DESC, i.record DESC) = 1
                AS is_newest,
            count(*) OVER (PARTITION BY {listed(key, "i.")}) > 1 AS is_twice
        FROM judged i
        """
    )
    ((judged, new, changed, some_twice),) = incoming.execute(
        "SELECT count(*), count(*) FILTER (is_version AND version = 1), count(*) FILTER (is_version AND version > 1),"
        f" coalesce(bool_or(is_twice), false) FROM {VERDICTS}"
    ).fetchall()
    older = records - judged
    ahead = _ahead(incoming) if older else frozenset()
    return DetectedChanges(new, changed, some_twice=some_twice, older=older, ahead=ahead)


def _ahead(incoming: IncomingBatch) -> frozenset[StoredNumber]:
    """The stored numbers of records of the batch that have lower ones now, at most :data:`MOST_AHEAD`."""
    table = incoming.table
    rows = incoming.execute(
        f"SELECT DISTINCT greatest(n.sequence_number, s.sequence_number) AS stored, {joined_key(table, 'i')}"
        " FROM incoming i"
        f" JOIN newest n ON {same_key(table, 'i', 'n')} LEFT JOIN stored_rows s ON {same_key(table, 'i', 's')}"
        f" WHERE n.series = $series AND i.sequence_number BETWEEN 1 AND stored - 1 ORDER BY ALL LIMIT {MOST_AHEAD}"
    ).fetchall()
    return frozenset(StoredNumber(number, key) for number, key in rows)
