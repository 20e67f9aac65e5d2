"""Fill the tables of an API with the trade of a large account, in SQL.

The rows are generated from the catalogue: keys that refer to each other, enumerations, and plausible numbers and times.
"""

from __future__ import annotations

from pathlib import Path

import duckdb

from pipelines.catalogue import catalogue_of
from pipelines.catalogue.tables import Column, Table, tables_of
from pipelines.catalogue.types import Kind
from pipelines.reports import install
from pipelines.warehouse.file.connection import Warehouse, transaction
from pipelines.warehouse.schema.create import create_tables
from pipelines.warehouse.sql import current_rows, listed, versions

SHARES = {
    "orders.sales_orders": 1.0,
    "orders.invoice_lines": 0.95,
    "supply.batch_mutations": 1.0,
    "fulfillment.fulfillment_requests": 0.8,
    "fulfillment.fulfillment_request_claims": 0.8,
    "fulfillment.fulfillment_order_load_carrier_items": 0.8,
    "orders.sales_order_additional_services": 0.3,
    "supply.supply_lines": 0.3,
    "fulfillment.delivery_orders": 0.2,
    "fulfillment.fulfillment_order_load_carriers": 0.2,
    "orders.sales_order_mutations": 0.1,
    "supply.batches": 0.1,
    "fulfillment.fulfillment_orders": 0.1,
    "orders.sales_order_correction_requests": 0.05,
    "organizations.organizations": 0.02,
    "orders.contract_line_periods": 0.02,
    "orders.blanket_order_lines": 0.02,
}
"""Rows for each sales order; of other tables :data:`FEW`."""
FEW = 0.002

DISTRIBUTIONS = {
    "orders.sales_orders.status": "if(chance(i, 'status', 100) < 90, 'COMMITTED', 'CANCELLED')",
    "orders.sales_orders.customer_organization_id": "CAST(md5('organization_id' || chance(i, 'buyer', 2000)) AS UUID)",
    "orders.sales_orders.seller_organization_id": "CAST(md5('organization_id' || chance(i, 'seller', 500)) AS UUID)",
    "orders.sales_orders.number_of_pieces": "chance(i, 'pieces', 500)",
    "orders.sales_orders.calculated_fields_order_amount_value": "chance(i, 'amount', 100000) / 1000",
    "orders.invoice_lines.sales_order_id": "CAST(md5('sales_order_id' || i) AS UUID)",
    "orders.invoice_lines.number_of_pieces": "chance(i, 'pieces', 500)",
    "orders.invoice_lines.sub_total_amount": "chance(i, 'amount', 100000) / 1000",
    "orders.blanket_orders.status_approval_status": "if(chance(i, 'status', 100) < 80, 'APPROVED', 'DECLINED')",
    "orders.contracts.version_is_latest_approved_version": "true",
    "fulfillment.fulfillment_orders.status": "if(chance(i, 'status', 100) < 80, 'ACCEPTED', 'CANCELLED')",
    "supply.batch_mutations.type": "if(chance(i, 'type', 100) < 90, 'CLAIM', 'UNCLAIM')",
}
"""SQL of columns whose values are not evenly distributed; for example, most orders are committed."""

WITH_HISTORY = ("supply.supply_lines", "organizations.connections")
"""Tables whose history is read by reports."""
VERSIONS = 2
"""Number of versions of each record in these tables."""


class TableFiller:
    """Fills the tables of an API.

    Args:
        connection: connection to a warehouse whose tables exist.
        tables: tables of all feeds and snapshots.
        orders: number of sales orders to generate.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, tables: list[Table], orders: int) -> None:
        self._connection = connection
        self._tables = tables
        names = [part.qualified_name for table in tables for part in table.walk()]
        self._rows = {name: max(1, int(SHARES.get(name, FEW) * orders)) for name in names}
        self._records = {_id_of(name.split(".")[1]): rows for name, rows in self._rows.items()}

    def fill(self) -> None:
        """Insert all rows, and versions into the tables of :data:`WITH_HISTORY`."""
        self._connection.execute(
            "CREATE TEMP MACRO chance(i, salt, upto) AS CAST(hash(i, salt) % CAST(upto AS UBIGINT) AS INTEGER)"
        )
        for table in self._tables:
            for part in table.walk():
                parents = self._rows[table.qualified_name]
                values = ", ".join(self._value(part, column, parents) for column in part.columns)
                rows = self._rows[part.qualified_name]
                self._connection.execute(f"INSERT INTO {current_rows(part)} SELECT {values} FROM range({rows}) r(i)")
            if table.qualified_name in WITH_HISTORY:
                columns = listed(column.name for column in table.columns)
                self._connection.execute(
                    f"INSERT INTO {versions(table)} SELECT {columns}, 1, v.version FROM {current_rows(table)},"
                    f" range(1, {VERSIONS + 1}) v(version)"
                )

    def _value(self, part: Table, column: Column, parents: int) -> str:
        """SQL of a column; ``i`` is the number of the row."""
        positions = [name for name in part.key if name.endswith("position")]
        if column.name == "account":
            value = "'main'"
        elif column.name in positions:
            value = _position(positions.index(column.name), len(positions), f"i // {parents}")
        elif column.name in part.key or column.name == _id_of(part.name):
            number = f"i % {parents}" if part.array and column.name in part.key else "i"
            value = self._identifier(column.name, number) if column.kind is Kind.UUID else number
        else:
            value = "NULL" if column.repeated else self._plain(f"{part.qualified_name}.{column.name}", column)
        return f"CAST({value} AS {column.type})"

    def _plain(self, name: str, column: Column) -> str:
        """A value outside of the key: a reference to another record, or a value of the column's type."""
        if name in DISTRIBUTIONS:
            return DISTRIBUTIONS[name]
        if name.endswith("period_end_date_time"):
            begins = self._plain(name.replace("period_end", "period_start"), column)
            return f"{begins} + to_days(5)"
        if column.values:
            return f"{sorted(column.values)}[1 + chance(i, '{name}', {len(column.values)})]"
        if column.kind is Kind.UUID:
            known = self._referred_id(column.name)
            return self._identifier(column.name, f"chance(i, '{name}', {self._records.get(known, 10**6)})")
        return _PLAIN[column.kind].format(name=name)

    def _identifier(self, name: str, number: str) -> str:
        return f"CAST(md5('{self._referred_id(name)}' || ({number})) AS UUID)"

    def _referred_id(self, name: str) -> str:
        """The id that a column refers to: ``trade_item_id`` for ``trade_item_trade_item_id``."""
        return max((known for known in self._records if name.endswith(known)), key=len, default=name)


def _id_of(table: str) -> str:
    """The name of the id of a table's records: ``batch_id`` for ``batches``."""
    return f"{table.removesuffix('es' if table.endswith('ches') else 's')}_id"


def _position(level: int, levels: int, member: str) -> str:
    """The position of an array's member on one of its levels; every level but the last has three members."""
    index = f"({member}) // {3**level}"
    return index if level == levels - 1 else f"({index}) % 3"


_PLAIN = {
    Kind.DATE_TIME: (
        "TIMESTAMPTZ '2025-01-01 00:00:00+00' + to_days(chance(i, '{name}', 730))"
        " + to_hours(4 + 3 * chance(i + 1, '{name}', 5))"
    ),
    Kind.DATE: "DATE '2025-01-01' + chance(i, '{name}', 730)",
    Kind.BOOLEAN: "chance(i, '{name}', 100) < 3",
    Kind.DECIMAL: "chance(i, '{name}', 100000) / 1000",
    Kind.INT32: "chance(i, '{name}', 500)",
    Kind.INT64: "chance(i, '{name}', 500)",
    Kind.TEXT: "'text ' || chance(i, '{name}', 1000)",
}
"""Times are at five hours of a day within two years, because real deliveries are as regular."""


def filled_warehouse(api: str, orders: int, folder: Path) -> tuple[Warehouse, frozenset[str]]:
    """A warehouse with so many sales orders, and the names of its reports."""
    warehouse = Warehouse(folder / f"{api}.duckdb")
    tables = [tables_of(source) for source in catalogue_of(api).sources]
    with warehouse.writing() as connection:
        with transaction(connection):
            create_tables(connection, tables)
            names = install(connection, {part.qualified_name for table in tables for part in table.walk()})
        TableFiller(connection, tables, orders).fill()
    return warehouse, frozenset(names)
