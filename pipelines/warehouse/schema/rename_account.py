"""Rename an account in every table that contains it."""

from __future__ import annotations

import duckdb

from pipelines.errors import UsageError
from pipelines.warehouse.file.connection import transaction
from pipelines.warehouse.schema.introspection import tables_with_accounts
from pipelines.warehouse.sql import qualified


def rename(connection: duckdb.DuckDBPyConnection, old: str, new: str) -> dict[str, int]:
    """Rename an account in all tables of feeds, their versions, raw logs and ``sync``, in one transaction.

    The order of rows does not change, because the order of the raw log is that of the versions. Tables that users
    created are not changed. The caller holds the sync lock.

    Returns:
        The number of changed rows of each ``schema.table`` that has any.

    Raises:
        UsageError: there is no account ``old``, or there is an account ``new``; nothing was changed.
    """
    check_names(connection, old, new)
    params = {"new": new, "old": old}
    changed: dict[str, int] = {}
    with transaction(connection):
        for schema, table in tables_with_accounts(connection):
            sql = f"UPDATE {qualified(schema, table)} SET account = $new WHERE account = $old"
            ((count,),) = connection.execute(sql, params).fetchall()
            if count:
                changed[f"{schema}.{table}"] = count
    return changed


def check_names(connection: duckdb.DuckDBPyConnection, old: str, new: str) -> None:
    """Raise a UsageError if there is no account ``old``, or there is an account ``new``."""
    known = accounts(connection)
    if old not in known:
        existing = f"there are: {', '.join(known)}" if known else "it has none yet"
        raise UsageError(f"the warehouse has no account {old}; {existing}")
    if new in known:
        raise UsageError(f"the warehouse already has an account {new}: two accounts cannot be merged")


def accounts(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """The names of all accounts in the tables of ``sync``, in order."""
    tables = [(schema, table) for schema, table in tables_with_accounts(connection) if schema == "sync"]
    names = (f"SELECT account FROM {qualified(schema, table)}" for schema, table in tables)
    return [name for (name,) in connection.execute(f"{' UNION '.join(names)} ORDER BY account").fetchall()]
