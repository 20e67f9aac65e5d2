"""What the resident sync prints, and what it reports to the service manager."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from threading import Lock

from pipelines.cli.console import is_terminal, print_error, print_line
from pipelines.cli.follow.lines import changes_line, further_remarks
from pipelines.cli.follow.service import ServiceManager
from pipelines.cli.syncs.outcomes import subject, total
from pipelines.cli.terminal.status_line import StatusLine
from pipelines.sync.follow.rounds import Round
from pipelines.sync.outcome import FeedOutcome
from pipelines.text_format import counted, moment, one_line, span, time_of_day

SECONDS_BETWEEN_LINES = 60.0  # in a pipe, for a feed that takes long
SECONDS_BETWEEN_REFRESHES = 0.5  # of the status on a terminal and at the service manager
_MOST_REMARKS = 1000  # that are remembered, so that each is printed once


class FollowReport:
    """Prints a line for each round that changed something, failures once, and on a terminal a status line."""

    def __init__(self, service: ServiceManager, every: timedelta, *, with_accounts: bool) -> None:
        self._service = service
        self._every = every
        self._with_accounts = with_accounts
        self._status = StatusLine() if is_terminal() else None
        self._lock = Lock()  # feeds are read in threads
        self._remarks: set[str] = set()
        self._feeds = ""
        self._changed_at: datetime | None = None
        self._next_line = self._next_refresh = 0.0

    def ready(self) -> None:
        """The settings are usable."""
        self._service.ready()

    def began(self) -> None:
        """A round begins."""
        self._next_line = time.monotonic() + SECONDS_BETWEEN_LINES
        self._service.progress()

    def page(self, outcome: FeedOutcome) -> None:
        """A page of a feed was read; any thread may report it."""
        now = time.monotonic()
        with self._lock:
            self._service.progress()
            if now >= self._next_refresh:
                self._next_refresh = now + SECONDS_BETWEEN_REFRESHES
                self._show(f"reading {subject(outcome)}", counted(outcome.records, "record"))
            if now >= self._next_line:
                self._next_line = now + SECONDS_BETWEEN_LINES
                self._print(f"{subject(outcome)}: {counted(outcome.records, 'record')} read, at {outcome.cursor}")

    def finished(self, done: Round) -> None:
        """A round is done."""
        is_first = not self._feeds
        if done.is_whole:
            self._feeds = counted(len(done.outcomes), "feed")
        if done.has_changed:
            self._changed_at = datetime.now(UTC)
        if is_first:
            self._print(f"{total(done.outcomes)}; following them every {span(self._every)}")
        elif done.has_changed:
            self._print(changes_line(done.outcomes, with_accounts=self._with_accounts))
        for remark in further_remarks(done.outcomes):
            if remark not in self._remarks and len(self._remarks) < _MOST_REMARKS:
                self._remarks.add(remark)
                self._print(one_line(remark))

    def failed(self, line: str) -> None:
        """Something fails."""
        with self._without_status():
            print_error(line)
        self._service.status(line)

    def recovered(self, line: str) -> None:
        """Something works again."""
        self._print(line)

    def waiting(self, seconds: float) -> None:
        """The next round begins after so many seconds."""
        self._service.progress(seconds)
        at = datetime.now(UTC) + timedelta(seconds=seconds)
        self._show(*self._parts(), f"next look at {time_of_day(at)}")

    def clear(self) -> None:
        """Remove the status line."""
        if self._status:
            self._status.clear()

    def _parts(self) -> Iterator[str]:
        yield f"following {self._feeds}" if self._feeds else "waiting"
        if self._changed_at:
            yield f"last change {time_of_day(self._changed_at)}"

    def _show(self, *parts: str) -> None:
        if self._status:
            self._status.show(parts)
        self._service.status(" · ".join(parts))

    def _print(self, text: str) -> None:
        with self._without_status():
            print_line(f"{moment(datetime.now(UTC))} {text}")

    @contextmanager
    def _without_status(self) -> Iterator[None]:
        self.clear()
        yield
