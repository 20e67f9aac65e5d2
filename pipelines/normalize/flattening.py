"""Nested Arrow records → one typed Arrow table for each table of the catalogue."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.catalogue.tables import Path, Table, deletion_paths, has_status
from pipelines.normalize.schemas import RECORD, frame_schema
from pipelines.normalize.values import convert, list_sizes


@dataclass
class Flat:
    """The rows of some records.

    Args:
        tables: by qualified name; the column ``record`` is the record's place in the batch.
        doubtful: places of the records that hold a value that cannot be; their rows are of no use.
    """

    tables: dict[str, pa.Table] = field(default_factory=dict)
    doubtful: set[int] = field(default_factory=set)


def flatten(table: Table, records: pa.StructArray, places: list[int]) -> Flat:
    """All rows of the records, parents and children."""
    flat = Flat()
    record = pa.array(places, pa.int32())
    columns = _own(table, records, {RECORD: record}, flat)
    columns["is_deleted"] = _is_deleted(table, records)
    for name in (*table.key[1:], "sequence_number"):
        if name in columns and columns[name].null_count:
            _doubt(flat, record, pc.indices_nonzero(columns[name].is_null()).to_pylist())
    _keep(table, columns, flat)
    for child in table.children:
        _add_children(child, records, columns, flat)
    return flat


def _doubt(flat: Flat, record: pa.Array, rows: list[int]) -> None:
    flat.doubtful.update(record.take(pa.array(rows, pa.int64())).to_pylist())


def _own(table: Table, records: pa.Array, leading: dict[str, pa.Array], flat: Flat) -> dict[str, pa.Array]:
    columns = dict(leading)
    for column in table.own_columns:
        columns[column.name], wrong = convert(column, _dig(records, column.path or ()))
        if wrong:
            _doubt(flat, columns[RECORD], wrong)
    return columns


def _keep(table: Table, columns: dict[str, pa.Array], flat: Flat) -> None:
    schema = frame_schema(table)
    flat.tables[table.qualified_name] = pa.table([columns[name] for name in schema.names], schema=schema)


def _dig(records: pa.Array, path: Path) -> pa.Array:
    for step in path:
        records = pc.struct_field(records, step)
    return records


def _is_deleted(table: Table, records: pa.Array) -> pa.Array:
    deleted = pa.repeat(pa.scalar(value=False), len(records))
    for path in deletion_paths(table):
        deleted = pc.or_(deleted, pc.fill_null(_dig(records, path), fill_value=False))
    if has_status(table):
        deleted = pc.or_(deleted, pc.fill_null(pc.equal(_dig(records, ("status",)), "DELETED"), fill_value=False))
    return deleted


def _add_children(child: Table, records: pa.Array, parent: dict[str, pa.Array], flat: Flat) -> None:
    arrays = _dig(records, child.array)
    owners = pc.list_parent_indices(arrays)
    leading = {RECORD: parent[RECORD].take(owners)}
    for column in child.columns:
        if column.path is None and column.name not in ("account", "position"):
            # A level's position goes by the level's own name below it.
            above = column.name if column.name in parent else "position"
            leading[column.name] = parent[above].take(owners)
    leading["position"] = _positions(arrays, owners)
    members = pc.list_flatten(arrays)
    columns = _own(child, members, leading, flat)
    _keep(child, columns, flat)
    for grandchild in child.children:
        _add_children(grandchild, members, columns, flat)


def _positions(arrays: pa.Array, owners: pa.Array) -> pa.Array:
    """Each member's place in its array, from 0."""
    sizes = list_sizes(arrays)
    starts = np.cumsum(sizes) - sizes
    owner = owners.to_numpy()
    return pa.array((np.arange(len(owner)) - starts[owner]).astype("int32"))
