"""Another name for an account, in every table that knows it."""

from __future__ import annotations

import duckdb

from pipelines.errors import UsageError
from pipelines.warehouse.file.connection import transaction
from pipelines.warehouse.schema.introspection import tables_with_accounts
from pipelines.warehouse.sql import qualified


def rename(connection: duckdb.DuckDBPyConnection, old: str, new: str) -> dict[str, int]:
    """Give an account another name in all tables of feeds, their versions, raw logs and ``sync``, in one transaction.

    Rows stay where they stand: the raw log's order is that of its versions. Tables that users made are left alone.

    Args:
        connection: open for writing, laid out; the caller holds the warehouse's lock.
        old: its name.
        new: the name that it gets.

    Returns:
        How many rows were changed, by ``schema.table``, where any were.

    Raises:
        UsageError: there is no account ``old``, or one called ``new``; nothing was changed.
    """
    known = accounts(connection)
    if old not in known:
        there = f"there are: {', '.join(known)}" if known else "it has none yet"
        raise UsageError(f"the warehouse has no account {old}; {there}")
    if new in known:
        raise UsageError(f"the warehouse already has an account {new}: two accounts never become one")
    changed: dict[str, int] = {}
    with transaction(connection):
        for schema, table in tables_with_accounts(connection):
            ((count,),) = connection.execute(
                f"UPDATE {qualified(schema, table)} SET account = $new WHERE account = $old",
                {"new": new, "old": old},
            ).fetchall()
            if count:
                changed[f"{schema}.{table}"] = count
    return changed


def accounts(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """The names under which anything is known of an account, in order."""
    tables = [(schema, table) for schema, table in tables_with_accounts(connection) if schema == "sync"]
    names = (f"SELECT account FROM {qualified(schema, table)}" for schema, table in tables)
    return [name for (name,) in connection.execute(f"{' UNION '.join(names)} ORDER BY account").fetchall()]
