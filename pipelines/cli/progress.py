"""The progress of a sync: bars on a terminal, lines in a pipe."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pipelines.cli.console import is_data_only, is_terminal, print_line, terminal
from pipelines.cli.outcomes import subject, summary
from pipelines.sync.outcome import FeedOutcome
from pipelines.text_format import counted

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from rich.progress import TaskID

SECONDS_BETWEEN_LINES = 10.0


@contextmanager
def progress() -> Iterator[_Lines | _Bars]:
    """A display to update after each page of a feed, and to finish when the feed was synced or has failed."""
    if not is_terminal() or is_data_only():
        yield _Lines()
        return
    from rich.progress import BarColumn, TextColumn
    from rich.progress import Progress as Bars

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[status]}"))
    with Bars(*columns, console=terminal(), transient=True) as bars:
        yield _Bars(bars)


class _Lines:
    """Prints a line for each finished feed, and every ten seconds one for a feed that is still being read."""

    def __init__(self) -> None:
        self._last = time.monotonic()

    def update(self, outcome: FeedOutcome) -> None:
        if time.monotonic() - self._last >= SECONDS_BETWEEN_LINES:
            self._print(f"{subject(outcome)}: {_so_far(outcome)}")

    def finish(self, outcome: FeedOutcome) -> None:
        self._print(f"{subject(outcome)}: {summary(outcome)}")

    def _print(self, line: str) -> None:
        print_line(line)
        self._last = time.monotonic()


class _Bars:
    """Shows a bar for each feed that is being read."""

    def __init__(self, bars: Bars) -> None:
        self._bars = bars
        self._tasks: dict[tuple[str, str], TaskID] = {}
        self._totals: dict[tuple[str, str], int] = {}

    def update(self, outcome: FeedOutcome) -> None:
        feed = (outcome.account, outcome.feed)
        if not outcome.pages:
            return
        if feed not in self._tasks:
            self._tasks[feed] = self._bars.add_task(subject(outcome), status="")
        total = max(self._totals.get(feed, 0), outcome.left or 0)
        self._totals[feed] = total
        done = total - outcome.left if outcome.left is not None else 0
        status = f"{_so_far(outcome)}{_remaining(outcome, done)}"
        self._bars.update(self._tasks[feed], total=total or None, completed=done, status=status)

    def finish(self, outcome: FeedOutcome) -> None:
        task = self._tasks.pop((outcome.account, outcome.feed), None)
        if task is not None:
            self._bars.remove_task(task)


def _remaining(outcome: FeedOutcome, done: int) -> str:
    """The estimated time left, if sequence numbers and records stay in proportion, and the rate limit."""
    allowed = f"; Floriday allows {outcome.allowed:g} pages/s beyond a burst" if outcome.allowed else ""
    if not outcome.left or not done:
        return allowed
    return f", {outcome.seconds * outcome.left / done:,.0f} s left{allowed}"


def _so_far(outcome: FeedOutcome) -> str:
    rate = outcome.records / outcome.seconds if outcome.seconds else 0.0
    end = f" of {outcome.maximum}" if outcome.maximum is not None else ""
    counts = f"{counted(outcome.pages, 'page')}, {counted(outcome.records, 'record')}"
    return f"{counts}, {rate:,.0f}/s, at {outcome.cursor}{end}"
