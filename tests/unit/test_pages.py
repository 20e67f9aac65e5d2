"""A page is split into its records whatever they contain, and an answer that is no page is refused."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.errors import GarbledAnswerError
from pipelines.floriday.pages import Page, number_of, read_list, read_page
from pipelines.normalize.content import content_hash
from pipelines.sync.batches import without_stored
from tests.linear_time import linear_time, little_memory
from tests.records import page_of

FIRST, LAST = b'{"sequenceNumber":1,"name":"first"}', b'{"name":"last","sequenceNumber":9}'
DEEP = 6_000

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


def numbered(text: str) -> bytes:
    """Return a record with its sequence number in this notation."""
    return f'{{"id":"a","sequenceNumber":{text}}}'.encode()


def test_records_stay_as_they_were_received() -> None:
    """Order of members, spaces and notations of a record are kept to the byte."""
    record = b'{ "b" : 1.50 ,\n "sequenceNumber":5, "a":"\\u00e9\\/" }'

    page = read_page(b' { "results" : [ %s , %s ] , "maximumSequenceNumber" : 7 }\n' % (record, FIRST))

    assert page == Page(7, (record, FIRST), (5, 1))


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"<html><body>Service Unavailable</body></html>",
        b"null",
        b"[]",
        b'"results"',
        b'{"maximumSequenceNumber":5}',
        b'{"maximumSequenceNumber":5,"results":null}',
        b'{"maximumSequenceNumber":5,"results":{}}',
        b'{"results":[]}',
        b'{"maximumSequenceNumber":null,"results":[]}',
        b'{"maximumSequenceNumber":"many","results":[]}',
        b'{"maximumSequenceNumber":5.5,"results":[]}',
        b'{"maximumSequenceNumber":9223372036854775808,"results":[]}',
        b'{"maximumSequenceNumber":99999999999999999999999,"results":[]}',
        b'{"maximumSequenceNumber":1e99999999999999999999,"results":[]}',
        b'{"title":"Forbidden","status":403}',
        b'\xef\xbb\xbf{"maximumSequenceNumber":5,"results":[]}',
        page_of([FIRST, LAST], 9) + page_of([FIRST], 9),
        page_of([FIRST, LAST], 9) + b"}",
        b'{"maximumSequenceNumber":5,"results":[],5}',
        b'{"maximumSequenceNumber":5,"results":[],"next":1}{}',
        b'{"maximumSequenceNumber":5,"results":[],"next":{}',
        b'{"results":[{"sequenceNumber":5}],"maximumSequenceNumber":5,"results":[]}',
        b'{"results":[],"maximumSequenceNumber":5,"maximumSequenceNumber":9}',
        b'{"results":[],"maximumSequenceNumber":5,"\\u0072esults":[],"results":[]}',
        b"{" * DEEP,
    ],
)
def test_an_answer_that_is_no_page_is_refused(answer: bytes) -> None:
    """HTML, other JSON, a byte order mark and two answers in one are errors, and never the end of a feed."""
    with pytest.raises(GarbledAnswerError):
        read_page(answer)


@pytest.mark.parametrize("malformed", [LAST, b'{"sequenceNumber":5,"name":"\\ud800"}'])
def test_a_truncated_page_is_refused(malformed: bytes) -> None:
    """A page that is truncated at any byte is refused, also if it contains a malformed record."""
    whole = page_of([FIRST, malformed], 9)

    for length in range(len(whole)):
        with pytest.raises(GarbledAnswerError):
            read_page(whole[:length])


@pytest.mark.parametrize(
    "malformed",
    [
        b'{"sequenceNumber":5,"name":"half \\ud83d of a pair"}',
        b'{"sequenceNumber":5,"price":NaN}',
        b'{"sequenceNumber":5,"price":-Infinity}',
        b'{"sequenceNumber":5,"price":01}',
        b'{"sequenceNumber":5,"price":1e400}',
        b'{"sequenceNumber":5,"price":1e99999999999999999999}',
        b'{"sequenceNumber":5,"price":}',
        b'{"sequenceNumber":5,"name":"\x01\t"}',
        b'{"sequenceNumber":5,"name":"\xff"}',
        b'{"sequenceNumber":5,"deep":' + b"[" * DEEP + b"]" * DEEP + b"}",
        b'{"sequenceNumber":5,"deep":' + b'{"a":' * DEEP + b"1" + b"}" * DEEP + b"}",
        b'{"sequenceNumber":5,"name":"]}, \\" {[","odd":NaN}',
    ],
)
def test_a_malformed_record_does_not_affect_its_neighbours(malformed: bytes) -> None:
    """A malformed record is returned whole with its number, and so are the records around it."""
    page = read_page(page_of([FIRST, malformed, LAST], 9))

    assert page.records == (FIRST, malformed, LAST)
    assert page.numbers == (1, 5, 9)
    assert read_list(b"[ %s , %s,%s]" % (FIRST, malformed, LAST)) == (FIRST, malformed, LAST)


@pytest.mark.parametrize("answer", [b"", b"{}", b"null", b"[{}", b"[{}]]", b"<html></html>", b'{"results":[]}'])
def test_an_answer_that_is_no_list_is_refused(answer: bytes) -> None:
    """A snapshot's answer that is no list of records is refused."""
    with pytest.raises(GarbledAnswerError):
        read_list(answer)


@pytest.mark.parametrize("not_json", [b"{NaN:1}", b'{"a"}', b"NaN", b'{\xff"a":NaN}'])
def test_a_record_that_is_no_json_has_no_number(not_json: bytes) -> None:
    """A record that is not JSON is returned whole without a number, and so are the records around it."""
    page = read_page(page_of([FIRST, not_json, LAST], 9))

    assert page.records == (FIRST, not_json, LAST)
    assert page.numbers == (1, None, 9)
    assert number_of(not_json) is None


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("5", 5),
        ("-3", -3),
        ("5.0", 5),
        ("1e3", 1000),
        ('"5"', 5),
        ('"+5"', 5),
        ("9223372036854775807", 2**63 - 1),
        ("-9223372036854775808", -(2**63)),
        ("9223372036854775808", None),
        ("18446744073709551616", None),
        ("1e400", None),
        ("9007199254740993.0", None),
        ("5.5", None),
        ('"many"', None),
        ('"5x"', None),
        ('"99999999999999999999"', None),
        ('""', None),
        ("true", None),
        ("null", None),
        ("[5]", None),
        ("{}", None),
    ],
)
def test_a_number_must_fit_a_cursor(written: str, number: int | None) -> None:
    """Whole numbers within int64, also written as text or as 5.0, are sequence numbers; all others are ignored."""
    record = numbered(written)

    assert read_page(page_of([record, FIRST], 9)).numbers == (number, 1)
    assert number_of(record) == number


@pytest.mark.parametrize(
    ("record", "number"),
    [
        (b"{}", None),
        (b"null", None),
        (b"7", None),
        (b"[]", None),
        (b'"text"', None),
        (b'{"lines":[{"sequenceNumber":8}]}', None),
        (b'{"lines":[{"sequenceNumber":8}],"sequenceNumber":5}', 5),
        (b'{"\\u0073equenceNumber":5}', 5),
        (b'{"sequenceNumber":4,"sequenceNumber":5}', 5),
        (b'{"note":"\\"sequenceNumber\\":8","sequenceNumber":5}', 5),
        (b'{"note":"\\"sequenceNumber\\":8","sequenceNumber":5,"odd":NaN}', 5),
        (b'{"lines":[{"sequenceNumber":8}],"sequenceNumber" : 5 ,"odd":NaN}', 5),
    ],
)
def test_the_number_is_the_records_own(record: bytes, number: int | None) -> None:
    """Only the record's own last sequence number is read, not one in nested objects or texts; names may be escaped."""
    assert read_page(page_of([FIRST, record], 9)).numbers == (1, number)
    assert number_of(record) == number


def test_the_highest_number_is_the_pages_maximum_or_a_records() -> None:
    """The highest number is the page's maximum or that of a record, whichever is higher."""
    assert read_page(page_of([FIRST, LAST], 5)).highest == 9
    assert read_page(page_of([FIRST, LAST], 12)).highest == 12
    assert read_page(page_of([numbered("null")], 4)).highest == 4
    assert read_page(page_of([], 0)) == Page(0, (), ())


def test_the_size_is_the_bytes_of_the_records() -> None:
    """The size of a page is the number of bytes of its records."""
    assert read_page(page_of([FIRST, LAST], 9)).size == len(FIRST) + len(LAST)


def test_stored_records_are_removed_from_a_page() -> None:
    """Stored records are removed with their numbers; the maximum and records without a number stay."""
    page = read_page(page_of([FIRST, numbered("null"), LAST], 12))
    first, other = {content_hash(FIRST)}, {content_hash(LAST)}

    assert without_stored(page, {1: first, 7: other}).records == (numbered("null"), LAST)
    assert without_stored(page, {1: first, 7: other}).numbers == (None, 9)
    assert without_stored(page, {1: first}).maximum == 12
    assert without_stored(page, {2: first}) is page


def test_other_content_at_a_stored_number_is_kept() -> None:
    """A record with a stored number and other content is kept, although numbers should be unique."""
    page = read_page(page_of([FIRST, LAST], 12))

    assert without_stored(page, {1: {content_hash(LAST)}, 9: {content_hash(LAST)}}).records == (FIRST,)


@given(
    records=st.lists(st.dictionaries(st.text(), json_values, max_size=3), max_size=4),
    ascii_only=st.booleans(),
    indent=st.sampled_from([None, 0, 2]),
    malformed=st.booleans(),
)
def test_any_records_are_split_correctly(
    *, records: list[dict[str, object]], ascii_only: bool, indent: int | None, malformed: bool
) -> None:
    """Records with any brackets, quotes and escapes are split correctly, also in a page with a malformed record."""
    raws = [json.dumps(record, ensure_ascii=ascii_only, indent=indent).encode() for record in records]
    if malformed:
        raws.append(b'{"odd":NaN}')

    page = read_page(page_of(raws, 3))

    assert list(page.records) == raws
    assert len(page.numbers) == len(raws)


def test_a_number_that_is_not_utf8_is_ignored() -> None:
    """A sequence number that is not UTF-8 text is ignored, and the page is read."""
    body = b'{"maximumSequenceNumber":7,"results":[{"sequenceNumber":"\xff"},{"sequenceNumber":7}]}'

    page = read_page(body)

    assert page.numbers == (None, 7)
    assert number_of(b'{"sequenceNumber":"\xff"}') is None


def test_a_record_may_have_the_names_of_a_page() -> None:
    """Names within records are not those of the page, which is read all the same."""
    record = b'{"sequenceNumber":5,"results":[1],"maximumSequenceNumber":7,"remark":"\\"results\\""}'

    page = read_page(page_of([record], 9))

    assert (page.maximum, page.records, page.numbers) == (9, (record,), (5,))


@pytest.mark.parametrize(
    ("answer", "records"),
    [
        (b'[{"a":"x},{"b":1}]', (b'{"a":"x},{"b":1}',)),
        (b'[{"a":1},{"b":"x}]', (b'{"a":1}', b'{"b":"x}')),
        (b'[{"a":"x\\"},{\\"b":1}]', (b'{"a":"x\\"},{\\"b":1}',)),
        (b'[{"a":"x\\"},{\\"b\\":1}]', (b'{"a":"x\\"}', b'{\\"b\\":1}')),
        (b'["\\"]', (b'"\\"',)),
    ],
)
def test_brackets_count_behind_a_quote_that_is_never_closed(answer: bytes, records: tuple[bytes, ...]) -> None:
    """A quote without a closing one begins no text, and neither does an escaped quote behind it."""
    assert read_list(answer) == records


@pytest.mark.parametrize("escape", [b'\\"', b"\\n", b"\\u0416"])
@pytest.mark.parametrize("end", [b'"}', b"}"], ids=["closed", "unclosed"])
def test_a_long_malformed_record_is_read_in_linear_time_and_memory(escape: bytes, end: bytes) -> None:
    """A page with a malformed record and megabytes of escapes is read in linear time, in little memory."""
    malformed = b'{"name":"\\ud800"}'
    long = b'{"sequenceNumber":5,"name":"' + escape * (2_000_000 // len(escape)) + end
    body = page_of([malformed, long], 9)

    with linear_time(), little_memory(len(body)):
        page = read_page(body)

    assert page.records == (malformed, long)
    assert page.numbers == (None, 5)
