"""Each command and query in README.md and docs/ works in the demo's warehouse, and prints what is shown there."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines.catalogue import catalogue_of
from pipelines.cli.commands.demo import TIME_OF_TRADE
from pipelines.cli.docs import readme_outputs
from pipelines.cli.docs.readme_outputs import captured, command_of, renewed
from pipelines.cli.syncs.outcomes import print_outcomes
from pipelines.sandbox import TWO_YEARS, Sandbox
from pipelines.sandbox.world.calendar import start_of_trade
from pipelines.settings import load_settings
from pipelines.sync.session import open_clients
from tests.catalogue_listing import specification_of
from tests.command_line import ROOT, Printed, floriday
from tests.documentation import commands, fences, statements
from tests.end_to_end.floriday_up import blank_folder, running
from tests.integration.answering_server import Reply, answering_server
from tests.terminal_commands import Job, run_jobs

pytestmark = pytest.mark.slow

PLACEHOLDERS = {
    "DIR": "parquet",
    "FILE": "copy.duckdb",
    "FILE.xlsx": "all.xlsx",
    "NAME": "revenue_by_week",
    "OLD": "main",
    "NEW": "north",
}
"""What a reader would write instead of these words."""

LASTING = ("up", "sandbox", "mcp")  # run until they are stopped
FOLLOW = "--follow"  # a sync with this option too
TESTED_ALONE = ("demo",)  # its tests are in test_cli_sandbox.py
MORE: dict[tuple[str, ...], tuple[str, ...]] = {
    ("init", "--environment", "live", "--api", "suppliers"): ("--no-check",)
}
"""Options that are added, because Floriday itself is not called."""

FIRST, SECOND = "First sync of ", "24 hours of trade later"


@dataclass(frozen=True)
class Demonstration:
    """The sandbox and the warehouse of the demo at the time of the README's.

    Args:
        sandbox: the sandbox, a day after the first sync.
        warehouse: the warehouse, synced twice.
        printed: what the demo prints of both syncs.
    """

    sandbox: Sandbox
    warehouse: Path
    printed: str


@pytest.fixture(scope="module")
def demonstration(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demonstration]:
    """Sync twice with a day of trade in between, as the demo does."""
    path = tmp_path_factory.mktemp("documented") / "demo.duckdb"
    with Sandbox(now=start_of_trade(readme_outputs.NOW), history=TWO_YEARS) as sandbox:
        variables = {**sandbox.environment(), "FLORIDAY_WAREHOUSE": str(path), "FLORIDAY_PUBLISHED": "off"}
        first = synced(variables)
        sandbox.advance(TIME_OF_TRADE)
        yield Demonstration(sandbox, path, f"{FIRST}\n\n{first}\n{SECOND}\n\n{synced(variables)}\nDone in 1 s.\n")


def synced(variables: dict[str, str]) -> str:
    """Sync all feeds; return what is printed of the sync."""
    with open_clients(load_settings(variables, dotenv=False)) as connected:
        session = connected.prepare()
        names = [source.name for source in session.sources]
        outcomes = sorted(session.sync_all(session.sources, run_id=""), key=lambda each: names.index(each.feed))
        session.save_positions()
    return captured(partial(print_outcomes, outcomes, 1.0))


@pytest.fixture
def folder(demonstration: Demonstration, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A project's folder with a copy of the warehouse, the files that the pages name, and receivers of alerts."""
    (tmp_path / "data").mkdir(mode=0o700)
    for name in ("floriday", "demo", "floriday.published"):
        shutil.copy(demonstration.warehouse, tmp_path / "data" / f"{name}.duckdb")
    (tmp_path / "swagger.json").write_text(json.dumps(specification_of(catalogue_of("suppliers"))))
    (tmp_path / "products.csv").write_text("vbn_product_code,name\n973,Rosa\n")
    (tmp_path / "weeks.sql").write_text("FROM reports.revenue_by_week LIMIT 3")
    (own_report,) = (text for page, text in statements() if page == "docs/tutorial.md")
    (tmp_path / "customers.sql").write_text(own_report)
    (tmp_path / "xdg-open").write_text("#!/bin/sh\n")  # instead of a browser
    (tmp_path / "xdg-open").chmod(0o700)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    with answering_server() as receiver:
        receiver.respond("/hook", Reply(200))
        address = receiver.address.replace("http://", "json://") + "/hook"
        variables = demonstration.sandbox.environment()
        variables |= {"FLORIDAY_ALERTS": f"{address},{address}?2", "FLORIDAY_PERSONAL_DATA_KEY": "k" * 32}
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        monkeypatch.chdir(tmp_path)
        yield tmp_path


def needs_cells(arguments: Iterable[str]) -> bool:
    """Whether a command is about cells, which only a lake has."""
    return not {"move", "--cell"}.isdisjoint(arguments)


def documented(*names: str) -> list[tuple[str, ...]]:
    """Return the arguments of the documented calls of some commands, each form once; without names, of all others."""
    ending = [arguments for _, arguments in commands() if FOLLOW not in arguments and not needs_cells(arguments)]
    chosen = names or {arguments[0] for arguments in ending} - {*LASTING, *TESTED_ALONE}
    return list(dict.fromkeys(filled_in(arguments) for arguments in ending if arguments[0] in chosen))


def filled_in(arguments: Iterable[str]) -> tuple[str, ...]:
    """Return arguments without placeholders."""
    return tuple(PLACEHOLDERS.get(each, each) for each in arguments)


@pytest.mark.parametrize("arguments", documented(), ids=" ".join)
def test_a_documented_command_works(
    arguments: tuple[str, ...], folder: Path, printed: Printed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each command that ends succeeds. Absolute paths are taken to be in the test's folder."""
    own = [f"{folder}{each}" if each.startswith("/") else each for each in arguments]
    own += MORE.get(arguments, ())
    if arguments[0] == "rename":  # the page says to do this first
        monkeypatch.setenv("FLORIDAY_API_KEYS", json.dumps({"north": os.environ["FLORIDAY_API_KEY"]}))
        monkeypatch.setenv("FLORIDAY_API_KEY", "")
    query = io.TextIOWrapper(io.BytesIO((folder / "weeks.sql").read_bytes()))
    monkeypatch.setattr("sys.stdin", query)

    if "--open" in arguments:  # the program that opens a page outlives the command
        finished = floriday(*own, folder=folder)
        code, err = finished.code, finished.err
    else:
        code, _, err = printed(*own)

    assert code == 0, err


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("arguments", sorted({each for _, each in commands() if needs_cells(each)}), ids=" ".join)
def test_a_documented_command_on_cells_is_understood(arguments: tuple[str, ...], printed: Printed) -> None:
    """Where there is no lake, each command on cells is complete, and only lacks the cell or another place."""
    code, out, err = printed(*filled_in(arguments))

    assert (code, out) == (2, "")
    assert "there is no cell" in err or "are the same warehouse" in err


@pytest.mark.parametrize("arguments", [each for each in documented("up") if each[1:]], ids=" ".join)
def test_a_documented_start_of_dagster_works(arguments: tuple[str, ...], tmp_path: Path) -> None:
    """Each form of `floriday up` with options serves Dagster's pages; without any it has tests of its own."""
    with running(blank_folder(tmp_path), *arguments[1:]) as up:
        assert up.query("{version}")["version"]


@pytest.mark.parametrize("arguments", documented("sandbox"), ids=" ".join)
def test_a_documented_sandbox_works(arguments: tuple[str, ...], tmp_path: Path) -> None:
    """Each form of `floriday sandbox` prints the settings that point at it."""
    (output,) = run_jobs([Job(arguments, None, str(tmp_path / "sandbox"), until="FLORIDAY_API_KEY")])

    assert "FLORIDAY_BASE_URL=http://127.0.0.1:" in output


@pytest.mark.parametrize(
    "arguments", sorted({each for _, each in commands() if FOLLOW in each and not needs_cells(each)}), ids=" ".join
)
def test_a_documented_sync_that_stays_works(
    arguments: tuple[str, ...], demonstration: Demonstration, folder: Path, tmp_path: Path
) -> None:
    """Each form of `floriday sync --follow` syncs once, and says that it follows the feeds."""
    warehouse = str(folder / "data" / "floriday.duckdb")
    variables = demonstration.sandbox.environment() | {"FLORIDAY_WAREHOUSE": warehouse, "FLORIDAY_PUBLISHED": "off"}
    (output,) = run_jobs([Job(arguments, None, str(tmp_path / "new"), variables=variables, until="following")])

    assert "0 rejected; following" in output


def shown_outputs() -> list[tuple[str, str]]:
    """Return the fences in which a command is followed by its output, with their pages."""
    return [(page, text) for page, _, text in fences() if command_of(text)]


def test_outputs_are_found() -> None:
    """The README shows the output of the demo and of a query."""
    assert "README.md" in {page for page, _ in shown_outputs()}
    assert [page for page, _, text in fences() if text.startswith(FIRST)] == ["README.md"]


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(("page", "text"), shown_outputs())
def test_a_shown_output_is_real(page: str, text: str, printed: Printed) -> None:
    """Each output that a page shows below its command is what the command prints."""
    command = command_of(text)
    assert command is not None

    code, out, err = printed(*command[1])

    assert (page, f"{command[0]}{out}", code, err) == (page, text, 0, "")


def cells(line: str) -> str:
    """Return a line, without the times that were measured and the port if it is one of the demo's output."""
    line = next((title for title in (FIRST, SECOND) if line.startswith(title)), line)
    line = re.sub(r"^(\d+ feeds:) .*", r"\1 …", line)  # with the snapshots, whose records depend on the day
    return re.sub(r"\d+(\.\d+)? s\b", "… s", " ".join(line.split()))


@pytest.mark.usefixtures("folder")
def test_the_output_of_the_demo_is_real(demonstration: Demonstration) -> None:
    """``make examples`` changes nothing in the README but times, and sums with the records of the present week."""
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    new = renewed(page, demonstration.printed)

    assert [cells(line) for line in page.splitlines()] == [cells(line) for line in new.splitlines()]


@pytest.mark.parametrize(("page", "statement"), statements())
def test_a_documented_query_has_rows(page: str, statement: str, folder: Path) -> None:
    """Each SQL statement of the pages works, and each one that reads returns rows."""
    attached = [each for name, each in statements() if name == page and each.startswith("ATTACH")]
    is_in_another = statement in attached or "floriday.reports" in statement
    published = str(folder / "data" / "floriday.published.duckdb")
    with duckdb.connect() if is_in_another else duckdb.connect(published, read_only=True) as connection:
        for each in attached if is_in_another and statement not in attached else ():
            connection.execute(each)
        rows = connection.execute(statement).fetchall()

    assert rows or statement.startswith(("SET ", "ATTACH ")), page


def python_code() -> list[tuple[str, str]]:
    """Return each piece of Python with its page; those of docs/python.md have tests of their own."""
    return [(page, text) for page, language, text in fences() if language == "python" and page != "docs/python.md"]


@pytest.mark.parametrize(("page", "text"), python_code())
def test_documented_python_works(page: str, text: str, folder: Path) -> None:
    """Each piece of Python works in the folder of the published copy."""
    shutil.copy(folder / "data" / "floriday.published.duckdb", folder)
    names: dict[str, Any] = {}

    exec(compile(text.replace("/srv/floriday", str(folder)), page, "exec"), names)  # noqa: S102 - our own pages' code

    assert len(names["weeks"]) > 0
    if isinstance(names["warehouse"], duckdb.DuckDBPyConnection):
        names["warehouse"].close()


def test_the_history_of_the_readme_is_not_empty(demonstration: Demonstration) -> None:
    """The README's query of the past returns more than a zero."""
    (past,) = (text for page, text in statements() if page == "README.md" and "_as_of" in text)
    with duckdb.connect(str(demonstration.warehouse), read_only=True) as connection:
        earlier = connection.execute(past).fetchall()
        now = connection.execute("FROM orders.sales_orders").fetchall()

    assert 0 < len(earlier) <= len(now)
