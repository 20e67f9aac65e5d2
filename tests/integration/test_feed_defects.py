"""A failing feed does not affect others: after an unexpected error, or while another process has the file open."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines.catalogue.types import Feed
from pipelines.cli.syncs.outcomes import is_well, print_outcomes
from pipelines.errors import RefusedError
from pipelines.floriday.client import FloridayClient
from pipelines.sync.feed import Run, sync_feed
from pipelines.sync.outcome import FeedOutcome
from pipelines.sync.selection import WhatToRead
from pipelines.warehouse.file.connection import Warehouse
from tests.another_process import WRITER, another_process
from tests.examples import cases
from tests.integration.answering_server import Reply, Request
from tests.integration.scripted_floriday import ScriptedFloriday, ScriptedSync
from tests.integration.syncing import SUPPLIERS
from tests.records import in_json, valid_records

BROKEN = SUPPLIERS.feed("supply.batches")
FEEDS = (BROKEN, *map(SUPPLIERS.feed, ("supply.batch_mutations", "fulfillment.inbound_fulfillment_orders")))
SECRET = "k3y-7hat-must-not-show"


@pytest.fixture
def sync(tmp_path: Path) -> Iterator[ScriptedSync]:
    """Three feeds and an empty warehouse."""
    server = ScriptedFloriday(
        {feed: [(record["sequenceNumber"], in_json(record)) for record in valid_records(feed, 7, 3)] for feed in FEEDS}
    )
    server.start()
    yield ScriptedSync(server, tmp_path / "w.duckdb", tuple(feed.name for feed in FEEDS))
    server.stop()


def make_one_feed_fail(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    """Let the sync of one feed raise an error."""

    def fail(
        client: FloridayClient, warehouse: Warehouse, feed: Feed, run: Run, what: WhatToRead, **named: Any
    ) -> FeedOutcome:
        if feed == BROKEN:
            with warehouse.reading():
                raise error
        return sync_feed(client, warehouse, feed, run, what, **named)

    monkeypatch.setattr("pipelines.sync.session.sync_feed", fail)


@cases(
    "error",
    [
        OverflowError(SECRET),
        MemoryError(SECRET),
        RecursionError(SECRET),
        KeyError(SECRET),
        UnicodeEncodeError("utf-8", SECRET, 0, 1, SECRET),
        duckdb.ConversionException(SECRET),
        duckdb.FatalException(SECRET),
        StopIteration(SECRET),
    ],
    quick=2,
    ids=lambda error: type(error).__name__,
)
def test_an_unexpected_error_affects_only_its_feed(
    sync: ScriptedSync,
    error: BaseException,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The other feeds are current, one line has the feed, the error type and where to report it; the exit code is 1."""
    make_one_feed_fail(monkeypatch, error)

    run = sync.sync()

    assert [name for (_, name), outcome in run.outcomes.items() if not outcome.current] == [BROKEN.name]
    print_outcomes(list(run.outcomes.values()))
    assert not is_well({}, run.outcomes.values())
    err = capsys.readouterr().err
    assert err.startswith(f"floriday: north · {BROKEN.name}: ")
    assert err.count("\n") == 1
    if not isinstance(error, duckdb.FatalException):  # raised for a damaged file, which has its own message
        assert f"unexpected {type(error).__name__} at test_feed_defects.py:" in err
        assert "report it in the issue tracker" in err
        assert SECRET not in err
        stack = run.outcomes["north", BROKEN.name].stack or ""
        assert "in fail" in stack
        assert SECRET not in stack


def test_the_complete_error_is_printed_for_debugging(
    sync: ScriptedSync, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With FLORIDAY_DEBUG the complete error is printed."""
    make_one_feed_fail(monkeypatch, OverflowError(SECRET))
    monkeypatch.setenv("FLORIDAY_DEBUG", "1")

    sync.sync()

    assert f"OverflowError: {SECRET}" in capsys.readouterr().err


def test_an_interruption_ends_all_feeds(sync: ScriptedSync, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C during a feed ends the sync instead of becoming an outcome."""
    make_one_feed_fail(monkeypatch, KeyboardInterrupt())

    with pytest.raises(KeyboardInterrupt):
        sync.sync()


def test_an_unexpected_error_of_an_account_affects_only_that_account(
    sync: ScriptedSync, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An unexpected error while an account is identified leaves the other account's feeds current."""
    identity = FloridayClient.identity
    sync.accounts = ("north", "south")

    def fail(client: FloridayClient) -> object:
        if client.account == "south":
            raise OverflowError(SECRET)
        return identity(client)

    monkeypatch.setattr(FloridayClient, "identity", fail)

    run = sync.sync()

    assert list(run.failures) == ["south"]
    assert "unexpected OverflowError" in run.failures["south"]
    assert all(outcome.current for outcome in run.outcomes.values())
    assert len(run.outcomes) == len(FEEDS)


def test_the_error_has_the_reasons_of_all_accounts_if_none_is_identified(sync: ScriptedSync) -> None:
    """If no account can be identified, the first account's error is raised, with the reasons of all accounts."""
    sync.accounts = ("north", "south")

    def corrupt(request: Request, reply: Reply) -> Reply:
        if not request.path.endswith("/identities"):
            return reply
        return Reply(403) if request.headers["X-Api-Key"] == "north" else Reply(200, b"{}")

    with pytest.raises(RefusedError, match=r"^north: .* 403.*; south: [^;]+$"):
        sync.sync(corrupt)


def test_a_file_that_is_open_in_another_process_is_awaited_once(
    sync: ScriptedSync, capsys: pytest.CaptureFixture[str]
) -> None:
    """After one feed waited in vain the others fail at once, one line is printed, and the next sync succeeds."""
    sync.lock_timeout = 1.0
    with sync.pipeline() as connected:
        opened = connected.prepare()
        opened.warehouse.close()  # type: ignore[attr-defined]
        sync.slept.clear()
        with another_process(WRITER, sync.path):
            outcomes = list(opened.sync_all(opened.sources, run_id="run"))
            assert sum(sync.slept) < 1.5 * sync.lock_timeout
        print_outcomes(outcomes)
        assert not is_well(opened.unidentified, outcomes)
        again = list(opened.sync_all(opened.sources, run_id="run"))

    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert " and 2 other feeds: " in err
    assert "is open in another process" in err
    assert "for more than 1 s" in err
    assert all(outcome.current for outcome in again)
