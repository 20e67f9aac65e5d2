"""A change feed is read to its proven end, whatever the server does with its numbers, in a bounded number of calls."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.errors import ContradictingAnswersError, StuckFeedError
from pipelines.floriday.change_feed import MAX_ANSWERS, ChangeFeed, Step, walk
from pipelines.floriday.pages import Page, read_page
from pipelines.floriday.restart_detection import Numbering, detect_numbering, is_cursor_supported
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


def next_cursor(answer: Page, cursor: int, maximum: int | None, page_maximum: int = 3) -> int:
    """Where a walk goes on from after a page."""
    return ChangeFeed(Answers(answer).fetch, maximum, page_maximum).next_cursor(answer, cursor)


def feed_of(*numbers: int, size: int = 3, inclusive: bool = False, hidden: Iterable[int] = ()) -> MovingFeed:
    """A feed with a record at each number; identities count from 0."""
    return MovingFeed(dict(enumerate(numbers)), size, frozenset(hidden), inclusive)


def read(feed: MovingFeed, start: int = 0, maximum: int | None = None) -> tuple[dict[int, int], list[Step]]:
    """What a walk reads: the highest number of each record, and its steps."""
    steps = list(walk(ChangeFeed(feed.fetch, maximum, feed.page_size), start))
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
    assert [(step.after, step.reached, step.is_end) for step in steps] == [(0, 8, False), (8, 40, True)]


def test_a_full_last_page_is_no_proof() -> None:
    """More may have come behind it, so one more page is asked for."""
    feed = feed_of(1, 2, 3)

    seen, steps = read(feed, maximum=3)

    assert seen == feed.visible
    assert feed.asked == [0, 3]
    assert steps[-1].is_end


def test_an_unknown_maximum_costs_one_empty_page() -> None:
    """Only a page that does not advance tells the end then."""
    feed = feed_of(1, 2, 3, 4)

    seen, steps = read(feed, maximum=None)

    assert seen == feed.visible
    assert feed.asked == [0, 3, 4]
    assert [step.is_end for step in steps] == [False, False, True]


@pytest.mark.parametrize("maximum", [None, 9])
def test_an_inclusive_feed_is_read_without_a_gap(maximum: int | None) -> None:
    """The record at the cursor comes again on every page, and that is neither an end nor a repetition."""
    feed = feed_of(1, 3, 4, 7, 9, inclusive=True)

    seen, steps = read(feed, maximum=maximum)

    assert seen == feed.visible
    assert steps[-1].is_end
    assert len(feed.asked) <= 4


def test_an_idle_inclusive_feed_costs_one_call() -> None:
    """It repeats the last record, which proves the end."""
    feed = feed_of(1, 3, inclusive=True)

    _, steps = read(feed, start=3, maximum=3)

    assert [(step.reached, step.is_end) for step in steps] == [(3, True)]
    assert feed.asked == [3]


@pytest.mark.parametrize("says", ["cursor", "zero"])
@pytest.mark.parametrize("maximum", [None, 7, 5])
def test_an_empty_page_means_nothing_by_its_number(says: str, maximum: int | None) -> None:
    """Whether it echoes what was asked with or says 0, the cursor stays; the feed is current by an old maximum too."""
    feed = MovingFeed({0: 7}, empty_says=says)

    _, steps = read(feed, start=7, maximum=maximum)

    assert [(step.reached, step.is_end) for step in steps] == [(7, True)]
    assert len(feed.asked) == 1


def test_filtered_empty_pages_in_the_middle_are_no_end() -> None:
    """Their maximum is that before filtering, and the walk goes on from it."""
    feed = feed_of(*range(1, 13), hidden=range(11))

    for maximum in (None, 12):
        seen, steps = read(feed, maximum=maximum)
        assert seen == {11: 12}
        assert steps[-1].reached == 12
        assert steps[-1].is_end


def test_a_maximum_above_all_that_is_served_leaves_the_feed_unproven() -> None:
    """The page is asked for again in vain; what came is kept, only nothing is claimed."""
    feed = feed_of(1, 2)

    seen, steps = read(feed, maximum=50)

    assert seen == feed.visible
    assert not steps[-1].is_end
    assert feed.asked == [0, *[2] * MAX_ANSWERS]


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
        assert [step.is_end for step in steps] == [True]


def test_a_page_that_repeats_once_is_asked_for_again() -> None:
    """A server that answers with the page before is given another chance before anything is believed."""
    answers = Answers(page(1, 2, 3), page(1, 2, 3), page(1, 2, 3), page(4, 5))

    steps = list(walk(ChangeFeed(answers.fetch, 5, 3), 0))

    assert answers.asked == [0, 3, 3, 3]
    assert [step.reached for step in steps] == [3, 5]
    assert steps[-1].is_end


@pytest.mark.parametrize("maximum", [None, 3, 9])
def test_a_feed_that_repeats_for_ever_is_stuck(maximum: int | None) -> None:
    """The walk ends with an error that names the number; what was read before stays."""
    answers = Answers(page(1, 2, 3))
    steps = walk(ChangeFeed(answers.fetch, maximum, 3), 0)

    assert next(steps).reached == 3
    with pytest.raises(StuckFeedError, match="the request for records above 3") as caught:
        next(steps)

    assert caught.value.number == 3
    assert answers.asked == [0, *[3] * MAX_ANSWERS]


@pytest.mark.parametrize("maximum", [None, 3])
def test_pages_of_one_on_an_inclusive_server_are_stuck_and_not_the_end(maximum: int | None) -> None:
    """A full page that only repeats the record at the cursor hides whatever follows: an error, never "current"."""
    feed = feed_of(1, 2, 3, size=1, inclusive=True)
    steps = walk(ChangeFeed(feed.fetch, maximum, 1), 0)

    assert next(steps).reached == 1
    with pytest.raises(StuckFeedError):
        next(steps)

    assert len(feed.asked) == 1 + MAX_ANSWERS


def test_pages_of_one_on_an_inclusive_server_may_be_at_the_end() -> None:
    """If the maximum says so."""
    _, steps = read(feed_of(1, 2, 3, size=1, inclusive=True), start=3, maximum=3)

    assert steps[-1].is_end


def test_a_stray_number_does_not_carry_the_cursor_away() -> None:
    """A number beyond the feed's maximum counts only where nothing else advances."""
    stray = page(1, 10**15, 3, maximum=3)
    answers = Answers(stray, stray, page(4, 5), page(maximum=5))

    steps = list(walk(ChangeFeed(answers.fetch, 5, 3), 0))

    assert [step.reached for step in steps] == [3, 5]
    assert next_cursor(page(10**15, maximum=5), 5, 5) == 10**15


def test_numbers_are_believed_before_the_pages_maximum() -> None:
    """A page whose own maximum lags behind its records does not hold the cursor back; nor do unreadable numbers."""
    assert next_cursor(page(4, 5, maximum=0), 3, 9) == 5
    assert next_cursor(page("null", '"x"', maximum=4), 3, 9) == 4
    assert next_cursor(page("null", maximum=0), 3, 9) == 3
    assert next_cursor(page(1, 2), 3, 9) == 3


def test_a_full_page_that_tells_the_feeds_maximum_is_believed_by_its_records() -> None:
    """Nothing was filtered out of it, so the cursor goes no farther than its records; a lone stray one apart."""
    stray = page(4, 10**15, 6, maximum=9)
    answers = Answers(page(1, 2, 3, maximum=9), stray, stray, page(7, 9))

    steps = list(walk(ChangeFeed(answers.fetch, 9, 3), 0))

    assert [step.reached for step in steps] == [3, 6, 9]


def test_a_repeated_page_that_tells_the_feeds_maximum_is_stuck() -> None:
    """It vouches for nothing new, however high its maximum."""
    for maximum in (None, 9):
        answers = Answers(page(1, 2, 3, maximum=9))
        with pytest.raises(StuckFeedError):
            list(walk(ChangeFeed(answers.fetch, maximum, 3), 0))


def test_a_record_that_moves_during_the_walk_is_read_in_its_new_place() -> None:
    """It comes twice, or only later; both times its newest state is read."""
    feed = MovingFeed(dict(enumerate(range(1, 9))), moves={1: [0, 5], 2: [7]})

    seen, steps = read(feed, maximum=8)

    assert seen == feed.visible
    assert steps[-1].is_end


def test_a_complete_walk_goes_on_past_the_maximum_that_was_told_before() -> None:
    """One that a filter emptied may reach the maximum while a record has moved beyond it: only the end proves all."""

    def pages() -> Answers:
        return Answers(page(1, 2, 3), page(maximum=8), page(maximum=8), page(9), page(maximum=9))

    asked_until = {}
    for complete in (False, True):
        answers = pages()
        steps = list(walk(ChangeFeed(answers.fetch, 7, 3), 0, complete=complete))
        assert steps[-1].is_end
        asked_until[complete] = answers.asked

    assert asked_until == {False: [0, 3, 3], True: [0, 3, 3, 8, 9]}


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
    """In a walk while the feed moves, and one when it is calm; each in a bounded number of calls.

    A feed that moves between the answers to one request may make all of them contradict each other: the first walk then
    ends early, and the second one goes on from its cursor.
    """
    pages = len(feed.numbers) + 12 * 4 + MAX_ANSWERS + 1
    steps: list[Step] = []
    with suppress(ContradictingAnswersError):
        for step in walk(ChangeFeed(feed.fetch, said(feed), feed.page_size), 0):
            steps.append(step)  # noqa: PERF402 - what came before a failure counts
    seen, cursor = merged({}, steps), steps[-1].reached if steps else 0
    assert len(feed.asked) <= pages * MAX_ANSWERS

    calm = MovingFeed(feed.numbers, feed.page_size, feed.hidden, feed.inclusive, feed.empty_says, feed.backwards)
    steps = list(walk(ChangeFeed(calm.fetch, calm.maximum if last_said else None, calm.page_size), cursor))

    assert merged(seen, steps) == calm.visible
    assert steps[-1].is_end
    assert steps[-1].reached == calm.maximum
    assert len(calm.asked) <= len(calm.numbers) + 2


@given(
    st.lists(st.lists(st.integers(0, 30), max_size=4), max_size=12), st.integers(0, 30), st.none() | st.integers(0, 30)
)
def test_no_server_can_make_a_walk_go_round(answers: list[list[int]], start: int, maximum: int | None) -> None:
    """Whatever it says, the cursor only rises, and no number is asked for more than a few times."""
    feed = Answers(*(page(*numbers) for numbers in answers), page())
    reached = [start]
    with suppress(StuckFeedError, ContradictingAnswersError):
        for step in walk(ChangeFeed(feed.fetch, maximum, 3), start):
            assert step.after == reached[-1]
            reached.append(step.reached)

    assert reached == sorted(reached)
    assert all(feed.asked.count(number) <= MAX_ANSWERS for number in feed.asked)


def numbering(*answers: Page, stored: Mapping[int, int | None] | None) -> Numbering:
    """What the first records say, for a warehouse that holds these numbers, by the record's place in its page."""
    feed = ChangeFeed(Answers(*answers).fetch, 9, 3)
    return detect_numbering(feed, lambda one: stored if one.records else None)


@pytest.mark.parametrize(
    ("first", "stored"),
    [
        pytest.param(page(1, 2), {0: 498, 1: 499}, id="known records stand lower than ours"),
        pytest.param(page(1, 2), {0: 1, 1: 499}, id="one of them does"),
        pytest.param(page(1, 2), {}, id="nobody knows any of them"),
    ],
)
def test_a_restart_is_proven_by_the_first_valid_records(first: Page, stored: dict[int, int | None]) -> None:
    """A known record is served under a lower number than ours, or none of those that the feed begins with is known."""
    assert numbering(first, stored=stored) is Numbering.RESTARTED


@pytest.mark.parametrize(
    ("first", "stored"),
    [
        pytest.param(page(1, 2), {0: 1, 1: 2}, id="the records stand where they stood"),
        pytest.param(page(300, 400), {0: 1}, id="the known record only moved on"),
        pytest.param(page("null", 2), {0: 400}, id="the known record has no number"),
        pytest.param(page(1, 2), {1: None}, id="no number is stored for the known record"),
    ],
)
def test_a_restart_is_not_believed_without_proof(first: Page, stored: dict[int, int | None]) -> None:
    """Anything that has another explanation changes nothing; only the cursor stays unproven."""
    assert numbering(first, stored=stored) is Numbering.UNPROVEN_CURSOR


def test_pages_that_a_filter_emptied_say_nothing_of_the_numbering() -> None:
    """The next page is asked for before anything is decided."""
    assert numbering(page(maximum=4), page(5, 6), stored={0: 498}) is Numbering.RESTARTED


def test_invalid_records_alone_say_nothing_of_the_numbering() -> None:
    """As long as nothing valid is served, the question stays open."""
    feed = ChangeFeed(Answers(page(1, 2), page(maximum=2)).fetch, 2, 3)

    assert detect_numbering(feed, lambda _: None) is Numbering.UNDECIDED


@pytest.mark.parametrize(
    ("beyond", "supported"),
    [
        pytest.param(page(500), True, id="the record at the cursor is still served"),
        pytest.param(page(maximum=500), True, id="the page behind the cursor vouches for it"),
        pytest.param(page(maximum=777), True, id="there is more behind the cursor"),
        pytest.param(page("null"), True, id="a record behind the cursor has no number"),
        pytest.param(page(), False, id="nothing is served there"),
        pytest.param(page(maximum=499), False, id="nothing but the number that was asked with"),
    ],
)
def test_a_cursor_is_supported_by_what_stands_at_it_or_beyond(beyond: Page, *, supported: bool) -> None:
    """Then an older maximum is one that Floriday keeps in a cache."""
    assert is_cursor_supported(ChangeFeed(Answers(beyond).fetch, 9, 3), 500) is supported


def test_one_claim_that_nothing_supports_is_no_support_for_a_cursor() -> None:
    """A maximum that is far too high in one answer would hide that the numbering began anew."""
    assert not is_cursor_supported(ChangeFeed(Answers(page(maximum=499_000), page()).fetch, 9, 3), 500)


class TestDoubtfulPages:
    """One answer that contradicts itself proves nothing."""

    def test_a_garbled_number_is_asked_about_again(self) -> None:
        """A record with a number above its page's maximum does not move the cursor there, nor is it taken as it is."""
        answers = Answers(page(1, 700, 3, maximum=3), page(1, 2, 3))

        step = next(walk(ChangeFeed(answers.fetch, 900, 3), 0))

        assert answers.asked == [0, 0]
        assert (step.reached, step.page.numbers) == (3, (1, 2, 3))

    @pytest.mark.parametrize("maximum", [None, 5])
    def test_a_maximum_that_nothing_supports_is_asked_about_again(self, maximum: int | None) -> None:
        """A page that claims more than its records and the feed's maximum support."""
        answers = Answers(page(4, 5, maximum=5000), page(4, 5, maximum=5), page(maximum=5))

        steps = list(walk(ChangeFeed(answers.fetch, maximum, 3), 3))

        assert steps[-1].reached == 5
        assert steps[-1].is_end

    def test_the_lower_of_two_claims_is_believed(self) -> None:
        """Records that a filter took out may stand above all others: two answers agree on that."""
        answers = Answers(page(4, maximum=8), page(4, maximum=7), page(maximum=7))

        steps = list(walk(ChangeFeed(answers.fetch, None, 3), 3))

        assert [step.reached for step in steps] == [7, 7]

    def test_answers_that_never_agree_end_the_walk(self) -> None:
        """The cursor stays, and the error says so."""
        answers = Answers(page(4, 70, maximum=4), page(4, 80, maximum=4), page(4, 90, maximum=4))

        with pytest.raises(ContradictingAnswersError, match="records above 3"):
            list(walk(ChangeFeed(answers.fetch, 9, 3), 3))

        assert answers.asked == [3] * MAX_ANSWERS

    def test_a_number_that_two_answers_give_is_believed(self) -> None:
        """A server whose page maxima lag behind is read all the same."""
        answers = Answers(page(4, 5, maximum=3))

        step = next(walk(ChangeFeed(answers.fetch, 5, 3), 3))

        assert step.reached == 5

    def test_records_that_share_a_number_are_asked_about_again(self) -> None:
        """Numbers are unique; one that two records carry may be garbled."""
        answers = Answers(page(4, 4), page(4, 5))

        step = next(walk(ChangeFeed(answers.fetch, 5, 3), 3))

        assert step.page.numbers == (4, 5)

    def test_an_end_before_what_was_read_is_asked_about_again(self) -> None:
        """Without a maximum only an empty page says where the feed ends: not before what was read of it already."""
        answers = Answers(page(), page(4, 5), page())

        steps = list(walk(ChangeFeed(answers.fetch, None, 3, read_before=5), 3))

        assert [step.reached for step in steps] == [5, 5]


def test_a_maximum_that_all_pages_contradict_is_asked_for_again() -> None:
    """One answer that was too high once does not keep a feed from being current."""
    feed = ChangeFeed(feed_of(1, 2).fetch, 2**62, 3, fetch_maximum=lambda: 2)

    steps = list(walk(feed, 0))

    assert steps[-1].is_end
