"""The content hash of a record changes with any byte except those of its own sequence number."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.catalogue import catalogue_of
from pipelines.catalogue.types import Feed
from pipelines.normalize.content import HASH_BYTES, content_hash
from tests.records import in_json, renumbered, seeds, valid_records

FEEDS = catalogue_of("suppliers").feeds


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (b'{"sequenceNumber":1,"a":2}', b'{"sequenceNumber":123456,"a":2}'),
        (b'{"a":2,"sequenceNumber":1}', b'{"a":2,"sequenceNumber":-7}'),
        (b'{"a":2, "sequenceNumber" : 1 ,"b":3}', b'{"a":2, "sequenceNumber" : 22 ,"b":3}'),
        (b'{"sequenceNumber":1}', b'{"sequenceNumber":2}'),
        (b'{"sequenceNumber":1,"a":{"sequenceNumber":5}}', b'{"sequenceNumber":2,"a":{"sequenceNumber":5}}'),
        (b'{"a":{"sequenceNumber":5},"sequenceNumber":1}', b'{"a":{"sequenceNumber":5},"sequenceNumber":2}'),
        (b'{"sequenceNumber":"1","a":2}', b'{"sequenceNumber":"2","a":2}'),
        (b'{"sequenceNumber":1.0,"a":2}', b'{"sequenceNumber":2.0,"a":2}'),
        (b'{"\\u0073equenceNumber":1,"a":2}', b'{"\\u0073equenceNumber":2,"a":2}'),
        (
            b'{"note":"\\"sequenceNumber\\":5","sequenceNumber":1}',
            b'{"note":"\\"sequenceNumber\\":5","sequenceNumber":2}',
        ),
    ],
)
def test_a_new_sequence_number_keeps_the_hash(first: bytes, second: bytes) -> None:
    """The hash does not change with the record's sequence number, however it is written."""
    assert content_hash(first) == content_hash(second)
    assert content_hash(first, is_numbered=True) == content_hash(first)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (b'{"sequenceNumber":1,"a":2}', b'{"sequenceNumber":1,"a":3}'),
        (b'{"sequenceNumber":1,"a":2}', b'{"sequenceNumber":1,"b":2}'),
        (b'{"sequenceNumber":1,"a":12}', b'{"sequenceNumber":11,"a":2}'),
        (b'{"sequenceNumber":1,"a":null}', b'{"sequenceNumber":1}'),
        (b'{"sequenceNumber":1,"a":1.5}', b'{"sequenceNumber":1,"a":1.50}'),
        (b'{"sequenceNumber":1,"a":[1,2]}', b'{"sequenceNumber":1,"a":[2,1]}'),
        (b'{"sequenceNumber":1,"a":{"sequenceNumber":5}}', b'{"sequenceNumber":1,"a":{"sequenceNumber":6}}'),
        (b'{"sequenceNumber":"1","a":{"sequenceNumber":5}}', b'{"sequenceNumber":"1","a":{"sequenceNumber":6}}'),
        (
            b'{"note":"\\"sequenceNumber\\":5","sequenceNumber":1}',
            b'{"note":"\\"sequenceNumber\\":6","sequenceNumber":1}',
        ),
        (
            b'{"a":"}","x":{"sequenceNumber":5},"sequenceNumber":1}',
            b'{"a":"}","x":{"sequenceNumber":6},"sequenceNumber":1}',
        ),
        (b'{"sequenceNumber":1,"note":"sequenceNumber"}', b'{"sequenceNumber":1,"note":"sequenceNumbers"}'),
    ],
)
def test_any_other_difference_changes_the_hash(first: bytes, second: bytes) -> None:
    """The hash changes with any other difference, also with fields of the same name in nested objects."""
    assert content_hash(first) != content_hash(second)


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"null", b'{"a":NaN}', b"\xff", b'{"a":' + b"[" * 6000])
def test_invalid_records_have_a_hash(raw: bytes) -> None:
    """Bytes that are no record have a hash too."""
    assert len(content_hash(raw)) == HASH_BYTES


@given(seed=seeds(), number=st.integers(0, 2**63 - 1), feed=st.sampled_from(FEEDS))
def test_renumbered_records_of_every_feed_keep_their_hash(seed: int, number: int, feed: Feed) -> None:
    """Records of every feed keep their hash when they get another number, and lose it with another field."""
    (record,) = valid_records(feed, seed, 1)
    changed = {**record, "aFieldOfTomorrow": 1}

    assert content_hash(in_json(renumbered(record, number))) == content_hash(in_json(record))
    assert content_hash(in_json(changed)) != content_hash(in_json(record))
    assert content_hash(in_json(record), is_numbered=True) == content_hash(in_json(record))
