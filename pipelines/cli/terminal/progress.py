"""The progress of a sync: one line on a terminal, which is written over, and lines in a pipe."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from pipelines.cli.console import is_data_only, is_terminal, print_line
from pipelines.cli.syncs.outcomes import subject, summary
from pipelines.cli.terminal.status_line import StatusLine
from pipelines.sync.outcome import FeedOutcome
from pipelines.text_format import counted

SECONDS_BETWEEN_LINES = 10.0
SECONDS_BETWEEN_REFRESHES = 0.1


@contextmanager
def progress(accounts: int, sources: int) -> Iterator[_Lines | _Line]:
    """A display to update after each page of a feed, and to finish when the feed was synced or has failed.

    Args:
        accounts: number of accounts that are synced.
        sources: number of feeds and snapshots that are synced for each of them.
    """
    display = _Line(accounts, sources) if is_terminal() and not is_data_only() else _Lines()
    try:
        yield display
    finally:
        display.clear()


class _Lines:
    """Prints a line for each finished feed, and every ten seconds one for a feed that is still being read."""

    def __init__(self) -> None:
        self._last = time.monotonic()

    def update(self, outcome: FeedOutcome) -> None:
        if time.monotonic() - self._last >= SECONDS_BETWEEN_LINES:
            self._print(f"{subject(outcome)}: {_so_far(outcome)}")

    def finish(self, outcome: FeedOutcome) -> None:
        self._print(f"{subject(outcome)}: {summary(outcome)}")

    def clear(self) -> None:
        """Lines in a pipe stay."""

    def _print(self, line: str) -> None:
        print_line(line)
        self._last = time.monotonic()


class _Line:
    """Shows on one line how many feeds are done, and how far the feed is that takes longest."""

    def __init__(self, accounts: int, sources: int) -> None:
        self._feeds = accounts * sources
        self._is_one_account = accounts == 1
        self._done = 0
        self._reading: dict[tuple[str, str], FeedOutcome] = {}
        self._totals: dict[tuple[str, str], int] = {}
        self._line = StatusLine()
        self._next = 0.0
        self._lock = Lock()  # feeds are read in threads

    def update(self, outcome: FeedOutcome) -> None:
        feed = (outcome.account, outcome.feed)
        with self._lock:
            self._reading[feed] = outcome
            self._totals[feed] = max(self._totals.get(feed, 0), outcome.left or 0)
            self._refresh()

    def finish(self, outcome: FeedOutcome) -> None:
        with self._lock:
            self._reading.pop((outcome.account, outcome.feed), None)
            self._done += 1
            self._refresh()

    def clear(self) -> None:
        """Remove the line."""
        with self._lock:
            self._line.clear()

    def _refresh(self) -> None:
        now = time.monotonic()
        if now >= self._next:
            self._next = now + SECONDS_BETWEEN_REFRESHES
            self._line.show(self._parts())

    def _parts(self) -> Iterator[str]:
        """What is shown, the most important first."""
        yield f"{self._done} of {counted(self._feeds, 'feed')}"
        read = [each for each in self._reading.values() if each.pages]
        if not read:
            return
        longest = max(read, key=self._seconds_left)
        seconds = self._seconds_left(longest)
        if seconds >= 1:
            yield f"{seconds:,.0f} s left"
        yield longest.feed if self._is_one_account else subject(longest)
        counts, rate, position = _details(longest)
        yield counts
        yield position
        yield f"{rate} records/s"
        if longest.allowed:
            yield f"Floriday allows {longest.allowed:g} pages/s beyond a burst"

    def _seconds_left(self, outcome: FeedOutcome) -> float:
        """The estimated time left of a feed, if sequence numbers and records stay in proportion; 0 if not known."""
        done = self._totals[outcome.account, outcome.feed] - (outcome.left or 0)
        return outcome.seconds * outcome.left / done if outcome.left and done else 0.0


def _so_far(outcome: FeedOutcome) -> str:
    counts, rate, position = _details(outcome)
    return f"{counts}, {rate}/s, {position}"


def _details(outcome: FeedOutcome) -> tuple[str, str, str]:
    """What was read, the records per second, and the sequence number."""
    rate = outcome.records / outcome.seconds if outcome.seconds else 0.0
    end = f" of {outcome.maximum}" if outcome.maximum is not None else ""
    counts = f"{counted(outcome.pages, 'page')}, {counted(outcome.records, 'record')}"
    return counts, f"{rate:,.0f}", f"at {outcome.cursor}{end}"
