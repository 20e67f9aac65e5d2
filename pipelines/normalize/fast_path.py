"""Records → typed frames: the fast path for nearly all records, the exact path for the rest; several batches as one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa

from pipelines.catalogue.tables import Table
from pipelines.json_scan import strict_objects
from pipelines.normalize import exact
from pipelines.normalize.arrow_reader import Read, Unknown, add_unknown, read_records, unknown_of
from pipelines.normalize.batch import Batch, frame_of
from pipelines.normalize.content import content_hash
from pipelines.normalize.flattening import Flat, flatten, unknown_values
from pipelines.normalize.rejected import Rejected, reject
from pipelines.normalize.schemas import RECORD, frame_schema
from pipelines.unexpected_errors import summary


def normalize(table: Table, raws: Sequence[bytes], *, is_strict: bool, with_originals: bool) -> Batch:
    """See :func:`pipelines.normalize.normalize`."""
    strict = strict_objects(raws, are_strict=is_strict)
    read, flat = _read_fast(table, raws, strict)
    doubtful = flat.doubtful | {strict[place] for place in read.doubtful} | (set(range(len(raws))) - set(strict))
    rows, rejected = _read_exactly(table, raws, sorted(doubtful), read.unknown)
    frames = {part.qualified_name: _of_both_paths(part, flat, rows[part.qualified_name]) for part in table.walk()}
    kept = [strict[place] for place in read.places if strict[place] not in doubtful]
    kept += sorted(doubtful - {item.record for item in rejected})
    return Batch(
        served=len(raws),
        frames=frames,
        originals=_originals(raws, kept if with_originals else [], _numbered(frames[table.qualified_name])),
        rejected=tuple(rejected),
        unknown_fields=_reported(table, read.unknown),
        unknown_values=unknown_values(table, frames),
    )


def _read_fast(table: Table, raws: Sequence[bytes], strict: list[int]) -> tuple[Read, Flat]:
    """Read the records at some positions in Arrow; if that fails altogether, all of them are doubtful."""
    try:
        read = read_records(table, [raws[position] for position in strict])
        return read, flatten(table, read.records, [strict[place] for place in read.places])
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 - whatever Arrow or pandas fails at, the exact path decides
        read = read_records(table, [])
        read.doubtful = list(range(len(strict)))
        return read, flatten(table, read.records, [])


def _read_exactly(
    table: Table, raws: Sequence[bytes], positions: list[int], unknown: Unknown
) -> tuple[dict[str, list[exact.Row]], list[Rejected]]:
    """The rows of the records at some positions, and those that are rejected; adds to the unknown fields."""
    rows: dict[str, list[exact.Row]] = {part.qualified_name: [] for part in table.walk()}
    rejected = []
    for position in positions:
        try:
            made = exact.rows_of(table, raws[position])
        except exact.UnreadableError as error:
            rejected.append(reject(table, position, raws[position], str(error)))
            continue
        except MemoryError:
            raise
        except Exception as defect:  # noqa: BLE001 - only the unforeseen record is rejected
            rejected.append(reject(table, position, raws[position], f"it cannot be read: {summary(defect)}"))
            continue
        add_unknown(unknown, unknown_of(table, raws[position]))
        for name, some in made.items():
            rows[name] += [{**row, RECORD: position} for row in some]
    return rows, rejected


def _of_both_paths(part: Table, flat: Flat, rows: list[exact.Row]) -> pd.DataFrame:
    """A table's rows of both paths, without those of records that the fast path cannot read."""
    frame = flat.frames[part.qualified_name]
    if flat.doubtful:
        frame = frame[~frame[RECORD].isin(flat.doubtful)].reset_index(drop=True)
    if rows:
        more = frame_of(pa.Table.from_pylist(rows, schema=frame_schema(part)))
        frame = pd.concat([frame, more], ignore_index=True)
    return frame


def _numbered(frame: pd.DataFrame) -> set[int]:
    """The positions of the records whose top-level sequence number was read."""
    if "sequence_number" not in frame:
        return set()
    return set(frame[RECORD][frame["sequence_number"].notna()].to_numpy().tolist())


def _originals(raws: Sequence[bytes], kept: list[int], numbered: set[int]) -> pd.DataFrame:
    some = [raws[position] for position in kept]
    hashes = [content_hash(raw, is_numbered=place in numbered) for raw, place in zip(some, kept, strict=True)]
    return frame_of(
        pa.table(
            {
                RECORD: pa.array(kept, pa.int32()),
                "payload": _text_column(some),
                "content_hash": pa.array(hashes, pa.binary()),
            }
        )
    )


def _reported(table: Table, unknown: Unknown) -> dict[str, str]:
    """The unknown fields without those that are known and have no column."""
    silent = set(_silent_paths(table, ""))
    return {path: kind for path, kind in sorted(unknown.items()) if path not in silent}


def _silent_paths(table: Table, prefix: str) -> list[str]:
    own = [prefix + ".".join(path) for path in table.silent]
    for child in table.children:
        own += _silent_paths(child, f"{prefix}{'.'.join(child.array)}[].")
    return own


def combine(batches: Sequence[Batch], positions: Sequence[int]) -> Batch:
    """See :func:`pipelines.normalize.combine`."""
    of_each = np.split(np.asarray(positions, "int64"), np.cumsum([batch.served for batch in batches])[:-1])
    fields: Unknown = {}
    values: dict[str, set[str]] = {}
    rejected = []
    for batch, new in zip(batches, of_each, strict=True):
        add_unknown(fields, batch.unknown_fields)
        for name, unknown in batch.unknown_values.items():
            values[name] = values.get(name, set()) | unknown
        rejected += [replace(item, record=int(new[item.record])) for item in batch.rejected]
    return Batch(
        served=len(positions),
        frames={name: _combined([batch.frames[name] for batch in batches], of_each) for name in batches[0].frames},
        originals=_combined([batch.originals for batch in batches], of_each),
        rejected=tuple(sorted(rejected, key=lambda item: item.record)),
        unknown_fields=fields,
        unknown_values=values,
    )


def _combined(frames: list[pd.DataFrame], positions: list[np.ndarray]) -> pd.DataFrame:
    moved = [new[frame[RECORD].to_numpy()] for frame, new in zip(frames, positions, strict=True)]
    record = pd.arrays.ArrowExtensionArray(pa.array(np.concatenate(moved), pa.int32()))
    return pd.concat(frames, ignore_index=True).assign(**{RECORD: record})


def _text_column(raws: Sequence[bytes]) -> pa.StringArray:
    """The records as one Arrow column, copied once."""
    offsets = np.zeros(len(raws) + 1, "int32")
    np.cumsum([len(raw) for raw in raws], out=offsets[1:])
    column = pa.StringArray.from_buffers(len(raws), pa.py_buffer(offsets), pa.py_buffer(b"".join(raws)))
    column.validate(full=True)
    return column
