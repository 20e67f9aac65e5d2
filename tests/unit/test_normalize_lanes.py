"""The fast lane and the exact lane agree on whatever comes, for every feed of the catalogue."""

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
from tests.examples import examples
from tests.records import in_json, nasty_records, seeds, valid_records

FEEDS = (*catalogue_of("suppliers").feeds, THINGS)
Rows = list[dict[str, Any]]

every_feed = pytest.mark.parametrize("feed", FEEDS, ids=lambda feed: feed.name)


@pytest.fixture(autouse=True, scope="module")
def _narrowed_down_to_one_record() -> Any:
    """Else what Arrow refuses takes its neighbours to the exact lane, and hides what the fast lane makes of them."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(arrow_reader, "SMALLEST_BLOCK", 1)
        yield


def exact_rows(table: Table, raws: list[bytes]) -> tuple[dict[str, Rows], list[tuple[int, str]]]:
    """What plain Python makes of the records, one by one: rows of each table, and places and reasons of rejects."""
    rows: dict[str, Rows] = {part.qualified_name: [] for part in table.walk()}
    rejected = []
    for place, raw in enumerate(raws):
        try:
            made = exact.rows_of(table, raw)
        except exact.UnreadableError as error:
            rejected.append((place, str(error)))
            continue
        for name, some in made.items():
            rows[name] += [{**row, "record": place} for row in some]
    for part in table.walk():
        schema = frame_schema(part)
        rows[part.qualified_name] = pa.Table.from_pylist(rows[part.qualified_name], schema=schema).to_pylist()
    return rows, rejected


def batch_rows(table: Table, batch: Batch) -> dict[str, Rows]:
    """A batch's frames as rows, in the order of the records."""
    rows = {}
    for part in table.walk():
        frame = batch.frames[part.qualified_name]
        found = pa.Table.from_pandas(frame, schema=frame_schema(part), preserve_index=False).to_pylist()
        rows[part.qualified_name] = sorted(found, key=lambda row: row["record"])
    return rows


def first_difference(expected: Rows, found: Rows) -> tuple[object, object] | None:
    """A short word about two lists of rows."""
    if len(expected) != len(found):
        return len(expected), len(found)
    return next(((want, have) for want, have in zip(expected, found, strict=True) if want != have), None)


@every_feed
@settings(max_examples=examples(3))
@given(seed=seeds())
def test_both_lanes_make_the_same_of_nasty_records(feed: Feed, seed: int) -> None:
    """The same rows in the same order, the same rejects for the same reasons; nothing else is lost or added."""
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
def test_valid_records_are_kept_by_both_lanes(feed: Feed, seed: int) -> None:
    """However they are written; no field of the catalogue is unknown."""
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
    """Columns and types are those of the schema, in its order, whichever path the records took; rows count from 0."""
    table = tables_of(feed)
    batch = normalize(table, [in_json(record) for record in valid_records(feed, 1, 5)] + nasty_records(feed, 1, 20))

    for part in table.walk():
        frame, schema = batch.frames[part.qualified_name], frame_schema(part)
        assert list(frame.columns) == schema.names
        assert [kind.pyarrow_dtype for kind in frame.dtypes] == schema.types
        assert isinstance(frame.index, pd.RangeIndex)


def test_a_record_is_the_same_in_whatever_company() -> None:
    """Alone, or with others in a batch of several blocks."""
    table = tables_of(THINGS)
    raws = nasty_records(THINGS, 5, 60)
    together = batch_rows(table, normalize(table, raws * 20))

    for place, raw in enumerate(raws):
        alone = batch_rows(table, normalize(table, [raw]))
        for name, rows in alone.items():
            last = len(raws) * 19 + place
            company = [{**row, "record": 0} for row in together[name] if row["record"] == last]
            assert first_difference(rows, company) is None, name


@settings(max_examples=examples(8))
@given(seed=seeds(), sizes=st.lists(st.integers(0, 25), min_size=1, max_size=5))
def test_parts_together_are_as_if_read_at_once(seed: int, sizes: list[int]) -> None:
    """However many parts there are, and whatever place in the whole each record has."""
    table = tables_of(THINGS)
    came = nasty_records(THINGS, seed, sum(sizes))
    places = np.random.default_rng(seed).permutation(len(came))
    ordered = [came[number] for number in np.argsort(places)]
    ends = list(accumulate(sizes))
    parts = [normalize(table, came[end - size : end]) for end, size in zip(ends, sizes, strict=True)]

    batch, expected = combine(parts, places), normalize(table, ordered)

    found, rows = batch_rows(table, batch), batch_rows(table, expected)
    for name in rows:
        assert first_difference(rows[name], found[name]) is None, name
    assert batch.rejected == expected.rejected
    assert batch.served == expected.served
    # Which type an unknown field seems to have that comes in several depends on what is read at once.
    assert batch.unknown_fields.keys() == expected.unknown_fields.keys()
    assert batch.unknown_fields.items() <= {told for part in parts for told in part.unknown_fields.items()}
    assert batch.unknown_values == expected.unknown_values
    payloads = batch.originals.sort_values("record", ignore_index=True)
    assert payloads.equals(expected.originals.sort_values("record", ignore_index=True))


def test_the_makers_of_records_cover_what_matters() -> None:
    """Of the nasty ones a good part is rejected and a good part is kept, else these tests would prove little."""
    feed = FEEDS[0]
    served = rejected = 0
    for seed in range(5):
        batch = normalize(tables_of(feed), nasty_records(feed, seed, 60))
        served, rejected = served + batch.served, rejected + len(batch.rejected)

    assert 0.1 < rejected / served < 0.8
