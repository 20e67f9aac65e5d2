"""Names that are nearest to a misspelt one are suggested, and times name their zone."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.catalogue import catalogue_of
from pipelines.text_format import did_you_mean, moment, nearest, time_of_day
from tests.command_line import ROOT

FEEDS = [source.name for source in catalogue_of("suppliers").sources]


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


def test_no_name_is_near_an_empty_one() -> None:
    """An empty text is near to no name, not even to one with two spaces."""
    assert nearest("", ["a  b", "", "c. d"]) == []


def test_times_for_people_name_their_zone() -> None:
    """A time is printed in UTC and says so; the command line formats no times by itself."""
    when = datetime(2026, 11, 29, 0, 30, tzinfo=timezone(timedelta(hours=1)))
    modules = (ROOT / "pipelines" / "cli").rglob("*.py")

    assert moment(when) == "2026-11-28 23:30:00 UTC"
    assert time_of_day(when) == "23:30:00 UTC"
    assert [path for path in modules if re.search(r":%H|strftime", path.read_text(encoding="utf-8"))] == []
