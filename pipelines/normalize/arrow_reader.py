"""Records in one call of Arrow's JSON reader, and what it refuses or does not know."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import starmap

import pyarrow as pa
import pyarrow.json

from pipelines.catalogue.tables import Path, Table
from pipelines.normalize import exact
from pipelines.normalize.schemas import wire_type

Unknown = dict[str, str]
"""Fields that came and that the catalogue does not know: their path, and the type that they seem to have."""

BLOCK = 1000
"""Records that are read at once; the memory that they need is there for the next ones."""

SAMPLE = 20
"""Records of a block, evenly spread, that are searched for unknown names before Arrow is to infer types."""

WIDE = 50
"""Unknown names in a sample beyond which nothing is inferred: an object with ids for names costs a column for each."""

NAMES = 20
"""Unknown values within one object that are reported at most, and unknown objects."""

LEAF = 16
"""Records below which a refused block is no longer halved but handed to the exact lane."""


@dataclass
class Read:
    """What Arrow took of some records.

    Args:
        records: the records as nested Arrow structs.
        places: the record's place in the batch, for each row of ``records``.
        refused: places of the records for the exact lane.
        unknown: unknown fields.
    """

    records: pa.StructArray
    places: list[int] = field(default_factory=list)
    refused: list[int] = field(default_factory=list)
    unknown: Unknown = field(default_factory=dict)


def read_records(table: Table, raws: Sequence[bytes], block: int = BLOCK) -> Read:
    """Read the records with the table's schema, in blocks; what a block refuses is narrowed down by halving."""
    wanted = wire_type(table)
    read, parts = Read(pa.array([], wanted)), []
    for start in range(0, len(raws), block):
        places = list(range(start, min(start + block, len(raws))))
        for taken, part in _taken(table, raws, places, read):
            read.places += taken
            parts.append(part)
    if parts:
        read.records = pa.concat_arrays(parts)
    return read


def unknown_of(table: Table, raw: bytes) -> Unknown:
    """The unknown fields of one record, found in plain Python."""
    found = _unknown_values(exact.parse(raw), wire_type(table), ())
    return {".".join(path): type(value).__name__ for path, value in found}


def add_unknown(known: Unknown, more: Unknown) -> None:
    """Add unknown fields to others, but of one object not more than :data:`NAMES` values and as many objects."""
    if more.keys() <= known.keys():
        known |= more
        return
    counts = Counter(starmap(_bound, known.items()))
    for path, kind in more.items():
        if path in known or counts[_bound(path, kind)] < NAMES:
            counts[_bound(path, kind)] += path not in known
            known[path] = kind


def _bound(path: str, kind: str) -> tuple[str, bool]:
    """What shares a bound: the fields of one object, its values and its objects apart."""
    return path.rpartition(".")[0], kind.startswith(("struct", "list", "dict"))


def _taken(
    table: Table, raws: Sequence[bytes], places: list[int], read: Read, *, is_half: bool = False
) -> Iterator[tuple[list[int], pa.StructArray]]:
    some, wanted = [raws[place] for place in places], wire_type(table)
    sample = some[:: max(1, len(some) // SAMPLE)]
    for mode, is_wide in _modes(sample, wanted, is_half=is_half):
        records = _read_block(some, wanted, mode)
        if records is None:
            continue
        if mode == "infer":
            add_unknown(read.unknown, dict(_unknown_types(records.type, wanted, ())))
        elif mode == "ignore":
            for raw in sample if is_wide else some:
                add_unknown(read.unknown, unknown_of(table, raw))
        yield places, _fit(records, wanted)
        return
    if len(places) <= LEAF:
        read.refused += places
        return
    half = len(places) // 2
    yield from _taken(table, raws, places[:half], read, is_half=True)
    yield from _taken(table, raws, places[half:], read, is_half=True)


def _modes(sample: Sequence[bytes], wanted: pa.StructType, *, is_half: bool) -> Iterator[tuple[str, bool]]:
    """What Arrow is to do with unknown fields, in turn until it takes the block; and whether there are very many.

    With none it need not infer anything. An unknown field of two types keeps it from inferring, and so do too many.
    A block that was refused for one of its records is halved without trying everything again.
    """
    if not is_half:
        yield "error", False
    is_wide = len(_unknown_names(sample, wanted)) > WIDE
    if not is_wide:
        yield "infer", False
    if is_wide or not is_half:
        yield "ignore", is_wide


def _unknown_names(raws: Sequence[bytes], wanted: pa.StructType) -> set[Path]:
    """The unknown fields of some records, with all that is within them."""
    names: set[Path] = set()
    for raw in raws:
        try:
            record = json.loads(raw)
        except (ValueError, RecursionError):
            continue
        for path, value in _unknown_values(record, wanted, ()):
            names.add(path)
            names.update(_names_within(value, path))
    return names


def _names_within(value: object, path: Path) -> Iterator[Path]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield (*path, name)
            yield from _names_within(inner, (*path, name))
    elif isinstance(value, list):
        for inner in value:
            yield from _names_within(inner, path)


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


def _unknown_values(value: object, want: pa.DataType, path: Path) -> Iterator[tuple[Path, object]]:
    if isinstance(value, list) and pa.types.is_list(want):
        for item in value:
            yield from _unknown_values(item, want.value_type, (*path[:-1], f"{path[-1]}[]"))
    elif isinstance(value, dict) and pa.types.is_struct(want):
        for key, inner in value.items():
            name = key.encode("utf-8", "backslashreplace").decode()  # half a surrogate pair cannot be written down
            place = want.get_field_index(name)
            if place < 0:
                yield (*path, name), inner
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
