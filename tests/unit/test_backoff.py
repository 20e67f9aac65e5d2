"""The sensor requests a feed again at once while runs make progress, and backs off exponentially while they do not."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

from pipelines.orchestration.automation.backoff import AGAIN_AFTER, AT_ONCE, LONGEST, Move, Requests

ORDERS = "orders.sales_orders"
TICK = 30.0
DAY = 86_400.0


def request_times(floriday: Callable[[float], Move], seconds: float) -> list[float]:
    """Return the times at which runs are requested while the sensor is evaluated every half minute."""
    requests, times = Requests(), []
    for tick in range(int(seconds / TICK)):
        now = tick * TICK
        moves = {ORDERS: floriday(now)}
        if due := requests.due(moves, now):
            requests = Requests.read(requests.after(moves, due, now).text())
            times.append(now)
    return times


def test_a_feed_with_progress_is_requested_at_once() -> None:
    """A feed whose runs make progress is requested each time it has new records."""
    assert len(request_times(lambda now: Move(number=int(now) + 1, position=int(now)), 600)) == 20


def test_a_feed_without_progress_is_requested_less_and_less_often() -> None:
    """A feed that is never read is requested after ten minutes, then twice as late each time, up to a day."""
    times = request_times(lambda _: Move(None, 0), 10 * DAY)

    waits = [later - earlier for earlier, later in pairwise(times)]
    assert waits[:4] == [AGAIN_AFTER, 2 * AGAIN_AFTER, 4 * AGAIN_AFTER, 8 * AGAIN_AFTER]
    assert waits[-1] == LONGEST


def test_an_unreadable_feed_with_new_records_is_requested_every_ten_minutes() -> None:
    """A feed that gets new records and cannot be read is requested a few times at once, then every ten minutes."""
    times = request_times(lambda now: Move(number=int(now), position=7), 3600)

    assert times[:AT_ONCE] == [TICK * number for number in range(AT_ONCE)]
    assert {later - earlier for earlier, later in pairwise(times[AT_ONCE - 1 :])} == {AGAIN_AFTER}


def test_progress_ends_the_backoff() -> None:
    """After a run makes progress again, the feed is requested at once as before."""
    recovered = 1800.0

    times = request_times(lambda now: Move(int(now), position=7 if now < recovered else int(now)), recovered + 300)

    assert [time for time in times if time >= recovered] == [recovered + TICK * number for number in range(10)]
