"""Each type of value is stored or rejected by the same rules on the fast path and on the exact path."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

import pyarrow as pa
import pytest

from pipelines.catalogue.tables import Table
from pipelines.catalogue.types import Kind
from pipelines.json_scan import DEEPEST
from pipelines.normalize import Batch, arrow_reader, exact, fast_path, normalize
from pipelines.normalize.schemas import frame_schema
from tests.every_kind import TABLE, THING_ID, thing
from tests.examples import cases

Rows = dict[str, list[dict[str, Any]]]
Reader = Callable[[bytes], Rows]
PARTS = {part.qualified_name: part for part in TABLE.walk()}
BIG = "9110008000001"
OTHER = "8bb25702-90f6-4123-d59c-08dc1b2a061e"
NIL = "00000000-0000-0000-0000-000000000000"
NESTED = "things.things"
BRANCHES = "things.thing_branches"
LEAVES = "things.thing_branch_leaves"


class RejectedError(Exception):
    """A record was rejected; the text is the reason."""


def exact_path(raw: bytes) -> Rows:
    """Return the rows of the exact path, with the types in which they are stored."""
    try:
        rows = exact.rows_of(TABLE, raw)
    except exact.UnreadableError as error:
        raise RejectedError(error) from None
    return {
        name: plain(pa.Table.from_pylist(rows_of_table, schema=frame_schema(PARTS[name])))
        for name, rows_of_table in rows.items()
    }


def batch_of_one(raw: bytes) -> Rows:
    """Return the rows of a batch with one record, whichever path the record took."""
    batch = normalize(TABLE, [raw])
    for rejected in batch.rejected:
        raise RejectedError(rejected.reason)
    return rows_of(batch)


def rows_of(batch: Batch) -> Rows:
    """Return a batch's frames as rows of Python values."""
    return {
        name: plain(pa.Table.from_pandas(frame, schema=frame_schema(PARTS[name]), preserve_index=False))
        for name, frame in batch.frames.items()
    }


def plain(table: pa.Table) -> list[dict[str, object]]:
    """Return rows of Python values, with UUIDs as text."""
    return [
        {name: str(value) if isinstance(value, UUID) else value for name, value in row.items()}
        for row in table.to_pylist()
    ]


@pytest.fixture(params=[exact_path, batch_of_one])
def read(request: pytest.FixtureRequest) -> Reader:
    """Each function that reads a record."""
    chosen: Reader = request.param
    return chosen


def utc(*parts: int) -> dt.datetime:
    """Return a time in UTC."""
    year, month, day, hour, minute, second, microsecond = (*parts, *[0] * (7 - len(parts)))
    return dt.datetime(year, month, day, hour, minute, second, microsecond, tzinfo=dt.UTC)


STORED: dict[str, list[tuple[str, object]]] = {
    "amount": [
        ("1.5", Decimal("1.5")),
        ("0", Decimal(0)),
        ("-0", Decimal(0)),
        ("-0.0", Decimal(0)),
        ("1e3", Decimal(1000)),
        ("12.345678", Decimal("12.345678")),
        ("0.30000000000000004", Decimal("0.3")),
        ("0.1234565", Decimal("0.123457")),
        ("0.1234575", Decimal("0.123458")),
        ("-0.1234565", Decimal("-0.123457")),
        ("-0.0000005", Decimal("-0.000001")),
        ("0.0000004999999999", Decimal(0)),
        ("0.12345649999999999", Decimal("0.123456")),
        ("1.5E-7", Decimal(0)),
        ("1e-400", Decimal(0)),
        ("0.1234565000000000000000000000000001", Decimal("0.123457")),
        ("0.1234564999999999999999999999999999", Decimal("0.123456")),
        ("123456789012.123456", Decimal("123456789012.123456")),
        ("-999999999999.9999994", Decimal("-999999999999.999999")),
        ('"12.5"', Decimal("12.5")),
        ('"1e2"', Decimal(100)),
        ('".5"', Decimal("0.5")),
        ('"+5"', Decimal(5)),
        ('""', None),
        ('" \\u2003"', None),
        ("null", None),
    ],
    "count": [
        ("5", 5),
        ("-98200", -98200),
        ("5.0", 5),
        ("1e3", 1000),
        ('"5"', 5),
        ('"5.00"', 5),
        ("2147483647", 2**31 - 1),
        ("-2147483648", -(2**31)),
        ('""', None),
        ("null", None),
    ],
    "big": [
        (BIG, int(BIG)),
        (f'"{BIG}"', int(BIG)),
        ("9007199254740993.0", 2**53 + 1),
        ("9223372036854775807", 2**63 - 1),
        ("-9223372036854775808", -(2**63)),
        ('" "', None),
    ],
    "word": [
        ('"Rosa"', "Rosa"),
        ('" kept as it came "', " kept as it came "),
        ('"\\u00d8rsted \\ud83c\\udf37 \\/"', "Ørsted \U0001f337 /"),
        ('"nul \\u0000 within"', "nul \u0000 within"),
        ('"12.50"', "12.50"),
        ('"null"', "null"),
        (BIG, BIG),
        ("1.50", "1.50"),
        ("1E3", "1E3"),
        ("true", "true"),
        ("false", "false"),
        ('""', None),
        ('"  \\t\\n"', None),
        ('"\\u2003\\u00a0\\u3000"', None),
        ("null", None),
    ],
    "colour": [('"RED"', "RED"), ('"MAUVE"', "MAUVE"), ('""', None)],
    "flag": [("true", True), ("false", False), ("null", None), ('""', None), ('"  "', None)],
    "other_id": [
        (f'"{OTHER}"', OTHER),
        (f'"{OTHER.upper()}"', OTHER),
        (f'"{NIL}"', None),
        ('""', None),
        ('" "', None),
        ("null", None),
    ],
    "day": [
        ('"2026-01-02"', dt.date(2026, 1, 2)),
        ('"2026-01-02T23:59:59Z"', dt.date(2026, 1, 2)),
        ('"0001-01-01"', dt.date(1, 1, 1)),
        ('"9999-12-31"', dt.date(9999, 12, 31)),
        ('""', None),
    ],
    "moment": [
        ('"2026-01-02T03:04:05Z"', utc(2026, 1, 2, 3, 4, 5)),
        ('"2026-01-02T03:04:05.1Z"', utc(2026, 1, 2, 3, 4, 5, 100_000)),
        ('"2026-01-02T03:04:05.123456Z"', utc(2026, 1, 2, 3, 4, 5, 123_456)),
        ('"2026-01-02T03:04:05.1234567Z"', utc(2026, 1, 2, 3, 4, 5, 123_456)),
        ('"2026-01-02T03:04:05.9999999Z"', utc(2026, 1, 2, 3, 4, 5, 999_999)),
        ('"1969-12-31T23:59:59.9999999Z"', utc(1969, 12, 31, 23, 59, 59, 999_999)),
        ('"9999-12-31T23:59:59.9999999Z"', utc(9999, 12, 31, 23, 59, 59, 999_999)),
        ('"2026-01-02T03:04:05+02:00"', utc(2026, 1, 2, 1, 4, 5)),
        ('"2026-01-02T03:04:05-0530"', utc(2026, 1, 2, 8, 34, 5)),
        ('"2026-01-02T03:04:05+02"', utc(2026, 1, 2, 1, 4, 5)),
        ('"2026-01-02T03:04:05"', utc(2026, 1, 2, 3, 4, 5)),
        ('"2026-01-02t03:04:05z"', utc(2026, 1, 2, 3, 4, 5)),
        ('"2026-01-02T03:04Z"', utc(2026, 1, 2, 3, 4)),
        ('"0001-01-01T00:00:00Z"', utc(1, 1, 1)),
        ('""', None),
        ("null", None),
    ],
    "words": [
        ("null", None),
        ("[]", []),
        ('["b","a","b"]', ["b", "a", "b"]),
        ('["a","",null,"  ","c"]', ["a", None, None, None, "c"]),
        ('["a",5,true]', ["a", "5", "true"]),
    ],
    "ids": [(f'["{OTHER}","{NIL}",null,""]', [OTHER, None, None, None])],
    "counts": [('[1,"2",3.0,null,""]', [1, 2, 3, None, None])],
    "amounts": [('[0.1234565,"2",null]', [Decimal("0.123457"), Decimal(2), None])],
    "moments": [('["2026-01-02T03:04:05.1234567Z",null]', [utc(2026, 1, 2, 3, 4, 5, 123_456), None])],
}

REFUSED: dict[str, list[str]] = {
    "amount": [
        "999999999999.9999995",
        "1e12",
        "-1e12",
        "1e400",
        '"many"',
        "true",
        "{}",
        "[1]",
        '"1_000"',
        '"\\u0665"',
        '"1,5"',
    ],
    "count": [
        "5.5",
        "2147483648",
        "-2147483649",
        "99999999999999999999",
        '"5.5"',
        '"x"',
        "false",
        "[5]",
        "{}",
        "1e400",
    ],
    "big": ["9223372036854775808", "-9223372036854775809", "1e19", "0.5"],
    "word": ["{}", "[]", '["a"]', '"half \\ud800"', '"\\udf37 other half"', "NaN", "Infinity", "01"],
    "flag": ['"true"', '"no"', "0", "1", "[]"],
    "other_id": [
        f'"{OTHER.replace("-", "")}"',
        f'"{{{OTHER}}}"',
        f'"{OTHER}\\n"',
        f'" {OTHER}"',
        '"x"',
        "5",
        "true",
        f'"{OTHER[:-1]}g"',
    ],
    "day": [
        '"2026-01-02xyz"',
        '"20260102"',
        '"2026-W01-1"',
        '"2026-02-30"',
        '"2026-1-2"',
        '"02-01-2026"',
        '"0000-01-01"',
        '"many"',
        "20260102",
        "{}",
    ],
    "moment": [
        '"2026-02-30T00:00:00Z"',
        '"2026-01-02T24:00:00Z"',
        '"2026-01-02T23:60:00Z"',
        '"2026-01-02T23:59:60Z"',
        '"2026-01-02"',
        '"0000-12-31T00:00:00Z"',
        '"10000-01-01T00:00:00Z"',
        '"0001-01-01T00:30:00+02:00"',
        '"9999-12-31T23:30:00-02:00"',
        '"2026-01-02T03:04:05.Z"',
        '"2026-01-02T03:04:05 CET"',
        '"yesterday"',
        "1767323045",
        "{}",
    ],
    "words": ['"a"', "{}", "5", '["a",{}]', '["a",[]]'],
    "ids": [f'["{OTHER}","x"]', f'"{OTHER}"'],
    "counts": ["[1,2147483648]", "[1.5]"],
    "amounts": ["[1e12]", '["many"]'],
    "moments": ['["2026-02-30T00:00:00Z"]'],
}


def member(column: str, text: str) -> str:
    """Return the column's member in JSON, with this value."""
    return f'"{(TABLE.by_name[column].path or ())[0]}":{text}'


@pytest.mark.parametrize(("column", "written", "stored"), [(c, g, s) for c, cases in STORED.items() for g, s in cases])
def test_a_value_is_stored(read: Reader, column: str, written: str, stored: object) -> None:
    """A value is stored in its column's type, from any supported notation."""
    found = read(thing(member(column, written)))[NESTED][0][column]

    assert found == stored
    assert type(found) is type(stored)


@pytest.mark.parametrize(("column", "written"), [(c, g) for c, cases in REFUSED.items() for g in cases])
def test_a_value_that_cannot_be_read_rejects_its_record(read: Reader, column: str, written: str) -> None:
    """A record with an unreadable value is rejected, with the field in the reason unless it is not JSON."""
    with pytest.raises(RejectedError) as reason:
        read(thing(member(column, written)))

    path = ".".join(TABLE.by_name[column].path or ())
    assert str(reason.value).startswith((f"{path}: ", "the record is not JSON", "NaN is not", "Infinity is not"))
    assert len(str(reason.value)) < 200


@pytest.mark.parametrize(
    ("column", "written", "reason"),
    [
        ("amount", '"many"', "amount: expected a number, got 'many'"),
        ("amount", "1e12", "amount: 1e12 does not fit DECIMAL(18,6)"),
        ("count", "5.5", "count: expected a whole number, got 5.5"),
        ("count", "2147483648", "count: 2147483648 does not fit 32 bits"),
        ("other_id", '"x"', "otherId: malformed UUID 'x'"),
        ("moment", '"2026-02-30T00:00:00Z"', "moment: malformed date-time '2026-02-30T00:00:00Z'"),
        ("flag", '"true"', "flag: expected true or false, got 'true'"),
        ("words", "{}", "words: expected an array, got {}"),
        ("word", '"\\ud800"', "word: text with half a surrogate pair"),
    ],
)
def test_a_reason_has_field_expectation_and_value(read: Reader, column: str, written: str, reason: str) -> None:
    """The reason of a rejection has the field, what was expected, and the value."""
    with pytest.raises(RejectedError) as rejected:
        read(thing(member(column, written)))

    assert str(rejected.value) == reason


@pytest.mark.parametrize("part", ["", '"part":null', '"part":{}', '"part":{"word":null}'])
def test_a_missing_nested_object_is_null(read: Reader, part: str) -> None:
    """The columns of a nested object are null if the object or its values are absent, null or empty."""
    row = read(thing(part))[NESTED][0]

    assert (row["part_word"], row["part_amount"]) == (None, None)


@pytest.mark.parametrize("part", ["[]", '"a"', "5", "true"])
def test_another_type_than_an_object_is_rejected(read: Reader, part: str) -> None:
    """A record with another type in the place of an object is rejected."""
    with pytest.raises(RejectedError, match="expected an object"):
        read(thing(f'"part":{part}'))


@pytest.mark.parametrize("branches", ["", '"branches":null', '"branches":[]'])
def test_a_missing_array_has_no_rows(read: Reader, branches: str) -> None:
    """A missing, null or empty array of objects has no rows."""
    rows = read(thing(branches))

    assert rows[BRANCHES] == []
    assert rows[LEAVES] == []


def test_a_null_in_an_array_of_objects_is_a_row_of_nulls(read: Reader) -> None:
    """A null in an array of objects becomes a row of nulls at its position."""
    rows = read(thing('"branches":[{"count":1},null,{"count":3}]'))[BRANCHES]

    assert [(row["position"], row["count"], row["thing_id"]) for row in rows] == [
        (0, 1, THING_ID),
        (1, None, THING_ID),
        (2, 3, THING_ID),
    ]


def test_grandchildren_have_the_keys_of_all_levels(read: Reader) -> None:
    """A grandchild's row has the record's key, its parent's position and id, and its own position."""
    leaves = [{"word": "a"}, {"word": "b"}]
    branches = [
        {"branchId": OTHER.upper(), "leaves": leaves},
        {"leaves": None},
        {"branchId": NIL, "leaves": leaves[:1]},
    ]

    rows = read(thing(f'"branches":{json.dumps(branches)}'))[LEAVES]

    places = [(row["thing_id"], row["branch_position"], row["branch_id"], row["position"], row["word"]) for row in rows]
    assert places == [(THING_ID, 0, OTHER, 0, "a"), (THING_ID, 0, OTHER, 1, "b"), (THING_ID, 2, None, 0, "a")]


@pytest.mark.parametrize("branches", ['"a"', "5", "[5]", '["a"]', "[[]]", "[true]"])
def test_another_type_than_an_array_of_objects_is_rejected(read: Reader, branches: str) -> None:
    """A record with another type in the place of an array of objects is rejected, with the array in the reason."""
    with pytest.raises(RejectedError, match=r"^branches(\[0\])?: expected an (array|object)"):
        read(thing(f'"branches":{branches}'))


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b'{"sequenceNumber":1}', "thing_id is missing"),
        (f'{{"thingId":"{NIL}","sequenceNumber":1}}'.encode(), "thing_id is missing"),
        (b'{"thingId":"","sequenceNumber":1}', "thing_id is missing"),
        (b'{"thingId":"x","sequenceNumber":1}', "thingId: malformed UUID 'x'"),
        (f'{{"thingId":"{OTHER}"}}'.encode(), "sequence_number is missing"),
        (f'{{"thingId":"{OTHER}","sequenceNumber":null}}'.encode(), "sequence_number is missing"),
        (f'{{"thingId":"{OTHER}","sequenceNumber":"x"}}'.encode(), "sequenceNumber: expected a number, got 'x'"),
        (b"null", "expected an object, got None"),
        (b"[]", "expected an object, got []"),
        (b'"text"', "expected an object, got 'text'"),
        (b"5", "expected an object, got 5"),
        (b"{", "the record is not JSON: "),
        (b"", "the record is not JSON: "),
        (b'{"a":1} {"b":2}', "the record is not JSON: "),
        (
            thing('"word":"?"').replace(b"?", b"\xff"),
            "the record is not JSON",
        ),
    ],
)
def test_a_record_without_key_or_number_is_rejected(read: Reader, raw: bytes, reason: str) -> None:
    """A record without a key or sequence number, or that is no JSON object, is rejected."""
    with pytest.raises(RejectedError) as rejected:
        read(raw)

    assert str(rejected.value).startswith(reason)


@cases("column", ["x", "word", "words", "part", "branches", "sequenceNumber", "thingId"], quick=1)
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}"), ('[{"]":', "}]")])
def test_deep_nesting_is_rejected(read: Reader, column: str, opening: str, closing: str) -> None:
    """A record nested deeper than the limit is rejected, also at the depths at which Python and Arrow fail."""
    for depth in (DEEPEST, *range(960, 1000, 3), 9_000, 100_000):
        with pytest.raises(RejectedError) as reason:
            read(thing(f'"{column}":{opening * depth}1{closing * depth}'))
        assert str(reason.value) == "the record is nested too deeply"


def test_many_brackets_without_deep_nesting_are_stored(read: Reader) -> None:
    """A record with many brackets that are not nested deeply, or that are in texts, is stored."""
    members = ",".join(["[[1]]"] * DEEPEST)
    brackets = "[{" * DEEPEST

    row = read(thing(f'"x":[{members}],"word":"\\"{brackets}"'))[NESTED][0]

    assert row["word"] == f'"{brackets}'
    assert read(thing(f'"x":{"[" * (DEEPEST - 1)}{"]" * (DEEPEST - 1)}'))[NESTED]


def test_only_key_and_number_are_required(read: Reader) -> None:
    """A record with only a key and a sequence number is stored."""
    row = read(thing())[NESTED][0]

    assert {name for name, value in row.items() if value is not None} <= {
        "record",
        "thing_id",
        "sequence_number",
        "is_deleted",
    }


def test_the_last_of_duplicate_members_is_used(read: Reader) -> None:
    """If a member is repeated, its last value is used, as by most JSON parsers."""
    assert read(thing('"count":1,"count":2'))[NESTED][0]["count"] == 2


@pytest.mark.parametrize(
    ("members", "deleted"),
    [
        ("", False),
        ('"isDeleted":true', True),
        ('"isDeleted":false', False),
        ('"isDeleted":null', False),
        ('"isDeleted":""', False),
    ],
)
def test_is_deleted_is_never_null(read: Reader, members: str, deleted: bool) -> None:  # noqa: FBT001
    """``is_deleted`` is false if the record does not contain it."""
    assert read(thing(members))[NESTED][0]["is_deleted"] is deleted


def test_blank_characters_are_the_same_on_both_paths() -> None:
    """Text of characters that Python strips is blank, for all of Unicode."""
    characters = [chr(point) for point in range(0x110000) if not 0xD800 <= point < 0xE000]
    blank = [character for character in characters if not character.strip()]
    similar = [character for character in characters if character.isspace() or not character.isprintable()][:400]
    records = [
        thing(member("word", json.dumps(character)), place, f"8bb25702-90f6-4123-8ccc-{place:012x}")
        for place, character in enumerate([*blank, *similar])
    ]

    rows = rows_of(normalize(TABLE, records))[NESTED]

    assert [row["word"] is None for row in rows] == [not text.strip() for text in (*blank, *similar)]
    assert len(blank) > 20


USUAL = (
    '"word":"a","count":5,"big":9110008000001,"amount":0.1234565,"moment":"2026-01-02T03:04:05.1234567Z",'
    f'"day":"2026-01-02","flag":true,"otherId":"{OTHER.upper()}","words":["a",""],"ids":["{NIL}"],'
    '"part":{"word":"  "},"branches":[{"leaves":[{}]},null],"tomorrow":[1]'
)


def test_usual_records_take_the_fast_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """Records as Floriday usually writes them do not use the exact path."""

    def fail(*_: object) -> Rows:
        raise AssertionError("the exact path was used")

    monkeypatch.setattr(exact, "rows_of", fail)

    batch = normalize(TABLE, [thing(USUAL, place) for place in range(50)])

    assert len(batch.frames[NESTED]) == 50
    assert not batch.rejected


def test_malformed_records_are_rejected_alone() -> None:
    """Only the malformed records of a page are rejected, with position, key, number and payload."""
    records = [thing(USUAL, place, f"8bb25702-90f6-4123-8ccc-{place:012x}") for place in range(1000)]
    records[7] = thing('"moment":"2026-02-30T00:00:00Z"', 7, f"{NIL[:-1]}7")
    records[500] = thing('"word":"\\ud800"', 500, "x")
    records[999] = b'{"thingId":5,"\xff'

    batch = normalize(TABLE, records)

    assert [(item.record, item.key, item.sequence_number) for item in batch.rejected] == [
        (7, f"{NIL[:-1]}7", 7),
        (500, None, 500),
        (999, None, None),
    ]
    assert [item.payload for item in batch.rejected] == [
        records[7].decode(),
        records[500].decode(),
        '{"thingId":5,"\\xff',
    ]
    assert len(batch.frames[NESTED]) == len(batch.originals) == 997
    assert batch.served == 1000


def test_the_original_is_kept_to_the_byte() -> None:
    """The original bytes of each stored record are kept, with spaces, line breaks and escapes."""
    record = b'{ "thingId" : "%s",\n\t"sequenceNumber" : 5.0 , "word":"\\u00e9\\/" }' % OTHER.encode()

    batch = normalize(TABLE, [record, b"{}", thing()])

    originals = dict(zip(batch.originals["record"], batch.originals["payload"], strict=True))
    assert originals == {0: record.decode(), 2: thing().decode()}


def test_unknown_fields_are_reported() -> None:
    """Unknown fields of any depth and type are reported with their paths, and their records are stored."""
    branches = '"branches":[{"twig":"x","thingId":"known","leaves":[{"hue":[]}]}]'
    members = f'"tomorrow":1,"part":{{"news":{{"a":1}}}},{branches}'
    for_the_exact_path = '"count":5.0,"later":true'

    batch = normalize(TABLE, [thing(members), thing(for_the_exact_path), thing('"tomorrow":"of another type"')])

    assert not batch.rejected
    assert set(batch.unknown_fields) == {
        "tomorrow",
        "part.news",
        "branches[].twig",
        "branches[].leaves[].hue",
        "later",
    }


def test_an_unknown_field_with_an_invalid_name_is_reported() -> None:
    """An unknown field whose name is half a surrogate pair is reported with escapes, and its record is stored."""
    record = thing(r'"\ud800":1,"part":{"a\udfffb":"\ud800"}')

    batch = normalize(TABLE, [record])

    assert not batch.rejected
    assert set(batch.unknown_fields) == {r"\ud800", r"part.a\udfffb"}
    assert list(batch.originals["payload"]) == [record.decode()]


@pytest.mark.parametrize("place", ["top", "part", "within"])
def test_ids_as_field_names_do_not_become_columns(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ids as field names do not become columns in Arrow; all records are kept and few names are reported."""
    read_block, columns = arrow_reader._read_block, []  # noqa: SLF001 - where Arrow is called

    def counted(raws: Sequence[bytes], wanted: pa.StructType, mode: str) -> pa.StructArray | None:
        records = read_block(raws, wanted, mode)
        columns.append(0 if records is None else fields_in(records.type))
        return records

    monkeypatch.setattr(arrow_reader, "_read_block", counted)
    records = []
    for record in range(1000):
        ids = ",".join(f'"{record:08x}-{number:04x}":{number}' for number in range(20))
        members = {"top": ids, "part": f'"part":{{{ids}}}', "within": f'"stock":{{"byId":{{{ids}}}}}'}[place]
        records.append(thing(members, record))

    batch = normalize(TABLE, records)

    assert len(batch.originals) == 1000
    assert max(columns) < 100
    assert 1 <= len(batch.unknown_fields) <= arrow_reader.MOST_UNKNOWN
    assert place != "within" or batch.unknown_fields == {"stock": "dict"}


def fields_in(kind: pa.DataType) -> int:
    """Return the number of fields of a nested type."""
    if pa.types.is_list(kind):
        return fields_in(kind.value_type)
    return sum(1 + fields_in(member.type) for member in kind) if pa.types.is_struct(kind) else 0


def test_an_unexpected_error_rejects_only_its_record(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bug in reading a record rejects only that record, with a reason that shows nothing of the error's text."""
    rows_of = exact.rows_of

    def fail(table: Table, raw: bytes) -> dict[str, list[exact.Row]]:
        if b"odd" in raw:
            raise OverflowError("k3y-7hat-must-not-show")
        return rows_of(table, raw)

    monkeypatch.setattr(exact, "rows_of", fail)

    batch = normalize(TABLE, [thing('"count":5.0', 1), thing('"count":5.0,"word":"odd"', 2), thing('"word":"fine"', 3)])

    assert list(batch.frames[NESTED]["sequence_number"]) == [1, 3]
    (rejected,) = batch.rejected
    assert rejected.sequence_number == 2
    assert rejected.reason.startswith("it cannot be read: unexpected OverflowError at ")
    assert "k3y-7hat" not in rejected.reason


@pytest.mark.parametrize("step", ["read_records", "flatten"])
def test_records_are_read_on_the_exact_path_if_the_fast_path_fails(step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """If any step of the fast path fails, the records are read on the exact path."""
    work = getattr(fast_path, step)

    def fail(table: Table, records: Sequence[object], *places: object) -> object:
        if len(records):
            raise pa.ArrowInvalid("an invented error")
        return work(table, records, *places)

    records = [thing(USUAL, place) for place in range(3)]
    expected = normalize(TABLE, records)
    monkeypatch.setattr(fast_path, step, fail)

    batch = normalize(TABLE, records)

    assert not batch.rejected
    for name, frame in expected.frames.items():
        assert batch.frames[name].equals(frame), name


def test_unknown_enumeration_values_are_reported_and_kept() -> None:
    """Unknown values of enumerations, also in lists, are reported and stored; blank text is no value."""
    batch = normalize(TABLE, [thing('"colour":"MAUVE","colours":["RED","",null,"TEAL"]'), thing('"colour":"RED"')])

    assert batch.unknown_values == {"things.things.colour": {"MAUVE"}, "things.things.colours": {"TEAL"}}


def test_an_empty_batch_has_empty_frames() -> None:
    """An empty batch has frames with all columns, so that it can be stored like any other."""
    batch = normalize(TABLE, [])

    assert {name: list(frame.columns) for name, frame in batch.frames.items()} == {
        name: frame_schema(part).names for name, part in PARTS.items()
    }
    assert len(batch.originals) == 0


def test_frames_contain_only_arrow_columns() -> None:
    """Every column of a frame has an Arrow type, because Python objects are slow."""
    batch = normalize(TABLE, [thing(USUAL), thing('"count":"5"')])

    for frame in (*batch.frames.values(), batch.originals):
        assert {str(kind).endswith("[pyarrow]") for kind in frame.dtypes} == {True}


def test_every_kind_is_tested() -> None:
    """Every kind of field has examples of stored and of refused values above."""
    stated = {TABLE.by_name[name].kind for name in STORED} & {TABLE.by_name[name].kind for name in REFUSED}

    assert stated == set(Kind)
