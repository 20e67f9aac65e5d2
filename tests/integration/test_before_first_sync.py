"""Queries of a time before the first sync are noticed, however they write the time."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pipelines.cli.entry import run
from pipelines.warehouse.file.connection import Warehouse
from pipelines.warehouse.read.hints.before_first_sync import before_first_sync
from pipelines.warehouse.read.query_session import QuerySession, query_session
from tests.integration.syncing import empty_warehouse

WINDOW = "INSERT INTO sync.windows (account, feed, series, records, changed, rejected, started_at, committed_at)"
BATCHES, ORDERS = "2026-03-10 08:00:00+00", "2026-03-20 08:00:00+00"


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[QuerySession]:
    """A query process on a warehouse whose batches were first synced ten days before its orders."""
    path = tmp_path_factory.mktemp("past") / "w.duckdb"
    path.touch(mode=0o600)
    path.write_bytes(empty_warehouse("suppliers", ("orders.sales_orders", "supply.batches")))
    with Warehouse(path).writing() as connection:
        for feed, at in (("supply.batches", BATCHES), ("orders.sales_orders", ORDERS)):
            connection.execute(f"{WINDOW} VALUES ('main', '{feed}', 1, 0, 0, 0, '{at}', '{at}')")
    with query_session(path) as opened:
        yield opened


@pytest.mark.parametrize(
    "argument",
    [
        "'2026-03-09'",
        "moment := DATE '2026-03-09'",
        "TIMESTAMPTZ '2026-03-10 08:59:59+01'",
        "(SELECT min(started_at) - INTERVAL (1) SECOND FROM sync.windows WHERE feed <> ')')",
    ],
)
def test_a_time_before_the_first_sync(argument: str, session: QuerySession) -> None:
    """The notice names the table and the time of its first sync; a day means its end in Amsterdam."""
    notice = before_first_sync(session.rows, f"SELECT count(*) FROM history.batches_as_of({argument}) b")

    assert notice is not None
    assert notice.startswith("history.batches_as_of has no rows: the first sync was at 2026-03-10 08:00:00 UTC")


@pytest.mark.parametrize(
    ("sql", "is_noticed"),
    [
        ("FROM history.batches_as_of('2026-03-10')", False),
        ("FROM history.sales_orders_as_of('2026-03-10')", True),
        ("FROM history.sales_order_mutations_as_of('2026-03-10')", False),
        ("FROM history.batches_as_of(now()) JOIN history.\"sales_orders_as_of\" ('2026-03-12') USING (account)", True),
        ("FROM history.batches_as_of($day)", True),
        ("FROM history.batches_as_of(nothing)", False),
        ("FROM history.batches_as_of(", False),
        ("FROM supply.batches", False),
    ],
)
def test_each_table_has_its_own_first_sync(sql: str, *, is_noticed: bool, session: QuerySession) -> None:
    """A feed counts from its own first sync, a child table from the first of all; an argument may be a parameter."""
    assert (before_first_sync(session.rows, sql, {"day": "2026-01-01"}) is not None) == is_noticed


def test_the_command_prints_it_on_standard_error(session: QuerySession, capsys: pytest.CaptureFixture[str]) -> None:
    """``floriday query`` prints the rows, and the notice on standard error; the exit code is 0."""
    ((path,),) = session.rows("SELECT path FROM duckdb_databases() WHERE database_name = current_database()")

    code = run(["query", "SELECT count(*) AS n FROM history.batches_as_of('2026-01-01')", "--warehouse", path])

    out, err = capsys.readouterr()
    assert (code, out) == (0, "n\n0\n")
    assert err.startswith("floriday: history.batches_as_of has no rows: the first sync was at ")
