"""The sensor that starts a run of the feeds that changed at Floriday.

One cheap call for each fast feed and account returns the feed's highest sequence number. A run is requested only while
no other is in progress, so that runs never pile up, and with back-off for a feed whose runs make no progress
(``backoff``). Checks that read whole tables repeat their last result, which the hourly run evaluates.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from contextlib import ExitStack, suppress
from functools import partial
from typing import TypeVar

import dagster as dg

from pipelines.catalogue.types import Feed, Source
from pipelines.errors import PipelineError, UnreachableError
from pipelines.floriday.client import FloridayClient
from pipelines.floriday.stoppable_threads import stoppable_by
from pipelines.orchestration.assets.check_events import EVALUATES, REPEATS
from pipelines.orchestration.automation.backoff import Move, Requests
from pipelines.orchestration.automation.schedules import run_request
from pipelines.orchestration.automation.triggers import LOCK_TIMEOUT, SWITCH, Automation, sync_in_progress
from pipelines.orchestration.cells import name_in
from pipelines.orchestration.dagster_private import AssetJob
from pipelines.orchestration.resources import SettingsResource
from pipelines.sync.follow.moved_feeds import KnownCursors
from pipelines.sync.session import Connected, open_clients
from pipelines.warehouse.file.connection import Warehouse
from pipelines.warehouse.lake.connection import LakeWarehouse
from pipelines.warehouse.load.run_state import RunState
from pipelines.warehouse.opening import open_warehouse

_Result = TypeVar("_Result")

EVERY = 30  # seconds between two ticks
CONCURRENT_ACCOUNTS = 8  # number of accounts that are polled at the same time
POLL_TIMEOUT = 30.0  # most seconds of a poll of any number of feeds and accounts; Dagster allows a sensor one minute


def changed_feeds(
    automation: Automation,
    job: AssetJob,
    sources: Sequence[Source],
    reports: Sequence[dg.AssetKey],
    cell: str | None = None,
) -> dg.SensorDefinition:
    """Starts a run of the fast feeds that changed, and of every feed that was never read; then also of the reports.

    Each cell has a sensor of its own. Its runs evaluate no checks, which keeps their events few; those of
    schedules do.
    """
    settings = automation.settings.in_cell(cell)
    poller = _Poller(settings, tuple(sources))

    @dg.sensor(
        name=name_in(cell, "changed_feeds"),
        job=job,
        minimum_interval_seconds=EVERY,
        default_status=automation.sensor_status,
        description=(
            "Requests the highest sequence number of each fast feed from Floriday, and starts a run of the feeds that"
            f" changed, of feeds that have to be read again, and of feeds that were never read. {SWITCH}"
        ),
    )
    def tick(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        if busy := sync_in_progress(context.instance, settings, cell):
            return dg.SkipReason(f"{busy}: Floriday is polled after it")
        try:
            moves = poller.moves(POLL_TIMEOUT)
        except PipelineError as error:
            return dg.SkipReason(str(error))
        requests = Requests.read(context.cursor)
        due = requests.due(moves, time.time())
        if not due:
            return dg.SkipReason("nothing has changed" if not moves else "a run for these changes was requested before")
        is_first = any(moves[feed].number is None for feed in due)
        chosen = [source for source in sources if source.name in due]
        small = {REPEATS: "true"} if cell is not None else {REPEATS: "true", EVALUATES: "true"}
        tags, checks = ({}, None) if is_first else (small, ())
        run = run_request(chosen, reports if is_first else (), tags=tags, cell=cell, checks=checks, incremental=True)
        return dg.SensorResult(run_requests=[run], cursor=requests.after(moves, due, time.time()).text())

    return tick


class _Poller:
    """Polls Floriday; token and connections are kept from one tick to the next."""

    def __init__(self, settings: SettingsResource, sources: tuple[Source, ...]) -> None:
        self._settings = settings
        self._sources = sources
        self._opened = ExitStack()
        self._connected: Connected | None = None
        self._poll: Future[dict[str, Move]] | None = None

    def moves(self, timeout: float) -> dict[str, Move]:
        """The feeds that need a run now.

        Floriday is polled in another thread. If that takes longer than ``timeout`` seconds, it is signalled to stop,
        and the next poll begins only after it has stopped: a call without response may delay that for a minute.

        Raises:
            UnreachableError: Floriday does not respond in time, or has not yet responded to the previous poll.
            PipelineError: Floriday cannot be called, or the warehouse cannot be read.
        """
        if self._poll is not None and not self._poll.done():
            raise UnreachableError("the previous poll still waits for Floriday: the next one follows after that")
        stop = threading.Event()
        self._poll = _in_thread(partial(self._moves, stop))
        wait_for([self._poll], timeout)
        if not self._poll.done():
            stop.set()
            raise UnreachableError(
                f"Floriday has not answered within {timeout:g} s which feeds have changed: the next tick tries again;"
                " the hourly run reads the feeds in any case"
            )
        return self._poll.result()

    def _moves(self, stop: threading.Event) -> dict[str, Move]:
        if self._connected is None:
            self._connected = self._opened.enter_context(open_clients(self._settings.load()))
        connected = self._connected
        with stoppable_by(stop):
            connected.token_session.token()
        state = _state(connected.warehouse)
        known = KnownCursors(state)
        granted = [source for source in self._sources if connected.grants(source)]

        def poll(client: FloridayClient) -> list[tuple[str, int | None]]:
            with stoppable_by(stop):
                return list(_moved(client, granted, known))

        numbers: dict[str, list[int | None]] = defaultdict(list)
        with ThreadPoolExecutor(CONCURRENT_ACCOUNTS) as pool:
            for moved in pool.map(poll, list(connected.clients.values())):
                for feed, number in moved:
                    numbers[feed].append(number)
        positions = Counter[str]()
        for part, position in state.positions.items():
            positions[part.feed] += position.cursor
        return {feed: Move(_highest(each), positions[feed]) for feed, each in numbers.items()}


def _highest(numbers: Sequence[int | None]) -> int | None:
    known = [number for number in numbers if number is not None]
    return max(known) if len(known) == len(numbers) else None


def _in_thread(work: Callable[[], _Result]) -> Future[_Result]:
    """The result of ``work``, which runs in a thread that does not delay the end of the process."""
    result: Future[_Result] = Future()

    def run() -> None:
        try:
            result.set_result(work())
        except BaseException as error:  # noqa: BLE001 - raised where the result is used
            result.set_exception(error)

    threading.Thread(target=run, name="floriday poll", daemon=True).start()
    return result


def _state(warehouse: Warehouse) -> RunState:
    """The cursors of all feeds, and the feeds that have to be read again; empty before the first sync."""
    if not warehouse.exists():
        return RunState()
    if isinstance(warehouse, LakeWarehouse):  # its connection is kept, because to attach a lake takes half a second
        with warehouse.reading() as connection:
            return RunState.load(connection)
    with open_warehouse(warehouse.address, lock_timeout=LOCK_TIMEOUT).reading() as connection:
        return RunState.load(connection)


def _moved(client: FloridayClient, sources: Sequence[Source], known: KnownCursors) -> Iterator[tuple[str, int | None]]:
    """The feeds of an account that changed, were never read (None), or have to be read again, with their numbers.

    A feed that Floriday refuses counts as unchanged; the hourly run reports it.
    """

    def maximum(feed: Feed) -> int | None:
        return client.maximum(feed.endpoint) if feed.tier == "fast" else None

    with suppress(PipelineError):
        for source in sources:
            if (moved := known.moved(client.account, source, maximum)) is not None:
                yield source.name, moved.number
