"""Random schedules of faults and changes, each derived from one seed.

A schedule is played against a sandbox and a warehouse with a few small feeds, and with simulated waits. Several syncs
meet its faults; then the faults end, and one more sync must make the warehouse equal to the sandbox.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

from pipelines.catalogue import catalogue_of
from pipelines.catalogue.tables import tables_of
from pipelines.errors import PipelineError
from pipelines.sandbox import Fault, Kind, Sandbox
from pipelines.sync.outcome import FeedOutcome
from pipelines.warehouse.read import integrity
from tests.another_process import FORKED
from tests.integration.syncing import Syncing
from tests.manual_clock import ManualClock
from tests.moments import NOW
from tests.records import JsonObject, in_json, valid_record

PAGE = 4

CONNECTIONS, GROUPS = "organizations.connections", "orders.contract_trade_item_groups"
INBOUND, CUSTOM = "fulfillment.inbound_fulfillment_orders", "supply.custom_supply_lines"
FEEDS = {
    "suppliers": (("supply.batches", INBOUND), ("orders.sales_orders",), ("supply.supply_lines", "supply.batches")),
    "customers": ((CUSTOM,), (GROUPS, CONNECTIONS)),
}
"""Feeds with and without children and a max-sequence operation, a selection, and a feed with sub-feeds."""
RESTARTING = frozenset({"orders.sales_orders", "supply.batches", "supply.supply_lines", CUSTOM})
"""Feeds whose numbering may restart; only the feed's maximum shows it."""
GROWERS = ("11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222")

ANYWHERE = (
    *(Kind.EXPIRED_TOKENS, Kind.REVOKED_TOKENS, Kind.DROP_BEFORE, Kind.DROP_IN_THE_MIDDLE, Kind.DROP_AFTER),
    *(Kind.SLOW, Kind.HTML, Kind.CUT_JSON, Kind.REDIRECT),
)
IN_PAGES = (
    *(Kind.LOWER_MAXIMUM, Kind.FEED_WIDE_MAXIMUM, Kind.REPEATED_PAGE, Kind.OVERLAP, Kind.INCLUSIVE, Kind.EMPTY_PAGE),
    *(Kind.UNORDERED, Kind.GARBLED_RECORD, Kind.NULL_RESULTS, Kind.MOVING_RECORD, Kind.LATE_RECORD),
)
ONCE = (Kind.GARBLED_NUMBER, Kind.SHARED_NUMBER, Kind.HIGHER_MAXIMUM, Kind.EMPTY_END)
"""Pages that are wrong in one response; each occurs once in a sync, because two equal responses are believed."""
STATUSES = (401, 403, 423, 429, 500, 503, 504)
EXHAUSTING = frozenset({Kind.MOVING_RECORD})
"""Faults that would never let a sync end if they lasted."""


@dataclass
class ScheduleResult:
    """Counts of one schedule.

    Args:
        seed: seed of the schedule.
        struck: how often each fault occurred.
        syncs: number of syncs with faults.
        failed: how many of these failed, completely or for a feed.
        calls: number of calls of all syncs.
        most_calls: calls of the sync with the highest share of its limit, and that limit.
        waited: simulated waiting time, in seconds.
        processor: processor time in seconds.
    """

    seed: int
    struck: Counter[str] = field(default_factory=Counter)
    syncs: int = 0
    failed: int = 0
    calls: int = 0
    most_calls: tuple[int, int] = (0, 1)
    waited: float = 0.0
    processor: float = 0.0


class Records:
    """The records of the sandbox's feeds; remembers every state of each record."""

    def __init__(self, sandbox: Sandbox, api: str, feeds: tuple[str, ...], random: Random, *, hides: bool) -> None:
        self._sandbox = sandbox
        self._catalogue = catalogue_of(api)
        self._random = random
        self._hides = hides
        self._identities = 0
        self._records: dict[str, dict[tuple[str, ...], tuple[int, list[JsonObject]]]] = {}
        for feed in feeds:
            self.fill(feed, random.randint(0, 12))

    def fill(self, feed: str, count: int) -> None:
        """Create the first records of a feed."""
        self._records[feed] = {}
        if feed == CONNECTIONS:
            for grower in GROWERS:
                self._put(feed, 0, {"supplierOrganizationId": grower, "isDeleted": False})
        else:
            for _ in range(count):
                self._add(feed)

    def states(self, feed: str) -> dict[tuple[str, ...], list[str]]:
        """Return the successive states of each record without their numbers, by key."""
        records = self._records[feed].items()
        return {key: [content(in_json(state)) for state in states] for key, (_, states) in records}

    def change(self, feed: str) -> None:
        """Apply a random change to a record of the feed."""
        change = self._random.choice((self._add, self._alter, self._alter, self._return, self._renumber, self._delete))
        if not self._records[feed] or feed == CONNECTIONS:
            change = self._renumber if feed == CONNECTIONS else self._add
        change(feed)

    def touch(self, feed: str) -> None:
        """Change the content of one record, or create the first record of the feed."""
        if feed == CONNECTIONS or not self._records[feed]:
            self.change(feed)
        else:
            self._alter(feed)

    def _add(self, feed: str) -> None:
        self._identities += 1
        hidden = self._hides and self._random.random() < 0.3
        self._put(feed, self._identities, self._made(feed, self._identities), hidden=hidden)

    def _alter(self, feed: str) -> None:
        identity = self._random.choice(list(self._records[feed].values()))[0]
        self._put(feed, identity, self._made(feed, identity))

    def _return(self, feed: str) -> None:
        identity, states = self._random.choice(list(self._records[feed].values()))
        self._put(feed, identity, states[max(0, len(states) - 2)])

    def _delete(self, feed: str) -> None:
        identity, states = self._random.choice(list(self._records[feed].values()))
        self._put(feed, identity, {**states[-1], "isDeleted": True, "isDisabledForSync": feed == CUSTOM})

    def _renumber(self, feed: str) -> None:
        key = self._random.choice(list(self._records[feed]))
        self._sandbox.book(feed).renumber(*key)

    def _made(self, feed: str, identity: int) -> JsonObject:
        record = valid_record(self._catalogue.feed(feed), self._random, 0, identity)
        if feed == GROUPS:
            record["supplierOrganizationId"] = GROWERS[identity % 2]
        return record

    def _put(self, feed: str, identity: int, record: JsonObject, *, hidden: bool = False) -> None:
        book = self._sandbox.book(feed)
        number = book.reserve()
        key = tuple(str(record[name]) for name in book.key)
        book.put(in_json({**record, "sequenceNumber": number}), number=number, hidden=hidden)
        states = self._records[feed].setdefault(key, (identity, []))[1]
        states.append({name: value for name, value in record.items() if name != "sequenceNumber"})


def content(payload: bytes | str) -> str:
    """Return the content of a record without its number, in a fixed order."""
    members: dict[str, Any] = json.loads(payload, parse_float=str, parse_int=str)
    members.pop("sequenceNumber", None)
    return json.dumps(members, sort_keys=True)


class Schedule:
    """A schedule of faults and changes.

    Args:
        seed: seed of all random choices.
        folder: folder of the warehouse.
    """

    def __init__(self, seed: int, folder: Path) -> None:
        self._random = Random(seed)
        self._api = self._random.choice(("suppliers", "suppliers", "customers"))
        self._feeds = self._random.choice(FEEDS[self._api])
        self._hides = self._random.random() < 0.4
        self._restarted: set[str] = set()
        self._time = ManualClock()
        self._folder = folder
        self._result = ScheduleResult(seed)

    def play(self) -> ScheduleResult:
        """Play the schedule to its end.

        Raises:
            AssertionError: the warehouse differs from the sandbox.
        """
        began, processor = self._time.seconds, time.process_time()
        clock = self._time.clock.now
        with Sandbox(seed=self._result.seed, now=NOW, api=self._api, empty=True, clock=clock) as sandbox:
            path = self._folder / "w.duckdb"
            self._syncing = Syncing(sandbox, path, self._time, page=PAGE, api=self._api, only=self._feeds)
            self._records = Records(sandbox, self._api, self._feeds, self._random, hides=self._hides)
            self._set_switches(sandbox)
            for _ in range(self._random.randint(1, 3)):
                self._sync_with_faults(sandbox)
            self._sync_without_faults(sandbox)
        self._result.waited = self._time.seconds - began
        self._result.processor = time.process_time() - processor
        return self._result

    def _set_switches(self, sandbox: Sandbox) -> None:
        choose = self._random.choice
        sandbox.set_switches(
            inclusive=choose((False, False, True)),
            token_lifetime=choose((3600, 3600, 90, 2)),
            returns_scopes=choose((True, False)),
            rate_limits=choose((1.0, 1.0, 0.01)),
            sends_retry_after=choose((True, False)),
        )

    def _sync_with_faults(self, sandbox: Sandbox) -> None:
        """Run one sync with faults, while records change before and during it."""
        sandbox.faults.clear(seed=self._random.randrange(1000))
        faults = [self._fault() for _ in range(self._random.randint(1, 6))]
        once = {fault.kind: fault for fault in faults if fault.kind in ONCE}
        sandbox.faults.add(*(fault for fault in faults if fault.kind not in ONCE or once[fault.kind] is fault))
        locked = self._feeds[0] if self._random.random() < 0.1 and self._feeds[0] in RESTARTING else None
        with sandbox.rebuild(locked) if locked and self._may_restart(locked) else contextlib.nullcontext():
            outcomes = self._sync(sandbox, moves=self._random.randint(0, 3))
        self._result.syncs += 1
        self._result.failed += not outcomes or any(outcome.error for outcome in outcomes)
        self._assert_sound()
        for feed in self._feeds:
            if self._random.random() < 0.1 and self._may_restart(feed):
                sandbox.book(feed).restart()
            for _ in range(self._random.randint(0, 3)):
                self._records.change(feed)

    def _may_restart(self, feed: str) -> bool:
        """Return whether a feed may restart: once, because later the maximum could already be as high as the cursor."""
        may = feed in RESTARTING and feed not in self._restarted
        if may:
            self._restarted.add(feed)
        return may

    def _fault(self) -> Fault:
        random = self._random
        endpoint = catalogue_of(self._api).feed(random.choice(self._feeds)).endpoint
        pages = endpoint.sync.replace("{sequenceNumber}", "*[0-9]")
        in_pages = random.random() < 0.5
        kinds = [kind for kind in (*IN_PAGES, *ONCE) if kind is not Kind.FEED_WIDE_MAXIMUM or not self._hides]
        kind = random.choice(kinds if in_pages else (*ANYWHERE, *([Kind.STATUS] * len(STATUSES))))
        others = [place for place in (endpoint.max_sequence, "/identities", "/v1/token", "*") if place]
        times = random.choice((1, 1, 1, 2, 3, 8, None))
        return Fault(
            kind=kind,
            where=pages if in_pages or random.random() < 0.5 else random.choice(others),
            after=random.choice((0, 0, 1, 2, 4)),
            every=random.choice((1, 1, 2, 3)),
            probability=random.choice((1.0, 1.0, 0.5)),
            times=1 if kind in EXHAUSTING or kind in ONCE else times,
            status=random.choice(STATUSES),
            retry_after=random.choice((None, None, 0, 3, "Wed, 25 Nov 2026 07:28:00 GMT")),
            seconds=0.01,
        )

    def _sync(self, sandbox: Sandbox, moves: int = 0) -> list[FeedOutcome]:
        """Sync within the limit of calls; return the outcomes, none if the sync failed as a whole."""
        moving = self._moving(moves)
        before = len(sandbox.calls)
        outcomes: list[FeedOutcome] = []
        with contextlib.suppress(PipelineError):
            outcomes = list(self._syncing.sync(listener=lambda _: next(moving, None)).values())
        struck = sum(waiting.struck for waiting in sandbox.faults.planned())
        refused = sum(call.status in (401, 429) for call in list(sandbox.calls)[before:])
        records = sum(len(sandbox.book(feed).all_entries()) for feed in self._feeds)
        calls, bound = len(sandbox.calls) - before, 20 + 2 * records + 6 * struck + 2 * refused
        self._result.most_calls = max(self._result.most_calls, (calls, bound), key=lambda both: both[0] / both[1])
        assert calls <= bound, f"{calls} calls for {records} records, {struck} faults and {refused} refusals"
        self._result.calls += calls
        for waiting in sandbox.faults.planned():
            name = f"status {waiting.fault.status}" if waiting.fault.kind is Kind.STATUS else str(waiting.fault.kind)
            self._result.struck[name] += waiting.struck
        return outcomes

    def _moving(self, moves: int) -> Iterator[None]:
        """Change a random record after some of the pages."""
        while moves:
            if self._random.random() < 0.3:
                moves -= 1
                self._records.change(self._random.choice(self._feeds))
            yield

    def _sync_without_faults(self, sandbox: Sandbox) -> None:
        """Sync once more without faults, and compare everything."""
        sandbox.faults.clear()
        sandbox.set_switches(rate_limits=1.0)
        for feed in self._feeds:
            self._records.touch(feed)
        outcomes = self._sync(sandbox)
        assert [outcome.feed for outcome in outcomes if outcome.current] == [outcome.feed for outcome in outcomes]
        assert len(outcomes) == len(self._feeds)
        self._syncing.assert_equal(*self._feeds)
        self._assert_sound()
        self._assert_versions(sandbox)
        assert self._syncing.rows("SELECT * FROM sync.rejected_records WHERE resolved_at IS NULL") == []

    def _assert_sound(self) -> None:
        """Assert that keys are unique, children have parents, and current rows equal the newest versions."""
        with self._syncing.reading() as connection:
            for feed in self._feeds:
                table = tables_of(catalogue_of(self._api).feed(feed))
                for inspect in (integrity.duplicate_keys, integrity.orphans, integrity.differs_from_raw):
                    found = inspect(connection, table)
                    assert found.count == 0, f"{inspect.__name__}: {found.examples}"

    def _assert_versions(self, sandbox: Sandbox) -> None:
        """Assert that the raw log of each record holds states that it had, in their order, up to the last one."""
        for feed in self._feeds:
            table = tables_of(catalogue_of(self._api).feed(feed))
            key = ", ".join(f"lower(CAST({name} AS VARCHAR))" for name in table.key[1:])
            rows = self._syncing.rows(
                f"SELECT [{key}], list(payload ORDER BY series, sequence_number, rowid) FROM raw.{table.name}"
                " GROUP BY 1"
            )
            known = {tuple(map(str.lower, key)): states for key, states in self._records.states(feed).items()}
            for identity, payloads in rows:
                states, versions = known[tuple(identity)], [content(payload) for payload in payloads]
                assert versions[-1] == states[-1], f"{feed} {identity}: the newest version is not what the server has"
                assert _in_order(versions, states), f"{feed} {identity}: versions that the record never was in"
            assert len(rows) == len(sandbox.book(feed).entries())


def _in_order(some: list[str], of: list[str]) -> bool:
    """Return whether ``some`` is a subsequence of ``of``."""
    rest = iter(of)
    return all(item in rest for item in some)


def play(seed: int) -> ScheduleResult:
    """Play the schedule of a seed; a failure shows the seed.

    Raises:
        AssertionError: the warehouse differs from the sandbox, or a sync made too many calls.
    """
    with TemporaryDirectory() as folder:
        try:
            return Schedule(seed, Path(folder)).play()
        except Exception as error:
            error.add_note(f"seed {seed}; repeat it with tests.fault_schedules.play({seed})")
            raise


def play_many(first: int, count: int) -> list[ScheduleResult]:
    """Play the schedules of consecutive seeds in two processes.

    Raises:
        AssertionError: as in :func:`play`, for the first seed that failed.
    """
    with ProcessPoolExecutor(2, mp_context=FORKED) as pool:
        return list(pool.map(play, range(first, first + count)))
