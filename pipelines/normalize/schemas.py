"""Arrow schemas of the catalogue's tables: as read from JSON (wire), and as stored."""

from __future__ import annotations

from functools import cache
from typing import Any

import pyarrow as pa

from pipelines.catalogue.tables import Column, Table, deletion_paths
from pipelines.catalogue.types import Kind

UUID = pa.uuid()
TIME = pa.timestamp("us", "UTC")
MONEY = pa.decimal128(18, 6)
WIDE = pa.decimal128(38, 24)  # decimals are read with more digits than are stored, and rounded afterwards
RECORD = "record"  # the column of every frame with the position, from 0, of the row's record in the batch
COMPUTED = frozenset({"account", "synced_at"})  # columns that the warehouse fills instead of the record

_WIRE: dict[Kind, pa.DataType] = {
    Kind.UUID: pa.string(),
    Kind.TEXT: pa.string(),
    Kind.DATE: pa.string(),
    Kind.DATE_TIME: pa.string(),
    Kind.INT32: pa.int32(),
    Kind.INT64: pa.int64(),
    Kind.DECIMAL: WIDE,
    Kind.BOOLEAN: pa.bool_(),
}
_STORED: dict[Kind, pa.DataType] = {**_WIRE, Kind.DATE: pa.date32(), Kind.DATE_TIME: TIME, Kind.DECIMAL: MONEY}


def _wire(column: Column) -> pa.DataType:
    return pa.list_(_WIRE[column.kind]) if column.repeated else _WIRE[column.kind]


def _stored(column: Column) -> pa.DataType:
    """The stored type; UUIDs within lists stay text."""
    if column.repeated:
        return pa.list_(_STORED[column.kind])
    return UUID if column.kind is Kind.UUID else _STORED[column.kind]


@cache
def wire_type(table: Table) -> pa.StructType:
    """The nested type with which Arrow reads a table's records, children within."""
    tree: dict[str, Any] = {}

    def put(path: tuple[str, ...], leaf: pa.DataType) -> None:
        node = tree
        for step in path[:-1]:
            node = node.setdefault(step, {})
        node[path[-1]] = leaf

    for path in () if table.array else deletion_paths(table):
        put(path, pa.bool_())
    for column in table.own_columns:
        put(column.path or (), _wire(column))
    for child in table.children:
        put(child.array, pa.list_(wire_type(child)))
    return _struct(tree)


def _struct(tree: dict[str, Any]) -> pa.StructType:
    return pa.struct([(name, _struct(leaf) if isinstance(leaf, dict) else leaf) for name, leaf in tree.items()])


@cache
def frame_schema(table: Table) -> pa.Schema:
    """The columns of a table's frame: the record's position first, then what the record contains."""
    stored = [(column.name, _stored(column)) for column in table.columns if column.name not in COMPUTED]
    return pa.schema([(RECORD, pa.int32()), *stored])
