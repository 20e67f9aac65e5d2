"""The maximum depth of a record does not depend on the version of Python."""

from __future__ import annotations

import pytest
from pydantic import SecretStr

from pipelines.catalogue.tables import tables_of
from pipelines.catalogue.types import Boolean, Feed, Int64, Record, Text, Uuid, field
from pipelines.floriday.endpoints import Endpoint
from pipelines.floriday.pages import read_page
from pipelines.json_scan import DEEPEST, is_too_deep
from pipelines.normalize import PersonalData, normalize
from pipelines.normalize.personal import Treatment
from pipelines.normalize.protection import Withheld
from tests.linear_time import linear_time

ID = "8bb25702-90f6-4123-8ccc-08dc1b2a061a"
TOO_DEEP = (DEEPEST + 1, 500, 980, 1_100, 5_000, 9_990, 60_000)
"""Levels below and above the limits at which Python 3.11, 3.12 and 3.13 raise RecursionError when they parse JSON."""


class Party(Record):
    """A party."""

    party_id: Uuid = field("identifier")
    sequence_number: Int64 = field("number")
    host: Text | None = field("host", personal=True)
    open: Boolean | None = field("whether it is public")


PARTIES = tables_of(Feed("things", "parties", Party, ("party_id",), Endpoint("/parties"), scope="things:read"))


def nested(levels: int) -> bytes:
    """Return a party with this many levels of objects and arrays, itself included, in an unknown field."""
    arrays = levels - 1
    return b'{"partyId":"%s","sequenceNumber":5,"host":"Jan","later":%s}' % (ID.encode(), b"[" * arrays + b"]" * arrays)


@pytest.mark.parametrize("levels", TOO_DEEP)
def test_a_record_that_is_nested_too_deeply_is_rejected_alone(levels: int) -> None:
    """A record that is nested too deeply is rejected with its number, and the record beside it is stored."""
    page = read_page(b'{"maximumSequenceNumber":5,"results":[%s,%s]}' % (nested(levels), nested(2)))

    batch = normalize(PARTIES, page.records)

    assert (page.maximum, page.numbers, len(batch.originals)) == (5, (5, 5), 1)
    assert [(item.reason, item.key, item.sequence_number) for item in batch.rejected] == [
        ("the record is nested too deeply", None, 5)
    ]


@pytest.mark.parametrize("treatment", ["hash", "drop"])
@pytest.mark.parametrize("levels", TOO_DEEP)
def test_a_protected_record_that_is_nested_too_deeply_is_withheld(levels: int, treatment: Treatment) -> None:
    """If personal data are not kept, no byte of a record that is nested too deeply is kept."""
    protection = PersonalData(treatment, SecretStr("a key of the tests, long enough")).protection(PARTIES)
    assert protection is not None

    record = protection.record(nested(levels))

    assert isinstance(record, Withheld)
    assert (record, record.number) == (b"", 5)


def test_a_record_at_the_limit_is_stored() -> None:
    """A record with the maximum depth is stored, and its personal data are found."""
    protection = PersonalData("drop").protection(PARTIES)
    assert protection is not None
    record = protection.record(nested(DEEPEST))

    assert not is_too_deep(nested(DEEPEST))
    assert b"Jan" not in record
    assert normalize(PARTIES, [record]).rejected == ()


@pytest.mark.parametrize("end", [b'"]', b"]"], ids=["closed", "unclosed"])
@pytest.mark.parametrize("levels", [DEEPEST - 1, DEEPEST])
def test_the_depth_of_a_long_record_is_found_in_linear_time(levels: int, end: bytes) -> None:
    """The depth is found in linear time, also if megabytes of escapes are in a text that is never closed."""
    flat = b"[" + b"[]," * DEEPEST
    long = flat + b"[" * levels + b"]" * levels + b',"' + b'\\"' * 1_000_000 + end

    with linear_time():
        found = is_too_deep(long)

    assert found == (levels == DEEPEST)
