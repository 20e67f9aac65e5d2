"""The help of a command: whole words, the whole description of each command, and examples that can be pasted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from pipelines.cli.terminal.wrapping import cells, pad, wrap, wrap_command

LONGEST = 100  # cells of a line on a wide terminal, because longer lines are hard to read
_INDENT = "  "
_FROM_COLUMN = 4  # spaces before an example in the docstring of a command
_WIDE = 80  # cells from which the names of options get more space


def help_lines(command: Any, context: typer.Context, width: int) -> Iterator[str]:
    """The help of a command, in lines of at most this width."""
    usage = f"Usage: {context.command_path} "
    yield from wrap(usage + " ".join(command.collect_usage_pieces(context)), width, " " * len(usage))
    for paragraph in (command.help or "").split("\n\n"):
        yield ""
        yield from _paragraph(paragraph, width)
    parameters = [(each.param_type_name, _record(each, context)) for each in command.get_params(context)]
    for kind, title in (("argument", "Arguments"), ("option", "Options")):
        yield from _section(title, [record for name, record in parameters if name == kind and record], width)
    commands = getattr(command, "commands", {}).items()
    yield from _section("Commands", [(name, _first_sentence(each)) for name, each in commands], width)


def _record(parameter: Any, context: typer.Context) -> tuple[str, str] | None:
    """The name of a parameter and its description; without the Python type that Typer adds to an argument's name."""
    record: tuple[str, str] | None = parameter.get_help_record(context)
    if record is None or parameter.param_type_name != "argument":
        return record
    return record[0].partition(" <")[0], record[1]


def _first_sentence(command: Any) -> str:
    return str(command.get_short_help_str(10_000))


def _paragraph(text: str, width: int) -> Iterator[str]:
    """The lines of a paragraph, or of an example."""
    if text.startswith(" " * _FROM_COLUMN):
        margin = _INDENT + " " * _FROM_COLUMN
        yield from (margin + line for line in wrap_command(text.strip(), width - len(margin)))
    else:
        yield from wrap(_INDENT + " ".join(text.split()), width, _INDENT)


def _section(title: str, records: Iterable[tuple[str, str]], width: int) -> Iterator[str]:
    """A title with names and their descriptions; a long name stands above its description."""
    names = dict(records)
    if not names:
        return
    most = 30 if width > _WIDE else 20
    column = min(most, max(map(cells, names))) + 2 * len(_INDENT)
    yield from ("", f"{title}:")
    for name, text in names.items():
        first = pad(_INDENT + name, column)
        if cells(name) > most:
            yield from wrap(_INDENT + name, width, _INDENT)
            first = " " * column
        lines = wrap(text, width - column)
        yield from (line.rstrip() for line in (first + lines[0], *(" " * column + line for line in lines[1:])))


def _format_help(command: Any, context: typer.Context, formatter: Any) -> None:
    formatter.write("".join(f"{line}\n" for line in help_lines(command, context, _width(context))))


def _width(context: typer.Context) -> int:
    from pipelines.cli.console import terminal_width

    return context.terminal_width or min(terminal_width(), LONGEST)


class Command(TyperCommand):
    """A command with this help."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help."""
        _format_help(self, ctx, formatter)


class Group(TyperGroup):
    """All commands, with this help."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help."""
        _format_help(self, ctx, formatter)
