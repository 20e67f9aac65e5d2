"""For texts close to valid ones, the fast path either returns the value of the exact path or refuses the text."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipelines.normalize import arrow_reader, exact, normalize
from pipelines.normalize.values import convert
from tests.every_kind import TABLE, thing
from tests.examples import cases

Texts = st.SearchStrategy[str]


def joined(*parts: Texts) -> Texts:
    """Return a strategy for the parts, one after the other."""
    return st.tuples(*parts).map("".join)


def one_of(words: str) -> Texts:
    """Return a strategy for some words; ``_`` stands for empty text and ``~`` for a space."""
    return st.sampled_from([word.replace("_", "").replace("~", " ") for word in words.split()])


def with_typos(texts: Texts) -> Texts:
    """Return the texts, some with a character inserted, removed or replaced."""

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
"""Times without minutes or seconds that Arrow accepts."""

DATE_TIMES = with_typos(
    joined(
        one_of("_ _ _ _ ~"), DATES | one_of("2026-03-01"), one_of("T T T t ~ _ ~T"), CLOCKS, ZONES, one_of("_ _ _ ~")
    )
)
UUIDS = with_typos(
    st.uuids().map(str)
    | st.uuids().map(lambda value: str(value).upper())
    | st.uuids().map(lambda value: value.hex)
    | st.uuids().map(lambda value: value.urn)
    | st.uuids().map(lambda value: f"{{{value}}}")
    | st.just("00000000-0000-0000-0000-000000000000")
)
NUMBERS = with_typos(
    joined(
        one_of("_ _ - +"),
        st.integers(0, 2**65).map(str) | one_of("0 1 00 2147483647 2147483648 9223372036854775807 999999999999 _"),
        one_of("_ _ .0 .5 . .0000005 .9999995 .123456789012345678901234567890"),
        one_of("_ _ e0 e3 E-7 e+2 e40 e-400 e400 e99999999999999999999 e-99999999999999999999 e"),
    )
)


@cases(
    ("column", "texts", "examples"),
    [
        ("moment", DATE_TIMES, HOURS),
        ("moments", DATE_TIMES, HOURS),
        ("day", with_typos(DATES) | DATE_TIMES, HOURS),
        ("other_id", UUIDS, []),
        ("ids", UUIDS, []),
    ],
    quick=2,
    ids=["moment", "moments", "day", "other_id", "ids"],
)
def test_accepted_texts_have_the_same_value_on_both_paths(column: str, texts: Texts, examples: list[str]) -> None:
    """A date-time, date or UUID that the fast path accepts has the value of the exact path."""

    @settings(max_examples=60)
    @given(st.lists(texts, min_size=1, max_size=40))
    @example([*examples, ""])
    def agree(written: list[str]) -> None:
        for text, stored in accepted(column, written):
            assert stored == exact_value(column, text), text

    agree()


def accepted(column: str, written: list[str]) -> Iterator[tuple[str, object]]:
    """Yield the texts that the fast path accepts, each with the value that it stores."""
    kind = TABLE.by_name[column]
    values = pa.array([[text] for text in written] if kind.repeated else written)
    stored, malformed_at = convert(kind, values)
    if pa.types.is_timestamp(stored.type):
        stored = stored.cast(pa.int64())
    elif pa.types.is_list(stored.type) and pa.types.is_timestamp(stored.type.value_type):
        stored = stored.cast(pa.list_(pa.int64()))
    for place in set(range(len(written))) - set(malformed_at):
        yield written[place], stored[place].as_py()


def exact_value(column: str, text: str) -> object:
    """Return the value of a text on the exact path."""
    kind = TABLE.by_name[column]
    return exact.read(kind, [text] if kind.repeated else text)


@cases("column", ["count", "big", "amount", "counts", "amounts"], quick=2)
@pytest.mark.parametrize("quoted", [False, True], ids=["number", "text"])
def test_numbers_have_the_same_value_on_both_paths(column: str, quoted: bool, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: FBT001
    """A number, also one written as text, has the same value on both paths, or is rejected by both."""
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
        rejected = {item.record for item in batch.rejected}
        for place, raw in enumerate(records):
            expected = exact_row(column, raw)
            assert (place in rejected) == (expected is REJECTED), values[place]
            if expected is not REJECTED:
                found = rows[place]
                stored = None if found is None or found is pandas_null() else python_value(found)
                assert expected == stored, values[place]

    agree()


REJECTED = object()


def record(column: str, value: str) -> bytes:
    """Return a thing with one value."""
    kind = TABLE.by_name[column]
    name = (kind.path or ())[-1]
    return thing(f'"{name}":[{value}]' if kind.repeated else f'"{name}":{value}')


def exact_row(column: str, raw: bytes) -> object:
    """Return the value that the exact path stores, or REJECTED."""
    try:
        (row,) = exact.rows_of(TABLE, raw)["things.things"]
    except exact.UnreadableError:
        return REJECTED
    return row[column]


def pandas_null() -> object:
    """Return the value of a frame for null."""
    import pandas as pd  # noqa: PLC0415

    return pd.NA


def python_value(found: object) -> object:
    """Return a value of a frame as a Python value."""
    return found.tolist() if hasattr(found, "tolist") else found
