"""What a sync shows while it runs: a bar on a terminal, a line a feed in a pipe."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from pipelines.cli.console import is_terminal, say, terminal
from pipelines.cli.outcomes import subject, told
from pipelines.sync.outcome import FeedOutcome
from pipelines.text_format import counted

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from rich.progress import TaskID

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
    """A bar for each feed that is being read."""

    def __init__(self, bars: Bars) -> None:
        self._bars = bars
        self._tasks: dict[tuple[str, str], TaskID] = {}
        self._whole: dict[tuple[str, str], int] = {}

    def tell(self, outcome: FeedOutcome) -> None:
        feed = (outcome.account, outcome.feed)
        if not outcome.pages:
            return
        if feed not in self._tasks:
            self._tasks[feed] = self._bars.add_task(subject(outcome), told="")
        whole = max(self._whole.get(feed, 0), outcome.left or 0)
        self._whole[feed] = whole
        done = whole - outcome.left if outcome.left is not None else 0
        self._bars.update(
            self._tasks[feed], total=whole or None, completed=done, told=f"{_so_far(outcome)}{_rest(outcome, done)}"
        )

    def finish(self, outcome: FeedOutcome) -> None:
        task = self._tasks.pop((outcome.account, outcome.feed), None)
        if task is not None:
            self._bars.remove_task(task)


def _rest(outcome: FeedOutcome, done: int) -> str:
    """How long the rest will take if its numbers hold as many records, and what Floriday allows."""
    allowed = f"; Floriday allows {outcome.allowed:g} pages/s beyond a burst" if outcome.allowed else ""
    if not outcome.left or not done:
        return allowed
    return f", {outcome.seconds * outcome.left / done:,.0f} s left{allowed}"


def _so_far(outcome: FeedOutcome) -> str:
    rate = outcome.records / outcome.seconds if outcome.seconds else 0.0
    place = f"at {outcome.cursor} of {outcome.maximum}" if outcome.maximum is not None else f"at {outcome.cursor}"
    return f"{counted(outcome.pages, 'page')}, {counted(outcome.records, 'record')}, {rate:,.0f}/s, {place}"
