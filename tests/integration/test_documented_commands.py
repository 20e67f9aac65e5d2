"""The commands and queries in README.md and docs/ are valid: they name what exists.

``test_documented_outputs`` runs them.
"""

from __future__ import annotations

import re
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import duckdb
import pytest
from typer.main import get_command

from pipelines.catalogue import catalogue_of
from pipelines.catalogue.tables import tables_of
from pipelines.cli.app import app
from pipelines.reports import install
from pipelines.warehouse.file.connection import transaction
from pipelines.warehouse.schema.create import create_tables
from tests.command_line import ROOT
from tests.documentation import NOT_QUERIED, Command, commands, other_commands, statements


def test_commands_are_found() -> None:
    """The pages contain commands, and each page without SQL to execute exists."""
    assert {arguments[0] for _, arguments in commands()} >= {"query", "report", "sync", "up", "redact", "lookup"}
    assert {page for page, _ in commands()} >= {"README.md", "docs/cli.md", "docs/operations/repair.md"}
    assert statements()
    assert all((ROOT / page).exists() for page in NOT_QUERIED)


@pytest.mark.parametrize("command", commands())
def test_a_documented_command_is_valid(command: Command) -> None:
    """Each command exists and takes the options and arguments that its page shows."""
    page, arguments = command
    group: Any = get_command(app)
    assert arguments[0] in group.commands, page
    group.commands[arguments[0]].make_context(arguments[0], [*arguments[1:]])


def can_be_called(arguments: tuple[str, ...]) -> bool:
    """Whether a target of make, a program of the environment, or a script or module that Python executes exists."""
    program, *rest = arguments
    if program == "make":
        targets = re.findall(r"(?m)^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(encoding="utf-8"))[0].split()
        return rest[0] in targets
    if not program.endswith("/python"):
        return Path(sys.executable).with_name(Path(program).name).exists()
    return find_spec(rest[1]) is not None if rest[0] == "-m" else (ROOT / rest[0]).is_file()


def test_other_documented_programs_exist() -> None:
    """Each target of make, each program and each module of the checkout that the pages call exists."""
    assert {arguments[0] for _, arguments in other_commands()} >= {"make", ".venv/bin/python", ".venv/bin/dg"}
    assert [command for command in other_commands() if not can_be_called(command[1])] == []


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
