"""How far a feed is read, and when; whether it is current does not depend on what the clock says."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Position:
    """How far a feed is read.

    The feed was proven current since the last commit if ``current_at`` is not before ``committed_at``; whatever the
    clock says, the methods keep it so.

    Args:
        series: counts the restarts of the feed's numbering, from 1.
        cursor: the last sequence number committed, 0 before the first.
        maximum: what Floriday's max-sequence operation last said.
        current_at: when the feed was last proven current.
        committed_at: when a window was last committed.
    """

    series: int = 1
    cursor: int = 0
    maximum: int | None = None
    current_at: dt.datetime | None = None
    committed_at: dt.datetime | None = None

    @property
    def is_current(self) -> bool:
        """Whether the feed was proven current since the last commit."""
        return self.current_at is not None and (self.committed_at is None or self.current_at >= self.committed_at)

    def committed(self, moment: dt.datetime, *, current: bool) -> Position:
        """The position after a commit.

        Args:
            moment: of the commit, as the clock says it.
            current: whether the feed is proven current with it.
        """
        proven = moment if current else self.current_at
        if not current and proven is not None and proven >= moment:
            proven = moment - dt.timedelta(microseconds=1)
        return replace(self, committed_at=moment, current_at=proven)

    def found_current(self, asked_at: dt.datetime, now: dt.datetime | None = None) -> Position:
        """The position of a feed that is current without a commit.

        Args:
            asked_at: when Floriday was asked.
            now: the moment; what lies after it was written under a clock that was ahead.
        """
        now = now or dt.datetime.now(dt.UTC)
        committed = self.committed_at and min(self.committed_at, max(asked_at, now))
        return replace(self, committed_at=committed, current_at=max(asked_at, committed or asked_at))
