"""The schema ``lookup``: code lists that users load, such as the names of VBN codes; a warehouse has none at first."""

from __future__ import annotations

import duckdb

from pipelines.catalogue.tables import Column
from pipelines.catalogue.types import Kind
from pipelines.warehouse.schema.feed_tables import comment_statements, create_statement
from pipelines.warehouse.schema.introspection import Columns
from pipelines.warehouse.sql import quoted, script

SCHEMA = "lookup"
_NAME = Column("name", Kind.TEXT, "What the code means")
_CHARACTERISTIC = Column("vbn_code", Kind.TEXT, "VBN code of the characteristic, such as S01")

LOOKUP_TABLES: dict[str, tuple[str, tuple[Column, ...]]] = {
    "vbn_products": (
        "Names of VBN product codes, from a code list of the user",
        (Column("vbn_product_code", Kind.INT32, "VBN code of the product"), _NAME),
    ),
    "vbn_packages": (
        "Names of VBN package codes, from a code list of the user",
        (Column("vbn_package_code", Kind.INT32, "VBN code of the package"), _NAME),
    ),
    "vbn_characteristics": ("Names of VBN characteristics, from a code list of the user", (_CHARACTERISTIC, _NAME)),
    "vbn_characteristic_values": (
        "Names of the values of VBN characteristics, from a code list of the user",
        (_CHARACTERISTIC, Column("vbn_value_code", Kind.TEXT, "VBN code of the value, such as 012"), _NAME),
    ),
}
"""The tables of the schema: description and columns of each; all columns but the name are the key."""


def loaded_lists(existing: Columns) -> frozenset[str]:
    """The names of the tables of the schema among the existing ones."""
    return frozenset(name for schema, name in existing if schema == SCHEMA)


def create_list(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    """Create a table of the schema, or replace it by an empty one; within a transaction."""
    description, columns = LOOKUP_TABLES[name]
    connection.execute(f"CREATE SCHEMA IF NOT EXISTS {quoted(SCHEMA)}")
    connection.execute(f"DROP TABLE IF EXISTS {quoted(SCHEMA)}.{quoted(name)}")
    connection.execute(create_statement(f"{SCHEMA}.{name}", columns))
    connection.execute(script(comment_statements(f"{SCHEMA}.{name}", "TABLE", description, columns)))


def without_rows(name: str) -> str:
    """A query with the columns of a table of the schema and without rows, in place of a table that is missing."""
    _, columns = LOOKUP_TABLES[name]
    nulls = ", ".join(f"CAST(NULL AS {column.type}) AS {quoted(column.name)}" for column in columns)
    return f"(SELECT {nulls} WHERE false)"
