"""A change feed is read to its proven end, whatever the server does with its numbers, in a bounded number of calls."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.errors import StuckFeedError
from pipelines.floriday.changes import ASKED_AGAIN, Step, next_cursor, restarted, walk
from pipelines.floriday.pages import Page, read_page
from tests.moving_feed import MovingFeed, record
from tests.records import page_of


def page(*numbers: int | str, maximum: int | None = None) -> Page:
    """An answer with records of these numbers; its maximum is the highest where none is given."""
    if maximum is None:
        maximum = max((number for number in numbers if isinstance(number, int)), default=0)
    return read_page(page_of([record(place, number) for place, number in enumerate(numbers)], maximum))


class Answers:
    """Gives these answers, one a call, and the last one for ever."""

    def __init__(self, *pages: Page) -> None:
        self.pages = pages
        self.asked: list[int] = []

    def fetch(self, after: int) -> Page:
        """The next answer."""
        self.asked.append(after)
        return self.pages[min(len(self.asked), len(self.pages)) - 1]


def feed_of(*numbers: int, size: int = 3, inclusive: bool = False, hidden: Iterable[int] = ()) -> MovingFeed:
    """A feed with a record at each number; identities count from 0."""
    return MovingFeed(dict(enumerate(numbers)), size, frozenset(hidden), inclusive)


def read(feed: MovingFeed, start: int = 0, maximum: int | None = None) -> tuple[dict[int, int], list[Step]]:
    """What a walk reads: the highest number of each record, and its steps."""
    steps = list(walk(feed.fetch, start, maximum=maximum, page_maximum=feed.page_size))
    return merged({}, steps), steps


def merged(known: dict[int, int], steps: Iterable[Step]) -> dict[int, int]:
    """The highest number of each record, by its identity."""
    for step in steps:
        for raw in step.page.records:
            found = json.loads(raw)
            known[found["id"]] = max(known.get(found["id"], 0), found["sequenceNumber"])
    return known


def test_an_exclusive_feed_is_read_page_by_page() -> None:
    """Each page is asked for with the highest number so far, never one more; a short page at the maximum is the end."""
    feed = feed_of(2, 3, 8, 9, 40)

    seen, steps = read(feed, maximum=40)

    assert seen == feed.visible
    assert feed.asked == [0, 8]
    assert [(step.after, step.reached, step.current) for step in steps] == [(0, 8, False), (8, 40, True)]


def test_a_full_last_page_is_no_proof() -> None:
    """More may have come behind it, so one more page is asked for."""
    feed = feed_of(1, 2, 3)

    seen, steps = read(feed, maximum=3)

    assert seen == feed.visible
    assert feed.asked == [0, 3]
    assert steps[-1].current


def test_an_unknown_maximum_costs_one_empty_page() -> None:
    """Only a page that does not advance tells the end then."""
    feed = feed_of(1, 2, 3, 4)

    seen, steps = read(feed, maximum=None)

    assert seen == feed.visible
    assert feed.asked == [0, 3, 4]
    assert [step.current for step in steps] == [False, False, True]


@pytest.mark.parametrize("maximum", [None, 9])
def test_an_inclusive_feed_is_read_without_a_gap(maximum: int | None) -> None:
    """The record at the cursor comes again on every page, and that is neither an end nor a repetition."""
    feed = feed_of(1, 3, 4, 7, 9, inclusive=True)

    seen, steps = read(feed, maximum=maximum)

    assert seen == feed.visible
    assert steps[-1].current
    assert len(feed.asked) <= 4


def test_an_idle_inclusive_feed_costs_one_call() -> None:
    """It repeats the last record, which proves the end."""
    feed = feed_of(1, 3, inclusive=True)

    _, steps = read(feed, start=3, maximum=3)

    assert [(step.reached, step.current) for step in steps] == [(3, True)]
    assert feed.asked == [3]


@pytest.mark.parametrize("says", ["cursor", "zero"])
@pytest.mark.parametrize("maximum", [None, 7, 5])
def test_an_empty_page_means_nothing_by_its_number(says: str, maximum: int | None) -> None:
    """Whether it echoes what was asked with or says 0, the cursor stays; the feed is current by an old maximum too."""
    feed = MovingFeed({0: 7}, empty_says=says)

    _, steps = read(feed, start=7, maximum=maximum)

    assert [(step.reached, step.current) for step in steps] == [(7, True)]
    assert len(feed.asked) == 1


def test_filtered_empty_pages_in_the_middle_are_no_end() -> None:
    """Their maximum is that before filtering, and the walk goes on from it."""
    feed = feed_of(*range(1, 13), hidden=range(11))

    for maximum in (None, 12):
        seen, steps = read(feed, maximum=maximum)
        assert seen == {11: 12}
        assert steps[-1].reached == 12
        assert steps[-1].current


def test_a_maximum_above_all_that_is_served_leaves_the_feed_unproven() -> None:
    """The page is asked for again in vain; what came is kept, only nothing is claimed."""
    feed = feed_of(1, 2)

    seen, steps = read(feed, maximum=50)

    assert seen == feed.visible
    assert not steps[-1].current
    assert feed.asked == [0, *[2] * ASKED_AGAIN]


def test_a_maximum_from_before_does_not_end_a_walk_too_early() -> None:
    """Full pages go on beyond what the max-sequence operation had cached."""
    feed = feed_of(*range(1, 9))

    seen, _ = read(feed, maximum=2)

    assert seen == feed.visible


def test_an_empty_feed_is_current() -> None:
    """With and without a maximum, after one call."""
    for maximum in (None, 0):
        seen, steps = read(feed_of(), maximum=maximum)
        assert seen == {}
        assert [step.current for step in steps] == [True]


def test_a_page_that_repeats_once_is_asked_for_again() -> None:
    """A server that answers with the page before is given another chance before anything is believed."""
    answers = Answers(page(1, 2, 3), page(1, 2, 3), page(1, 2, 3), page(4, 5))

    steps = list(walk(answers.fetch, 0, maximum=5, page_maximum=3))

    assert answers.asked == [0, 3, 3, 3]
    assert [step.reached for step in steps] == [3, 5]
    assert steps[-1].current


@pytest.mark.parametrize("maximum", [None, 3, 9])
def test_a_feed_that_repeats_for_ever_is_stuck(maximum: int | None) -> None:
    """The walk ends with an error that names the number; what was read before stays."""
    answers = Answers(page(1, 2, 3))
    steps = walk(answers.fetch, 0, maximum=maximum, page_maximum=3)

    assert next(steps).reached == 3
    with pytest.raises(StuckFeedError, match="asked for what follows 3") as caught:
        next(steps)

    assert caught.value.number == 3
    assert answers.asked == [0, *[3] * ASKED_AGAIN]


@pytest.mark.parametrize("maximum", [None, 3])
def test_pages_of_one_on_an_inclusive_server_are_stuck_and_not_the_end(maximum: int | None) -> None:
    """A full page that only repeats the record at the cursor hides whatever follows: an error, never "current"."""
    feed = feed_of(1, 2, 3, size=1, inclusive=True)
    steps = walk(feed.fetch, 0, maximum=maximum, page_maximum=1)

    assert next(steps).reached == 1
    with pytest.raises(StuckFeedError):
        next(steps)

    assert len(feed.asked) == 1 + ASKED_AGAIN


def test_pages_of_one_on_an_inclusive_server_may_be_at_the_end() -> None:
    """If the maximum says so."""
    _, steps = read(feed_of(1, 2, 3, size=1, inclusive=True), start=3, maximum=3)

    assert steps[-1].current


def test_a_stray_number_does_not_carry_the_cursor_away() -> None:
    """A number beyond the feed's maximum counts only where nothing else advances."""
    answers = Answers(page(1, 10**15, 3, maximum=3), page(4, 5), page(maximum=5))

    steps = list(walk(answers.fetch, 0, maximum=5, page_maximum=3))

    assert [step.reached for step in steps] == [3, 5]
    assert next_cursor(page(10**15, maximum=5), 5, 5, 3) == 10**15


def test_numbers_are_believed_before_the_pages_maximum() -> None:
    """A page whose own maximum lags behind its records does not hold the cursor back; nor do unreadable numbers."""
    assert next_cursor(page(4, 5, maximum=0), 3, 9, 3) == 5
    assert next_cursor(page("null", '"x"', maximum=4), 3, 9, 3) == 4
    assert next_cursor(page("null", maximum=0), 3, 9, 3) == 3
    assert next_cursor(page(1, 2), 3, 9, 3) == 3


def test_a_full_page_that_tells_the_feeds_maximum_is_believed_by_its_records() -> None:
    """Nothing was filtered out of it, so the cursor goes no farther than its records; a lone stray one apart."""
    answers = Answers(page(1, 2, 3, maximum=9), page(4, 10**15, 6, maximum=9), page(7, 9))

    steps = list(walk(answers.fetch, 0, maximum=9, page_maximum=3))

    assert [step.reached for step in steps] == [3, 6, 9]


def test_a_repeated_page_that_tells_the_feeds_maximum_is_stuck() -> None:
    """It vouches for nothing new, however high its maximum."""
    for maximum in (None, 9):
        answers = Answers(page(1, 2, 3, maximum=9))
        with pytest.raises(StuckFeedError):
            list(walk(answers.fetch, 0, maximum=maximum, page_maximum=3))


def test_a_record_that_moves_during_the_walk_is_read_in_its_new_place() -> None:
    """It comes twice, or only later; both times its newest state is read."""
    feed = MovingFeed(dict(enumerate(range(1, 9))), moves={1: [0, 5], 2: [7]})

    seen, steps = read(feed, maximum=8)

    assert seen == feed.visible
    assert steps[-1].current


def test_a_complete_walk_goes_on_past_the_maximum_that_was_told_before() -> None:
    """One that a filter emptied may reach the maximum while a record has moved beyond it: only the end proves all."""

    def pages() -> Answers:
        return Answers(page(1, 2, 3), page(maximum=8), page(9), page(maximum=9))

    asked_until = {}
    for complete in (False, True):
        answers = pages()
        steps = list(walk(answers.fetch, 0, maximum=7, page_maximum=3, complete=complete))
        assert steps[-1].current
        asked_until[complete] = answers.asked

    assert asked_until == {False: [0, 3], True: [0, 3, 8, 9]}


@st.composite
def moving_feeds(draw: st.DrawFn) -> MovingFeed:
    """Any feed that serves each record in the end."""
    gaps = draw(st.lists(st.integers(1, 5), max_size=25))
    numbers = {identity: sum(gaps[: identity + 1]) for identity in range(len(gaps))}
    some = st.lists(st.sampled_from(range(len(gaps))), max_size=4) if gaps else st.just([])
    inclusive = draw(st.booleans())
    repeats = draw(st.sets(st.integers(0, 40), max_size=6))
    return MovingFeed(
        numbers,
        page_size=draw(st.integers(2 if inclusive else 1, 7)),
        hidden=frozenset(draw(some | st.just(list(range(len(gaps) * 3 // 4))))),
        inclusive=inclusive,
        empty_says=draw(st.sampled_from(["cursor", "zero"])),
        backwards=draw(st.booleans()),
        moves=draw(st.dictionaries(st.integers(0, 12), some, max_size=5)),
        repeats=frozenset(call for call in repeats if call % 3),
    )


maxima: st.SearchStrategy[Callable[[MovingFeed], int | None]] = st.sampled_from(
    [
        lambda feed: feed.maximum,
        lambda feed: feed.maximum // 2,
        lambda feed: feed.maximum + 3,
        lambda _: None,
    ]
)
"""What the max-sequence operation may say: the truth, an old or a coming number, nothing."""


@given(feed=moving_feeds(), said=maxima, last_said=st.sampled_from([True, False]))
def test_every_visible_record_is_read_in_the_end(
    *, feed: MovingFeed, said: Callable[[MovingFeed], int | None], last_said: bool
) -> None:
    """In a walk while the feed moves, and one when it is calm; each in a bounded number of calls."""
    pages = len(feed.numbers) + 12 * 4 + ASKED_AGAIN + 1
    steps = list(walk(feed.fetch, 0, maximum=said(feed), page_maximum=feed.page_size))
    seen, cursor = merged({}, steps), steps[-1].reached
    assert len(feed.asked) <= pages * ASKED_AGAIN

    calm = MovingFeed(feed.numbers, feed.page_size, feed.hidden, feed.inclusive, feed.empty_says, feed.backwards)
    steps = list(walk(calm.fetch, cursor, maximum=calm.maximum if last_said else None, page_maximum=calm.page_size))

    assert merged(seen, steps) == calm.visible
    assert steps[-1].current
    assert steps[-1].reached == calm.maximum
    assert len(calm.asked) <= len(calm.numbers) + 2


@given(
    st.lists(st.lists(st.integers(0, 30), max_size=4), max_size=12), st.integers(0, 30), st.none() | st.integers(0, 30)
)
def test_no_server_can_make_a_walk_go_round(answers: list[list[int]], start: int, maximum: int | None) -> None:
    """Whatever it says, the cursor only rises, and no number is asked for more than a few times."""
    feed = Answers(*(page(*numbers) for numbers in answers), page())
    reached = [start]
    with suppress(StuckFeedError):
        for step in walk(feed.fetch, start, maximum=maximum, page_maximum=3):
            assert step.after == reached[-1]
            reached.append(step.reached)

    assert reached == sorted(reached)
    assert all(feed.asked.count(number) <= ASKED_AGAIN for number in feed.asked)


def proven(fetch: Callable[[int], Page], cursor: int, stored: dict[int, int | None]) -> bool:
    """Whether the feed has restarted, for a warehouse that holds these records, by their place in the first page."""
    return restarted(fetch, cursor, lambda _: stored)


def test_a_restart_is_proven_by_a_known_record_under_a_lower_number() -> None:
    """Nothing stands behind the cursor, and what the feed begins with was above there; two calls tell it."""
    answers = Answers(page(), page(1, 2))

    assert proven(answers.fetch, 500, {0: 498, 1: 499})
    assert answers.asked == [499, 0]


def test_a_restart_is_proven_by_records_that_nobody_knows() -> None:
    """A feed that begins anew with other records."""
    assert proven(Answers(page(maximum=499), page(1, 2)).fetch, 500, {})


@pytest.mark.parametrize(
    ("beyond", "first", "stored"),
    [
        pytest.param(page(500), page(1, 2), {0: 400}, id="the record at the cursor is still served"),
        pytest.param(page(maximum=500), page(1, 2), {0: 400}, id="the page behind the cursor vouches for it"),
        pytest.param(page(maximum=777), page(1, 2), {0: 400}, id="there is more behind the cursor"),
        pytest.param(page("null"), page(1, 2), {0: 400}, id="a record behind the cursor has no number"),
        pytest.param(page(), page(), {}, id="the feed serves nothing at all"),
        pytest.param(page(), page(1, 2), {0: 1, 1: 2}, id="the records stand where they stood"),
        pytest.param(page(), page(300, 400), {0: 1}, id="the known record only moved on"),
        pytest.param(page(), page("null", 2), {0: 400}, id="the known record has no number"),
        pytest.param(page(), page(1, 2), {1: None}, id="no number is stored for the known record"),
    ],
)
def test_a_restart_is_not_believed_without_proof(beyond: Page, first: Page, stored: dict[int, int | None]) -> None:
    """An old maximum alone, or anything that has another explanation, changes nothing."""
    assert not proven(Answers(beyond, first).fetch, 500, stored)
