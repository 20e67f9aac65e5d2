"""Records in one call of Arrow's JSON reader, and what it refuses or does not know."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.json

from pipelines.catalogue.tables import Table
from pipelines.normalize import exact
from pipelines.normalize.schemas import wire_type

Unknown = dict[str, str]
"""Fields that came and that the catalogue does not know: their path, and the type that they seem to have."""

BLOCK = 1000
"""Records that are read at once; the memory that they need is there for the next ones."""

LEAF = 16
"""Records below which a refused block is no longer halved but handed to the exact lane."""


@dataclass
class Read:
    """What Arrow took of some records.

    Args:
        places: the record's place in the batch, for each row of ``records``.
        records: the records as nested Arrow structs.
        refused: places of the records for the exact lane.
        unknown: unknown fields.
    """

    places: list[int] = field(default_factory=list)
    records: pa.StructArray | None = None
    refused: list[int] = field(default_factory=list)
    unknown: Unknown = field(default_factory=dict)


def read_records(table: Table, raws: Sequence[bytes], block: int = BLOCK) -> Read:
    """Read the records with the table's schema, in blocks; what a block refuses is narrowed down by halving."""
    read, parts = Read(), []
    for start in range(0, len(raws), block):
        places = list(range(start, min(start + block, len(raws))))
        for taken, part in _taken(table, raws, places, read, ("infer", "ignore")):
            read.places += taken
            parts.append(part)
    wanted = wire_type(table)
    read.records = pa.concat_arrays(parts) if parts else pa.array([], wanted)
    return read


def unknown_of(table: Table, raw: bytes) -> Unknown:
    """The unknown fields of one record, found in plain Python."""
    return dict(_unknown_values(exact.parse(raw), wire_type(table), ()))


def _taken(
    table: Table, raws: Sequence[bytes], places: list[int], read: Read, modes: tuple[str, ...]
) -> Iterator[tuple[list[int], pa.StructArray]]:
    some = [raws[place] for place in places]
    for mode in modes:
        records = _read_block(some, wire_type(table), mode)
        if records is None:
            continue
        if mode == "infer":
            read.unknown |= dict(_unknown_types(records.type, wire_type(table), ()))
        else:  # an unknown field of two types keeps Arrow from inferring
            for raw in some:
                read.unknown |= unknown_of(table, raw)
        yield places, _fit(records, wire_type(table))
        return
    if len(places) <= LEAF:
        read.refused += places
        return
    half = len(places) // 2
    yield from _taken(table, raws, places[:half], read, modes[:1])
    yield from _taken(table, raws, places[half:], read, modes[:1])


def _read_block(raws: Sequence[bytes], wanted: pa.StructType, mode: str) -> pa.StructArray | None:
    """The records as structs, or None if Arrow refuses one of them."""
    data = b"\n".join(raws)
    try:
        if not data.isascii():
            str(data, "utf-8")  # Arrow's reader does not look, and would make broken text of it
        table = pyarrow.json.read_json(
            pa.BufferReader(data),
            read_options=pyarrow.json.ReadOptions(block_size=len(data) + 64, use_threads=False),
            parse_options=pyarrow.json.ParseOptions(
                explicit_schema=pa.schema(list(wanted)), unexpected_field_behavior=mode
            ),
        )
    except (pa.ArrowException, UnicodeDecodeError):
        return None
    if table.num_rows != len(raws):
        return None
    return table.combine_chunks().to_struct_array().combine_chunks()


def _unknown_types(have: pa.DataType, want: pa.DataType, path: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    if pa.types.is_list(have) and pa.types.is_list(want):
        yield from _unknown_types(have.value_type, want.value_type, (*path[:-1], f"{path[-1]}[]"))
    elif pa.types.is_struct(have) and pa.types.is_struct(want):
        for member in have:
            place = want.get_field_index(member.name)
            if place < 0:
                yield ".".join((*path, member.name)), str(member.type)[:80]
            else:
                yield from _unknown_types(member.type, want.field(place).type, (*path, member.name))


def _unknown_values(value: object, want: pa.DataType, path: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    if isinstance(value, list) and pa.types.is_list(want):
        for item in value:
            yield from _unknown_values(item, want.value_type, (*path[:-1], f"{path[-1]}[]"))
    elif isinstance(value, dict) and pa.types.is_struct(want):
        for key, inner in value.items():
            name = key.encode("utf-8", "backslashreplace").decode()  # half a surrogate pair cannot be written down
            place = want.get_field_index(name)
            if place < 0:
                yield ".".join((*path, name)), type(inner).__name__
            else:
                yield from _unknown_values(inner, want.field(place).type, (*path, name))


def _fit(array: pa.Array, want: pa.DataType) -> pa.Array:
    """The array with exactly the catalogue's fields, in its order."""
    if array.type == want:
        return array
    mask = array.is_null() if array.null_count else None
    if pa.types.is_struct(want):
        members = [_fit(array.field(member.name), member.type) for member in want]
        return pa.StructArray.from_arrays(members, fields=list(want), mask=mask)
    return pa.ListArray.from_arrays(array.offsets, _fit(array.values, want.value_type), mask=mask)
