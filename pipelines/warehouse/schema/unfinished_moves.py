"""Accounts that are being moved to a warehouse, or whose move there was interrupted.

Their rows are a copy. Nothing else writes it, so it may be deleted and made anew; readers of several cells leave it out
as long as the old place has the account.
"""

from __future__ import annotations

from collections.abc import Collection

import duckdb

from pipelines.errors import SettingError
from pipelines.warehouse.schema.introspection import has_tables
from pipelines.warehouse.storage import ALL_TABLES, FilledTables

TABLE = ("sync", "moves")


def unfinished_moves(connection: duckdb.DuckDBPyConnection, filled: FilledTables = ALL_TABLES) -> dict[str, str]:
    """The old place of each account that is being moved to the current database."""
    if TABLE not in filled or not has_tables(connection, *TABLE):
        return {}
    return dict(connection.execute("SELECT account, moved_from FROM sync.moves ORDER BY ALL").fetchall())


def check_no_move(
    connection: duckdb.DuckDBPyConnection, accounts: Collection[str], filled: FilledTables = ALL_TABLES
) -> None:
    """Refuse to sync, to rename or to move on an account whose rows are a copy that may be deleted.

    Raises:
        SettingError: the move of one of the accounts has not ended.
    """
    for account, place in unfinished_moves(connection, filled).items():
        if account in accounts:
            raise SettingError(
                f"the move of the account {account} from {place} has not ended: run `floriday move {account}` with the"
                " same --from and --to again; until then it is synced at its old place"
            )
