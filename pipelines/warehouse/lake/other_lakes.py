"""The other lakes of the same settings: those of all cells, also of cells that the settings no longer name."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import closing

from pipelines.errors import SettingError
from pipelines.lake_address import LakeAddress, WarehouseAddress
from pipelines.warehouse.lake.connection import LakeWarehouse
from pipelines.warehouse.lake.lock import postgres_session, rows_of
from pipelines.warehouse.schema.rename_account import accounts as stored_accounts

_SCHEMAS = """
    SELECT n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relname = 'ducklake_metadata' AND n.nspname <> %(own)s
        AND (n.nspname = %(whole)s OR starts_with(n.nspname, %(whole)s || '_'))
        AND has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT')
    ORDER BY n.nspname
"""


def other_lakes(lake: LakeAddress) -> list[LakeAddress]:
    """The lakes in PostgreSQL beside this one that have the same ``FLORIDAY_LAKE_SCHEMA`` and ``FLORIDAY_LAKE_DATA``.

    A schema that merely begins with the same name, such as ``floriday_test``, has its files in another place.

    Raises:
        WarehouseError: PostgreSQL does not answer.
    """
    import psycopg2.sql  # noqa: PLC0415 - only a lake needs it

    whole = lake.whole or lake
    others = []
    with closing(postgres_session(whole, "floriday")) as session:
        for (schema,) in rows_of(session, whole, _SCHEMAS, {"own": lake.schema, "whole": whole.schema}):
            other, table = _lake(whole, schema), psycopg2.sql.Identifier(schema, "ducklake_metadata")
            sql = psycopg2.sql.SQL("SELECT value FROM {} WHERE key = 'data_path'").format(table)
            if (other.data,) in rows_of(session, whole, sql):
                others.append(other)
    return others


def _lake(whole: LakeAddress, schema: str) -> LakeAddress:
    return whole if schema == whole.schema else whole.cell(schema.removeprefix(f"{whole.schema}_"))


def check_other_lakes(address: WarehouseAddress, accounts: Collection[str]) -> None:
    """Refuse to read accounts into a lake that another one has, because each record would be stored twice.

    Args:
        address: address of the warehouse; only a lake can have others beside it.
        accounts: names of the accounts that it does not have yet. To look for those that it has would attach all
            cells in every sync; a sync cannot double them.

    Raises:
        SettingError: an account is stored in another lake.
    """
    if not isinstance(address, LakeAddress) or not accounts:
        return
    for account, other in _stored(address, accounts):
        raise SettingError(
            f"account {account} is stored in cell {other.place}, and would be read anew into cell {address.place}:"
            f" `floriday move {account} --from {other.place} --to {address.place}` moves it, or name it in"
            f" FLORIDAY_CELLS for cell {other.place}"
        )


def _stored(address: LakeAddress, accounts: Collection[str]) -> Iterator[tuple[str, LakeAddress]]:
    """Accounts that other lakes have, with the lake."""
    for lake in other_lakes(address):
        warehouse = LakeWarehouse(lake)
        if not warehouse.exists():
            continue
        with warehouse.reading() as connection:
            stored = sorted({*stored_accounts(connection)} & {*accounts})
        warehouse.close()
        yield from ((account, lake) for account in stored)
