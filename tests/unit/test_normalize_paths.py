"""The fast path and the exact path agree on any record of every feed of the catalogue."""

from __future__ import annotations

from itertools import accumulate
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.catalogue import catalogue_of
from pipelines.catalogue.tables import Table, tables_of
from pipelines.catalogue.types import Feed
from pipelines.normalize import Batch, arrow_reader, combine, exact, normalize
from pipelines.normalize.schemas import frame_schema
from tests.every_kind import THINGS
from tests.examples import cases, examples
from tests.records import in_json, nasty_records, seeds, valid_records

FEEDS = (THINGS, *catalogue_of("suppliers").feeds)
Rows = list[dict[str, Any]]

every_feed = cases("feed", FEEDS, quick=8, ids=lambda feed: feed.name)


@pytest.fixture(autouse=True, scope="module")
def _blocks_of_one_record() -> Any:
    """Refused blocks are narrowed down to one record, so that the fast path is tested with all others."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(arrow_reader, "SMALLEST_BLOCK", 1)
        yield


def exact_rows(table: Table, raws: list[bytes]) -> tuple[dict[str, Rows], list[tuple[int, str]]]:
    """Return the rows that the exact path makes of the records, and positions and reasons of rejected ones."""
    rows: dict[str, Rows] = {part.qualified_name: [] for part in table.walk()}
    rejected = []
    for place, raw in enumerate(raws):
        try:
            record_rows = exact.rows_of(table, raw)
        except exact.UnreadableError as error:
            rejected.append((place, str(error)))
            continue
        for name, table_rows in record_rows.items():
            rows[name] += [{**row, "record": place} for row in table_rows]
    for part in table.walk():
        schema = frame_schema(part)
        rows[part.qualified_name] = pa.Table.from_pylist(rows[part.qualified_name], schema=schema).to_pylist()
    return rows, rejected


def batch_rows(table: Table, batch: Batch) -> dict[str, Rows]:
    """Return a batch's frames as rows, in the order of the records."""
    rows = {}
    for part in table.walk():
        frame = batch.frames[part.qualified_name]
        found = pa.Table.from_pandas(frame, schema=frame_schema(part), preserve_index=False).to_pylist()
        rows[part.qualified_name] = sorted(found, key=lambda row: row["record"])
    return rows


def first_difference(expected: Rows, found: Rows) -> tuple[object, object] | None:
    """Return the first difference between two lists of rows, or None."""
    if len(expected) != len(found):
        return len(expected), len(found)
    return next(((want, have) for want, have in zip(expected, found, strict=True) if want != have), None)


@every_feed
@settings(max_examples=examples(3))
@given(seed=seeds())
def test_both_paths_agree_on_malformed_records(feed: Feed, seed: int) -> None:
    """Both paths return the same rows in the same order, and reject the same records for the same reasons."""
    table = tables_of(feed)
    raws = nasty_records(feed, seed, 60)
    expected, rejected = exact_rows(table, raws)

    batch = normalize(table, raws)

    assert [(item.record, item.reason) for item in batch.rejected] == rejected
    found = batch_rows(table, batch)
    for name, rows in expected.items():
        assert first_difference(rows, found[name]) is None, name
    kept = set(range(len(raws))) - {place for place, _ in rejected}
    assert sorted(batch.originals["record"]) == sorted(kept)


@every_feed
@settings(max_examples=examples(2))
@given(seed=seeds())
def test_both_paths_keep_valid_records(feed: Feed, seed: int) -> None:
    """Both paths keep all valid records, however they are written, and report no unknown field."""
    table = tables_of(feed)
    raws = [in_json(record) for record in valid_records(feed, seed, 40)]
    expected, rejected = exact_rows(table, raws)

    batch = normalize(table, raws)

    assert rejected == []
    assert batch.rejected == ()
    assert batch.unknown_fields == {}
    found = batch_rows(table, batch)
    for name, rows in expected.items():
        assert first_difference(rows, found[name]) is None, name


@every_feed
def test_frames_have_the_types_of_the_schema(feed: Feed) -> None:
    """Frames have the columns and types of the schema in its order, and a row number from 0, on either path."""
    table = tables_of(feed)
    batch = normalize(table, [in_json(record) for record in valid_records(feed, 1, 5)] + nasty_records(feed, 1, 20))

    for part in table.walk():
        frame, schema = batch.frames[part.qualified_name], frame_schema(part)
        assert list(frame.columns) == schema.names
        assert [kind.pyarrow_dtype for kind in frame.dtypes] == schema.types
        assert isinstance(frame.index, pd.RangeIndex)


def test_a_record_does_not_depend_on_its_neighbours() -> None:
    """A record is read in the same way alone and in a batch of several blocks."""
    table = tables_of(THINGS)
    raws = nasty_records(THINGS, 5, 60)
    rows_of_batch = batch_rows(table, normalize(table, raws * 20))

    for place, raw in enumerate(raws):
        alone = batch_rows(table, normalize(table, [raw]))
        for name, rows in alone.items():
            last = len(raws) * 19 + place
            rows_in_batch = [{**row, "record": 0} for row in rows_of_batch[name] if row["record"] == last]
            assert first_difference(rows, rows_in_batch) is None, name


@settings(max_examples=examples(8))
@given(seed=seeds(), sizes=st.lists(st.integers(0, 25), min_size=1, max_size=5))
def test_combined_batches_equal_one_batch(seed: int, sizes: list[int]) -> None:
    """Combined batches equal one batch of all records, in whatever order the records arrived."""
    table = tables_of(THINGS)
    arrived = nasty_records(THINGS, seed, sum(sizes))
    places = np.random.default_rng(seed).permutation(len(arrived))
    ordered = [arrived[number] for number in np.argsort(places)]
    ends = list(accumulate(sizes))
    parts = [normalize(table, arrived[end - size : end]) for end, size in zip(ends, sizes, strict=True)]

    batch, expected = combine(parts, places.tolist()), normalize(table, ordered)

    found, rows = batch_rows(table, batch), batch_rows(table, expected)
    for name in rows:
        assert first_difference(rows[name], found[name]) is None, name
    assert batch.rejected == expected.rejected
    assert batch.served == expected.served
    # The reported type of an unknown field with values of several types depends on the batch.
    assert batch.unknown_fields.keys() == expected.unknown_fields.keys()
    assert batch.unknown_fields.items() <= {item for part in parts for item in part.unknown_fields.items()}
    assert batch.unknown_values == expected.unknown_values
    payloads = batch.originals.sort_values("record", ignore_index=True)
    assert payloads.equals(expected.originals.sort_values("record", ignore_index=True))


def test_malformed_records_are_partly_rejected() -> None:
    """The test data are useful: between 10 and 80 percent of the malformed records are rejected."""
    feed = FEEDS[0]
    served = rejected = 0
    for seed in range(5):
        batch = normalize(tables_of(feed), nasty_records(feed, seed, 60))
        served, rejected = served + batch.served, rejected + len(batch.rejected)

    assert 0.1 < rejected / served < 0.8
