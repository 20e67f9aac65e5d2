"""Typed and history tables rebuilt from the raw log alone: raw → normalize → warehouse, without any request."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import duckdb

from pipelines.catalogue import Catalogue, other_names
from pipelines.catalogue.tables import Table, tables_of
from pipelines.catalogue.types import Source
from pipelines.errors import WarehouseError
from pipelines.normalize import Batch, normalize
from pipelines.normalize.former_names import former_names, with_present_names
from pipelines.reports import install
from pipelines.warehouse.file.connection import Warehouse, transaction
from pipelines.warehouse.load import replay
from pipelines.warehouse.load.replay import Slice
from pipelines.warehouse.schema import migrate
from pipelines.warehouse.schema.create import create_tables, refresh_descriptions
from pipelines.warehouse.schema.introspection import typed_tables
from pipelines.warehouse.schema.rename_feed import rename_feed
from pipelines.warehouse.sql import literal

NORMALIZERS, QUEUED_SLICES = 2, 4
"""Slices that are normalized at once: more than half of that time is Arrow's, which releases the interpreter lock; and
slices in the queue, so that the writer never waits."""


@dataclass(frozen=True)
class Rebuilt:
    """The result of a rebuild."""

    feed: str  # `schema.table`
    records: int  # number of rows in its table
    versions: int  # number of versions in the raw log
    seconds: float


def rebuild(warehouse: Warehouse, source: Source) -> Rebuilt:
    """Rebuild the tables of a feed, all or nothing; readers wait meanwhile, and the caller holds the warehouse's lock.

    A row's sequence number is then that of its newest version: a record that was renumbered without any other change
    has no version of its own for that.

    Raises:
        WarehouseError: a payload cannot be read any more, or the file cannot be used; nothing was changed.
    """
    began, table = time.monotonic(), tables_of(source)
    with warehouse.writing() as connection, transaction(connection):
        _raise_memory_limit(connection)
        changed = migrate.outdated_feeds(connection, [table])
        if changed:
            migrate.recreate_empty(connection, table)
        else:
            replay.clear(connection, table)
        records, count = _fill(connection, source, table)
        if changed:
            _recreate_reports(connection)
    return Rebuilt(source.name, records, count, time.monotonic() - began)


def bring_up_to_date(connection: duckdb.DuckDBPyConnection, catalogue: Catalogue) -> bool:
    """Migrate a warehouse of an older layout, or of another version of the API; returns whether it was one.

    A feed whose tables differ is rebuilt from its raw log, row for row as it was, with the numbers that its rows had. A
    feed that the API calls otherwise is renamed first, so that it continues at its cursor. Tables that this version
    does not have stay as they are. All of it is one transaction of the caller.

    Raises:
        WarehouseError: what is stored cannot be read by this version. Nothing was changed.
    """
    if migrate.is_up_to_date(connection, catalogue.version):
        return False
    _raise_memory_limit(connection)
    tables = {tables_of(source): source for source in catalogue.sources}
    migrate.migrate_sync_tables(connection)
    for table, source in tables.items():
        for other in other_names(catalogue, source):
            rename_feed(connection, tables_of(other), table)
    for table in migrate.outdated_feeds(connection, list(tables)):
        migrate.recreate_empty(connection, table)
        _fill(connection, tables[table], table)
        migrate.restore_sequence_numbers(connection, table)
    create_tables(connection, list(tables))
    refresh_descriptions(connection, list(tables))
    _recreate_reports(connection)
    migrate.record_versions(connection, catalogue.version)
    return True


def _raise_memory_limit(connection: duckdb.DuckDBPyConnection) -> None:
    """Remove the memory limit: a feed is one transaction, and nothing else runs at the same time."""
    connection.execute("RESET memory_limit")  # shows DuckDB's own limit, and does not apply it
    ((limit,),) = connection.execute("SELECT current_setting('memory_limit')").fetchall()
    connection.execute(f"SET memory_limit = {literal(limit)}")


def _fill(connection: duckdb.DuckDBPyConnection, source: Source, table: Table) -> tuple[int, int]:
    """Fill the empty tables of a feed from its raw log; returns the number of records and versions."""
    count = 0
    replay.number(connection, table)
    for log_slice, batch in _normalized(source, table, replay.slices(connection, table)):
        _check(source, batch)
        replay.put(connection, table, log_slice, batch)
        count += batch.served
    return replay.records(connection), count


def _normalized(source: Source, table: Table, slices: Iterable[Slice]) -> Iterator[tuple[Slice, Batch]]:
    """The slices with what they hold; while the caller stores one, threads normalize the next ones."""
    names = former_names(source.record)

    def normalized(payloads: Sequence[bytes]) -> Batch:
        return normalize(table, with_present_names(payloads, names), with_originals=False)

    with ThreadPoolExecutor(NORMALIZERS, "floriday normalize") as normalizer:
        pending: list[tuple[Slice, Future[Batch]]] = []
        for log_slice in slices:
            pending.append((log_slice, normalizer.submit(normalized, log_slice.payloads)))
            if len(pending) > QUEUED_SLICES:
                before, batch = pending.pop(0)
                yield before, batch.result()
        for last, batch in pending:
            yield last, batch.result()


def _recreate_reports(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the reports again: DuckDB's views fail when the columns of their tables change."""
    install(connection, {f"{schema}.{name}" for schema, name in typed_tables(connection)}, anew=True)


def _check(source: Source, batch: Batch) -> None:
    """Refuse a log with records that this version of the catalogue cannot read."""
    if batch.rejected:
        first = batch.rejected[0]
        raise WarehouseError(
            f"{len(batch.rejected)} or more versions in raw.{source.table} cannot be read by this version of"
            f" floriday-warehouse, such as {first.key}: {first.reason}. Nothing was changed: use the version that"
            " stored them",
            feed=source.name,
        )
