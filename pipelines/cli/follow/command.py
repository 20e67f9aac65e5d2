"""Run the resident sync with the settings and options of ``floriday sync``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from datetime import timedelta
from typing import NoReturn

from pipelines.cli.console import print_line
from pipelines.cli.follow.report import FollowReport
from pipelines.cli.follow.service import ServiceManager
from pipelines.errors import UsageError
from pipelines.floriday.http.retry import Clock
from pipelines.settings import Settings
from pipelines.sync.follow.backoff import Backoff
from pipelines.sync.follow.loop import Pace, follow
from pipelines.sync.follow.poller import open_poller
from pipelines.sync.follow.rounds import RETRY, PublishedCopy, Rounds
from pipelines.sync.scheduler import keep_little_memory
from pipelines.sync.session import open_clients

EVERY = timedelta(seconds=30)


def check_options(others: Mapping[str, object], every: timedelta | None, *, is_following: bool) -> None:
    """Raise a UsageError if an option contradicts ``--follow``, or needs it.

    Args:
        others: values of the options that only a single sync has, by their names; false if they are not given.
        every: value of ``--every``, None if it is not given.
        is_following: whether ``--follow`` is given.
    """
    if not is_following and every is not None:
        raise UsageError("--every is how often --follow looks for changes: add --follow, or leave out --every")
    if is_following and (given := [name for name, value in others.items() if value]):
        raise UsageError(f"--follow syncs changes until it is stopped: leave out {', '.join(given)}, or --follow")


def follow_feeds(settings: Settings, accounts: Sequence[str] | None, every: timedelta) -> NoReturn:
    """Sync all feeds, then what moves, until a signal ends the process.

    Raises:
        PipelineError: see :func:`follow`.
    """
    service, pace = ServiceManager(), Pace(every.total_seconds())
    with ExitStack() as stack:
        stack.enter_context(service.running())
        connected = stack.enter_context(open_clients(settings, accounts=accounts, retry=RETRY))
        keep_little_memory()
        report = FollowReport(service, every, with_accounts=len(connected.clients) > 1)
        stack.callback(report.clear)
        poller = stack.enter_context(open_poller())
        if not connected.warehouse.exists():
            print_line(f"New warehouse: {connected.warehouse.name}")
        rounds = Rounds(connected, poller, Backoff(pace.every, pace.longest), Clock(), report.page)
        follow(rounds, pace, Clock(), report, PublishedCopy(rounds.publish))
