"""UUIDs of a column at a time: every well-formed one is read, every other one is found."""

from __future__ import annotations

from uuid import UUID

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.normalize.uuids import uuids

NIL = "00000000-0000-0000-0000-000000000000"
ONE = "8bb25702-90f6-4123-8ccc-08dc1b2a061a"

written = st.uuids(allow_nil=True).map(str)
malformed = st.one_of(
    st.text(max_size=40),
    written.map(lambda text: text.replace("-", "")),
    written.map(lambda text: f"{{{text}}}"),
    st.tuples(written, st.integers(0, 35), st.characters(exclude_categories=["Cs"])).map(
        lambda given: given[0][: given[1]] + given[2] + given[0][given[1] + 1 :]
    ),
)
column = st.lists(st.one_of(st.none(), written, written.map(str.upper), malformed), max_size=30)


def expected(text: str | None) -> UUID | None:
    """What a text comes to; a text that is no UUID raises ValueError."""
    if text is None:
        return None
    made = UUID(text)
    if str(made) != text.lower():
        raise ValueError(text)
    return made if made.int else None


@given(column, st.integers(0, 3))
def test_each_text_comes_out_as_python_reads_it(texts: list[str | None], skipped: int) -> None:
    """Also in a column that is a part of another one; places of what is none are told, and nothing else."""
    made, wrong = uuids(pa.array(texts, pa.string())[skipped:])

    for place, text in enumerate(texts[skipped:]):
        try:
            wanted = expected(text)
        except ValueError:
            assert place in wrong
        else:
            assert (made[place].as_py(), place in wrong) == (wanted, False)


@pytest.mark.parametrize("texts", [[], [None], [NIL], [ONE], [ONE, None, NIL, ONE]])
def test_columns_without_a_fault(texts: list[str | None]) -> None:
    """Nulls and the nil UUID are null."""
    made, wrong = uuids(pa.array(texts, pa.string()))

    assert (made.to_pylist(), wrong) == ([expected(text) for text in texts], [])
