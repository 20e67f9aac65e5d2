"""The help of every command, at any width."""

from __future__ import annotations

import shlex

import pytest
import typer
from typer.main import get_group

from pipelines.cli.app import COMMANDS, app
from pipelines.cli.terminal.help_text import help_lines
from pipelines.cli.terminal.wrapping import cells

GROUP = get_group(app)
ROOT = typer.Context(GROUP, info_name="floriday", **GROUP.context_settings)
NAMES = ["", *(command.__name__ for command in COMMANDS)]


def lines_of(name: str, width: int) -> list[str]:
    """Return the help of a command, or of the program if the name is empty."""
    if not name:
        return list(help_lines(GROUP, ROOT, width))
    command = GROUP.commands[name]
    return list(help_lines(command, typer.Context(command, info_name=name, parent=ROOT), width))


def words(lines: list[str]) -> list[str]:
    """Return the words of some lines, without the marks that continue a command on the next line."""
    return [word for line in lines for word in line.split() if word != "\\"]


@pytest.mark.parametrize("name", NAMES)
def test_help_fits_any_width(name: str) -> None:
    """From 60 columns on, no line of a help text is longer than the terminal, and every word is whole."""
    complete = words(lines_of(name, 1_000))

    for width in range(60, 201):
        lines = lines_of(name, width)
        assert [line for line in lines if cells(line) > width] == []
        assert words(lines) == complete


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_the_list_of_commands_is_complete(width: int) -> None:
    """Each command is listed with its whole first sentence."""
    listed = " ".join(words(lines_of("", width)))

    for command in COMMANDS:
        first = " ".join((command.__doc__ or "").partition("\n\n")[0].split())
        assert f"{command.__name__} {first}" in listed


@pytest.mark.parametrize("name", NAMES[1:])
def test_arguments_have_no_python_type(name: str) -> None:
    """The name of an argument is a word such as FEED."""
    arguments = "\n".join(lines_of(name, 200)).partition("\nArguments:\n")[2].partition("\n\n")[0]

    assert "<" not in arguments


@pytest.mark.parametrize("name", NAMES[1:])
def test_wrapped_examples_can_be_pasted(name: str) -> None:
    """The shell reads the same words from examples that are broken into lines."""

    def examples(width: int) -> list[str]:
        text = "\n".join(lines_of(name, width)).partition("For example:")[2]
        commands = text.partition("\n\nArguments:")[0].partition("\n\nOptions:")[0]
        return [" ".join(word.split()) for word in shlex.split(commands.replace("\\\n", ""))]  # as a shell does

    assert examples(60) == examples(200)
    assert examples(60)[:2] == ["floriday", name]
