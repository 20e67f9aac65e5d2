"""Records read with Arrow's JSON reader; the doubtful ones, and the fields that the catalogue does not contain."""

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

Unknown = dict[str, str]  # path of each field that the catalogue does not contain, and the type it seems to have

BLOCK = 1000  # records that are read at once; the next block uses the same memory
SAMPLE_SIZE = 20  # records of a block, evenly spread, that are searched for unknown fields before types are inferred
MANY_UNKNOWN = 50  # unknown fields in a sample above which no types are inferred: ids as names would cost a column each
MOST_UNKNOWN = 20  # maximum of unknown values within one object that are reported, and of unknown objects and arrays
SMALLEST_BLOCK = 16  # a doubtful block of at most so many records is not halved again: the exact path reads it


@dataclass
class Read:
    """What Arrow made of some records."""

    records: pa.StructArray  # the records that were read, as nested Arrow structs
    places: list[int] = field(default_factory=list)  # for each of them, its index in the records that were given
    doubtful: list[int] = field(default_factory=list)  # the indexes of the others, for the exact path
    unknown: Unknown = field(default_factory=dict)


def read_records(table: Table, raws: Sequence[bytes], block: int = BLOCK) -> Read:
    """Read records with the table's wire type, in blocks; a doubtful block is halved to find the bad records."""
    wanted = wire_type(table)
    read, parts = Read(pa.array([], wanted)), []
    for start in range(0, len(raws), block):
        places = list(range(start, min(start + block, len(raws))))
        for indexes, part in _read_halving(table, raws, places, read):
            read.places += indexes
            parts.append(part)
    if parts:
        read.records = pa.concat_arrays(parts)
    return read


def unknown_of(table: Table, raw: bytes) -> Unknown:
    """The unknown fields of one record, found in plain Python."""
    found = _unknown_values(exact.parse(raw), wire_type(table), ())
    return {".".join(path): type(value).__name__ for path, value in found}


def add_unknown(known: Unknown, more: Unknown) -> None:
    """Add unknown fields to the known ones; of one object at most :data:`MOST_UNKNOWN` values, and as many objects."""
    if more.keys() <= known.keys():
        known |= more
        return
    counts = Counter(starmap(_limited_group, known.items()))
    for path, kind in more.items():
        if path in known or counts[_limited_group(path, kind)] < MOST_UNKNOWN:
            counts[_limited_group(path, kind)] += path not in known
            known[path] = kind


def _limited_group(path: str, kind: str) -> tuple[str, bool]:
    """What a maximum applies to: the values of one object, or its objects and arrays."""
    return path.rpartition(".")[0], kind.startswith(("struct", "list", "dict"))


def _read_halving(
    table: Table, raws: Sequence[bytes], places: list[int], read: Read, *, is_half: bool = False
) -> Iterator[tuple[list[int], pa.StructArray]]:
    """Indexes and structs of the records that Arrow reads; adds the others to the doubtful ones."""
    some, wanted = [raws[place] for place in places], wire_type(table)
    sample = some[:: max(1, len(some) // SAMPLE_SIZE)]
    for mode, has_many in _modes(sample, wanted, is_half=is_half):
        records = _read_block(some, wanted, mode)
        if records is None:
            continue
        if mode == "infer":
            add_unknown(read.unknown, dict(_unknown_types(records.type, wanted, ())))
        elif mode == "ignore":
            for raw in sample if has_many else some:
                add_unknown(read.unknown, unknown_of(table, raw))
        yield places, _fit(records, wanted)
        return
    if len(places) <= SMALLEST_BLOCK:
        read.doubtful += places
        return
    half = len(places) // 2
    yield from _read_halving(table, raws, places[:half], read, is_half=True)
    yield from _read_halving(table, raws, places[half:], read, is_half=True)


def _modes(sample: Sequence[bytes], wanted: pa.StructType, *, is_half: bool) -> Iterator[tuple[str, bool]]:
    """Arrow's modes for unknown fields, to be tried until it reads the block; and whether there are very many.

    Without unknown fields it infers nothing. It cannot infer a field of two types, and should not infer too many.
    The halves of a doubtful block are not tried in all modes again.
    """
    if not is_half:
        yield "error", False
    has_many = len(_unknown_names(sample, wanted)) > MANY_UNKNOWN
    if not has_many:
        yield "infer", False
    if has_many or not is_half:
        yield "ignore", has_many


def _unknown_names(raws: Sequence[bytes], wanted: pa.StructType) -> set[Path]:
    """The unknown fields of some records, and the fields within them."""
    names: set[Path] = set()
    for raw in raws:
        try:
            record = json.loads(raw)
        except (ValueError, RecursionError):
            continue
        for path, value in _unknown_values(record, wanted, ()):
            names.add(path)
            names.update(_paths_within(value, path))
    return names


def _paths_within(value: object, path: Path) -> Iterator[Path]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield (*path, name)
            yield from _paths_within(inner, (*path, name))
    elif isinstance(value, list):
        for inner in value:
            yield from _paths_within(inner, path)


def _read_block(raws: Sequence[bytes], wanted: pa.StructType, mode: str) -> pa.StructArray | None:
    """The records as structs, or None if Arrow cannot read one of them."""
    data = b"\n".join(raws)
    try:
        if not data.isascii():
            str(data, "utf-8")  # Arrow's reader does not check, and would return malformed text
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
            name = key.encode("utf-8", "backslashreplace").decode()  # half a surrogate pair cannot be stored
            place = want.get_field_index(name)
            if place < 0:
                yield (*path, name), inner
            else:
                yield from _unknown_values(inner, want.field(place).type, (*path, name))


def _fit(array: pa.Array, want: pa.DataType) -> pa.Array:
    """The array with exactly the fields of a type, in its order."""
    if array.type == want:
        return array
    mask = array.is_null() if array.null_count else None
    if pa.types.is_struct(want):
        members = [_fit(array.field(member.name), member.type) for member in want]
        return pa.StructArray.from_arrays(members, fields=list(want), mask=mask)
    return pa.ListArray.from_arrays(array.offsets, _fit(array.values, want.value_type), mask=mask)
