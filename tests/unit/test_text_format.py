"""Names that are nearest to a misspelt one are suggested."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.catalogue import CATALOGUES
from pipelines.text_format import did_you_mean, nearest

FEEDS = [source.name for source in CATALOGUES["suppliers"].sources]


@given(st.sampled_from(FEEDS), st.data())
def test_a_name_with_one_letter_less_is_recognised(name: str, data: st.DataObject) -> None:
    """A name that lacks one letter is the first suggestion or among the three, with or without its schema."""
    written = data.draw(st.sampled_from([name, name.partition(".")[2]]))
    place = data.draw(st.integers(0, len(written) - 1))

    assert name in nearest(written[:place] + written[place + 1 :], FEEDS)


@pytest.mark.parametrize(
    ("names", "question"),
    [
        ([], "see the list"),
        (["a", "zebra"], "see the list"),
        (["sale", "zebra"], "did you mean sale?"),
        (["sale", "sales", "salt", "x"], "did you mean sales, sale or salt?"),
    ],
)
def test_the_question_has_at_most_three_names(names: list[str], question: str) -> None:
    """The three nearest names are suggested, the nearest one first, and none that is not similar."""
    assert did_you_mean("sales", names, "see the list") == question
