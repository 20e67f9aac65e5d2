"""A change feed is read to its proven end in a bounded number of calls, whatever numbers the server returns."""

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
    """Return a page with records of these numbers; by default its maximum is the highest of them."""
    if maximum is None:
        maximum = max((number for number in numbers if isinstance(number, int)), default=0)
    return read_page(page_of([record(place, number) for place, number in enumerate(numbers)], maximum))


class Answers:
    """A server that returns one of these pages at each call, and the last one from then on."""

    def __init__(self, *pages: Page) -> None:
        self.pages = pages
        self.requested: list[int] = []

    def fetch(self, after: int) -> Page:
        """Return the next page."""
        self.requested.append(after)
        return self.pages[min(len(self.requested), len(self.pages)) - 1]


def next_cursor(answer: Page, cursor: int, maximum: int | None, page_maximum: int = 3) -> int:
    """Return the cursor after a page."""
    return ChangeFeed(Answers(answer).fetch, maximum, page_maximum).next_cursor(answer, cursor)


def feed_of(*numbers: int, size: int = 3, inclusive: bool = False, hidden: Iterable[int] = ()) -> MovingFeed:
    """Return a feed with a record at each number; identities count from 0."""
    return MovingFeed(dict(enumerate(numbers)), size, frozenset(hidden), inclusive)


def read(feed: MovingFeed, start: int = 0, maximum: int | None = None) -> tuple[dict[int, int], list[Step]]:
    """Return the highest number of each record that a walk reads, and the walk's steps."""
    steps = list(walk(ChangeFeed(feed.fetch, maximum, feed.page_size), start))
    return merged({}, steps), steps


def merged(known: dict[int, int], steps: Iterable[Step]) -> dict[int, int]:
    """Return the highest number of each record, by identity."""
    for step in steps:
        for raw in step.page.records:
            fields = json.loads(raw)
            known[fields["id"]] = max(known.get(fields["id"], 0), fields["sequenceNumber"])
    return known


def test_an_exclusive_feed_is_read_page_by_page() -> None:
    """Each page is requested with the highest number so far; a short page that reaches the maximum is the end."""
    feed = feed_of(2, 3, 8, 9, 40)

    seen, steps = read(feed, maximum=40)

    assert seen == feed.visible
    assert feed.requested == [0, 8]
    assert [(step.after, step.reached, step.is_end) for step in steps] == [(0, 8, False), (8, 40, True)]


def test_a_full_page_does_not_prove_the_end() -> None:
    """After a full page at the maximum one more page is requested, because records may have been added."""
    feed = feed_of(1, 2, 3)

    seen, steps = read(feed, maximum=3)

    assert seen == feed.visible
    assert feed.requested == [0, 3]
    assert steps[-1].is_end


def test_an_unknown_maximum_costs_one_empty_page() -> None:
    """Without a known maximum only a page that does not advance proves the end."""
    feed = feed_of(1, 2, 3, 4)

    seen, steps = read(feed, maximum=None)

    assert seen == feed.visible
    assert feed.requested == [0, 3, 4]
    assert [step.is_end for step in steps] == [False, False, True]


@pytest.mark.parametrize("maximum", [None, 9])
def test_an_inclusive_feed_is_read_without_a_gap(maximum: int | None) -> None:
    """A record at the cursor that every page repeats is neither an end nor a repeated page."""
    feed = feed_of(1, 3, 4, 7, 9, inclusive=True)

    seen, steps = read(feed, maximum=maximum)

    assert seen == feed.visible
    assert steps[-1].is_end
    assert len(feed.requested) <= 4


def test_an_idle_inclusive_feed_costs_one_call() -> None:
    """An inclusive feed without changes repeats its last record, which proves the end in one call."""
    feed = feed_of(1, 3, inclusive=True)

    _, steps = read(feed, start=3, maximum=3)

    assert [(step.reached, step.is_end) for step in steps] == [(3, True)]
    assert feed.requested == [3]


@pytest.mark.parametrize("empty_maximum", ["cursor", "zero"])
@pytest.mark.parametrize("maximum", [None, 7, 5])
def test_the_maximum_of_an_empty_page_is_ignored(empty_maximum: str, maximum: int | None) -> None:
    """An empty page does not move the cursor, whether its maximum is the requested number or 0."""
    feed = MovingFeed({0: 7}, empty_maximum=empty_maximum)

    _, steps = read(feed, start=7, maximum=maximum)

    assert [(step.reached, step.is_end) for step in steps] == [(7, True)]
    assert len(feed.requested) == 1


def test_filtered_empty_pages_do_not_end_the_walk() -> None:
    """The walk continues from the maximum of a page whose records were all filtered out."""
    feed = feed_of(*range(1, 13), hidden=range(11))

    for maximum in (None, 12):
        seen, steps = read(feed, maximum=maximum)
        assert seen == {11: 12}
        assert steps[-1].reached == 12
        assert steps[-1].is_end


def test_a_maximum_above_all_records_leaves_the_end_unproven() -> None:
    """When no page reaches the maximum, the records are kept and the end is not proven."""
    feed = feed_of(1, 2)

    seen, steps = read(feed, maximum=50)

    assert seen == feed.visible
    assert not steps[-1].is_end
    assert feed.requested == [0, *[2] * MAX_ANSWERS]


def test_an_outdated_maximum_does_not_end_the_walk() -> None:
    """Full pages are read beyond a maximum that is out of date."""
    feed = feed_of(*range(1, 9))

    seen, _ = read(feed, maximum=2)

    assert seen == feed.visible


def test_an_empty_feed_is_current() -> None:
    """An empty feed is current after one call, with and without a known maximum."""
    for maximum in (None, 0):
        seen, steps = read(feed_of(), maximum=maximum)
        assert seen == {}
        assert [step.is_end for step in steps] == [True]


def test_a_repeated_page_is_requested_again() -> None:
    """A page that only repeats the previous one is requested again."""
    answers = Answers(page(1, 2, 3), page(1, 2, 3), page(1, 2, 3), page(4, 5))

    steps = list(walk(ChangeFeed(answers.fetch, 5, 3), 0))

    assert answers.requested == [0, 3, 3, 3]
    assert [step.reached for step in steps] == [3, 5]
    assert steps[-1].is_end


@pytest.mark.parametrize("maximum", [None, 3, 9])
def test_a_feed_that_always_repeats_a_page_is_stuck(maximum: int | None) -> None:
    """A page that never advances raises an error with the requested number, after the earlier pages were read."""
    answers = Answers(page(1, 2, 3))
    steps = walk(ChangeFeed(answers.fetch, maximum, 3), 0)

    assert next(steps).reached == 3
    with pytest.raises(StuckFeedError, match="the request for records above 3") as caught:
        next(steps)

    assert caught.value.number == 3
    assert answers.requested == [0, *[3] * MAX_ANSWERS]


@pytest.mark.parametrize("maximum", [None, 3])
def test_pages_of_one_record_on_an_inclusive_server_are_stuck(maximum: int | None) -> None:
    """A full page that only repeats the record at the cursor is an error, and never the end."""
    feed = feed_of(1, 2, 3, size=1, inclusive=True)
    steps = walk(ChangeFeed(feed.fetch, maximum, 1), 0)

    assert next(steps).reached == 1
    with pytest.raises(StuckFeedError):
        next(steps)

    assert len(feed.requested) == 1 + MAX_ANSWERS


def test_a_page_of_one_record_at_the_maximum_is_the_end() -> None:
    """A page that only repeats the record at the cursor is the end if the cursor is at the maximum."""
    _, steps = read(feed_of(1, 2, 3, size=1, inclusive=True), start=3, maximum=3)

    assert steps[-1].is_end


def test_a_number_above_the_maximum_does_not_move_the_cursor() -> None:
    """A number above the feed's maximum moves the cursor only if nothing else advances."""
    stray = page(1, 10**15, 3, maximum=3)
    answers = Answers(stray, stray, page(4, 5), page(maximum=5))

    steps = list(walk(ChangeFeed(answers.fetch, 5, 3), 0))

    assert [step.reached for step in steps] == [3, 5]
    assert next_cursor(page(10**15, maximum=5), 5, 5) == 10**15


def test_record_numbers_take_precedence_over_the_page_maximum() -> None:
    """The cursor follows the records if the page's maximum is lower, and the maximum if they have no numbers."""
    assert next_cursor(page(4, 5, maximum=0), 3, 9) == 5
    assert next_cursor(page("null", '"x"', maximum=4), 3, 9) == 4
    assert next_cursor(page("null", maximum=0), 3, 9) == 3
    assert next_cursor(page(1, 2), 3, 9) == 3


def test_a_full_page_with_the_feeds_maximum_moves_the_cursor_to_its_records() -> None:
    """A full page whose maximum is the feed's was not filtered, so the cursor moves to its highest valid record."""
    stray = page(4, 10**15, 6, maximum=9)
    answers = Answers(page(1, 2, 3, maximum=9), stray, stray, page(7, 9))

    steps = list(walk(ChangeFeed(answers.fetch, 9, 3), 0))

    assert [step.reached for step in steps] == [3, 6, 9]


def test_a_repeated_page_with_the_feeds_maximum_is_stuck() -> None:
    """A repeated page proves nothing new, however high its maximum is."""
    for maximum in (None, 9):
        answers = Answers(page(1, 2, 3, maximum=9))
        with pytest.raises(StuckFeedError):
            list(walk(ChangeFeed(answers.fetch, maximum, 3), 0))


def test_a_record_that_changes_during_the_walk_is_read_at_its_new_number() -> None:
    """The newest version of a record that changes during the walk is read."""
    feed = MovingFeed(dict(enumerate(range(1, 9))), moves={1: [0, 5], 2: [7]})

    seen, steps = read(feed, maximum=8)

    assert seen == feed.visible
    assert steps[-1].is_end


def test_a_complete_walk_continues_past_the_known_maximum() -> None:
    """A complete walk reads to the end even after a filtered page has reached the known maximum."""

    def pages() -> Answers:
        return Answers(page(1, 2, 3), page(maximum=8), page(maximum=8), page(9), page(maximum=9))

    requested_by_mode = {}
    for complete in (False, True):
        answers = pages()
        steps = list(walk(ChangeFeed(answers.fetch, 7, 3), 0, complete=complete))
        assert steps[-1].is_end
        requested_by_mode[complete] = answers.requested

    assert requested_by_mode == {False: [0, 3, 3], True: [0, 3, 3, 8, 9]}


@st.composite
def moving_feeds(draw: st.DrawFn) -> MovingFeed:
    """Feeds that serve each record eventually."""
    gaps = draw(st.lists(st.integers(1, 5), max_size=25))
    numbers = {identity: sum(gaps[: identity + 1]) for identity in range(len(gaps))}
    moved = st.lists(st.sampled_from(range(len(gaps))), max_size=4) if gaps else st.just([])
    inclusive = draw(st.booleans())
    repeats = draw(st.sets(st.integers(0, 40), max_size=6))
    return MovingFeed(
        numbers,
        page_size=draw(st.integers(2 if inclusive else 1, 7)),
        hidden=frozenset(draw(moved | st.just(list(range(len(gaps) * 3 // 4))))),
        inclusive=inclusive,
        empty_maximum=draw(st.sampled_from(["cursor", "zero"])),
        backwards=draw(st.booleans()),
        moves=draw(st.dictionaries(st.integers(0, 12), moved, max_size=5)),
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
"""Possible answers of the max-sequence operation: the maximum, an outdated or a future one, or none."""


@given(feed=moving_feeds(), maximum_of=maxima, knows_maximum=st.sampled_from([True, False]))
def test_every_visible_record_is_read(
    *, feed: MovingFeed, maximum_of: Callable[[MovingFeed], int | None], knows_maximum: bool
) -> None:
    """Two walks, the first while the feed changes, read every visible record in a bounded number of calls.

    A feed that changes between the answers to one request may make all of them contradict each other. The first
    walk then ends early, and the second one continues from its cursor.
    """
    pages = len(feed.numbers) + 12 * 4 + MAX_ANSWERS + 1
    steps: list[Step] = []
    with suppress(ContradictingAnswersError):
        for step in walk(ChangeFeed(feed.fetch, maximum_of(feed), feed.page_size), 0):
            steps.append(step)  # noqa: PERF402 - what came before a failure counts
    seen, cursor = merged({}, steps), steps[-1].reached if steps else 0
    assert len(feed.requested) <= pages * MAX_ANSWERS

    calm = MovingFeed(feed.numbers, feed.page_size, feed.hidden, feed.inclusive, feed.empty_maximum, feed.backwards)
    steps = list(walk(ChangeFeed(calm.fetch, calm.maximum if knows_maximum else None, calm.page_size), cursor))

    assert merged(seen, steps) == calm.visible
    assert steps[-1].is_end
    assert steps[-1].reached == calm.maximum
    assert len(calm.requested) <= len(calm.numbers) + 2


@given(
    st.lists(st.lists(st.integers(0, 30), max_size=4), max_size=12), st.integers(0, 30), st.none() | st.integers(0, 30)
)
def test_a_walk_always_terminates(answers: list[list[int]], start: int, maximum: int | None) -> None:
    """Whatever the server returns, the cursor only rises, and no number is requested more than a few times."""
    feed = Answers(*(page(*numbers) for numbers in answers), page())
    reached = [start]
    with suppress(StuckFeedError, ContradictingAnswersError):
        for step in walk(ChangeFeed(feed.fetch, maximum, 3), start):
            assert step.after == reached[-1]
            reached.append(step.reached)

    assert reached == sorted(reached)
    assert all(feed.requested.count(number) <= MAX_ANSWERS for number in feed.requested)


def numbering(*answers: Page, stored: Mapping[int, int | None] | None) -> Numbering:
    """Return the numbering detected from the first records, given the stored numbers by position in the page."""
    feed = ChangeFeed(Answers(*answers).fetch, 9, 3)
    return detect_numbering(feed, lambda answer: stored if answer.records else None)


@pytest.mark.parametrize(
    ("first", "stored"),
    [
        pytest.param(page(1, 2), {0: 498, 1: 499}, id="known records have lower numbers than stored"),
        pytest.param(page(1, 2), {0: 1, 1: 499}, id="one known record has a lower number than stored"),
        pytest.param(page(1, 2), {}, id="no record is known"),
    ],
)
def test_a_restart_is_proven_by_the_first_valid_records(first: Page, stored: dict[int, int | None]) -> None:
    """The numbering restarted if known records have lower numbers than stored, or no first record is known."""
    assert numbering(first, stored=stored) is Numbering.RESTARTED


@pytest.mark.parametrize(
    ("first", "stored"),
    [
        pytest.param(page(1, 2), {0: 1, 1: 2}, id="the records have their stored numbers"),
        pytest.param(page(300, 400), {0: 1}, id="the known record has a higher number"),
        pytest.param(page("null", 2), {0: 400}, id="the known record has no number"),
        pytest.param(page(1, 2), {1: None}, id="no number is stored for the known record"),
    ],
)
def test_a_restart_needs_proof(first: Page, stored: dict[int, int | None]) -> None:
    """Whatever has another explanation leaves the cursor unproven and is no restart."""
    assert numbering(first, stored=stored) is Numbering.UNPROVEN_CURSOR


def test_filtered_empty_pages_do_not_decide_the_numbering() -> None:
    """After an empty page the next page is requested before the numbering is decided."""
    assert numbering(page(maximum=4), page(5, 6), stored={0: 498}) is Numbering.RESTARTED


def test_invalid_records_do_not_decide_the_numbering() -> None:
    """The numbering is undecided as long as no valid record is served."""
    feed = ChangeFeed(Answers(page(1, 2), page(maximum=2)).fetch, 2, 3)

    assert detect_numbering(feed, lambda _: None) is Numbering.UNDECIDED


@pytest.mark.parametrize(
    ("beyond", "supported"),
    [
        pytest.param(page(500), True, id="the record at the cursor is still served"),
        pytest.param(page(maximum=500), True, id="the maximum is the cursor"),
        pytest.param(page(maximum=777), True, id="the maximum is above the cursor"),
        pytest.param(page("null"), True, id="a record has no number"),
        pytest.param(page(), False, id="nothing is served"),
        pytest.param(page(maximum=499), False, id="the maximum is the requested number"),
    ],
)
def test_a_cursor_is_supported_by_records_at_it_or_beyond(beyond: Page, *, supported: bool) -> None:
    """A cursor is valid if Floriday serves anything at it or beyond, even when the maximum is lower."""
    assert is_cursor_supported(ChangeFeed(Answers(beyond).fetch, 9, 3), 500) is supported


def test_a_single_high_maximum_does_not_support_a_cursor() -> None:
    """A page maximum that is far too high, and not repeated, does not prove that a cursor is still valid."""
    assert not is_cursor_supported(ChangeFeed(Answers(page(maximum=499_000), page()).fetch, 9, 3), 500)


class TestContradictingAnswers:
    """An answer that contradicts itself is requested again before it is used."""

    def test_a_number_above_the_page_maximum_is_requested_again(self) -> None:
        """A page with a record above the page's maximum is requested again, and the cursor does not move there."""
        answers = Answers(page(1, 700, 3, maximum=3), page(1, 2, 3))

        step = next(walk(ChangeFeed(answers.fetch, 900, 3), 0))

        assert answers.requested == [0, 0]
        assert (step.reached, step.page.numbers) == (3, (1, 2, 3))

    @pytest.mark.parametrize("maximum", [None, 5])
    def test_an_unsupported_page_maximum_is_requested_again(self, maximum: int | None) -> None:
        """A page with a maximum above its records and the feed's maximum is requested again."""
        answers = Answers(page(4, 5, maximum=5000), page(4, 5, maximum=5), page(maximum=5))

        steps = list(walk(ChangeFeed(answers.fetch, maximum, 3), 3))

        assert steps[-1].reached == 5
        assert steps[-1].is_end

    def test_the_lower_of_two_page_maxima_is_used(self) -> None:
        """Of two different page maxima above the records, the lower one becomes the cursor."""
        answers = Answers(page(4, maximum=8), page(4, maximum=7), page(maximum=7))

        steps = list(walk(ChangeFeed(answers.fetch, None, 3), 3))

        assert [step.reached for step in steps] == [7, 7]

    def test_answers_that_never_agree_end_the_walk(self) -> None:
        """Answers that always contradict each other raise an error, and the cursor stays."""
        answers = Answers(page(4, 70, maximum=4), page(4, 80, maximum=4), page(4, 90, maximum=4))

        with pytest.raises(ContradictingAnswersError, match="records above 3"):
            list(walk(ChangeFeed(answers.fetch, 9, 3), 3))

        assert answers.requested == [3] * MAX_ANSWERS

    def test_a_number_in_two_answers_is_used(self) -> None:
        """A number above the page's maximum becomes the cursor if a second answer repeats it."""
        answers = Answers(page(4, 5, maximum=3))

        step = next(walk(ChangeFeed(answers.fetch, 5, 3), 3))

        assert step.reached == 5

    def test_records_that_share_a_number_are_requested_again(self) -> None:
        """A page in which two records have one number is requested again, because numbers are unique."""
        answers = Answers(page(4, 4), page(4, 5))

        step = next(walk(ChangeFeed(answers.fetch, 5, 3), 3))

        assert step.page.numbers == (4, 5)

    def test_an_end_before_records_read_earlier_is_requested_again(self) -> None:
        """An empty page before the highest number read earlier is requested again."""
        answers = Answers(page(), page(4, 5), page())

        steps = list(walk(ChangeFeed(answers.fetch, None, 3, read_before=5), 3))

        assert [step.reached for step in steps] == [5, 5]


def test_a_maximum_that_all_pages_contradict_is_requested_again() -> None:
    """A maximum that no page reaches is requested again, and the feed is current with the new one."""
    feed = ChangeFeed(feed_of(1, 2).fetch, 2**62, 3, fetch_maximum=lambda: 2)

    steps = list(walk(feed, 0))

    assert steps[-1].is_end


def test_a_refused_second_request_for_the_maximum_proves_no_end() -> None:
    """A maximum that no page reaches stands where the second request for it has no answer: the next sync continues."""
    feed = ChangeFeed(feed_of(1, 2).fetch, 5, 3, fetch_maximum=lambda: None)

    steps = list(walk(feed, 0))

    assert not any(step.is_end for step in steps)
