"""Records typed: the fast lane for nearly all, the exact lane for the rest, rejects apart."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.catalogue.tables import Table
from pipelines.catalogue.types import Kind
from pipelines.floriday.pages import number_of
from pipelines.normalize import exact
from pipelines.normalize.arrow_reader import BLOCK, Read, Unknown, add_unknown, read_records, unknown_of
from pipelines.normalize.content import content_hash, text_column
from pipelines.normalize.flattening import Flat, flatten
from pipelines.normalize.nesting import is_too_deep
from pipelines.normalize.protection import Withheld
from pipelines.normalize.schemas import RECORD, frame_schema
from pipelines.unexpected_errors import summary


@dataclass(frozen=True)
class Rejected:
    """A record that cannot be stored.

    Args:
        record: its place in the batch.
        key: the key's values joined with ``/``, or None where one cannot be read.
        sequence_number: or None where it cannot be read.
        reason: what is wrong with it, in words.
        payload: as received; bytes that are no UTF-8 are written as escapes. Empty where personal data would be in it.
    """

    record: int
    key: str | None
    sequence_number: int | None
    reason: str
    payload: str


@dataclass(frozen=True)
class Typed:
    """Records in typed tables of Arrow's; as pandas frames they are a :class:`~pipelines.normalize.batch.Batch`.

    Args:
        served: how many records there were.
        tables: for each table's qualified name, its rows; ``record`` is the record's place in the batch.
        originals: ``record``, ``payload``, ``content_hash`` of each record that was kept.
        rejected: the others.
        unknown_fields: fields that the catalogue does not know, with their type.
        unknown_values: for an enumeration's ``table.column``, values that the catalogue does not know.
    """

    served: int
    tables: dict[str, pa.Table]
    originals: pa.Table
    rejected: tuple[Rejected, ...]
    unknown_fields: dict[str, str]
    unknown_values: dict[str, set[str]]


def together(parts: Sequence[Typed], places: np.ndarray) -> Typed:
    """Several as one.

    Args:
        parts: one at least.
        places: for each record of the first part, then of the next one, and so on, its place in the whole.
    """
    ends = np.cumsum([part.served for part in parts])
    placed = [_placed(part, places[end - part.served : end]) for part, end in zip(parts, ends, strict=True)]
    fields: dict[str, str] = {}
    values: dict[str, set[str]] = {}
    for part in placed:
        add_unknown(fields, part.unknown_fields)
        for name, some in part.unknown_values.items():
            values[name] = values.get(name, set()) | some
    return Typed(
        served=sum(part.served for part in placed),
        tables={name: pa.concat_tables([part.tables[name] for part in placed]) for name in placed[0].tables},
        originals=pa.concat_tables([part.originals for part in placed]),
        rejected=tuple(sorted((one for part in placed for one in part.rejected), key=lambda one: one.record)),
        unknown_fields=fields,
        unknown_values=values,
    )


def _placed(part: Typed, places: np.ndarray) -> Typed:
    """The same with other places of the records."""

    def put(rows: pa.Table) -> pa.Table:
        here = pa.array(places[rows[RECORD].to_numpy()], pa.int32())
        return rows.set_column(rows.schema.get_field_index(RECORD), rows.schema.field(RECORD), here)

    return replace(
        part,
        tables={name: put(rows) for name, rows in part.tables.items()},
        originals=put(part.originals),
        rejected=tuple(replace(one, record=int(places[one.record])) for one in part.rejected),
    )


def typed(table: Table, raws: Sequence[bytes], *, is_strict: bool = False, hashed: bool = True) -> Typed:
    """Read, type and flatten records of a feed.

    Args:
        table: the feed's table, children within.
        raws: the records as received.
        is_strict: whether each is known to be a value of JSON in the strict sense.
        hashed: whether the originals are wanted, with their hashes.
    """
    strict = [place for place, raw in enumerate(raws) if _is_sound(raw)] if is_strict else _strict(raws)
    read, flat = _fast(table, raws, strict)
    places = [strict[place] for place in read.places]
    refused = {strict[place] for place in read.refused} | flat.doubtful | (set(range(len(raws))) - set(strict))
    rows, rejected = _exactly(table, raws, sorted(refused), read)
    tables = {part.qualified_name: _of_both_lanes(part, flat, rows) for part in table.walk()}
    kept = _kept(places, refused, rejected)
    return Typed(
        served=len(raws),
        tables=tables,
        originals=_originals(raws, kept if hashed else [], _numbered(tables[table.qualified_name])),
        rejected=tuple(rejected),
        unknown_fields=_reported(table, read.unknown),
        unknown_values=_unknown_values(table, tables),
    )


def _fast(table: Table, raws: Sequence[bytes], strict: list[int]) -> tuple[Read, Flat]:
    """What the fast lane makes of the records at some places; where it fails altogether, all go to the exact lane."""
    try:
        read = read_records(table, [raws[place] for place in strict])
        return read, flatten(table, _read(read), [strict[place] for place in read.places])
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 - whatever Arrow stumbles over, the exact lane says what is right
        read = read_records(table, [])
        read.refused = list(range(len(strict)))
        return read, flatten(table, _read(read), [])


def _read(read: Read) -> pa.StructArray:
    assert read.records is not None
    return read.records


def _strict(raws: Sequence[bytes]) -> list[int]:
    """The places of the records that are objects of JSON in the strict sense."""
    places: list[int] = []
    for start in range(0, len(raws), BLOCK):
        block = raws[start : start + BLOCK]
        is_good = _is_sound if _are_strict(block) else _is_strict
        places += [start + place for place, raw in enumerate(block) if is_good(raw)]
    return places


def _are_strict(raws: Sequence[bytes]) -> bool:
    """Whether each record is a value of JSON in the strict sense; where one is not, it must be looked for."""
    try:
        decoded = msgspec.json.decode(b"[%s]" % b",".join(raws), type=list[msgspec.Raw])
    except (msgspec.DecodeError, RecursionError):
        return False
    # Where each record comes out as long as it went in, each is good by itself.
    return [len(memoryview(raw)) for raw in decoded] == [len(raw) for raw in raws]


def _is_sound(raw: bytes) -> bool:
    """Whether a value is an object that a reader which recurses may be given."""
    return raw[:1] == b"{" and not is_too_deep(raw)


def _is_strict(raw: bytes) -> bool:
    """Whether the record is an object of JSON in the strict sense; Arrow takes more, and reads it otherwise."""
    if not _is_sound(raw):
        return False
    try:
        msgspec.json.decode(raw, type=msgspec.Raw)
    except msgspec.DecodeError:
        return False
    return True


def _exactly(
    table: Table, raws: Sequence[bytes], refused: list[int], read: Read
) -> tuple[dict[str, list[exact.Row]], list[Rejected]]:
    """The rows of the records that the fast lane refused, and those that are no good."""
    rows: dict[str, list[exact.Row]] = {part.qualified_name: [] for part in table.walk()}
    rejected = []
    for place in refused:
        try:
            made = exact.rows_of(table, raws[place])
        except exact.UnreadableError as error:
            rejected.append(_reject(table, place, raws[place], str(error)))
            continue
        except MemoryError:
            raise
        except Exception as defect:  # noqa: BLE001 - a record that nobody thought of is rejected alone
            rejected.append(_reject(table, place, raws[place], f"it cannot be read: {summary(defect)}"))
            continue
        add_unknown(read.unknown, unknown_of(table, raws[place]))
        for name, some in made.items():
            rows[name] += [{**row, RECORD: place} for row in some]
    return rows, rejected


def _reject(table: Table, place: int, raw: bytes, reason: str) -> Rejected:
    if isinstance(raw, Withheld):
        return Rejected(place, None, raw.number, raw.reason, "")
    payload = raw.decode("utf-8", "backslashreplace")
    return Rejected(place, key_of(table, raw), number_of(raw), reason, payload)


def key_of(table: Table, raw: bytes) -> str | None:
    """The key of a record that is no good otherwise, its values joined with ``/``; None where one is missing."""
    if is_too_deep(raw):  # the decoder's own limit differs between versions of Python
        return None
    try:
        record = json.loads(raw.decode(), parse_float=exact.Number, parse_int=exact.Number, parse_constant=str)
        columns = [column for column in table.own_columns if column.name in table.key]
        by_name = {column.name: exact.read(column, exact.dig(record, column.path or ())) for column in columns}
    except (ValueError, ArithmeticError, exact.UnreadableError):
        return None
    values = [by_name[name] for name in table.key[1:]]
    return None if None in values else "/".join(map(str, values))


def _of_both_lanes(part: Table, flat: Flat, rows: dict[str, list[exact.Row]]) -> pa.Table:
    """The rows of both lanes; those of records that the fast lane got wrong are left out."""
    table = flat.tables[part.qualified_name]
    if flat.doubtful:
        wrong = pa.array(sorted(flat.doubtful), pa.int32())
        table = table.filter(pc.invert(pc.is_in(table[RECORD], value_set=wrong)))
    more = rows[part.qualified_name]
    if not more:
        return table
    return pa.concat_tables([table, pa.Table.from_pylist(more, schema=frame_schema(part))])


def _kept(places: list[int], refused: set[int], rejected: list[Rejected]) -> list[int]:
    lost = {item.record for item in rejected}
    return [place for place in places if place not in refused] + sorted(refused - lost)


def _numbered(rows: pa.Table) -> set[int]:
    """The places of the records whose top-level sequence number was read."""
    if "sequence_number" not in rows.schema.names:
        return set()
    return set(rows[RECORD].filter(rows["sequence_number"].is_valid()).to_pylist())


def _originals(raws: Sequence[bytes], kept: list[int], numbered: set[int]) -> pa.Table:
    some = [raws[place] for place in kept]
    hashes = [content_hash(raw, is_numbered=place in numbered) for raw, place in zip(some, kept, strict=True)]
    return pa.table(
        {
            RECORD: pa.array(kept, pa.int32()),
            "payload": text_column(some),
            "content_hash": pa.array(hashes, pa.binary()),
        }
    )


def _reported(table: Table, unknown: Unknown) -> dict[str, str]:
    """Unknown fields without those that are known and only have no column of their own."""
    silent = set(_silent_paths(table, ""))
    return {path: kind for path, kind in sorted(unknown.items()) if path not in silent}


def _silent_paths(table: Table, prefix: str) -> list[str]:
    own = [prefix + ".".join(path) for path in table.silent]
    for child in table.children:
        own += _silent_paths(child, f"{prefix}{'.'.join(child.array)}[].")
    return own


def _unknown_values(table: Table, tables: dict[str, pa.Table]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for part in table.walk():
        for column in part.columns:
            if not column.values or column.kind is not Kind.TEXT:
                continue
            values = tables[part.qualified_name][column.name]
            distinct = pc.unique(values.combine_chunks().flatten() if column.repeated else values)
            strange = set(distinct.to_pylist()) - {*column.values, None}
            if strange:
                found[f"{part.qualified_name}.{column.name}"] = strange
    return found
