"""``floriday demo``: a complete run on the built-in sandbox."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines import extras
from pipelines.cli.console import print_command, print_line
from pipelines.cli.options import WarehouseOption, check_api, refuse_warehouse

if TYPE_CHECKING:
    from pipelines.settings import Settings
    from pipelines.sync.outcome import FeedOutcome

WAREHOUSES = {"suppliers": Path("data") / "demo.duckdb", "customers": Path("data") / "demo-customers.duckdb"}
STORAGE = Path("data") / "demo-dagster"  # Dagster's files of demos, never those of the own history
TIME_OF_TRADE = timedelta(hours=24)  # a whole day, because nobody trades at night; both days are working days
WEEKS_SHOWN = timedelta(weeks=4)  # partitions that are marked in Dagster; a whole year would take half a minute more
_NEWEST_WEEKS = """  -- few columns, so that it fits a terminal of 80
    SELECT iso_year AS year, iso_week AS week, trade_item_name AS trade_item, currency, pieces, revenue
    FROM reports.revenue_by_week(
        to_date := date_trunc('week', timezone('Europe/Amsterdam', now())) - INTERVAL 1 DAY
    )
    LIMIT 12
"""
_BY_STATUS = "SELECT status, count(*) AS orders FROM orders.sales_orders GROUP BY ALL ORDER BY orders DESC"
RESULTS = {  # a title and a query to show, by API
    "suppliers": ("The last whole week in the report revenue_by_week", _NEWEST_WEEKS),
    "customers": ("The orders by their status", _BY_STATUS),
}
_CHANGED = (
    "SELECT sales_channel_order_id, version, status, number_of_pieces"
    " FROM history.sales_orders WHERE version > 1 LIMIT 10"
)
_OFFERED = (
    "SELECT name, count(*) AS lines FROM supply.supply_lines"
    " JOIN catalog.trade_items USING (account, trade_item_id) GROUP BY ALL"
)
QUERIES = {  # queries to suggest, by API
    "suppliers": (_BY_STATUS, _CHANGED, "FROM reports.revenue_by_week(currency := 'EUR') LIMIT 10"),
    "customers": (
        _OFFERED,
        _CHANGED,
        "SELECT actions_required, count(*) AS orders FROM orders.purchase_orders GROUP BY ALL",
    ),
}


def demo(
    api: Annotated[str, typer.Option(metavar="API", help="suppliers or customers.")] = "suppliers",
    warehouse: WarehouseOption = None,
) -> None:
    """Show everything on a built-in Floriday, without any settings.

    It starts a local Floriday on a free port, syncs every feed through Dagster, simulates a day of trade, syncs the
    changes, and shows the results. The warehouse is data/demo.duckdb, or data/demo-customers.duckdb for the Customers
    API. Each demo makes its warehouse anew. Your own warehouse is not touched, nor the runs that Dagster shows of it.

    For example:

        floriday demo

        floriday demo --api customers
    """
    from pipelines.settings import home_folder
    from pipelines.warehouse.opening import hold_sync_lock

    check_api(api)
    refuse_warehouse(warehouse, f"a demo makes its warehouse anew, always at {WAREHOUSES[api]}")
    path = home_folder() / WAREHOUSES[api]
    with hold_sync_lock(_whole_run(path), "floriday demo"):  # the syncs hold the warehouse's own lock, one by one
        run_at(datetime.now(UTC), api, path)


def _whole_run(warehouse: Path) -> Path:
    """The path whose lock a demo holds from its start to its end, so that no other one removes its warehouse."""
    return warehouse.with_name(f"{warehouse.name}.demo")


def run_at(now: datetime, api: str, warehouse: Path) -> None:
    """Run the demo as if it were ``now``: the last day of trade, which it simulates, is the last whole one before it.

    ``warehouse`` is an absolute path in the working directory.
    """
    from pipelines.cli.options import Format
    from pipelines.cli.output import write_result
    from pipelines.warehouse.file.removal import remove_warehouse
    from pipelines.warehouse.read.query_session import single_query

    began = time.monotonic()
    remove_warehouse(warehouse, "floriday demo")
    _sync_twice(now, api, warehouse)
    title, query = RESULTS[api]
    print_line(f"\nDone in {time.monotonic() - began:.0f} s. {title}:\n", "bold")
    with single_query(warehouse, query) as result:
        write_result(result, Format.TABLE, None, warehouse)
    _show_queries(warehouse, QUERIES[api])


def _sync_twice(now: datetime, api: str, warehouse: Path) -> None:
    from pipelines.sandbox import TWO_YEARS, Sandbox
    from pipelines.sandbox.world.calendar import start_of_trade

    print_line("Starting a local Floriday …")
    with Sandbox(api=api, now=start_of_trade(now), history=TWO_YEARS) as server:
        environment = {
            **server.environment(),
            "FLORIDAY_WAREHOUSE": str(warehouse),
            "FLORIDAY_PUBLISHED": "off",
            "FLORIDAY_HISTORY_START": (server.now - WEEKS_SHOWN).date().isoformat(),
        }
        _sync(f"First sync of {len(server.sources)} feeds from {server.url}, {_by_which_way()}", environment)
        server.advance(TIME_OF_TRADE)
        hours = TIME_OF_TRADE.total_seconds() / 3600
        _sync(f"{hours:.0f} hours of trade later, the changes", environment)


def _by_which_way() -> str:
    if extras.is_installed(extras.DAGSTER):
        return "through Dagster"
    return f"without Dagster, which is not installed ({extras.how_to_install(extras.DAGSTER)})"


def _sync(title: str, environment: Mapping[str, str]) -> None:
    from pipelines.cli.syncs.outcomes import print_outcomes
    from pipelines.cli.terminal.status_line import elapsed_time

    print_line(f"\n{title}\n", "bold")
    began = time.monotonic()
    with elapsed_time("syncing"):
        outcomes = _outcomes(environment)
    print_outcomes(outcomes, time.monotonic() - began)
    if not all(outcome.is_well for outcome in outcomes):
        raise typer.Exit(1)


def _outcomes(environment: Mapping[str, str]) -> list[FeedOutcome]:
    """The outcomes of a sync through Dagster if it is installed, else of a plain one."""
    from pipelines.settings import home_folder, load_settings

    home = home_folder()
    if extras.is_installed(extras.DAGSTER):
        from pipelines.orchestration.run_in_process import sync_through_dagster

        return sync_through_dagster(environment, root=home, storage=home / STORAGE)
    return _sync_without_dagster(load_settings(environment, home, dotenv=False))


def _sync_without_dagster(settings: Settings) -> list[FeedOutcome]:
    """The outcome of each feed of each account, in the catalogue's order."""
    from pipelines.sync.outcome import in_order
    from pipelines.sync.session import new_run_id, open_clients
    from pipelines.warehouse.opening import hold_sync_lock

    with hold_sync_lock(settings.warehouse, "floriday demo"), open_clients(settings) as connected:
        session = connected.prepare()
        accounts = list(session.identities)
        outcomes = list(session.sync_all(session.sources, run_id=new_run_id(), accounts=accounts))
        session.save_positions()
    return in_order(outcomes, accounts, session.sources)


def _show_queries(warehouse: Path, queries: Iterable[str]) -> None:
    path = warehouse.relative_to(Path.cwd()) if warehouse.is_relative_to(Path.cwd()) else warehouse
    print_line(f"\nEverything is in {path}. Try:\n", "bold")
    for query in queries:
        print_command(f'{_program()} query --warehouse {shlex.quote(str(path))} "{query}"')


def _program() -> str:
    """The command for the suggested queries: its name if that is on PATH, else the path of this call."""
    path = Path(sys.argv[0])
    if path.name != "floriday" or shutil.which("floriday"):
        return "floriday"
    return shlex.quote(os.path.relpath(path))
