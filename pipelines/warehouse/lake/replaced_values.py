"""Remove values that were replaced or deleted from the files of a lake, and from its catalogue.

DuckLake keeps them for older snapshots: in Parquet files, in rows that PostgreSQL holds, and as the smallest or largest
value of a column of a file.
"""

from __future__ import annotations

from contextlib import closing

import duckdb

from pipelines.errors import WarehouseError
from pipelines.warehouse.lake.connection import ALIAS, LakeWarehouse
from pipelines.warehouse.lake.lock import postgres_session
from pipelines.warehouse.schema.introspection import existing_tables

_CALLS = (
    f"ducklake_flush_inlined_data('{ALIAS}')",
    f"ducklake_rewrite_data_files('{ALIAS}', delete_threshold => 0)",
    f"ducklake_merge_adjacent_files('{ALIAS}')",
    f"ducklake_expire_snapshots('{ALIAS}', older_than => now())",
    f"ducklake_cleanup_old_files('{ALIAS}', cleanup_all => true)",
)
_ORPHANS = f"ducklake_delete_orphaned_files('{ALIAS}', cleanup_all => true, dry_run => {{}})"
"""Files that killed processes left: no snapshot knows them."""
_WAIT = "2s"
"""For readers of a table of the catalogue; a table that is in use for longer keeps free space with old values."""


def remove_replaced_values(warehouse: LakeWarehouse) -> None:
    """Leave only current values in a lake; the caller holds the sync lock. It can be repeated.

    A query of another process that began before may fail, because files of its snapshot are removed.

    Raises:
        PipelineError: PostgreSQL or the place of the files does not answer; old values are left then.
    """
    with warehouse.writing() as connection:
        for call in _CALLS:
            connection.execute(f"CALL {call}").fetchall()
        foreign = _remove_orphans(connection, warehouse.lake.data)
    warehouse.close()
    _vacuum(warehouse)
    if foreign:
        raise WarehouseError(
            f"{foreign} is in the folder of {warehouse.name}, and not part of it. So files that killed syncs may have"
            " left there were not removed: move it to another folder, and run `floriday redact` again"
        )


def _remove_orphans(connection: duckdb.DuckDBPyConnection, data: str) -> str | None:
    """Remove files that killed processes left, unless one of them may belong to another lake; returns that one."""
    found = [path for (path,) in connection.execute(f"FROM {_ORPHANS.format('true')}").fetchall()]
    folders = {f"{schema}/{table}/" for schema, table in existing_tables(connection)}
    for path in found:
        if not any(path.removeprefix(data).startswith(folder) for folder in folders):
            return str(path)
    connection.execute(f"CALL {_ORPHANS.format('false')}").fetchall()
    return None


def _vacuum(warehouse: LakeWarehouse) -> None:
    """Write the tables of the catalogue anew, because PostgreSQL keeps the bytes of deleted rows in its files."""
    import psycopg2  # noqa: PLC0415 - only a lake needs it
    import psycopg2.sql  # noqa: PLC0415 - only a lake needs it

    schema = warehouse.lake.schema
    with closing(postgres_session(warehouse.lake, "floriday redact")) as session, session.cursor() as cursor:
        cursor.execute("SET lock_timeout = %s", [_WAIT])
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = %s ORDER BY 1", [schema])
        for (table,) in cursor.fetchall():
            try:
                cursor.execute(psycopg2.sql.SQL("VACUUM (FULL) {}").format(psycopg2.sql.Identifier(schema, table)))
            except psycopg2.errors.LockNotAvailable:
                continue
