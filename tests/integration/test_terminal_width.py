"""Every command on a terminal of 60, 80, 120 and 200 columns: no line is longer, and no name is broken."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from pipelines.catalogue import catalogue_of
from pipelines.catalogue.tables import tables_of
from pipelines.cli.app import app
from pipelines.cli.entry import USAGE_ERROR
from pipelines.cli.terminal.wrapping import cells
from pipelines.reports import all_reports
from pipelines.sandbox import Sandbox
from tests.integration.syncing import empty_warehouse
from tests.moments import NOW
from tests.pseudo_terminal import run_in_terminal
from tests.records import in_json, valid_records
from tests.terminal_commands import Job, run_jobs

NARROW = 60
WIDTHS = (NARROW, 80, 120, 200)
SERVED = 3
"""Records of each feed. One batch has an invalid identifier, and is rejected."""
ACCOUNT = "main"
SOURCES = {api: catalogue_of(api).sources for api in ("suppliers", "customers")}
NAMES = {
    *(report.name for report in all_reports()),
    *(name for sources in SOURCES.values() for source in sources for name in (source.name, source.scope)),
    *(table.qualified_name for sources in SOURCES.values() for each in sources for table in tables_of(each).walk()),
}
"""The names of feeds, tables, reports and scopes, which must not be broken."""
KEY = {"FLORIDAY_PERSONAL_DATA_KEY": "a key that is long enough to be accepted, for tests"}
JOINS = (
    "SELECT count(*) FROM orders.sales_orders JOIN catalog.trade_items USING (account) JOIN supply.batches USING"
    " (account) JOIN supply.supply_lines USING (account) JOIN organizations.connections USING (account)"
)
LONG_TEXT = "SELECT '玫瑰 " + "Rosa 'Avalanche' ".replace("'", "''") * 30 + "' AS description, 1 AS number"


@dataclass(frozen=True)
class Case:
    """A command with arguments.

    Args:
        arguments: arguments of the command, the name first.
        is_new: whether its warehouse has tables without rows, instead of synced records.
        variables: environment variables to add; empty ones count as missing.
        until: text after which the command is stopped; None if it ends.
    """

    arguments: tuple[str, ...]
    is_new: bool = False
    variables: dict[str, str] = field(default_factory=dict)
    until: str | None = None


LONG_NAMES = (
    *("catalog.packing_configuration_requests", "orders.sales_order_correction_requests", "supply.batches"),
    *("supply.trade_item_availabilities_per_week", "fulfillment.fulfillment_orders"),
)
FEW = {"FLORIDAY_FEEDS": ",".join(LONG_NAMES)}
"""Feeds with the longest names, or with tables that have these; the first sync reads all feeds."""
WITHOUT_SETTINGS = {
    f"FLORIDAY_{name}": "" for name in ("CLIENT_ID", "CLIENT_SECRET", "API_KEY", "API_KEYS", "AUTH_URL", "BASE_URL")
}
CASES = {
    "demo": [Case(("demo", "--api", "growers"))],
    "lookup": [Case(("lookup", "load", "missing.csv"))],
    "init": [
        Case(("init",), variables=WITHOUT_SETTINGS),
        Case(("init", "--account", "north=1", "--account", "south=2", "--environment", "live", "--no-check")),
    ],
    "check": [Case(("check",)), Case(("check",), variables=WITHOUT_SETTINGS)],
    "sync": [
        Case(("sync",), is_new=True, variables=FEW),
        Case(("sync", "--dry-run"), is_new=True, variables=FEW),
        Case(("sync", "--follow"), is_new=True, variables=FEW, until="following"),
        Case(("sync", "tulips")),
    ],
    "status": [Case(("status",)), Case(("status", "--offline"))],
    "rejected": [Case(("rejected",)), Case(("rejected", "--retry")), Case(("rejected", "--export", "records.jsonl"))],
    "tables": [
        Case(("tables",)),
        Case(("tables", "sales_order_correction_requests")),
        Case(("tables", "history.trade_item_availabilities_per_week")),
    ],
    "report": [Case(("report",)), Case(("report", "sync_health")), Case(("report", "revenue_by_month"))],
    "query": [
        Case(("query", "FROM orders.sales_orders LIMIT 2")),
        Case(("query", "SELECT account, feed, cursor FROM sync.cursors")),
        Case(("query", LONG_TEXT)),
        Case(("query", f"EXPLAIN {JOINS}")),
        Case(("query", "SELECT nothing FROM orders.sales_orders JOIN orders.sales_order_mutations USING (order_id)")),
    ],
    "mcp": [Case(("mcp", "--http", "0"), until="mcp-token"), Case(("mcp", "--http", "x"))],
    "dashboard": [Case(("dashboard",))],
    "up": [Case(("up", "--api", "growers"))],
    "rebuild": [Case(("rebuild", "sales_orders", "trade_item_availabilities_per_week"))],
    "backup": [Case(("backup", "copy.duckdb"))],
    "export": [Case(("export", "parquet"))],
    "compact": [Case(("compact",))],
    "rename": [
        Case(("rename", ACCOUNT, "north")),
        Case(("rename", ACCOUNT, "north"), variables={"FLORIDAY_API_KEY": "", "FLORIDAY_API_KEYS": '{"north": "key"}'}),
    ],
    "move": [Case(("move", ACCOUNT, "--from", "main", "--to", "north")), Case(("move", ACCOUNT, "--from", "main"))],
    "redact": [
        Case(("redact", "--dry-run"), variables={"FLORIDAY_PERSONAL_DATA": "hash", **KEY}),
        Case(("redact",), variables={"FLORIDAY_PERSONAL_DATA": "drop", **KEY}),
    ],
    "sandbox": [Case(("sandbox", "--port", "0"), until="FLORIDAY_API_KEY")],
    "catalogue": [Case(("catalogue", "swagger.json"))],
}
"""The commands by name. The tests at the end run ``demo`` and ``up`` as a whole."""
QUICK = ("check", "status", "report", "query")
"""Commands that take little time."""


@dataclass(frozen=True)
class World:
    """What the commands need.

    Args:
        folder: folder for the files of the jobs.
        variables: settings that point at the sandbox.
        first_sync: what the first sync of all feeds printed on a narrow terminal.
    """

    folder: Path
    variables: dict[str, str]
    first_sync: str

    def job(self, case: Case, columns: int | None) -> Job:
        """Return the job of a case on a terminal, or in a pipe."""
        warehouse = self.folder / ("new.duckdb" if case.is_new else "synced.duckdb")
        return Job(
            case.arguments,
            columns,
            str(self.folder / f"{'-'.join(case.arguments)[:30].replace('/', '_')}-{id(case)}-{columns}"),
            {"w.duckdb": str(warehouse), "swagger.json": str(self.folder / "swagger.json")},
            {**self.variables, **case.variables},
            case.until,
        )


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A sandbox with some records of each feed, a warehouse with its tables, and one with its records."""
    yield from _world("suppliers", tmp_path_factory.mktemp("suppliers"))


def _world(api: str, folder: Path) -> Iterator[World]:
    (folder / "new.duckdb").touch(mode=0o600)
    (folder / "new.duckdb").write_bytes(empty_warehouse(api))
    specification = {"swagger": "2.0", "info": {"version": "2027v1"}, "basePath": f"/{api}-api-2027v1", "paths": {}}
    (folder / "swagger.json").write_text(json.dumps(specification))
    with Sandbox(api=api, accounts=(ACCOUNT,), empty=True, now=NOW) as sandbox:
        for feed in catalogue_of(api).feeds:
            records = valid_records(feed, seed=1, count=SERVED)
            for record in records[:1] if feed.name == "supply.batches" else ():
                record["batchId"] = "not-an-identifier"
            for record in records:
                key, number = (str(record["sequenceNumber"]),), record["sequenceNumber"]
                sandbox.book(feed.name, ACCOUNT).put(in_json(record), key=key, number=number)
        variables = {**sandbox.environment(), "FLORIDAY_WAREHOUSE": "w.duckdb", "FLORIDAY_PUBLISHED": "off"}
        path = str(folder / "synced.duckdb")
        shutil.copy(folder / "new.duckdb", path)
        (printed,) = run_jobs(
            [Job(("sync",), NARROW, str(folder / "first"), variables={**variables, "FLORIDAY_WAREHOUSE": path})]
        )
        yield World(folder, variables, printed)


def assert_fits(printed: str, columns: int, complete: str) -> None:
    """Assert that no line is longer than the terminal, and that each name of the complete output is whole in a line."""
    lines = re.sub(r"\x1b\[[\d;]*m", "", printed).replace("\r", "\n").splitlines()
    assert [line for line in lines if cells(line) > columns] == []
    assert "\x1b" not in "".join(lines)
    words = {word for line in lines for word in re.findall(r"[\w.:-]+", line)}
    words |= {word.strip(".:") for word in words}
    complete = re.sub(r"(?m)^.* · .*: .* in [\d.]+ s$", "", complete)  # the progress in a pipe
    expected = {word.strip(".:") for word in re.findall(r"[\w.:-]+", complete)} & NAMES
    assert {name for name in expected if not {name, name.partition(".")[2] or name} & words} == set()
    assert "Traceback" not in printed


def check(world: World, cases: list[Case], widths: tuple[int, ...]) -> list[str]:
    """Run cases in a pipe and at each width, and look at every line; returns what the pipes received."""
    jobs = [world.job(case, columns) for case in cases for columns in (None, *widths)]
    printed = iter(run_jobs(jobs))
    pipes = []
    for _ in cases:
        complete = next(printed)
        pipes.append(complete)
        for columns in widths:
            assert_fits(next(printed), columns, complete)
    return pipes


def test_every_command_is_driven() -> None:
    """Each command of the program has a case."""
    assert {info.callback.__name__ for info in app.registered_commands if info.callback} == set(CASES)


def test_quick_commands_fit_narrow_terminals(world: World) -> None:
    """At 60 columns, no line of the commands that take little time is longer, and no name is broken."""
    check(world, [CASES[name][0] for name in QUICK], (NARROW,))


def test_a_sync_fits_a_narrow_terminal(world: World) -> None:
    """At 60 columns, a sync of all feeds with a rejected record fits, and each feed is on one line."""
    assert_fits(world.first_sync, NARROW, " ".join(source.name for source in SOURCES["suppliers"]))

    assert "1 record rejected" in " ".join(world.first_sync.split())


def test_the_plan_of_a_query_is_shown_in_parts(world: World) -> None:
    """On a narrow terminal, a plan is drawn in parts one below the other, and no box of it is broken."""
    (printed,) = run_jobs([world.job(Case(("query", f"EXPLAIN {JOINS}")), NARROW)])

    assert_fits(printed, NARROW, "")
    assert "to the right of it:" in printed
    boxes = re.sub(r"\x1b\[[\d;]*m", "", printed)
    assert len(re.findall("SEQ_SCAN|Seq Scan", boxes)) == 5
    assert len(re.findall("[┌╭]─", boxes)) == len(re.findall("[└╰]─", boxes))


def test_an_error_is_one_line_in_a_file(tmp_path: Path) -> None:
    """An error is one line if standard error is no terminal, although standard output is one."""
    folder = tmp_path / "empty"
    folder.mkdir()
    with run_in_terminal("rename", ACCOUNT, "a name with a\ttab", folder=folder, COLUMNS="60") as running:
        assert running.ended(30) == USAGE_ERROR

    assert running.stderr.count("\n") == 1
    assert cells(running.stderr) > NARROW


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_every_command_fits_every_terminal(name: str, world: World) -> None:
    """At 60, 80, 120 and 200 columns, no line of a command is longer, and no name is broken."""
    check(world, CASES[name], WIDTHS)


@pytest.fixture(scope="module")
def buyers_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The same for the Customers API."""
    yield from _world("customers", tmp_path_factory.mktemp("customers"))


@pytest.mark.slow
def test_buyers_feeds_fit_every_terminal(buyers_world: World) -> None:
    """The names of the Customers API, which are the longest, are whole at every width."""
    names = " ".join(source.name for source in SOURCES["customers"])

    check(buyers_world, [*CASES["status"], CASES["check"][0], CASES["tables"][0]], WIDTHS)

    assert_fits(buyers_world.first_sync, NARROW, names)


@pytest.mark.slow
@pytest.mark.parametrize(("api", "columns"), [("suppliers", 60), ("suppliers", 80), ("customers", 60)])
def test_a_demo_fits_the_terminal(api: str, columns: int, tmp_path: Path) -> None:
    """Each feed of both syncs of a demo is on one line, and no line is longer than the terminal."""
    names = " ".join(source.name for source in SOURCES[api])

    (printed,) = run_jobs([Job(("demo", "--api", api), columns, str(tmp_path / "demo"))])

    assert "of trade later" in printed
    assert "Done in" in printed
    for part in printed.split("of trade later"):
        assert_fits(part, columns, names)


@pytest.mark.slow
@pytest.mark.parametrize("columns", [60, 80])
def test_dagsters_addresses_fit_the_terminal(columns: int, tmp_path: Path) -> None:
    """No line of ``floriday up`` is longer than the terminal."""
    job = Job(("up", "--port", "0"), columns, str(tmp_path / "up"), until="Ctrl-C stops it")

    (printed,) = run_jobs([job])

    assert "Dagster    http://127.0.0.1:" in printed
    assert_fits(printed, columns, "")
