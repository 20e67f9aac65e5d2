"""``--format json`` of each command prints the documented keys, and nothing else on standard output."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from pipelines.catalogue import catalogue_of
from pipelines.cli.app import COMMANDS
from pipelines.sandbox import Fault, Kind, Sandbox
from tests.command_line import Printed
from tests.integration.syncing import empty_warehouse
from tests.records import valid_records

ORDERS = "orders.sales_orders"
MISSING_SCOPE = "catalog.trade_items"


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """Two accounts with three orders each."""
    with Sandbox(accounts=("north", "south"), empty=True) as sandbox:
        for account in ("north", "south"):
            for record in valid_records(catalogue_of("suppliers").feed(ORDERS), seed=1, count=3):
                sandbox.book(ORDERS, account).put(record)
        yield sandbox


@pytest.fixture(autouse=True)
def _settings(sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Point the settings at the sandbox, two feeds and an empty warehouse."""
    path = tmp_path / "w.duckdb"
    path.write_bytes(empty_warehouse("suppliers"))
    values = {"FLORIDAY_WAREHOUSE": str(path), "FLORIDAY_FEEDS": f"{ORDERS},{MISSING_SCOPE}"}
    for name, value in {**sandbox.environment(), **values}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)


def documented_keys(command: str) -> set[str]:
    """Return the words of the sentences about keys in a command's help."""
    text = next(each.__doc__ or "" for each in COMMANDS if each.__name__ == command)
    sentences = re.findall(r"(?:keys of|json prints|they are)(.*?)(?:\n\n|;|\. )", text, re.DOTALL)
    return set(re.findall(r"[a-z_]+", " ".join(sentences)))


def data(printed: Printed, *arguments: str, code: int = 0) -> Any:
    """Run a command with JSON as its format, and return what standard output contains."""
    ended, out, _ = printed(*arguments, "--format", "json")
    assert ended == code
    return json.loads(out)


@pytest.mark.slow
def test_rows_have_the_documented_keys(printed: Printed) -> None:
    """Sync, its dry run, status, report and tables print rows whose keys their help lists."""
    for arguments in (
        ("sync", "--dry-run"),
        ("sync",),
        ("status",),
        ("report",),
        ("tables",),
        ("tables", "sales_orders"),
    ):
        rows = data(printed, *arguments)
        assert rows, arguments
        assert set(rows[0]) <= documented_keys(arguments[0]), arguments


def test_a_sync_prints_each_feed(printed: Printed, sandbox: Sandbox) -> None:
    """A feed that was read, skipped or failed is one object with the values of the table for people."""
    rows = {(row["account"], row["feed"]): row for row in data(printed, "sync")}

    assert set(rows) == {(account, feed) for account in ("north", "south") for feed in (ORDERS, MISSING_SCOPE)}
    row = rows["north", ORDERS]
    assert (row["read"], row["new"], row["changed"], row["rejected"], row["current"]) == (3, 3, 0, 0, True)
    assert (row["error"], row["skipped"], row["reason"]) == (None, None, None)
    assert row["cursor"] == row["maximum"]

    sandbox.faults.add(Fault(kind=Kind.STATUS, status=400, where="/sales-orders/sync/*", account="north"))
    failed = {(row["account"], row["feed"]): row for row in data(printed, "sync", "--full", code=1)}
    assert "400" in failed["north", ORDERS]["error"]
    assert failed["north", ORDERS]["current"] is False


def test_check_prints_one_object(printed: Printed, monkeypatch: pytest.MonkeyPatch) -> None:
    """The object has the token, the accounts and the feeds; an account with a wrong key has the error."""
    found = data(printed, "check")
    assert {*found, *found["token"], *found["accounts"][0], *found["feeds"][0]} <= documented_keys("check")
    assert [each["error"] for each in found["accounts"]] == [None, None]

    monkeypatch.delenv("FLORIDAY_API_KEYS")
    monkeypatch.setenv("FLORIDAY_API_KEY", "wrong-and-secret")
    ended, out, _ = printed("check", "--format", "json")
    assert ended == 1
    assert "403" in json.loads(out)["accounts"][0]["error"]
    assert "wrong-and-secret" not in out
    ended, out, err = printed("check")
    assert ended == 1
    assert MISSING_SCOPE not in out
    assert "refuses /identities: 403" in err


def test_status_for_monitoring(printed: Printed) -> None:
    """`--max-age` fails in one line for feeds that were never read or are too old, and not for current ones."""
    data(printed, "sync", "sales_orders")
    code, _, err = printed("status", "--offline", "--max-age", "2h")
    assert code == 1
    assert (
        err
        == "floriday: north · catalog.trade_items and 1 other feed: not read to the end within 2 h; the oldest never\n"
    )

    data(printed, "sync")
    assert printed("status", "--offline", "--max-age", "2h")[0] == 0
    rows = data(printed, "status", "--offline", "--max-age", "2h")
    assert [row["maximum"] for row in rows] == [None] * 4
    kept = catalogue_of("suppliers").feed(ORDERS).retention
    assert kept is not None
    code, _, err = printed("status", "--offline", "--max-age", f"{kept.keeps // timedelta(days=1) + 1}d")
    assert code == 1
    assert "unread changes would be lost within" in err
    assert printed("status", "--max-age", "soon")[0] == 2


def test_data_alone_is_on_standard_output(printed: Printed, tmp_path: Path) -> None:
    """Progress and remarks go to standard error, and a file receives what would be printed."""
    code, out, err = printed("sync", "--format", "json", "--output", "outcomes.json")

    assert (code, out) == (0, "")
    assert f"north · {ORDERS}: 3 records read" in err
    assert len(json.loads((tmp_path / "outcomes.json").read_text())) == 4


@pytest.mark.parametrize("arguments", [["query", "-"], ["query", "--file", "q.sql"]])
def test_a_statement_is_read_from_a_file(
    arguments: list[str], printed: Printed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Standard input and `--file` are other places of the statement."""
    (tmp_path / "q.sql").write_text("SELECT 'ë' AS e", encoding="utf-8")
    with (tmp_path / "q.sql").open() as stream:
        monkeypatch.setattr("sys.stdin", stream)
        assert data(printed, *arguments) == [{"e": "ë"}]


def test_a_statement_comes_from_one_place(printed: Printed, tmp_path: Path) -> None:
    """No statement, two of them, a missing file and other text than UTF-8 are errors in one line."""
    (tmp_path / "latin.sql").write_bytes("SELECT 'ë'".encode("latin-1"))
    for arguments in ([], ["SELECT 1", "--file", "q.sql"], ["--file", "none.sql"], ["--file", "latin.sql"]):
        code, _, err = printed("query", *arguments)
        assert (code, err.count("\n")) == (2, 1), arguments


def test_show_tables_names_another_command(printed: Printed) -> None:
    """SHOW TABLES of DuckDB shows nothing, because the tables are in schemas."""
    code, _, err = printed("query", "show tables;")

    assert code == 0
    assert "`floriday tables` lists all tables" in err


def test_a_group_selects_its_feeds(printed: Printed) -> None:
    """The name of a group is that of all its feeds; a feed of the same name comes first."""
    orders = {source.name for source in catalogue_of("suppliers").sources if source.schema == "orders"}

    assert {row["feed"] for row in data(printed, "sync", "orders", "--account", "north")} == orders
    for names, feeds in (
        (["organizations"], {"organizations.organizations"}),
        (["organizations.*"], {s.name for s in catalogue_of("suppliers").sources if s.schema == "organizations"}),
    ):
        assert {source.name for source in catalogue_of("suppliers").selected(names)} == feeds
