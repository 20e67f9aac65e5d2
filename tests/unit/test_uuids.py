"""UUIDs of a whole column are parsed at once, and malformed ones are found."""

from __future__ import annotations

from uuid import UUID

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.normalize.values import uuids

NIL = "00000000-0000-0000-0000-000000000000"
VALID = "8bb25702-90f6-4123-8ccc-08dc1b2a061a"

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
    """Return the UUID of a text, or None for the nil UUID; a malformed text raises ValueError."""
    if text is None:
        return None
    parsed = UUID(text)
    if str(parsed) != text.lower():
        raise ValueError(text)
    return parsed if parsed.int else None


@given(column, st.integers(0, 3))
def test_texts_are_parsed_as_python_does(texts: list[str | None], skipped: int) -> None:
    """Each text is parsed as Python does, also in a sliced column, and the positions of malformed ones are returned."""
    parsed, malformed_at = uuids(pa.array(texts, pa.string())[skipped:])

    for position, text in enumerate(texts[skipped:]):
        try:
            value = expected(text)
        except ValueError:
            assert position in malformed_at
        else:
            assert (parsed[position].as_py(), position in malformed_at) == (value, False)


@pytest.mark.parametrize("texts", [[], [None], [NIL], [VALID], [VALID, None, NIL, VALID]])
def test_columns_without_malformed_texts(texts: list[str | None]) -> None:
    """Nulls and the nil UUID become null."""
    parsed, malformed_at = uuids(pa.array(texts, pa.string()))

    assert (parsed.to_pylist(), malformed_at) == ([expected(text) for text in texts], [])
