"""Names and data are never executed as SQL, answers cannot crash the process, and secrets and files stay private."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from pipelines.cli.entry import run
from pipelines.errors import FatalError, GarbledAnswerError, PipelineError
from pipelines.floriday.client import FloridayClient
from pipelines.floriday.http.auth import TokenSession
from pipelines.sandbox import Sandbox
from tests.integration.answering_server import Reply, answering_server, self_signed
from tests.integration.syncing import SUPPLIERS, Syncing, empty_warehouse
from tests.manual_clock import ManualClock
from tests.records import valid_records

ROOT = Path(__file__).parents[2]
ORDERS = "orders.sales_orders"
EVIL = """x'); DROP TABLE sync.cursors; --"""
QUOTES = """"; ATTACH 'a.duckdb'; {0} $account ? \\"""
RENAMED = "' OR \"\" = '"
BASE = "/suppliers-api-2026v1"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """Two accounts whose names contain SQL, with records whose texts contain SQL."""
    with Sandbox(accounts=(EVIL, QUOTES), empty=True) as sandbox:
        for account in (EVIL, QUOTES):
            for record in valid_records(SUPPLIERS.feed(ORDERS), seed=1, count=3):
                named = {**record, "deliveryRemarks": EVIL, "salesChannel": QUOTES, "createdByUserName": "'; --"}
                sandbox.book(ORDERS, account).put(named)
        number = sandbox.book(ORDERS, EVIL).reserve()
        sandbox.book(ORDERS, EVIL).put(
            f'{{"salesOrderId":"\'); DROP TABLE raw.sales_orders; --","sequenceNumber":{number},"{EVIL}":1}}'.encode(),
            key=("evil",),
            number=number,
        )
        yield sandbox


@pytest.fixture
def warehouse(sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Syncing:
    """Point the settings at the sandbox and at a warehouse that does not exist yet."""
    syncing = Syncing(sandbox, tmp_path / "w.duckdb")
    syncing.path.unlink()
    settings = {**sandbox.environment(), "FLORIDAY_WAREHOUSE": str(syncing.path), "FLORIDAY_FEEDS": "sales_orders"}
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    return syncing


@pytest.fixture
def umask() -> Iterator[None]:
    """Set a umask with which new files are readable by others."""
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.mark.slow
@pytest.mark.usefixtures("umask")
def test_names_and_data_are_never_sql_and_files_are_private(
    warehouse: Syncing,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Commands store data exactly as served, show and store no secret, and create private files only."""
    descriptor = os.open(warehouse.path, os.O_CREAT | os.O_WRONLY, 0o600)
    os.write(descriptor, empty_warehouse("suppliers"))
    os.close(descriptor)
    commands = (
        ["sync"],
        ["sync", "--full", "--account", EVIL],
        ["status"],
        ["check"],
        ["report", "revenue_by_week", "--output", "report.csv"],
        ["query", "SELECT account, delivery_remarks FROM orders.sales_orders", "--output", "q.parquet"],
        ["query", "SELECT sales_channel FROM orders.sales_orders", "--output", "q.xlsx"],
        ["backup", "backups/b.duckdb"],
        ["export", "exported"],
        ["rejected", "--retry"],
        ["rejected", "--export", "rejected.json"],
        ["dashboard"],
        ["rebuild", "sales_orders"],
        ["compact"],
    )

    with caplog.at_level(logging.DEBUG):
        codes = {command[0]: run(command) for command in commands}
        keys = warehouse.sandbox.api_keys
        monkeypatch.setenv("FLORIDAY_API_KEYS", json.dumps({EVIL: keys[EVIL], RENAMED: keys[QUOTES]}))
        codes["rename"] = run(["rename", QUOTES, RENAMED])

    shown = caplog.text + "".join(capsys.readouterr())
    assert set(codes.values()) == {0}, shown
    assert set(warehouse.rows("SELECT account, delivery_remarks, sales_channel FROM orders.sales_orders")) == {
        (account, EVIL, QUOTES) for account in (EVIL, RENAMED)
    }
    assert set(warehouse.rows("SELECT account, count(*) FROM raw.sales_orders GROUP BY account")) == {
        (EVIL, 3),
        (RENAMED, 3),
    }
    assert warehouse.rows("SELECT count(*) FROM sync.rejected_records") == [(1,)]
    _assert_private(tmp_path)
    _assert_no_secret(warehouse.sandbox, tmp_path, shown)


def _assert_private(folder: Path) -> None:
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert {"w.duckdb", "w.duckdb.lock", "w.published.duckdb", "b.duckdb", "q.parquet", "q.xlsx", "report.csv"} <= {
        path.name for path in files
    }
    assert {path.name: oct(path.stat().st_mode & 0o777) for path in files if path.stat().st_mode & 0o077} == {}


def _assert_no_secret(sandbox: Sandbox, folder: Path, shown: str) -> None:
    secrets = [sandbox.client_secret, *sandbox.api_keys.values(), *sandbox.tokens.issued]
    assert len(secrets) > 3
    for secret in secrets:
        assert secret not in shown
        for path in folder.rglob("*"):
            assert not path.is_file() or secret.encode() not in path.read_bytes(), path.name


@pytest.mark.parametrize(
    "arguments",
    [
        ["sync", "sales_orders; DROP TABLE sync.cursors"],
        ["sync", "--account", "main' OR 1=1"],
        ["rebuild", 'sales_orders" CASCADE'],
        ["report", "revenue_by_week() UNION SELECT 1"],
        ["report", "revenue_by_week", "--from-date", "2026-01-01'); DROP TABLE sync.cursors; --"],
    ],
)
def test_arguments_are_never_sql(arguments: list[str], warehouse: Syncing, capsys: pytest.CaptureFixture[str]) -> None:
    """An argument that contains SQL is refused as an invalid name or date."""
    warehouse.path.write_bytes(empty_warehouse("suppliers"))
    before = warehouse.path.read_bytes()

    assert run(arguments) in {1, 2}

    assert capsys.readouterr().err.count("\n") == 1
    assert warehouse.path.read_bytes() == before


@pytest.mark.parametrize("body", [b"[" * 1_000_000, b'{"organization":' * 100_000, b'{"organization":' + b"[" * 99_999])
@pytest.mark.parametrize("operation", ["identity", "maximum", "token"])
def test_deeply_nested_answers_are_refused(body: bytes, operation: str) -> None:
    """An answer with very deep nesting is refused in one line."""
    time = ManualClock()
    endpoint = SUPPLIERS.feed(ORDERS).endpoint
    with answering_server() as server:
        server.respond("/token", Reply(200, body if operation == "token" else {"access_token": "t0ken-1"}))
        for path in (f"{BASE}/identities", f"{BASE}{endpoint.max_sequence}"):
            server.respond(path, Reply(200, body))
        session = TokenSession(f"{server.address}/token", "client-1", SecretStr("s3cr3t"), clock=time.clock)
        client = FloridayClient(server.address + BASE, session, SecretStr("k3y"), account="main", clock=time.clock)
        operations: Any = {
            "identity": client.identity,
            "maximum": lambda: client.maximum(endpoint),
            "token": session.token,
        }

        with client, pytest.raises((GarbledAnswerError, FatalError)) as refused:
            operations[operation]()

    assert "\n" not in str(refused.value)


def test_the_api_key_is_not_sent_without_verification(tmp_path: Path) -> None:
    """The API key is not sent to a server whose certificate cannot be verified."""
    time = ManualClock()
    with answering_server() as server, answering_server(self_signed(tmp_path)) as impostor:
        server.respond("/token", Reply(200, {"access_token": "t0ken-1"}))
        session = TokenSession(f"{server.address}/token", "client-1", SecretStr("s3cr3t"), clock=time.clock)
        address = impostor.address.replace("http://127.0.0.1", "https://localhost") + BASE

        with (
            FloridayClient(address, session, SecretStr("k3y"), account="main", clock=time.clock) as client,
            pytest.raises(PipelineError, match="the TLS certificate of localhost cannot be verified"),
        ):
            client.identity()

    assert impostor.requests == []
