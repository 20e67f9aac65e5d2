"""Single values, written in every way near the right one: the fast lane takes none otherwise than the exact lane."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipelines.normalize import arrow_reader, exact, normalize
from pipelines.normalize.values import convert
from tests.every_kind import TABLE, thing

Texts = st.SearchStrategy[str]


def joined(*parts: Texts) -> Texts:
    """The parts one after the other."""
    return st.tuples(*parts).map("".join)


def one_of(words: str) -> Texts:
    """One of some words; ``_`` stands for nothing and ``~`` for a space."""
    return st.sampled_from([word.replace("_", "").replace("~", " ") for word in words.split()])


def typed_wrong(texts: Texts) -> Texts:
    """The texts, some with a letter too many, too few or exchanged."""

    def change(text: str, place: int, letters: str, drop: int) -> str:
        at = place % (len(text) + 1)
        return text[:at] + letters + text[at + drop :]

    letters = st.sampled_from(["", "0", "9", "-", ":", ".", " ", "T", "Z", "+", "e", "\n", "\u0665", "\u2212", "\x00"])
    return texts | st.builds(change, texts, st.integers(0, 40), letters, st.integers(0, 1))


YEARS = one_of("2026 2028 2026 2026 0000 0001 9999 10000 02026 26 -2026 +2026")
DAYS = joined(one_of("-01 -02 -12 -13 -00 -1 01"), one_of("-01 -29 -30 -31 -32 -00 -9 15")) | one_of(
    "-W05-4 -045 -W05 _"
)
DATES = joined(YEARS, DAYS)
CLOCKS = joined(
    one_of("00 09 23 24 7 99"),
    one_of(":00 :59 :60 00 :5 _"),
    one_of(":00 :59 :60 :61 00 :5 _"),
    one_of("_ _ .5 ,5 . .123456 .1234567 .9999999 .123456789 .1234567891 .5.5"),
)
ZONES = one_of(
    "Z Z z _ +01:00 -01:00 +0100 +01 -00:00 +24:00 +23:59 -23:59 +00:60 +1 +01:0 ~+01:00 ~Z +01:00:00 UTC ZZ"
)
HOURS = ["2026-01-01T00Z", "2026-01-01T00+01", "2026-01-01 00+01:00", "2026-01-01T00:00+01", "2026-01-01T00:00+01:00"]
"""Times that Arrow takes without their minutes or seconds."""

DATE_TIMES = typed_wrong(
    joined(
        one_of("_ _ _ _ ~"), DATES | one_of("2026-03-01"), one_of("T T T t ~ _ ~T"), CLOCKS, ZONES, one_of("_ _ _ ~")
    )
)
UUIDS = typed_wrong(
    st.uuids().map(str)
    | st.uuids().map(lambda one: str(one).upper())
    | st.uuids().map(lambda one: one.hex)
    | st.uuids().map(lambda one: one.urn)
    | st.uuids().map(lambda one: f"{{{one}}}")
    | st.just("00000000-0000-0000-0000-000000000000")
)
NUMBERS = typed_wrong(
    joined(
        one_of("_ _ - +"),
        st.integers(0, 2**65).map(str) | one_of("0 1 00 2147483647 2147483648 9223372036854775807 999999999999 _"),
        one_of("_ _ .0 .5 . .0000005 .9999995 .123456789012345678901234567890"),
        one_of("_ _ e0 e3 E-7 e+2 e40 e-400 e400 e99999999999999999999 e-99999999999999999999 e"),
    )
)


@pytest.mark.parametrize(
    ("column", "texts", "always"),
    [
        ("moment", DATE_TIMES, HOURS),
        ("moments", DATE_TIMES, HOURS),
        ("day", typed_wrong(DATES) | DATE_TIMES, HOURS),
        ("other_id", UUIDS, []),
        ("ids", UUIDS, []),
    ],
    ids=["moment", "moments", "day", "other_id", "ids"],
)
def test_a_text_that_the_fast_lane_takes_means_the_same_in_the_exact_lane(
    column: str, texts: Texts, always: list[str]
) -> None:
    """Whatever stands near a date-time, a date or a UUID."""

    @settings(max_examples=60)
    @given(st.lists(texts, min_size=1, max_size=40))
    @example([*always, ""])
    def agree(written: list[str]) -> None:
        for text, stored in taken(column, written):
            assert stored == exact_value(column, text), text

    agree()


def taken(column: str, written: list[str]) -> Iterator[tuple[str, object]]:
    """The texts that the fast lane takes, each with what it would store."""
    kind = TABLE.by_name[column]
    wire = pa.array([[text] for text in written] if kind.repeated else written)
    stored, wrong = convert(kind, wire)
    if pa.types.is_timestamp(stored.type):
        stored = stored.cast(pa.int64())
    elif pa.types.is_list(stored.type) and pa.types.is_timestamp(stored.type.value_type):
        stored = stored.cast(pa.list_(pa.int64()))
    for place in set(range(len(written))) - set(wrong):
        yield written[place], stored[place].as_py()


def exact_value(column: str, text: str) -> object:
    """What the exact lane makes of a text."""
    kind = TABLE.by_name[column]
    return exact.read(kind, [text] if kind.repeated else text)


@pytest.mark.parametrize("column", ["count", "big", "amount", "counts", "amounts"])
@pytest.mark.parametrize("quoted", [False, True], ids=["number", "text"])
def test_a_number_means_the_same_in_both_lanes(column: str, quoted: bool, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: FBT001
    """Whatever stands near a whole number or a decimal, also as text."""
    monkeypatch.setattr(arrow_reader, "SMALLEST_BLOCK", 1)

    @settings(max_examples=20)
    @given(st.lists(NUMBERS, min_size=1, max_size=12))
    @example(["1e99999999999999999999", "1e-99999999999999999999", "0e99999999999999999999", "1e400", "9" * 5000])
    @example(["223372036854775807", "0", "999999999999.9999995", "0"])
    def agree(written: list[str]) -> None:
        values = [f'"{text}"' if quoted else text for text in written]
        records = [record(column, value) for value in values]
        batch = normalize(TABLE, records)
        rows = batch.frames["things.things"].set_index("record")[TABLE.by_name[column].name]
        rejected = {one.record for one in batch.rejected}
        for place, raw in enumerate(records):
            expected = exact_row(column, raw)
            assert (place in rejected) == (expected is REJECTED), values[place]
            if expected is not REJECTED:
                found = rows[place]
                assert expected == (None if found is None or found is pd_na() else plain(found)), values[place]

    agree()


REJECTED = object()


def record(column: str, value: str) -> bytes:
    """A thing with one value."""
    kind = TABLE.by_name[column]
    name = (kind.path or ())[-1]
    return thing(f'"{name}":[{value}]' if kind.repeated else f'"{name}":{value}')


def exact_row(column: str, raw: bytes) -> object:
    """What the exact lane stores, or that it rejects the record."""
    try:
        (row,) = exact.rows_of(TABLE, raw)["things.things"]
    except exact.UnreadableError:
        return REJECTED
    return row[column]


def pd_na() -> object:
    """What a frame holds for null."""
    import pandas as pd  # noqa: PLC0415

    return pd.NA


def plain(found: object) -> object:
    """A value of a frame as Python's."""
    return found.tolist() if hasattr(found, "tolist") else found
