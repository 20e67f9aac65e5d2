"""Exponential back-off for feeds whose runs make no progress, for the sensor of changed feeds.

A run without progress leaves the feed's cursors where they were. The next run is requested after ten minutes, then
after twice as long each time. For a feed that goes on changing at Floriday, a few runs are requested without delay, and
then one every ten minutes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

AGAIN_AFTER = 600.0  # seconds until the second request after a run without progress
LONGEST = 86_400.0  # most seconds between two requests
AT_ONCE = 3  # number of requests without delay for a feed that goes on changing


class Move(NamedTuple):
    """A feed that needs a run: its highest number at Floriday (None: never read), and the sum of its cursors here."""

    number: int | None
    position: int


class Request(NamedTuple):
    """The last request of a run for a move, in seconds since 1970, and the number of requests at that position."""

    number: int | None
    position: int
    at: float
    times: int

    def is_too_early(self, move: Move, now: float) -> bool:
        """Whether the next request has to wait."""
        if move.position != self.position:
            return False
        if move.number != self.number:
            return self.times >= AT_ONCE and now - self.at < AGAIN_AFTER
        return now - self.at < min(AGAIN_AFTER * (1 << min(self.times - 1, 8)), LONGEST)


@dataclass(frozen=True)
class Requests:
    """The last request for each feed, as the sensor's cursor stores them."""

    made: Mapping[str, Request] = field(default_factory=dict)

    @classmethod
    def read(cls, cursor: str | None) -> Requests:
        """The content of the sensor's cursor."""
        return cls({feed: Request(*values) for feed, values in json.loads(cursor or "{}").items()})

    def text(self) -> str:
        """The content for the sensor's cursor."""
        return json.dumps(self.made)

    def due(self, moves: Mapping[str, Move], now: float) -> list[str]:
        """The feeds for which to request a run."""
        return [
            feed for feed, move in moves.items() if not (feed in self.made and self.made[feed].is_too_early(move, now))
        ]

    def after(self, moves: Mapping[str, Move], due: Iterable[str], now: float) -> Requests:
        """The requests, after one for the feeds in ``due``."""
        return Requests({**self.made, **{feed: self._next(feed, moves[feed], now) for feed in due}})

    def _next(self, feed: str, move: Move, now: float) -> Request:
        before = self.made.get(feed)
        times = before.times if before and before.position == move.position else 0
        return Request(move.number, move.position, now, times + 1)
