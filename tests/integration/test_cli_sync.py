"""``floriday sync``, ``check`` and ``status`` against a sandbox over real HTTP."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from pipelines.catalogue import catalogue_of
from pipelines.cli import api_version, progress
from pipelines.cli.entry import run
from pipelines.sandbox import Fault, Kind, Sandbox, status
from pipelines.settings.values import AMSTERDAM
from pipelines.text_format import span
from pipelines.warehouse.file.sync_lock import hold_sync_lock
from tests.command_line import Printed, floriday, on_a_terminal
from tests.integration.syncing import Syncing
from tests.integration.syncing import laid_out as created
from tests.moments import real_now
from tests.records import in_json, valid_records

SUPPLIERS = catalogue_of("suppliers")
ORDERS = "orders.sales_orders"
FEEDS = [feed.name for feed in SUPPLIERS.feeds]
FEW = ["catalog.trade_items", "orders.sales_orders", "supply.batch_mutations", "supply.batches"]
"""The feeds that FLORIDAY_FEEDS names; a sync of all feeds takes seconds."""


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """Two accounts, a few orders each, nothing else."""
    with Sandbox(accounts=("north", "south"), empty=True) as sandbox:
        for seed, account in enumerate(("north", "south")):
            for record in valid_records(SUPPLIERS.feed(ORDERS), seed=seed, count=5):
                sandbox.book(ORDERS, account).put(record)
        yield sandbox


@pytest.fixture
def warehouse(sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The settings point at the sandbox and at a warehouse that is not there yet."""
    path = tmp_path / "w.duckdb"
    settings = {**sandbox.environment(), "FLORIDAY_WAREHOUSE": str(path), "FLORIDAY_FEEDS": ",".join(FEW)}
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    return path


@pytest.fixture
def laid_out(warehouse: Path) -> None:
    """The warehouse exists and is empty; creating all tables takes longer than most syncs."""
    warehouse.touch(mode=0o600)
    warehouse.write_bytes(created("suppliers"))


@pytest.fixture
def printed(warehouse: Path, printed: Printed) -> Printed:
    """Runs a command where the settings stand."""
    assert warehouse.parent.is_dir()
    return printed


def table(out: str) -> dict[tuple[str, str], list[str]]:
    """The rows of a printed table by account and feed."""
    rows = (line.split() for line in out.splitlines() if "·" not in line)
    return {(row[0], row[1]): row[2:] for row in rows if len(row) > 2 and row[1] in FEEDS}


class TestSync:
    """``floriday sync``."""

    def test_all_feeds_of_all_accounts(
        self, printed: Printed, sandbox: Sandbox, warehouse: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What was read is told per account and feed, and stands in the warehouse."""
        monkeypatch.delenv("FLORIDAY_FEEDS")

        code, out, err = printed("sync")

        assert (code, err) == (0, "")
        assert set(table(out)) == {(account, feed) for account in ("north", "south") for feed in FEEDS}
        cursor = sandbox.book(ORDERS, "south").maximum
        assert table(out)["south", ORDERS][:6] == ["5", "5", "0", "0", str(cursor), "yes"]
        assert "\x1b" not in out
        Syncing(sandbox, warehouse).assert_equal(account="north")
        assert warehouse.stat().st_mode & 0o777 == 0o600

    @pytest.mark.usefixtures("laid_out")
    def test_a_second_sync_reads_nothing_new(self, printed: Printed) -> None:
        """An idle server is told as such."""
        printed("sync")

        code, out, _ = printed("sync")

        assert code == 0
        assert all(row[:4] == ["0", "0", "0", "0"] for row in table(out).values())

    @pytest.mark.usefixtures("laid_out")
    def test_some_feeds_of_one_account(self, printed: Printed, sandbox: Sandbox) -> None:
        """Feeds are named with or without their schema; only their scopes are asked for."""
        code, out, _ = printed("sync", "sales_orders", "supply.batches", "sales_orders", "--account", "south")

        assert code == 0
        assert set(table(out)) == {("south", "supply.batches"), ("south", ORDERS)}
        assert not [call for call in sandbox.calls if call.path.endswith("/trade-items/current-max-sequence")]

    @pytest.mark.usefixtures("laid_out")
    def test_a_feed_that_is_named_need_not_be_among_the_settings(
        self, printed: Printed, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """FLORIDAY_FEEDS says what is synced without names."""
        monkeypatch.setenv("FLORIDAY_FEEDS", "batches")

        assert set(table(printed("sync")[1])) == {("north", "supply.batches"), ("south", "supply.batches")}
        code, out, _ = printed("sync", "sales_orders")

        assert code == 0
        assert table(out)["north", ORDERS][0] == "5"

    @pytest.mark.usefixtures("laid_out")
    def test_full_reads_everything_again(self, printed: Printed) -> None:
        """All records are read, none is new or changed."""
        printed("sync", ORDERS)

        _, out, _ = printed("sync", ORDERS, "--full")

        assert table(out)["north", ORDERS][:4] == ["5", "0", "0", "0"]

    @pytest.mark.usefixtures("laid_out")
    def test_days_are_read_again(self, printed: Printed, sandbox: Sandbox, warehouse: Path) -> None:
        """What was lost of today comes back; the feed is read to its end, for today is not over."""
        for entry in sandbox.book(ORDERS, "north").entries():
            changed = {**entry.document, "lastModifiedDateTime": real_now().isoformat()}
            sandbox.book(ORDERS, "north").put(in_json(changed), number=entry.number)
        printed("sync", ORDERS)
        with duckdb.connect(str(warehouse)) as connection:
            connection.execute(f"DELETE FROM {ORDERS}")
        today = real_now().astimezone(AMSTERDAM).date()

        code, out, err = printed("sync", ORDERS, "--from", f"{today - timedelta(days=1)}", "--to", f"{today}")

        assert (code, err) == (0, "")
        assert table(out)["north", ORDERS][:4] == ["5", "0", "0", "0"]
        assert table(out)["north", ORDERS][5] == "yes"
        Syncing(sandbox, warehouse).assert_equal(ORDERS, account="north")

    @pytest.mark.parametrize(
        ("arguments", "told"),
        [
            (["tulips"], "no feed 'tulips'"),
            (["--account", "east"], "the settings have no account east; there are: north, south"),
        ],
    )
    def test_unknown_names(self, arguments: list[str], told: str, printed: Printed, warehouse: Path) -> None:
        """A feed or account that there is not is exit code 2, and one line that tells what there is."""
        code, out, err = printed("sync", *arguments)

        assert (code, out) == (2, "")
        assert told in err
        assert err.count("\n") == 1
        assert not warehouse.exists()

    @pytest.mark.usefixtures("laid_out")
    def test_a_bad_key_leaves_the_other_account_done(
        self, printed: Printed, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """One line for the account whose key was refused, exit code 1, and the other is synced."""
        keys = {**sandbox.api_keys, "north": "made-up-key"}
        monkeypatch.setenv("FLORIDAY_API_KEYS", json.dumps(keys))

        code, out, err = printed("sync")

        assert code == 1
        assert {account for account, _ in table(out)} == {"south"}
        assert err.startswith("floriday: north: ")
        assert err.count("\n") == 1
        assert "made-up-key" not in out + err

    @pytest.mark.usefixtures("laid_out")
    def test_a_failing_feed_leaves_the_others_done(self, printed: Printed, sandbox: Sandbox) -> None:
        """The failure is one line with account and feed; exit code 1."""
        sandbox.faults.add(Fault(kind=Kind.STATUS, status=400, where="/batches/sync/*", account="north"))
        printed_code, out, err = printed("sync", "--full")

        assert printed_code == 1
        assert err.startswith("floriday: north · supply.batches: ")
        assert err.count("\n") == 1
        assert table(out)["north", "supply.batches"][-3:-2] == ["failed"]
        assert table(out)["north", ORDERS][0] == "5"

    @pytest.mark.usefixtures("laid_out")
    def test_a_feed_that_is_being_rebuilt_is_skipped(self, printed: Printed, sandbox: Sandbox) -> None:
        """423 is no failure, and is told."""
        sandbox.faults.add(status(423, where="/batches/*"))

        code, out, err = printed("sync", "batches", "--account", "north")

        assert (code, err) == (0, "")
        assert "north · supply.batches: skipped: Floriday is rebuilding" in out

    def test_a_scope_that_is_not_granted_is_skipped(self, tmp_path: Path) -> None:
        """The feeds that need it are left out, with the scope's name."""
        scopes = ("role:app", "organization:read", "sales-order:read")
        with Sandbox(empty=True, scopes=scopes) as sandbox:
            ended = floriday("sync", folder=tmp_path, **sandbox.environment())
            standing = floriday("status", "--offline", folder=tmp_path)

        assert (ended.code, ended.err) == (0, "")
        assert "main · catalog.trade_items: skipped: scope catalog:read is not granted" in ended.out
        assert "main catalog.trade_items is skipped: scope catalog:read is not granted" in standing.out
        assert table(ended.out)["main", ORDERS][-3] == "yes"

    @pytest.mark.usefixtures("laid_out")
    def test_rejected_records_and_drift_are_told(self, printed: Printed, sandbox: Sandbox) -> None:
        """They don't change the exit code, and are a line each."""
        (record,) = valid_records(SUPPLIERS.feed(ORDERS), seed=9, count=1)
        book = sandbox.book(ORDERS, "north")
        strange = {**record, "bouquetOfTheDay": "yes", "status": "HALF\x1b[2JDONE", "mutations": []}
        book.put(in_json({**strange, "sequenceNumber": (number := book.reserve())}), number=number)
        broken = {**record, "salesOrderId": "00000000-0000-0000-0000-0000000000aa", "numberOfPieces": "many"}
        book.put(in_json({**broken, "sequenceNumber": (number := book.reserve())}), number=number)

        code, out, err = printed("sync", ORDERS, "--account", "north")

        assert (code, err) == (0, "")
        assert "1 record rejected; `floriday rejected` lists them with their reasons" in out
        assert re.search(r"field \S*bouquetOfTheDay \(\w+\) that this version does not know", out)
        assert "values that this version does not know: HALF [2JDONE" in out

    @pytest.mark.usefixtures("laid_out")
    def test_a_restart_is_told(self, printed: Printed, sandbox: Sandbox) -> None:
        """When Floriday numbers anew, the line says what was done."""
        printed("sync", ORDERS)
        sandbox.book(ORDERS, "north").restart()

        code, out, _ = printed("sync", ORDERS)

        assert code == 0
        assert "north · orders.sales_orders: Floriday restarted its numbering: read again from 0 as series 2" in out

    def test_one_sync_at_a_time(self, printed: Printed, warehouse: Path) -> None:
        """A second one is told who holds the warehouse, and does nothing."""
        with hold_sync_lock(warehouse, "somebody else"):
            code, out, err = printed("sync")

        assert (code, out) == (1, "")
        assert "another sync holds" in err
        assert "somebody else" in err
        assert not warehouse.exists()

    @pytest.mark.usefixtures("laid_out")
    def test_a_long_feed_is_told_on_its_way(self, printed: Printed, monkeypatch: pytest.MonkeyPatch) -> None:
        """In a pipe a line now and then says how far it is."""
        monkeypatch.setattr(progress, "SECONDS_BETWEEN_LINES", 0.0)

        _, out, _ = printed("sync", ORDERS, "--account", "north")

        assert re.search(r"north · orders.sales_orders: 1 page, 5 records, [\d,]+/s, at \d+ of \d+\n", out)

    def test_a_terminal_gets_a_table(self, warehouse: Path) -> None:
        """The progress is gone in the end, the table stays."""
        out = on_a_terminal("sync", columns=120, **environment())

        assert "───" in out
        assert ORDERS in out.rpartition("account")[2]
        assert warehouse.exists()

    def test_a_folder_that_takes_no_files(
        self, printed: Printed, warehouse: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A warehouse that cannot be created is one line."""
        blocked = tmp_path / "file"
        blocked.write_text("")
        monkeypatch.setenv("FLORIDAY_WAREHOUSE", str(blocked / "w.duckdb"))

        code, _, err = printed("sync")

        assert code == 1
        assert "takes no files" in err
        assert not warehouse.exists()


def environment() -> dict[str, str]:
    """The settings of this process."""
    return {name: value for name, value in os.environ.items() if name.startswith("FLORIDAY_")}


WRONG = {
    "secret": (
        {"FLORIDAY_CLIENT_SECRET": "made-up-secret"},
        1,
        "refuses FLORIDAY_CLIENT_ID and FLORIDAY_CLIENT_SECRET",
    ),
    "key": ({"FLORIDAY_API_KEYS": '{"north": "made-up-key"}'}, 1, "north: "),
    "address": (
        {"FLORIDAY_BASE_URL": "http://example.com/suppliers-api-2026v1"},
        2,
        "FLORIDAY_BASE_URL uses plain http",
    ),
    "feeds": ({"FLORIDAY_FEEDS": "tulips"}, 2, "FLORIDAY_FEEDS: "),
    "unreachable": ({"FLORIDAY_AUTH_URL": "http://127.0.0.1:9/token"}, 1, "127.0.0.1"),
}


@pytest.mark.parametrize(
    ("command", "wrong"),
    [*(("sync", wrong) for wrong in ("secret", "key", "address", "feeds")), *(("check", wrong) for wrong in WRONG)],
)
def test_what_is_wrong_is_one_line(command: str, wrong: str, warehouse: Path) -> None:
    """No traceback, no secret, and nothing in the warehouse."""
    changed, code, told = WRONG[wrong]

    ended = floriday(command, folder=warehouse.parent, **{**environment(), **changed})

    assert ended.code == code
    assert told in ended.complaint
    assert "made-up" not in ended.out + ended.err
    assert not warehouse.exists()


class TestCheck:
    """``floriday check``."""

    def test_it_tells_who_and_what(
        self, printed: Printed, sandbox: Sandbox, warehouse: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Token, scopes, organizations and feeds, without a warehouse and without a secret."""
        monkeypatch.delenv("FLORIDAY_FEEDS")

        code, out, err = printed("check")

        assert (code, err) == (0, "")
        assert re.search(r"token +from 127\.0\.0\.1 until \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC, for 59 min", out)
        assert "sales-order:read" in out
        for account in sandbox.accounts:
            assert f"{account.name}: " in out
            assert str(account.organization_id) in out
        assert len(re.findall(r"  yes$", out, re.MULTILINE)) == len(SUPPLIERS.sources)
        for secret in (sandbox.client_secret, *sandbox.api_keys.values()):
            assert secret not in out
        assert not warehouse.exists()

    def test_a_scope_that_is_not_granted(self, tmp_path: Path) -> None:
        """It is named, and the feeds that need it say no; that is no failure."""
        with Sandbox(empty=True, scopes=("role:app", "organization:read", "sales-order:read")) as sandbox:
            ended = floriday("check", folder=tmp_path, **sandbox.environment())

        assert ended.code == 0
        assert re.search("refused .*catalog:read", ended.out)
        assert re.search(r"catalog.trade_items +catalog:read +no", ended.out)
        assert re.search(r"orders.sales_orders +sales-order:read +yes", ended.out)

    def test_a_refused_key(self, printed: Printed, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
        """The other accounts are told, the refused one is one line; exit code 1."""
        monkeypatch.setenv("FLORIDAY_API_KEYS", json.dumps({**sandbox.api_keys, "north": "made-up-key"}))

        code, out, err = printed("check")

        assert code == 1
        assert "south: " in out
        assert err.startswith("floriday: north: ")
        assert err.count("\n") == 1


class TestStatus:
    """``floriday status``."""

    @pytest.mark.usefixtures("laid_out")
    def test_it_tells_how_far_the_warehouse_is(self, printed: Printed, sandbox: Sandbox) -> None:
        """Rows, cursor, the distance to Floriday's maximum, rejected records and retention."""
        printed("sync")
        book = sandbox.book(ORDERS, "north")
        before = book.maximum
        (record,) = valid_records(SUPPLIERS.feed(ORDERS), seed=7, count=1)
        book.put(record)

        code, out, err = printed("status")

        assert (code, err) == (0, "")
        rows = table(out)
        assert set(rows) == {(account, feed) for account in ("north", "south") for feed in FEW}
        north = rows["north", ORDERS]
        assert north[:2] == ["5", str(before)]
        assert north[-4:] == [str(book.maximum - before), "0", "364", "days"]
        assert rows["south", ORDERS][-4] == "0"
        assert rows["south", "supply.batch_mutations"][-1] == "–"

    @pytest.mark.usefixtures("laid_out")
    def test_offline_needs_no_credentials(self, printed: Printed, warehouse: Path, tmp_path: Path) -> None:
        """Nobody is asked, and the distance is left out."""
        printed("sync", ORDERS)

        ended = floriday("status", "--offline", folder=tmp_path, FLORIDAY_WAREHOUSE=str(warehouse))

        assert (ended.code, ended.err) == (0, "")
        assert table(ended.out)["north", ORDERS][-4] == "–"
        assert table(ended.out)["north", "supply.batches"] == ["0", "–", "never", "–", "0", "–"]

    @pytest.mark.usefixtures("laid_out")
    def test_a_maximum_that_is_refused_is_unknown(self, printed: Printed, sandbox: Sandbox) -> None:
        """A 403 on a maximum is no failure."""
        printed("sync", ORDERS)
        sandbox.faults.add(status(403, where="/sales-orders/current-max-sequence"))

        code, out, err = printed("status")

        assert (code, err) == (0, "")
        assert table(out)["north", ORDERS][-4] == "unknown"

    @pytest.mark.usefixtures("laid_out")
    def test_floriday_that_does_not_answer(self, printed: Printed, sandbox: Sandbox) -> None:
        """What the warehouse knows is told all the same; one line an account says what failed, exit code 1."""
        printed("sync")
        sandbox.faults.add(Fault(kind=Kind.STATUS, status=400, where="*/current-max-sequence", account="north"))

        code, out, err = printed("status")

        assert code == 1
        assert table(out)["north", ORDERS][0] == "5"
        assert table(out)["north", ORDERS][-4] == "unknown"
        assert table(out)["south", ORDERS][-4] == "0"
        assert err.startswith("floriday: north · catalog.trade_items: ")
        assert err.count("\n") == 1

    @pytest.mark.usefixtures("laid_out")
    def test_rejected_records_are_counted(self, printed: Printed, sandbox: Sandbox) -> None:
        """Open ones, per account and feed."""
        sandbox.faults.add(Fault(kind=Kind.GARBLED_RECORD, where="/sales-orders/sync/*", account="south"))
        printed("sync", ORDERS)

        _, out, _ = printed("status", "--offline")

        assert table(out)["south", ORDERS][-3] == "1"
        assert table(out)["north", ORDERS][-3] == "0"

    @pytest.mark.usefixtures("laid_out")
    def test_changes_that_may_be_lost_already(self, printed: Printed, warehouse: Path) -> None:
        """A feed that was not read for longer than Floriday keeps its records says so."""
        printed("sync", "supply.batches")
        with duckdb.connect(str(warehouse)) as connection:
            connection.execute("UPDATE sync.cursors SET current_at = ?", [real_now() - timedelta(days=31)])

        _, out, _ = printed("status", "--offline")

        assert table(out)["north", "supply.batches"][-1] == "now"

    def test_without_a_warehouse(self, printed: Printed, warehouse: Path) -> None:
        """There is nothing to tell, and nothing is created."""
        code, _, err = printed("status")

        assert code == 1
        assert "run `floriday sync` first" in err
        assert not warehouse.exists()

    @pytest.mark.usefixtures("laid_out")
    def test_another_environments_warehouse(self, printed: Printed, monkeypatch: pytest.MonkeyPatch) -> None:
        """Its cursors are not compared with the numbers of another server."""
        printed("sync", ORDERS)
        monkeypatch.setenv("FLORIDAY_BASE_URL", "https://api.example.com/suppliers-api-2026v1")

        code, _, err = printed("status")

        assert code == 2
        assert "belongs to the suppliers API of 127.0.0.1" in err


@pytest.mark.parametrize(
    ("length", "text"),
    [
        (timedelta(days=1824, hours=5), "1,824 days"),
        (timedelta(days=1, hours=23), "47 h"),
        (timedelta(minutes=119), "119 min"),
        (timedelta(seconds=119), "119 s"),
    ],
)
def test_spans_are_told_in_fitting_units(length: timedelta, text: str) -> None:
    """A span has at least two of the unit in which it is told."""
    assert span(length) == text


class TestVersion:
    """What is said about the version of the API, beneath everything else."""

    @pytest.fixture
    def on(self, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
        """Lets commands run on another day."""
        return lambda day: monkeypatch.setattr(api_version, "today", lambda: datetime.fromisoformat(day).date())

    @pytest.fixture
    def newer(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
        """A Floriday of another version than the catalogue's, at which the settings point."""
        sandbox = Sandbox(empty=True)
        sandbox.api_path = "/suppliers-api-2026v2"
        with sandbox:
            for name, value in {**sandbox.environment(), "FLORIDAY_WAREHOUSE": str(tmp_path / "n.duckdb")}.items():
                monkeypatch.setenv(name, value)
            monkeypatch.chdir(tmp_path)
            yield sandbox

    @pytest.mark.parametrize(
        ("day", "told"),
        [("2026-08-01", ""), ("2026-12-01", "deprecated"), ("2027-04-01", "only 30 days left"), ("2028-01-01", "was")],
    )
    @pytest.mark.parametrize("command", ["check", "status"])
    @pytest.mark.usefixtures("laid_out")
    def test_its_end_is_told_in_time(
        self, command: str, day: str, told: str, printed: Printed, on: Callable[[str], None]
    ) -> None:
        """The last line of check and status tells when the version is deprecated, ends soon or is gone."""
        on(day)
        printed("sync", "sales_orders")

        code, out, err = printed(command)

        assert (code, err) == (0, "")
        last = out.splitlines()[-1]
        assert ("version 2026v1 of the API" in last) is bool(told)
        assert told in last

    @pytest.mark.parametrize("arguments", [("check",), ("sync", ORDERS), ("status",), ("status", "--offline")])
    def test_another_version_is_taken_and_told(
        self, arguments: tuple[str, ...], newer: Sandbox, capsys: pytest.CaptureFixture[str], on: Callable[[str], None]
    ) -> None:
        """The settings' version is asked, whatever the catalogue's; one line says so."""
        on("2026-12-01")
        run(("sync", "sales_orders"))
        capsys.readouterr()

        code = run(arguments)

        out = capsys.readouterr().out
        assert code == 0
        assert out.count("is for version 2026v2 of the API, this program supports 2026v1") == 1
        assert all(call.path.startswith("/suppliers-api-2026v2") for call in newer.calls if "-api-" in call.path)

    @pytest.mark.usefixtures("laid_out")
    def test_without_a_base_address_there_is_no_version(
        self, printed: Printed, monkeypatch: pytest.MonkeyPatch, on: Callable[[str], None]
    ) -> None:
        """``status --offline`` needs no address, and says nothing of a version then."""
        printed("sync", "sales_orders")
        on("2028-01-01")
        monkeypatch.delenv("FLORIDAY_BASE_URL")

        code, out, _ = printed("status", "--offline")

        assert code == 0
        assert "version" not in out
