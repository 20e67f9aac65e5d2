"""The commands and queries in README.md and docs/ work as they are written there."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from datetime import timedelta
from itertools import takewhile
from pathlib import Path
from typing import Any

import duckdb
import pytest
from typer.main import get_command

from pipelines.catalogue import catalogue_of
from pipelines.catalogue.tables import tables_of
from pipelines.cli.app import app
from pipelines.reports import install
from pipelines.sandbox import Sandbox
from pipelines.warehouse.file.connection import Warehouse, transaction
from pipelines.warehouse.schema.create import create_tables
from tests.command_line import ROOT, Printed
from tests.integration.report_warehouse import feeds_of_reports
from tests.integration.syncing import Syncing
from tests.moments import NOW

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "docs").glob("[!d]*/*.md"))]
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.DOTALL | re.MULTILINE)
_COMMAND = re.compile(r"^ *(?:\$ )?(?:\.venv/bin/)?floriday (.*)$", re.DOTALL)

NOT_RUN = {
    "init": "asks for credentials",
    "check": "calls Floriday",
    "sync": "calls Floriday",
    "up": "runs until it is stopped",
    "sandbox": "runs until it is stopped",
    "mcp": "runs until it is stopped",
    "demo": "takes half a minute, and has tests of its own",
    "rebuild": "rewrites the warehouse that all tests of this file share",
    "compact": "as for rebuild",
    "redact": "as for rebuild",
    "rename": "as for rebuild",
    "backup": "writes to paths of an example",
    "export": "as for backup",
    "catalogue": "reads a file that the reader has",
    "status": "calls Floriday, unless it is offline",
    "rejected": "names feeds that have no rejected record here",
}
"""The commands whose arguments are only parsed, and why."""

HELP = "docs/cli.md"  # its examples are only parsed, because some open a browser or read a file that the reader has

NOT_QUERIED = {
    "docs/tools/dbt.md": "a model of dbt, which is no SQL yet",
    "docs/reports.md": "the SQL of the reports, which have tests of their own",
}
"""The pages whose SQL is not executed, and why."""


def fences() -> Iterator[tuple[Path, str, str]]:
    """Yield the page, the language and the text of each fence."""
    for page in PAGES:
        for language, text in _FENCE.findall(page.read_text(encoding="utf-8")):
            yield page, language, text


def commands() -> list[tuple[str, tuple[str, ...]]]:
    """Return each command in a fence as its page and its arguments."""
    lines = (
        (str(page.relative_to(ROOT)), match[1])
        for page, language, text in fences()
        if language in {"", "text"}
        for line in _logical_lines(text)
        if (match := _COMMAND.match(line))
    )
    return list(dict.fromkeys((page, _arguments(line)) for page, line in lines))


def _arguments(line: str) -> tuple[str, ...]:
    """Return the arguments of a command up to a redirection or a pipe."""
    return tuple(takewhile(lambda part: part not in {"<", ">", "|"}, shlex.split(line, comments=True)))


def _logical_lines(text: str) -> Iterator[str]:
    """Yield lines; one with an open quotation mark continues on the next."""
    line = ""
    for part in text.splitlines():
        line = f"{line}\n{part}" if line else part
        if line.partition(" # ")[0].count('"') % 2 == 0:
            yield line
            line = ""


def statements() -> list[tuple[str, str]]:
    """Return each SQL statement in a fence with its page."""
    return [
        (str(page.relative_to(ROOT)), statement.strip())
        for page, language, text in fences()
        for statement in text.split(";")
        if language == "sql" and statement.strip() and str(page.relative_to(ROOT)) not in NOT_QUERIED
    ]


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A warehouse that was synced twice with a day of trade in between, as the demo does."""
    path = tmp_path_factory.mktemp("documented") / "data" / "floriday.published.duckdb"
    path.parent.mkdir()
    with Sandbox(now=NOW, scale=0.05) as sandbox:
        syncing = Syncing(sandbox, path, only=feeds_of_reports("suppliers"))
        syncing.sync()
        sandbox.advance(timedelta(hours=24))
        syncing.sync()
    return path


@pytest.fixture
def settings(filled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let commands read the warehouse, in an empty folder; return the path of the warehouse."""
    monkeypatch.setenv("FLORIDAY_WAREHOUSE", str(filled))
    monkeypatch.chdir(tmp_path)
    return filled


def test_commands_are_found() -> None:
    """The pages contain commands, and each page without SQL to execute exists."""
    assert {arguments[0] for _, arguments in commands()} >= {"query", "report", "sync", "up", "redact"}
    assert statements()
    assert all((ROOT / page).exists() for page in NOT_QUERIED)


@pytest.mark.parametrize(("page", "arguments"), commands())
def test_a_documented_command_is_valid(page: str, arguments: tuple[str, ...]) -> None:
    """Each command exists and takes the options and arguments that its page shows."""
    group: Any = get_command(app)
    if arguments[0].startswith("-"):
        return
    assert arguments[0] in group.commands, page
    group.commands[arguments[0]].make_context(arguments[0], [*arguments[1:]])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("page", "arguments"), [each for each in commands() if each[0] != HELP and each[1][0] not in NOT_RUN]
)
def test_a_documented_command_works(page: str, arguments: tuple[str, ...], settings: Path, printed: Printed) -> None:
    """Each command that only reads the warehouse ends well."""
    assert settings.exists()

    code, _, err = printed(*arguments)

    assert code == 0, (page, err)


def test_documented_queries_are_valid(tmp_path: Path) -> None:
    """Each SQL statement of the pages names tables, reports and columns that a warehouse has."""
    catalogue = catalogue_of("suppliers")
    tables = [tables_of(source) for source in catalogue.sources]
    with duckdb.connect(str(tmp_path / "empty.duckdb")) as connection:
        with transaction(connection):
            create_tables(connection, tables)
            install(connection, {part.qualified_name for table in tables for part in table.walk()})
        for _, statement in statements():
            if not statement.startswith(("ATTACH", "SET ")):
                connection.execute(statement.replace("floriday.reports", "reports"))


@pytest.mark.slow
@pytest.mark.parametrize(("page", "statement"), statements())
def test_a_documented_query_has_rows(page: str, statement: str, filled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each SQL statement of the pages works, and each one that reads returns rows."""
    monkeypatch.chdir(filled.parents[1])
    with Warehouse(filled).reading() as connection:
        if statement.startswith("ATTACH"):
            assert "(READ_ONLY)" in statement
            return
        rows = connection.execute(statement.replace("floriday.reports", "reports")).fetchall()
    assert rows or statement.startswith("SET "), page


@pytest.mark.slow
def test_the_history_of_the_readme_is_not_empty(filled: Path) -> None:
    """The README's query of the past returns more than a zero."""
    (past,) = (text for page, text in statements() if page == "README.md" and "_as_of" in text)
    with Warehouse(filled).reading() as connection:
        earlier = connection.execute(past).fetchall()
        now = connection.execute("FROM orders.sales_orders").fetchall()
    assert 0 < len(earlier) <= len(now)
