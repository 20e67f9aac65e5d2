"""What a sync shows while it runs: a bar on a terminal, a line a feed in a pipe."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from pipelines.cli.console import is_terminal, say, terminal
from pipelines.cli.outcomes import counted, subject, told
from pipelines.outcome import FeedOutcome

if TYPE_CHECKING:
    from rich.progress import Progress as Bars

SECONDS_BETWEEN_LINES = 10.0


class Progress(Protocol):
    """Is told how far a feed is."""

    def tell(self, outcome: FeedOutcome) -> None:
        """A page more was read."""

    def finish(self, outcome: FeedOutcome) -> None:
        """The feed is done, or has failed."""


@contextmanager
def progress() -> Iterator[Progress]:
    """The progress that fits the output."""
    if not is_terminal():
        yield _Lines()
        return
    from rich.progress import BarColumn, TextColumn
    from rich.progress import Progress as Bars

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[told]}"))
    with Bars(*columns, console=terminal(), transient=True) as bars:
        yield _Bar(bars)


class _Lines:
    """A line when a feed is done, and one from time to time while a long one is read."""

    def __init__(self) -> None:
        self._last = time.monotonic()

    def tell(self, outcome: FeedOutcome) -> None:
        if time.monotonic() - self._last >= SECONDS_BETWEEN_LINES:
            self._say(f"{subject(outcome)}: {_so_far(outcome)}")

    def finish(self, outcome: FeedOutcome) -> None:
        self._say(f"{subject(outcome)}: {told(outcome)}")

    def _say(self, line: str) -> None:
        say(line)
        self._last = time.monotonic()


class _Bar:
    """One bar, for the feed that is being read."""

    def __init__(self, bars: Bars) -> None:
        self._bars = bars
        self._task = bars.add_task("", told="")
        self._feed: tuple[str, str] | None = None
        self._start = 0

    def tell(self, outcome: FeedOutcome) -> None:
        if self._feed != (outcome.account, outcome.feed):
            self._feed = (outcome.account, outcome.feed)
            self._start = outcome.cursor
            self._bars.reset(self._task, description=subject(outcome))
        total = outcome.maximum - self._start if outcome.maximum and outcome.maximum > self._start else None
        done = outcome.cursor - self._start
        self._bars.update(self._task, total=total, completed=done, told=_so_far(outcome))

    def finish(self, outcome: FeedOutcome) -> None:
        if self._feed == (outcome.account, outcome.feed):
            self._feed = None


def _so_far(outcome: FeedOutcome) -> str:
    rate = outcome.records / outcome.seconds if outcome.seconds else 0.0
    place = f"at {outcome.cursor} of {outcome.maximum}" if outcome.maximum is not None else f"at {outcome.cursor}"
    return f"{counted(outcome.pages, 'page')}, {counted(outcome.records, 'record')}, {rate:,.0f}/s, {place}"
