"""Generate the examples of ``docs/reports.md``; ``make examples`` stores them in the dictionary.

They are what the reports say of two worlds of the sandbox, synced as anybody's data are: first at a fixed moment, then
after a day of trade. Same code, same rows: to the reports it is that moment too, except to the one on the syncs, whose
times are those at which the examples were made.
"""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import msgspec

from pipelines.cli.formats.text import shown
from pipelines.dictionary.examples import Example, Examples
from pipelines.errors import PipelineError
from pipelines.reports import Report, all_reports, installed
from pipelines.sandbox import Sandbox
from pipelines.settings import load_settings
from pipelines.sync.session import open_clients
from pipelines.warehouse.file.connection import Warehouse

FIRST_SYNC = dt.datetime(2026, 11, 23, 9, 0, tzinfo=dt.UTC)
SECOND_SYNC = FIRST_SYNC + dt.timedelta(hours=24)
ROWS = 4

SCALE = {"suppliers": 0.5, "customers": 1.0}

_LAST_WEEK = "from_date := '2026-11-16', to_date := '2026-11-22'"
PARAMETERS = {
    "customer_ranking": "from_date := '2026-10-01', currency := 'EUR'",
    "fill_rate": _LAST_WEEK,
    "price_development": f"{_LAST_WEEK}, currency := 'EUR'",
    "revenue_by_week": f"{_LAST_WEEK}, currency := 'EUR'",
    "sell_through": _LAST_WEEK,
    "stock_ledger": _LAST_WEEK,
}
"""What a report is asked for where its first rows would tell little; nothing in particular elsewhere."""


def found_examples() -> Examples:
    """Make the worlds, sync them, and ask every report.

    Raises:
        PipelineError: a feed could not be synced.
    """
    found = {**dict(_world("customers")), **dict(_world("suppliers"))}
    return Examples(SECOND_SYNC.isoformat(), {each.name: found[each.name] for each in all_reports()})


def _world(api: str) -> Iterator[tuple[str, Example]]:
    """What the reports of an API's warehouse say."""
    with TemporaryDirectory() as folder, Sandbox(api=api, now=FIRST_SYNC, scale=SCALE[api]) as sandbox:
        warehouse = Warehouse(Path(folder) / "examples.duckdb")
        settings = {
            **sandbox.environment(),
            "FLORIDAY_WAREHOUSE": str(warehouse.path),
            "FLORIDAY_PUBLISHED": "off",
        }
        _sync(settings)
        sandbox.advance(SECOND_SYNC - sandbox.now)
        _sync(settings)
        with warehouse.reading() as connection:
            names = installed(connection)
            there = [each for each in all_reports() if each.name in names]
            yield from ((each.name, _asked(connection, api, each)) for each in there if is_of_the_syncs(each))
            _stop_the_clock(connection)
            yield from ((each.name, _asked(connection, api, each)) for each in there if not is_of_the_syncs(each))


def is_of_the_syncs(report: Report) -> bool:
    """Whether a report tells of the syncs, and not of what was synced."""
    return all(table.startswith("sync.") for table in report.tables)


def _sync(environment: Mapping[str, str]) -> None:
    with open_clients(load_settings(environment, dotenv=False)) as connected:
        session = connected.prepare()
        outcomes = list(session.sync_all(session.sources, run_id="examples"))
        session.save_positions()
    for outcome in outcomes:
        if outcome.error:
            raise PipelineError(f"{outcome.feed}: {outcome.error}")


def _stop_the_clock(connection: duckdb.DuckDBPyConnection) -> None:
    """Have this session take the second sync's moment for the present: its own macros come before what is built in."""
    connection.execute(f"CREATE OR REPLACE TEMP MACRO now() AS TIMESTAMPTZ '{SECOND_SYNC.isoformat()}'")


def _asked(connection: duckdb.DuckDBPyConnection, api: str, report: Report) -> Example:
    given = PARAMETERS.get(report.name)
    sql = f"FROM reports.{report.name}{f'({given})' if given else ''} LIMIT {ROWS}"
    answer = connection.execute(sql).to_arrow_table().combine_chunks()
    columns = [shown(column.combine_chunks()).to_pylist() for column in answer.columns]
    return Example(api, sql, tuple(answer.column_names), tuple(zip(*columns, strict=True)))


if __name__ == "__main__":
    text = msgspec.json.format(msgspec.json.encode(found_examples()), indent=1)
    sys.stdout.write(f"{text.decode()}\n")
