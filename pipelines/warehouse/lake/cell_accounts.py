"""In which cell readers of several cells read an account: in one, even where the lakes of two have rows of it."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping

import duckdb

from pipelines.errors import WarehouseError
from pipelines.lake_address import LakeCells

LeftOut = dict[str, set[str]]
"""By database, accounts whose rows there do not count."""

_LOG = logging.getLogger(__name__)
_named: set[str] = set()  # warnings of this process


def accounts_to_leave_out(
    connection: duckdb.DuckDBPyConnection, cells: LakeCells, databases: Mapping[str, str]
) -> LeftOut:
    """The accounts whose rows in a cell are not read, because another cell has the account.

    These are copies of moves that have not ended, and accounts that a change of ``FLORIDAY_CELLS`` has doubled: they
    are read in the cell that it names for them, and a warning names the other.

    Args:
        connection: connection to which the lakes are attached.
        cells: cells of the settings with their accounts.
        databases: by cell, the name of its lake within the connection.

    Raises:
        WarehouseError: an account is stored in two cells, and the settings name neither for it.
    """
    stored = _accounts(connection, databases, "accounts")
    copies = _copies(connection, databases, stored)
    counted = {cell: accounts - copies[cell] for cell, accounts in stored.items()}
    left_out = {databases[cell]: {*accounts} for cell, accounts in copies.items() if accounts}
    homes = {account: cell for cell, accounts in cells.members for account in accounts}
    for account, places in doubled(counted.items()).items():
        home = homes.get(account)
        if home not in places:
            raise WarehouseError(
                f"the account {account} is stored in the cells {' and '.join(places)}, and FLORIDAY_CELLS names neither"
                f" for it: add it to the right one, and put the other rows aside:{_remedy(account, places[1])}"
            )
        for place in places:
            if place != home:
                left_out.setdefault(databases[place], set()).add(account)
                _warn(account, home, place)
    return left_out


def doubled(stored: Iterable[tuple[str, Iterable[str]]]) -> dict[str, list[str]]:
    """The accounts that several cells have, with the names of these cells."""
    places: dict[str, list[str]] = {}
    for cell, accounts in stored:
        for account in accounts:
            places.setdefault(account, []).append(cell)
    return {account: places[account] for account in sorted(places) if len(places[account]) > 1}


def check_not_doubled(stored: Iterable[tuple[str, Iterable[str]]]) -> None:
    """Refuse to copy all cells into one file if an account is stored in two.

    Raises:
        WarehouseError: an account is stored in two cells.
    """
    for account, places in doubled(stored).items():
        raise WarehouseError(
            f"the account {account} is stored in the cells {' and '.join(places)}: put the rows of the wrong one"
            f" aside:{_remedy(account, 'CELL')}"
        )


def _remedy(account: str, place: str) -> str:
    return f" `floriday move {account} --from {place} --to {account}-aside.duckdb`"


def _warn(account: str, home: str, place: str) -> None:
    message = (
        f"the account {account} is stored in the cells {home} and {place}: it is read in {home}, which FLORIDAY_CELLS"
        f" names. Put the other rows aside:{_remedy(account, place)}"
    )
    if message not in _named:
        _named.add(message)
        _LOG.warning("%s", message)


def _copies(
    connection: duckdb.DuckDBPyConnection, databases: Mapping[str, str], stored: Mapping[str, set[str]]
) -> dict[str, set[str]]:
    """By cell, the accounts that are being moved there, where their old place is one of the other cells."""
    moves = _accounts(connection, databases, "moves")
    return {
        cell: moves[cell] & set().union(*(accounts for other, accounts in stored.items() if other != cell))
        for cell in databases
    }


def _accounts(connection: duckdb.DuckDBPyConnection, databases: Mapping[str, str], table: str) -> dict[str, set[str]]:
    """By cell, the accounts in a table of the schema ``sync``, which new cells and those of older versions may lack."""
    sql = "SELECT DISTINCT database_name FROM duckdb_columns() WHERE (schema_name, table_name) = ('sync', ?)"
    having = {name for (name,) in connection.execute(sql, [table]).fetchall()}
    found: dict[str, set[str]] = {cell: set() for cell in databases}
    for cell, name in databases.items():
        if name in having:
            rows = connection.execute(f"SELECT account FROM {name}.sync.{table}").fetchall()
            found[cell] = {account for (account,) in rows}
    return found
