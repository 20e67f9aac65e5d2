"""``floriday sync``, ``check`` and ``status`` against a sandbox over real HTTP."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from pipelines.catalogue import catalogue_of
from pipelines.cli import api_version
from pipelines.cli.entry import run
from pipelines.cli.terminal import progress
from pipelines.sandbox import Fault, Kind, Sandbox, status
from pipelines.settings.values import AMSTERDAM
from pipelines.text_format import span
from pipelines.warehouse.file.sync_lock import hold_sync_lock
from tests.command_line import FinishedCommand, Printed, floriday, run_on_terminal
from tests.examples import cases
from tests.integration.syncing import Syncing
from tests.integration.syncing import empty_warehouse as created
from tests.moments import real_now
from tests.records import in_json, valid_records

SUPPLIERS = catalogue_of("suppliers")
ORDERS = "orders.sales_orders"
FEEDS = [feed.name for feed in SUPPLIERS.feeds]
FEW = ["catalog.trade_items", "orders.sales_orders", "supply.batch_mutations", "supply.batches"]
"""The feeds that FLORIDAY_FEEDS names; a sync of all feeds takes seconds."""


@contextmanager
def filled_sandbox() -> Iterator[Sandbox]:
    """Start a server of two accounts with five orders each."""
    with Sandbox(accounts=("north", "south"), empty=True) as sandbox:
        for seed, account in enumerate(("north", "south")):
            for record in valid_records(SUPPLIERS.feed(ORDERS), seed=seed, count=5):
                sandbox.book(ORDERS, account).put(record)
        yield sandbox


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """The server of one test."""
    with filled_sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def warehouse(sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Point the settings at the sandbox and at a warehouse that does not exist yet."""
    path = tmp_path / "w.duckdb"
    use_settings(sandbox, path, monkeypatch)
    return path


def use_settings(sandbox: Sandbox, path: Path, patch: pytest.MonkeyPatch) -> None:
    """Point the settings at a sandbox and a warehouse, and change to its folder."""
    settings = {**sandbox.environment(), "FLORIDAY_WAREHOUSE": str(path), "FLORIDAY_FEEDS": ",".join(FEW)}
    for name, value in settings.items():
        patch.setenv(name, value)
    patch.chdir(path.parent)


@pytest.fixture
def existing_warehouse(warehouse: Path) -> None:
    """Create an empty warehouse, because creating all tables takes longer than most syncs."""
    write_warehouse(warehouse, created("suppliers"))


def write_warehouse(path: Path, content: bytes) -> None:
    """Write the file of a warehouse with the permissions that a sync gives it."""
    path.touch(mode=0o600)
    path.write_bytes(content)


def after_a_sync(folder: Path, *feeds: str) -> bytes:
    """Return a warehouse after a first sync; every server that is filled like this one serves the same records."""
    path = folder / "w.duckdb"
    with filled_sandbox() as sandbox, pytest.MonkeyPatch.context() as patch:
        use_settings(sandbox, path, patch)
        write_warehouse(path, created("suppliers"))
        assert run(["sync", *feeds]) == 0
    return path.read_bytes()


@pytest.fixture(scope="module")
def few_synced(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A warehouse after a sync of a few feeds."""
    return after_a_sync(tmp_path_factory.mktemp("few"))


@pytest.fixture(scope="module")
def one_synced(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A warehouse after a sync of the orders alone."""
    return after_a_sync(tmp_path_factory.mktemp("one"), ORDERS)


@pytest.fixture
def synced_warehouse(warehouse: Path, few_synced: bytes) -> None:
    """Create a warehouse in which a few feeds were synced."""
    write_warehouse(warehouse, few_synced)


@pytest.fixture
def synced_orders(warehouse: Path, one_synced: bytes) -> None:
    """Create a warehouse in which the orders were synced."""
    write_warehouse(warehouse, one_synced)


@pytest.fixture
def printed(warehouse: Path, printed: Printed) -> Printed:
    """Run a command with these settings."""
    assert warehouse.parent.is_dir()
    return printed


def table(out: str) -> dict[tuple[str, str], list[str]]:
    """The rows of a printed table by account and feed."""
    rows = (line.split() for line in out.splitlines() if "·" not in line)
    return {(row[0], row[1]): row[2:] for row in rows if len(row) > 2 and row[1] in FEEDS}


class TestSync:
    """``floriday sync``."""

    @pytest.mark.slow
    def test_all_feeds_of_all_accounts(
        self, printed: Printed, sandbox: Sandbox, warehouse: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A sync stores all feeds of all accounts, and prints a row for each."""
        monkeypatch.delenv("FLORIDAY_FEEDS")

        code, out, err = printed("sync")

        assert (code, err) == (0, "")
        assert set(table(out)) == {(account, feed) for account in ("north", "south") for feed in FEEDS}
        cursor = sandbox.book(ORDERS, "south").maximum
        assert table(out)["south", ORDERS][:6] == ["5", "5", "0", "0", str(cursor), "yes"]
        assert "\x1b" not in out
        Syncing(sandbox, warehouse).assert_equal(account="north")
        assert warehouse.stat().st_mode & 0o777 == 0o600

    @pytest.mark.usefixtures("synced_warehouse")
    def test_a_second_sync_reads_nothing_new(self, printed: Printed) -> None:
        """A second sync of an idle server reads no records."""
        code, out, _ = printed("sync")

        assert code == 0
        assert all(row[:4] == ["0", "0", "0", "0"] for row in table(out).values())

    @pytest.mark.usefixtures("synced_warehouse")
    def test_a_sync_without_changes_imports_little(self) -> None:
        """A sync that reads no records imports neither pandas nor Arrow nor NumPy, which take half of its time."""
        program = (
            "import sys\nfrom pipelines.cli.entry import run\n"
            "code = run(['sync'])\nsys.exit(code or str(sorted({'numpy', 'pandas', 'pyarrow'} & set(sys.modules))))"
        )

        process = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)

        assert process.stderr == "[]\n"

    @pytest.mark.usefixtures("existing_warehouse")
    def test_some_feeds_of_one_account(self, printed: Printed, sandbox: Sandbox) -> None:
        """A sync can be limited to feeds, named with or without their schema, and to an account."""
        code, out, _ = printed("sync", "sales_orders", "supply.batches", "sales_orders", "--account", "south")

        assert code == 0
        assert set(table(out)) == {("south", "supply.batches"), ("south", ORDERS)}
        assert not [call for call in sandbox.calls if call.path.endswith("/trade-items/current-max-sequence")]

    @pytest.mark.usefixtures("existing_warehouse")
    def test_arguments_override_the_feeds_of_the_settings(
        self, printed: Printed, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """FLORIDAY_FEEDS limits a sync without arguments only."""
        monkeypatch.setenv("FLORIDAY_FEEDS", "batches")

        assert set(table(printed("sync")[1])) == {("north", "supply.batches"), ("south", "supply.batches")}
        code, out, _ = printed("sync", "sales_orders")

        assert code == 0
        assert table(out)["north", ORDERS][0] == "5"

    @pytest.mark.slow
    @pytest.mark.usefixtures("synced_orders")
    def test_full_reads_everything_again(self, printed: Printed) -> None:
        """With ``--full``, all records are read again, and none is new or changed."""
        _, out, _ = printed("sync", ORDERS, "--full")

        assert table(out)["north", ORDERS][:4] == ["5", "0", "0", "0"]

    @pytest.mark.slow
    @pytest.mark.usefixtures("existing_warehouse")
    def test_days_are_read_again(self, printed: Printed, sandbox: Sandbox, warehouse: Path) -> None:
        """Days that are read again get their rows back; with today included, the feed is read to its end."""
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

    @pytest.mark.usefixtures("existing_warehouse")
    def test_a_feed_that_fell_is_read_again_with_the_reason(self, printed: Printed, warehouse: Path) -> None:
        """A feed that ends below the number that was read last is read again from 0, with the reason."""
        printed("sync", ORDERS, "--account", "north")
        with duckdb.connect(str(warehouse)) as connection:
            connection.execute(f"UPDATE sync.cursors SET cursor = 999000000 WHERE feed = '{ORDERS}'")

        code, out, err = printed("sync", ORDERS, "--account", "north")

        assert (code, err) == (0, "")
        assert f"north · {ORDERS}: Floriday serves no number from 999000000 on, which was read before" in out

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["tulips"], "no feed 'tulips'"),
            (["--account", "east"], "the settings have no account east; there are: north, south"),
        ],
    )
    def test_unknown_names(self, arguments: list[str], message: str, printed: Printed, warehouse: Path) -> None:
        """An unknown feed or account exits with code 2 and one line that lists the known ones."""
        code, out, err = printed("sync", *arguments)

        assert (code, out) == (2, "")
        assert message in err
        assert err.count("\n") == 1
        assert not warehouse.exists()

    @pytest.mark.usefixtures("existing_warehouse")
    def test_a_refused_key_does_not_stop_the_other_account(
        self, printed: Printed, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A refused API key is one line and exit code 1, and the other account is synced."""
        keys = {**sandbox.api_keys, "north": "made-up-key"}
        monkeypatch.setenv("FLORIDAY_API_KEYS", json.dumps(keys))

        code, out, err = printed("sync")

        assert code == 1
        assert {account for account, _ in table(out)} == {"south"}
        assert err.startswith("floriday: north: ")
        assert err.count("\n") == 1
        assert "made-up-key" not in out + err

    @pytest.mark.usefixtures("existing_warehouse")
    def test_the_reasons_of_all_accounts_are_printed_if_none_is_identified(
        self, printed: Printed, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """If no account can be identified, one line has the reason of each account, and the exit code is 1."""
        monkeypatch.setenv("FLORIDAY_API_KEYS", json.dumps({**sandbox.api_keys, "north": "made-up-key"}))
        sandbox.faults.add(Fault(kind=Kind.STATUS, status=400, where="/identities", account="south"))

        code, out, err = printed("sync")

        assert (code, out) == (1, "")
        assert re.match(r"floriday: north: .*key is invalid.*; south: .*400 Unexpected", err)
        assert err.count("\n") == 1

    @pytest.mark.usefixtures("existing_warehouse")
    def test_a_failed_feed_does_not_stop_the_others(self, printed: Printed, sandbox: Sandbox) -> None:
        """A feed that fails is one line with account and feed and exit code 1, and the other feeds are synced."""
        sandbox.faults.add(Fault(kind=Kind.STATUS, status=400, where="/batches/sync/*", account="north"))
        code, out, err = printed("sync", "--full")

        assert code == 1
        assert err.startswith("floriday: north · supply.batches: ")
        assert err.count("\n") == 1
        assert table(out)["north", "supply.batches"][-3:-2] == ["failed"]
        assert table(out)["north", ORDERS][0] == "5"

    @pytest.mark.usefixtures("existing_warehouse")
    def test_a_feed_that_is_being_rebuilt_is_skipped(self, printed: Printed, sandbox: Sandbox) -> None:
        """A feed that answers with 423 is skipped with a message, and is no failure."""
        sandbox.faults.add(status(423, where="/batches/*"))

        code, out, err = printed("sync", "batches", "--account", "north")

        assert (code, err) == (0, "")
        assert "north · supply.batches: skipped: Floriday is rebuilding" in out

    def test_a_scope_that_is_not_granted_is_skipped(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """Feeds whose scope is not granted are skipped, and the message names the scope."""
        scopes = ("role:app", "organization:read", "sales-order:read")
        with Sandbox(empty=True, scopes=scopes) as sandbox:
            use_settings(sandbox, tmp_path / "w.duckdb", monkeypatch)
            write_warehouse(tmp_path / "w.duckdb", created("suppliers"))
            code = run(["sync"])
        out, err = capsys.readouterr()

        assert (code, err) == (0, "")
        assert "main · catalog.trade_items: skipped: scope catalog:read is not granted" in out
        assert table(out)["main", ORDERS][-3] == "yes"
        run(["status", "--offline"])
        skipped = "main catalog.trade_items is skipped: scope catalog:read is not granted"
        assert skipped in capsys.readouterr().out

    @pytest.mark.usefixtures("existing_warehouse")
    def test_rejected_records_and_schema_drift_are_reported(self, printed: Printed, sandbox: Sandbox) -> None:
        """Rejected records, unknown fields and unknown values are one line each, and do not change the exit code."""
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

    @pytest.mark.slow
    @pytest.mark.usefixtures("synced_orders")
    def test_a_restarted_numbering_is_reported(self, printed: Printed, sandbox: Sandbox) -> None:
        """When Floriday restarts the numbering of a feed, the output reports the new series."""
        sandbox.book(ORDERS, "north").restart()

        code, out, _ = printed("sync", ORDERS)

        assert code == 0
        assert "north · orders.sales_orders: Floriday restarted its numbering: read again from 0 as series 2" in out

    def test_one_sync_at_a_time(self, printed: Printed, warehouse: Path) -> None:
        """A second sync fails with a message about the process that holds the lock, and creates nothing."""
        with hold_sync_lock(warehouse, "somebody else"):
            code, out, err = printed("sync")

        assert (code, out) == (1, "")
        assert "another sync holds" in err
        assert "somebody else" in err
        assert not warehouse.exists()

    @pytest.mark.usefixtures("existing_warehouse")
    def test_progress_in_a_pipe(self, printed: Printed, monkeypatch: pytest.MonkeyPatch) -> None:
        """In a pipe, the progress of a long feed is printed as lines."""
        monkeypatch.setattr(progress, "SECONDS_BETWEEN_LINES", 0.0)

        _, out, _ = printed("sync", ORDERS, "--account", "north")

        assert re.search(r"north · orders.sales_orders: 1 page, 5 records, [\d,]+/s, at \d+ of \d+\n", out)

    @pytest.mark.usefixtures("existing_warehouse")
    def test_a_table_on_a_terminal(self, warehouse: Path) -> None:
        """On a terminal, the progress disappears at the end and the table stays."""
        out = run_on_terminal("sync", columns=120, **environment())

        assert "───" in out
        assert ORDERS in out.rpartition("account")[2]
        assert warehouse.exists()

    def test_an_unwritable_folder(
        self, printed: Printed, warehouse: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A warehouse that cannot be created is reported in one line."""
        blocked = tmp_path / "file"
        blocked.write_text("")
        monkeypatch.setenv("FLORIDAY_WAREHOUSE", str(blocked / "w.duckdb"))

        code, _, err = printed("sync")

        assert code == 1
        assert "no file can be created in" in err
        assert not warehouse.exists()


def environment() -> dict[str, str]:
    """The FLORIDAY settings of this process."""
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
@pytest.mark.usefixtures("no_waits_between_retries")
def test_a_wrong_setting_is_one_line(
    command: str, wrong: str, warehouse: Path, printed: Printed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wrong setting or an unreachable server is one line, without secrets, and creates no warehouse."""
    changed, expected, message = WRONG[wrong]
    for name, value in changed.items():
        monkeypatch.setenv(name, value)

    code, out, err = printed(command)

    assert code == expected
    assert message in FinishedCommand(code, out, err).error_line
    assert "made-up" not in out + err
    assert not warehouse.exists()


class TestCheck:
    """``floriday check``."""

    def test_it_prints_token_scopes_and_organizations(
        self, printed: Printed, sandbox: Sandbox, warehouse: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """``check`` prints token, scopes, organizations and feeds without secrets, and creates no warehouse."""
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

    def test_the_env_file_is_named(self, sandbox: Sandbox, tmp_path: Path) -> None:
        """``check`` names the `.env` file that it read, which may be in a folder above."""
        (folder := tmp_path / "notes").mkdir()
        lines = [f"{name}='{text}'" for name, text in sandbox.environment().items()]
        (tmp_path / ".env").write_text("\n".join(lines))

        ended = floriday("check", folder=folder)

        assert f"settings from {tmp_path / '.env'}\n" in ended.out

    def test_a_scope_that_is_not_granted(self, tmp_path: Path) -> None:
        """A scope that is not granted is printed with the feeds that need it, and is no failure."""
        with Sandbox(empty=True, scopes=("role:app", "organization:read", "sales-order:read")) as sandbox:
            ended = floriday("check", folder=tmp_path, **sandbox.environment())

        assert ended.code == 0
        assert re.search("refused .*catalog:read", ended.out)
        assert re.search(r"catalog.trade_items +catalog:read +no", ended.out)
        assert re.search(r"orders.sales_orders +sales-order:read +yes", ended.out)

    def test_a_refused_key(self, printed: Printed, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
        """A refused API key is one line and exit code 1, and the other accounts are printed."""
        monkeypatch.setenv("FLORIDAY_API_KEYS", json.dumps({**sandbox.api_keys, "north": "made-up-key"}))

        code, out, err = printed("check")

        assert code == 1
        assert "south: " in out
        assert err.startswith("floriday: north: ")
        assert err.count("\n") == 1


class TestStatus:
    """``floriday status``."""

    @pytest.mark.usefixtures("synced_warehouse")
    def test_it_prints_a_row_for_each_feed(self, printed: Printed, sandbox: Sandbox) -> None:
        """``status`` prints rows, cursor, distance to the maximum, rejected records and time left to read."""
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

    @pytest.mark.usefixtures("synced_orders")
    def test_offline_needs_no_credentials(self, printed: Printed, monkeypatch: pytest.MonkeyPatch) -> None:
        """With ``--offline``, ``status`` needs no credentials and omits the distance."""
        for name in environment().keys() - {"FLORIDAY_WAREHOUSE"}:
            monkeypatch.delenv(name)

        code, out, err = printed("status", "--offline")

        assert (code, err) == (0, "")
        assert table(out)["north", ORDERS][-4] == "–"
        assert table(out)["north", "supply.batches"] == ["0", "–", "never", "–", "0", "–"]
        legend = out.splitlines()[-1]
        assert '– in "behind": Floriday was not called.' in legend
        assert '– in "lost in": Floriday states no time limit, or never read to its end.' in legend

    @pytest.mark.usefixtures("synced_orders")
    def test_missing_credentials_name_the_option(self, printed: Printed, monkeypatch: pytest.MonkeyPatch) -> None:
        """Without credentials, the error of ``status`` also names ``--offline``, which needs none."""
        monkeypatch.delenv("FLORIDAY_API_KEYS")

        code, _, err = printed("status")

        assert code == 2
        assert "FLORIDAY_API_KEY is missing" in err
        assert "`floriday status --offline` needs no credentials" in err

    @pytest.mark.usefixtures("existing_warehouse")
    def test_a_refused_maximum_is_unknown(self, printed: Printed, sandbox: Sandbox) -> None:
        """When a maximum is answered with 403, the distance is unknown, and that is no failure."""
        printed("sync", ORDERS)
        sandbox.faults.add(status(403, where="/sales-orders/current-max-sequence"))

        code, out, err = printed("status")

        assert (code, err) == (0, "")
        assert table(out)["north", ORDERS][-4] == "unknown"

    @pytest.mark.usefixtures("synced_warehouse")
    def test_floriday_does_not_answer(self, printed: Printed, sandbox: Sandbox) -> None:
        """A failed maximum is one line and exit code 1, and the data of the warehouse are printed."""
        sandbox.faults.add(Fault(kind=Kind.STATUS, status=400, where="*/current-max-sequence", account="north"))

        code, out, err = printed("status")

        assert code == 1
        assert table(out)["north", ORDERS][0] == "5"
        assert table(out)["north", ORDERS][-4] == "unknown"
        assert table(out)["south", ORDERS][-4] == "0"
        assert err.startswith("floriday: north · catalog.trade_items: ")
        assert err.count("\n") == 1

    @pytest.mark.usefixtures("existing_warehouse")
    def test_rejected_records_are_counted(self, printed: Printed, sandbox: Sandbox) -> None:
        """``status`` counts the open rejected records of each account and feed."""
        sandbox.faults.add(Fault(kind=Kind.GARBLED_RECORD, where="/sales-orders/sync/*", account="south"))
        printed("sync", ORDERS)

        _, out, _ = printed("status", "--offline")

        assert table(out)["south", ORDERS][-3] == "1"
        assert table(out)["north", ORDERS][-3] == "0"

    @pytest.mark.usefixtures("synced_warehouse")
    def test_changes_older_than_the_retention(self, printed: Printed, warehouse: Path) -> None:
        """``status`` marks a feed that was not read for longer than Floriday's retention."""
        with duckdb.connect(str(warehouse)) as connection:
            connection.execute("UPDATE sync.cursors SET current_at = ?", [real_now() - timedelta(days=31)])

        _, out, _ = printed("status", "--offline")

        assert table(out)["north", "supply.batches"][-1] == "now"

    def test_without_a_warehouse(self, printed: Printed, warehouse: Path) -> None:
        """Without a warehouse, ``status`` fails and creates no file."""
        code, _, err = printed("status")

        assert code == 1
        assert "run `floriday sync` first" in err
        assert not warehouse.exists()

    @pytest.mark.usefixtures("synced_orders")
    def test_another_environments_warehouse(self, printed: Printed, monkeypatch: pytest.MonkeyPatch) -> None:
        """``status`` refuses a warehouse that belongs to another environment."""
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
def test_durations_are_printed_in_fitting_units(length: timedelta, text: str) -> None:
    """A duration is printed in the largest unit of which it has at least two."""
    assert span(length) == text


class TestVersion:
    """Commands report on the version of the API."""

    @pytest.fixture
    def set_today(self, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
        """Set the date on which commands run."""
        return lambda day: monkeypatch.setattr(api_version, "today", lambda: datetime.fromisoformat(day).date())

    @pytest.fixture
    def newer(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
        """A sandbox that serves a newer version of the API than the catalogue, selected by the settings."""
        sandbox = Sandbox(empty=True)
        sandbox.api_path = "/suppliers-api-2026v2"
        with sandbox:
            write_warehouse(tmp_path / "n.duckdb", created("suppliers"))
            for name, value in {**sandbox.environment(), "FLORIDAY_WAREHOUSE": str(tmp_path / "n.duckdb")}.items():
                monkeypatch.setenv(name, value)
            monkeypatch.chdir(tmp_path)
            yield sandbox

    @pytest.mark.parametrize(
        ("day", "message"),
        [("2026-08-01", ""), ("2026-12-01", "deprecated"), ("2027-04-01", "only 30 days left"), ("2028-01-01", "was")],
    )
    @pytest.mark.parametrize("command", ["check", "status"])
    @pytest.mark.usefixtures("synced_orders")
    def test_the_end_of_a_version_is_announced(
        self, command: str, day: str, message: str, printed: Printed, set_today: Callable[[str], None]
    ) -> None:
        """The last line of ``check`` and ``status`` warns of a version that is deprecated, ends soon or has ended."""
        set_today(day)

        code, out, err = printed(command)

        assert (code, err) == (0, "")
        last = out.splitlines()[-1]
        assert ("version 2026v1 of the API" in last) is bool(message)
        assert message in last

    @cases("arguments", [("check",), ("sync", ORDERS), ("status",), ("status", "--offline")], quick=1)
    def test_another_version_is_used_with_a_note(
        self,
        arguments: tuple[str, ...],
        newer: Sandbox,
        capsys: pytest.CaptureFixture[str],
        set_today: Callable[[str], None],
    ) -> None:
        """The version of the base URL is requested, and one line notes that the catalogue has another."""
        set_today("2026-12-01")
        run(("sync", "sales_orders"))
        capsys.readouterr()

        code = run(arguments)

        out = capsys.readouterr().out
        assert code == 0
        assert out.count("is for version 2026v2 of the API, this program supports 2026v1") == 1
        assert all(call.path.startswith("/suppliers-api-2026v2") for call in newer.calls if "-api-" in call.path)

    @pytest.mark.usefixtures("synced_orders")
    def test_no_version_without_a_base_url(
        self, printed: Printed, monkeypatch: pytest.MonkeyPatch, set_today: Callable[[str], None]
    ) -> None:
        """Without a base URL, ``status --offline`` prints nothing about the version."""
        set_today("2028-01-01")
        monkeypatch.delenv("FLORIDAY_BASE_URL")

        code, out, _ = printed("status", "--offline")

        assert code == 0
        assert "version" not in out
