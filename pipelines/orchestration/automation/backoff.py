"""What runs the sensor of changed feeds asked for, so that a feed whose runs come to nothing is not hammered.

A run that comes to nothing leaves the feed where it was read to. Such a feed is asked for again after ten minutes, and
each time after twice as long; one that goes on moving at Floriday a few times at once, and then every ten minutes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

AGAIN_AFTER = 600.0
"""Seconds after which a run is asked for once more that came to nothing."""

LONGEST = 86_400.0
"""Seconds between two requests at most."""

AT_ONCE = 3
"""Requests without delay for a feed that goes on moving."""


@dataclass(frozen=True)
class Move:
    """A feed that is worth a run.

    Args:
        number: what it moved to at Floriday; None for one that was never read.
        position: how far it is read here: the cursors of all accounts added up.
    """

    number: int | None
    position: int


@dataclass(frozen=True)
class Request:
    """A run that was asked for.

    Args:
        number: as the move's.
        position: as the move's.
        at: when, in seconds since 1970.
        times: how often by then, at that position.
    """

    number: int | None
    position: int
    at: float
    times: int

    def keeps_waiting(self, move: Move, now: float) -> bool:
        """Whether it is too early to ask for the feed again."""
        if move.position != self.position:
            return False
        if move.number != self.number:
            return self.times >= AT_ONCE and now - self.at < AGAIN_AFTER
        return now - self.at < min(AGAIN_AFTER * (1 << min(self.times - 1, 8)), LONGEST)


@dataclass(frozen=True)
class Requests:
    """The last request for each feed, as the sensor's cursor keeps them."""

    made: Mapping[str, Request] = field(default_factory=dict)

    @classmethod
    def read(cls, cursor: str | None) -> Requests:
        """From the sensor's cursor."""
        return cls({feed: Request(*told) for feed, told in json.loads(cursor or "{}").items()})

    def text(self) -> str:
        """For the sensor's cursor."""
        told = {feed: (one.number, one.position, one.at, one.times) for feed, one in self.made.items()}
        return json.dumps(told)

    def due(self, moves: Mapping[str, Move], now: float) -> list[str]:
        """The feeds to ask a run for."""
        return [
            feed for feed, move in moves.items() if not (feed in self.made and self.made[feed].keeps_waiting(move, now))
        ]

    def noted(self, moves: Mapping[str, Move], due: Iterable[str], now: float) -> Requests:
        """With those that are asked for now."""
        return Requests({**self.made, **{feed: self._again(feed, moves[feed], now) for feed in due}})

    def _again(self, feed: str, move: Move, now: float) -> Request:
        before = self.made.get(feed)
        times = before.times if before and before.position == move.position else 0
        return Request(move.number, move.position, now, times + 1)
