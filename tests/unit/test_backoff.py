"""When the sensor asks for a feed again: at once where runs bring something, more and more seldom where they do not."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

from pipelines.orchestration.automation.backoff import AGAIN_AFTER, AT_ONCE, LONGEST, Move, Requests

ORDERS = "orders.sales_orders"
TICK = 30.0
DAY = 86_400.0


def asked_at(floriday: Callable[[float], Move], seconds: float) -> list[float]:
    """The moments at which a run is asked for while the sensor looks every half minute."""
    requests, asked = Requests(), []
    for tick in range(int(seconds / TICK)):
        now = tick * TICK
        moves = {ORDERS: floriday(now)}
        if due := requests.due(moves, now):
            requests = Requests.read(requests.after(moves, due, now).text())
            asked.append(now)
    return asked


def test_a_feed_that_is_read_is_asked_for_at_once() -> None:
    """Each time it has moved, for as long as the runs read on."""
    assert len(asked_at(lambda now: Move(number=int(now) + 1, position=int(now)), 600)) == 20


def test_a_feed_that_is_never_read_is_asked_for_less_and_less() -> None:
    """After ten minutes, then twice as long each time, in the end once a day."""
    asked = asked_at(lambda _: Move(None, 0), 10 * DAY)

    waits = [later - earlier for earlier, later in pairwise(asked)]
    assert waits[:4] == [AGAIN_AFTER, 2 * AGAIN_AFTER, 4 * AGAIN_AFTER, 8 * AGAIN_AFTER]
    assert waits[-1] == LONGEST


def test_a_feed_that_moves_and_cannot_be_read_is_asked_for_every_ten_minutes() -> None:
    """After a few tries at once."""
    asked = asked_at(lambda now: Move(number=int(now), position=7), 3600)

    assert asked[:AT_ONCE] == [TICK * number for number in range(AT_ONCE)]
    assert {later - earlier for earlier, later in pairwise(asked[AT_ONCE - 1 :])} == {AGAIN_AFTER}


def test_a_feed_that_is_read_at_last_is_asked_for_at_once_again() -> None:
    """What came to nothing before is forgotten."""
    healed = 1800.0

    asked = asked_at(lambda now: Move(int(now), position=7 if now < healed else int(now)), healed + 300)

    assert [moment for moment in asked if moment >= healed] == [healed + TICK * number for number in range(10)]
