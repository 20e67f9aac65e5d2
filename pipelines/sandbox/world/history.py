"""How far a world reaches back when it is made, and how much is traded on each day."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from pipelines.sandbox.world.calendar import day_of, moment

_YEAR = dt.timedelta(days=365)


@dataclass(frozen=True)
class History:
    """The past of a world.

    Args:
        busy: period before its making from which on there are daily negotiations, not only orders.
        volume: volume of trade in that period and later; 1.0 for full trade.
        past: beginning and end of the earlier trade, as periods before its making.
        past_volume: volume of the earlier trade.
        growth: by which the volume grew each year, as a fraction.
    """

    busy: dt.timedelta
    volume: float
    past: tuple[dt.timedelta, dt.timedelta]
    past_volume: float
    growth: float = 0.0

    def start(self, created_at: dt.datetime) -> dt.datetime:
        """The start of the first day of a world that is made at ``created_at``."""
        return moment(day_of(created_at) - self.past[0], 0)

    def is_busy(self, day: dt.date, created_at: dt.datetime) -> bool:
        """Whether there are negotiations on a day."""
        return day_of(created_at) - day <= self.busy

    def volume_on(self, day: dt.date, created_at: dt.datetime) -> float:
        """Volume of trade on a day; 0 if there is none."""
        ago = day_of(created_at) - day
        if self.is_busy(day, created_at):
            volume = self.volume
        else:
            volume = self.past_volume if self.past[1] <= ago <= self.past[0] else 0.0
        return volume * float((1 - self.growth) ** max(0.0, ago / _YEAR))


_WEEK = dt.timedelta(weeks=1)

RECENT = History(busy=8 * _WEEK, volume=1.0, past=(61 * _WEEK, 48 * _WEEK), past_volume=0.12)
"""Much trade in the last weeks, and little in the same season of last year: for tests, because it is made quickly."""

TWO_YEARS = History(busy=16 * _WEEK, volume=0.22, past=(107 * _WEEK, 16 * _WEEK), past_volume=0.22, growth=0.06)
"""Steady trade in two full years, so that each week can be compared with that of last year: for people."""
