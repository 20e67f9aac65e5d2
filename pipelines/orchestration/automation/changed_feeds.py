"""The sensor that asks Floriday how far its feeds are, and starts a run of just those that moved.

One cheap call a fast feed and account tells its highest sequence number. A run is asked for only while none is under
way, so that runs never pile up, and more and more seldom for a feed whose runs come to nothing (``asked_for``).
Their checks are left to the hourly run, so that many small runs leave small traces.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from contextlib import ExitStack
from functools import partial
from typing import TypeVar

import dagster as dg

from pipelines.catalogue.types import Feed, Source
from pipelines.errors import PipelineError, UnreachableError
from pipelines.floriday.client import FloridayClient
from pipelines.floriday.stoppable_threads import stoppable_by
from pipelines.orchestration.automation.backoff import Move, Requests
from pipelines.orchestration.automation.busy import under_way
from pipelines.orchestration.automation.schedules import run_of
from pipelines.orchestration.automation.triggers import Automation
from pipelines.orchestration.dagster_private import AssetJob
from pipelines.orchestration.resources import SettingsResource
from pipelines.sync.selection import is_in_parts
from pipelines.sync.session import Connected, open_clients
from pipelines.warehouse.file.connection import Warehouse
from pipelines.warehouse.load.run_state import RunState

_Result = TypeVar("_Result")

EVERY = 30
"""Seconds between two questions."""

SIDE_BY_SIDE = 8
"""Accounts that are asked at once."""

LONGEST_LOOK = 30.0
"""Seconds that a look may take, whatever the number of feeds and accounts; Dagster waits for a sensor for a minute."""

PATIENCE = 5.0
"""Seconds to wait for a warehouse that another process holds; then the next tick looks."""


def changed_feeds(automation: Automation, job: AssetJob, sources: Sequence[Source]) -> dg.SensorDefinition:
    """Start a run of the fast feeds that moved, and of every feed that was never read."""
    watch = _Watch(automation.settings, tuple(sources))

    @dg.sensor(
        name="changed_feeds",
        job=job,
        minimum_interval_seconds=EVERY,
        default_status=automation.sensor_status,
        description=(
            "Asks Floriday for the highest sequence number of each fast feed, and starts a run of those that moved,"
            " of feeds that wait to be read again, and of those that were never read. FLORIDAY_AUTOMATION says whether"
            " it runs by itself."
        ),
    )
    def look(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        if busy := under_way(context.instance, automation.settings):
            return dg.SkipReason(f"{busy}: Floriday is asked after it")
        try:
            moves = watch.moves(LONGEST_LOOK)
        except PipelineError as error:
            return dg.SkipReason(str(error))
        asked = Requests.read(context.cursor)
        due = asked.due(moves, time.time())
        if not due:
            return dg.SkipReason("nothing has changed" if not moves else "what changed was asked for already")
        chosen = [source for source in sources if source.name in due]
        is_first = any(moves[feed].number is None for feed in due)
        run = run_of(chosen, checked=is_first, incremental=True)
        return dg.SensorResult(run_requests=[run], cursor=asked.noted(moves, due, time.time()).text())

    return look


class _Watch:
    """Keeps token and connections from one look to the next.

    Args:
        settings: where the credentials are found.
        sources: the feeds and snapshots in use.
    """

    def __init__(self, settings: SettingsResource, sources: tuple[Source, ...]) -> None:
        self._settings = settings
        self._sources = sources
        self._opened = ExitStack()
        self._connected: Connected | None = None
        self._look: Future[dict[str, Move]] | None = None

    def moves(self, seconds: float) -> dict[str, Move]:
        """The feeds that are worth a run now.

        Floriday is asked in a thread of its own. One that is not done in time is told to stop, and no other is started
        before it has: a call that hangs may delay that for a minute.

        Args:
            seconds: how long to wait at most.

        Raises:
            UnreachableError: Floriday does not answer in time, or has not answered the look before this one yet.
            PipelineError: Floriday cannot be asked, or the warehouse not be read.
        """
        if self._look is not None and not self._look.done():
            raise UnreachableError("the look before this one still waits for Floriday: it is asked again after that")
        stop = threading.Event()
        self._look = _in_thread(partial(self._moves, stop))
        wait_for([self._look], seconds)
        if not self._look.done():
            stop.set()
            raise UnreachableError(
                f"Floriday has not answered within {seconds:g} s how far its feeds are: it is asked again at the next"
                " tick; the hourly run reads the feeds in any case"
            )
        return self._look.result()

    def _moves(self, stop: threading.Event) -> dict[str, Move]:
        connected = self._open()
        with stoppable_by(stop):
            connected.token_session.token()
        known = _known(connected.warehouse)
        granted = [source for source in self._sources if connected.grants(source)]
        read: dict[str, int] = defaultdict(int)
        for part, at in known.positions.items():
            read[part.feed] += at.cursor
        moves: dict[str, Move] = {}
        clients = list(connected.clients.values())

        def ask(client: FloridayClient) -> dict[str, int | None]:
            with stoppable_by(stop):
                return dict(_moved(client, granted, known))

        with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
            for found in pool.map(ask, clients):
                for feed, number in found.items():
                    before = moves[feed].number if feed in moves else number
                    moves[feed] = Move(_further(before, number), read[feed])
        return moves

    def _open(self) -> Connected:
        if self._connected is None:
            self._connected = self._opened.enter_context(open_clients(self._settings.load()))
        return self._connected


def _in_thread(work: Callable[[], _Result]) -> Future[_Result]:
    """The result of ``work``, done in a thread that the end of the process does not wait for."""
    result: Future[_Result] = Future()

    def run() -> None:
        try:
            result.set_result(work())
        except BaseException as error:  # noqa: BLE001 - whoever waits for the result gets it
            result.set_exception(error)

    threading.Thread(target=run, name="floriday look", daemon=True).start()
    return result


def _further(one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else max(one, other)


def _known(warehouse: Warehouse) -> RunState:
    """How far each feed is read, and which ones wait to be read again; nothing before the first sync."""
    if not warehouse.exists():
        return RunState()
    with Warehouse(warehouse.path, lock_timeout=PATIENCE).reading() as connection:
        return RunState.load(connection)


def _moved(client: FloridayClient, sources: Sequence[Source], known: RunState) -> Iterator[tuple[str, int | None]]:
    """What has moved for an account, or waits to be read again.

    One that Floriday refuses has not moved; the hourly run tells of it.
    """
    known_account = any(part.account == client.account for part in known.positions)
    for source in sources:
        cursors = [
            at.cursor
            for part, at in known.positions.items()
            if (part.account, part.feed) == (client.account, source.name)
        ]
        if not cursors:
            if not (known_account and is_in_parts(source)):  # one without any part has no position, ever
                yield source.name, None
        elif (client.account, source.name) in known.rereads:
            yield source.name, max(cursors)
        elif isinstance(source, Feed) and source.tier == "fast":
            try:
                maximum = client.maximum(source.endpoint)
            except PipelineError:
                return
            if maximum is not None and maximum != max(cursors):
                yield source.name, maximum
