"""Generate the examples of ``docs/reports``; ``make examples`` stores them in the dictionary.

They are the results of the reports for two worlds of the sandbox, one for each API. Each is synced at a fixed time, and
again after a day of trade. The same code gives the same rows, because the reports see the fixed time as the current
one. Only the report about the syncs shows the times at which the examples were made.
"""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import msgspec

from pipelines.dictionary.examples import Example, Examples
from pipelines.errors import PipelineError
from pipelines.reports import Report, all_reports, installed
from pipelines.sandbox import RECENT, TWO_YEARS, Sandbox
from pipelines.settings import load_settings
from pipelines.sync.session import open_clients
from pipelines.warehouse.arrow_results import arrow_table
from pipelines.warehouse.file.connection import Warehouse
from pipelines.warehouse.read.value_text import display_text

FIRST_SYNC = dt.datetime(2026, 11, 23, 9, 0, tzinfo=dt.UTC)
SECOND_SYNC = FIRST_SYNC + dt.timedelta(hours=24)
ROWS = 4

SCALE = {"suppliers": 0.5, "customers": 1.0}
HISTORY = {"suppliers": TWO_YEARS, "customers": RECENT}  # a grower's growth compares whole years of steady trade

_LAST_WEEK = "from_date := '2026-11-16', to_date := '2026-11-22'"
PARAMETERS = {
    "customer_ranking": "from_date := '2026-10-01', currency := 'EUR'",
    "fill_rate": _LAST_WEEK,
    "price_development": f"{_LAST_WEEK}, currency := 'EUR'",
    "revenue_by_week": f"{_LAST_WEEK}, currency := 'EUR'",
    "sell_through": _LAST_WEEK,
    "stock_ledger": _LAST_WEEK,
}
"""Parameters of the reports whose first rows would otherwise show little."""


def make_examples() -> Examples:
    """Start both worlds, sync them, and query every report. Raises a PipelineError if a feed could not be synced."""
    found = {**dict(_world("customers")), **dict(_world("suppliers"))}
    return Examples(SECOND_SYNC.isoformat(), {each.name: found[each.name] for each in all_reports()})


def _world(api: str) -> Iterator[tuple[str, Example]]:
    with (
        TemporaryDirectory() as folder,
        Sandbox(api=api, now=FIRST_SYNC, scale=SCALE[api], history=HISTORY[api]) as sandbox,
    ):
        warehouse = Warehouse(Path(folder) / "examples.duckdb")
        settings = {**sandbox.environment(), "FLORIDAY_WAREHOUSE": str(warehouse.path), "FLORIDAY_PUBLISHED": "off"}
        _sync(settings)
        sandbox.advance(SECOND_SYNC - sandbox.now)
        _sync(settings)
        with warehouse.reading() as connection:
            names = installed(connection)
            available = [each for each in all_reports() if each.name in names]
            yield from ((each.name, _example(connection, api, each)) for each in available if reads_sync_tables(each))
            _fix_current_time(connection)
            for each in available:
                if not reads_sync_tables(each):
                    yield each.name, _example(connection, api, each)


def reads_sync_tables(report: Report) -> bool:
    """Whether a report is about the syncs, and not about synced data."""
    return all(table.startswith("sync.") for table in report.tables)


def _sync(environment: Mapping[str, str]) -> None:
    with open_clients(load_settings(environment, dotenv=False)) as connected:
        session = connected.prepare()
        outcomes = list(session.sync_all(session.sources, run_id="examples"))
        session.save_positions()
    for outcome in outcomes:
        if outcome.error:
            raise PipelineError(f"{outcome.feed}: {outcome.error}")


def _fix_current_time(connection: duckdb.DuckDBPyConnection) -> None:
    """Make ``now()`` return the time of the second sync; a macro of the session replaces the built-in function."""
    connection.execute(f"CREATE OR REPLACE TEMP MACRO now() AS TIMESTAMPTZ '{SECOND_SYNC.isoformat()}'")


def _example(connection: duckdb.DuckDBPyConnection, api: str, report: Report) -> Example:
    parameters = PARAMETERS.get(report.name)
    sql = f"FROM reports.{report.name}{f'({parameters})' if parameters else ''} LIMIT {ROWS}"
    answer = arrow_table(connection, sql).combine_chunks()
    columns = [display_text(column.combine_chunks()).to_pylist() for column in answer.columns]
    return Example(api, sql, tuple(answer.column_names), tuple(zip(*columns, strict=True)))


if __name__ == "__main__":
    text = msgspec.json.format(msgspec.json.encode(make_examples()), indent=1)
    sys.stdout.write(f"{text.decode()}\n")
