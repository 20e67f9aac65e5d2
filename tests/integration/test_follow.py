"""The resident sync beside a sandbox over real HTTP: what it requests, what it stores, and what does not stop it."""

from __future__ import annotations

import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread, Timer

import pytest

from pipelines.errors import PipelineError, WarehouseBusyError
from pipelines.sandbox import Sandbox
from pipelines.sandbox.faults.fault import Fault, Kind, status
from pipelines.sync.follow.backoff import Backoff
from pipelines.sync.follow.loop import is_final
from pipelines.sync.follow.poller import LONGEST_POLL, open_poller
from pipelines.sync.follow.rounds import Round, Rounds
from pipelines.warehouse.file.connection import Warehouse, transaction
from pipelines.warehouse.file.sync_lock import RESIDENT, hold_sync_lock, lock_holder
from pipelines.warehouse.load import visibility
from tests.command_line import Printed, command, without_coverage
from tests.integration.syncing import SUPPLIERS, Syncing, empty_warehouse
from tests.records import in_json, valid_records

ITEMS, BATCHES, ORDERS = FEEDS = ("catalog.trade_items", "supply.batches", "orders.sales_orders")
PATHS = {ITEMS: "/trade-items", BATCHES: "/batches", ORDERS: "/sales-orders"}
EVERY = 30.0


@dataclass
class Following:
    """A resident sync whose rounds a test begins.

    Args:
        sandbox: sandbox that is followed.
        syncing: the warehouse, and the clock of waits.
        rounds: the rounds of the sync, after the first one.
    """

    sandbox: Sandbox
    syncing: Syncing
    rounds: Rounds

    def moved(self) -> Round:
        """Do one round, an interval after the one before it."""
        self.syncing.time.seconds += EVERY
        self.sandbox.calls.clear()
        return self.rounds.moved()

    def change(self, feed: str, account: str | None = None) -> None:
        """Add a record to a feed."""
        add_record(self.sandbox, feed, account)

    def synced(self) -> list[str]:
        """Return the feeds whose pages the last round requested."""
        return [feed for feed, path in PATHS.items() if self.sandbox.calls.to(f"{path}/sync/")]

    def polled(self) -> list[str]:
        """Return the feeds whose maximum the last round requested."""
        return [feed for feed, path in PATHS.items() if self.sandbox.calls.to(f"{path}/current-max-sequence")]


def add_record(sandbox: Sandbox, feed: str, account: str | None = None) -> None:
    """Add a record that differs from all others."""
    book = sandbox.book(feed, account)
    number = book.reserve()
    (record,) = valid_records(SUPPLIERS.feed(feed), seed=100 + len(book), count=1, first_number=number)
    book.put(in_json(record), number=number)


def filled(sandbox: Sandbox) -> Sandbox:
    """Add a few records to each book."""
    for account in sandbox.api_keys:
        for feed in map(SUPPLIERS.feed, FEEDS):
            for record in valid_records(feed, seed=3, count=3):
                sandbox.book(feed.name, account).put(in_json(record), number=record["sequenceNumber"])
    return sandbox


@contextmanager
def following_of(tmp_path: Path, *accounts: str, **settings: str) -> Iterator[Following]:
    """Yield a resident sync of three feeds after its first round."""
    with filled(Sandbox(empty=True, accounts=accounts or ("main",))) as sandbox, open_poller() as poller:
        sandbox.set_switches(rate_limits=None)
        syncing = Syncing(sandbox, tmp_path / "w.duckdb", only=FEEDS)
        with syncing.pipeline(**settings) as session:
            backoff = Backoff(EVERY, 300.0)
            rounds = Rounds(session.connected, poller, backoff, syncing.time.clock, lock_timeout=0.2)
            rounds.whole(lambda: None)
            yield Following(sandbox, syncing, rounds)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Following]:
    """A resident sync of one account, for all tests of this file."""
    with following_of(tmp_path_factory.mktemp("follow")) as following:
        yield following


@pytest.fixture
def following(shared: Following) -> Following:
    """The resident sync without faults, and without changes that it has not read."""
    shared.sandbox.faults.clear()
    shared.rounds.backoff = Backoff(EVERY, 300.0)
    while shared.moved().outcomes:
        pass
    return shared


class TestRounds:
    """Rounds beside a sandbox."""

    def test_only_moved_feeds_are_synced(self, following: Following) -> None:
        """A round requests the maximum of each feed, and pages of the changed one alone; the change is stored."""
        following.change(ORDERS)

        done = following.moved()

        assert following.polled() == list(FEEDS)
        assert following.synced() == [ORDERS]
        assert [(each.feed, each.new) for each in done.outcomes] == [(ORDERS, 1)]
        following.syncing.assert_equal(ORDERS)

    def test_without_changes_nothing_but_maxima_is_requested(self, following: Following) -> None:
        """A round without changes makes one call for each feed, and opens no file."""
        before = following.syncing.path.stat()

        done = following.moved()

        assert len(following.sandbox.calls) == len(FEEDS)
        assert not done.has_changed
        assert following.syncing.path.stat().st_atime_ns == before.st_atime_ns
        assert following.syncing.path.stat().st_mtime_ns == before.st_mtime_ns

    def test_between_rounds_the_file_and_the_lock_are_free(self, following: Following) -> None:
        """After a round, another process can write to the file, and hold the lock."""
        following.change(ORDERS)
        following.moved()

        path = following.syncing.path
        with hold_sync_lock(path, "another"), Warehouse(path, lock_timeout=0).writing() as connection:
            connection.execute("SELECT 1")

    def test_a_busy_lock_skips_the_round(self, following: Following) -> None:
        """While another sync holds the lock, a round with changes fails, and the next one syncs them."""
        following.change(ORDERS)

        with hold_sync_lock(following.syncing.path, "another"), pytest.raises(WarehouseBusyError, match="another"):
            following.moved()

        assert following.moved().has_changed

    def test_what_another_sync_has_read_is_not_read_again(self, following: Following) -> None:
        """Changes that another process has synced meanwhile are not requested, and later changes are."""
        following.change(ORDERS)
        following.syncing.sync(ORDERS)

        assert following.moved().outcomes == []
        assert following.synced() == []

        following.change(ORDERS)
        assert following.moved().has_changed

    def test_a_feed_that_is_marked_is_read_again(self, following: Following) -> None:
        """A feed that another process marks for a full re-read is read from 0 after the next change of any feed."""
        with Warehouse(following.syncing.path).writing() as connection, transaction(connection):
            visibility.mark(connection, "main", [BATCHES], "a test")
        following.change(ORDERS)

        following.moved()

        assert following.sandbox.calls.to("/batches/sync/0")
        assert following.moved().outcomes == ()

    def test_a_failing_feed_does_not_stop_others(self, following: Following) -> None:
        """A feed whose pages fail is in the failures of the round; the others are stored, and it is tried later."""
        following.sandbox.faults.add(status(500, "/batches/sync/*", times=None))
        following.change(BATCHES)
        following.change(ORDERS)

        done = following.moved()

        assert list(done.failures) == [("main", BATCHES)]
        following.syncing.assert_equal(ORDERS)
        tried = []
        for _ in range(8):
            following.moved()
            tried.append(BATCHES in following.polled())
        assert tried == [True, False, True, False, False, False, True, False]

    def test_a_feed_with_a_failing_maximum_does_not_stop_others(self, following: Following) -> None:
        """A feed whose maximum cannot be requested is a failure, until it answers again."""
        fault = status(503, "/batches/current-max-sequence", times=2)
        following.sandbox.faults.add(fault)
        following.change(ORDERS)

        done = following.moved()

        assert list(done.failures) == [("main", BATCHES)]
        assert [each.feed for each in done.outcomes] == [ORDERS]
        assert ("main", BATCHES) in following.moved().well

    def test_a_feed_that_does_not_answer_delays_nothing(self, following: Following) -> None:
        """A maximum that takes long is waited for in the background, and is not requested twice meanwhile."""
        following.sandbox.faults.add(Fault(kind=Kind.SLOW, where="/batches/current-max-sequence", seconds=2.0))
        following.rounds.poller.seconds = 0.2

        done = following.moved()
        assert [key for key, reason in done.failures.items() if "not answered" in reason] == [("main", BATCHES)]
        following.moved()
        assert BATCHES not in following.polled()

        following.change(ORDERS)
        assert [each.feed for each in following.moved().outcomes] == [ORDERS]
        while ("main", BATCHES) not in following.moved().well:
            pass
        following.rounds.poller.seconds = LONGEST_POLL

    def test_an_expired_token_is_renewed(self, following: Following) -> None:
        """A token that the server no longer accepts is replaced within the round."""
        following.sandbox.faults.add(Fault(kind=Kind.REVOKED_TOKENS, where="/sales-orders/current-max-sequence"))
        following.change(ORDERS)

        assert following.moved().failures == {}
        following.syncing.assert_equal(ORDERS)

    def test_the_warehouse_of_a_newer_version_ends_it(self, following: Following) -> None:
        """If another process has updated the warehouse to a newer layout, a round raises an error that is final."""
        set_version = "UPDATE sync.settings SET layout_version = layout_version + $by"
        with Warehouse(following.syncing.path).writing() as connection:
            connection.execute(set_version, {"by": 1})
        following.change(ORDERS)

        with pytest.raises(PipelineError) as raised:
            following.moved()

        assert is_final(raised.value, has_begun=True)
        with Warehouse(following.syncing.path).writing() as connection:
            connection.execute(set_version, {"by": -1})

    def test_a_whole_round_reads_all_feeds(self, following: Following) -> None:
        """The hourly round syncs all feeds, whatever their maxima."""
        done = following.rounds.whole(lambda: None)

        assert done.is_whole
        assert {each.feed for each in done.outcomes} == set(FEEDS)


def test_a_refused_key_does_not_stop_other_accounts(tmp_path: Path) -> None:
    """An account whose key is refused from now on is a failure; changes of the other one are stored."""
    with following_of(tmp_path, "north", "south") as following:
        following.sandbox.faults.add(Fault(kind=Kind.STATUS, status=401, account="south", times=None))
        following.change(ORDERS, "north")
        following.change(ORDERS, "south")

        done = following.moved()

        assert {account for account, _ in done.failures} == {"south"}
        assert [(each.account, each.feed) for each in done.outcomes] == [("north", ORDERS)]

        following.sandbox.faults.clear()
        assert ("south", "") not in following.moved().failures
        following.sandbox.faults.add(Fault(kind=Kind.STATUS, status=403, account="south", times=None))
        following.moved()
        assert set(following.moved().failures) == {("south", "")}


def read_until_end(receiver: socket.socket, messages: list[str]) -> None:
    """Read messages as systemd does, until the process reports its end; the socket holds only a few."""
    while "STOPPING=1" not in messages:
        messages.append(receiver.recv(4096).decode())


class TestCommand:
    """``floriday sync --follow`` as a process of its own."""

    def test_a_service_follows_until_it_is_stopped(self, tmp_path: Path) -> None:
        """It reports to systemd, prints a line for a change, frees the lock, and ends with 143 and one line."""
        notify = tmp_path / "notify"
        (tmp_path / "w.duckdb").write_bytes(empty_warehouse("suppliers", FEEDS))
        variables = {"FLORIDAY_WAREHOUSE": "w.duckdb", "FLORIDAY_FEEDS": ",".join(FEEDS), "NOTIFY_SOCKET": str(notify)}
        with (
            filled(Sandbox(empty=True)) as sandbox,
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver,
            subprocess.Popen(
                command("sync", "--follow", "--every", "1s"),
                cwd=tmp_path,
                env=without_coverage(**sandbox.environment(), **variables, WATCHDOG_USEC="10000000"),
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            ) as process,
        ):
            assert process.stdout is not None
            receiver.bind(str(notify))
            receiver.settimeout(60)
            messages: list[str] = []
            reader = Thread(target=read_until_end, args=(receiver, messages))
            reader.start()
            first = process.stdout.readline()
            add_record(sandbox, ORDERS)
            second = next(line for line in process.stdout if "1 new" in line)
            process.send_signal(signal.SIGTERM)
            began = time.monotonic()
            out, err = process.communicate(timeout=10)
            reader.join()

        assert "3 feeds: 9 records read, 9 new, 0 changed, 0 rejected; following them every 1 s" in first
        assert second.endswith(f"UTC {ORDERS}: 1 new\n")
        assert (process.returncode, out, err) == (143, "", "floriday: stopped\n")
        assert time.monotonic() - began < 5
        assert {"READY=1", "WATCHDOG=1"} <= set(messages)
        assert any(message.startswith("STATUS=following 3 feeds") for message in messages)
        assert lock_holder(tmp_path / "w.duckdb") is None

    @pytest.mark.parametrize(
        ("options", "mentioned"),
        [
            (("--follow", "--full"), "--full"),
            (("--follow", "--from", "2026-03-02"), "--from"),
            (("--follow", "--to", "2026-03-02"), "--to"),
            (("--follow", "--dry-run"), "--dry-run"),
            (("--follow", "--format", "json"), "--format"),
            (("--follow", "--output", "outcomes.csv"), "--output"),
            (("--every", "10s"), "--follow"),
            (("--follow", "--every", "0s"), "--every"),
            (("--follow", "--every", "soon"), "--every"),
        ],
    )
    def test_other_options_are_refused(self, printed: Printed, options: tuple[str, ...], mentioned: str) -> None:
        """An option that contradicts ``--follow`` ends with 2 and a line that names it."""
        code, _, err = printed("sync", *options)

        assert code == 2
        assert mentioned in err
        assert err.count("\n") == 1

    def test_missing_settings_end_it(self, printed: Printed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Without credentials it ends with 2 at once, as a single sync does."""
        monkeypatch.chdir(tmp_path)
        (tmp_path / ".env").touch()

        code, _, err = printed("sync", "--follow")

        assert (code, "FLORIDAY_CLIENT_ID" in err) == (2, True)


def test_others_wait_for_the_end_of_a_round(tmp_path: Path) -> None:
    """A command that needs the lock waits for a round of the resident sync, and for no other sync."""
    path = tmp_path / "w.duckdb"
    with hold_sync_lock(path, "floriday rebuild"), pytest.raises(WarehouseBusyError), hold_sync_lock(path, "another"):
        pass

    holding, released = Event(), Event()

    def hold() -> None:
        with hold_sync_lock(path, RESIDENT):
            holding.set()
            released.wait(60)

    with ThreadPoolExecutor() as pool:
        pool.submit(hold)
        holding.wait(60)
        Timer(0.2, released.set).start()
        with hold_sync_lock(path, "floriday sync"):
            assert released.is_set()
            assert "floriday sync, process" in (lock_holder(path) or "")
