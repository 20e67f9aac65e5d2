"""Generate ``docs/cli.md`` from the help of the commands: ``python -m pipelines.cli.docs.command_reference``."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator

import typer
from typer.main import get_group

from pipelines.cli.app import app

WIDTH = 100
_PAGE = re.compile(r"\bdocs/[\w/-]+\.md\b")

_TOP = """\
# The command line

This page is generated from the help of the commands; `make docs` updates it.

In a checkout, write `.venv/bin/floriday` for `floriday`, or run `. .venv/bin/activate` once in each terminal.

Exit codes: 0 for success, 1 for a failure, 2 for a wrong setting or a usage error, 130 after Ctrl-C, 141 if the reader
of the output ended first, such as `head`, and 143 after SIGTERM.

A failure is printed on standard error. In a pipe or a file it is one line. A terminal gets the same text broken at
words, and missing settings as a list.

Colours and progress are for terminals; in a pipe, output is plain text that is never cut. `NO_COLOR` turns colours off
everywhere. A terminal of 60 columns or more gets no line that is longer than it is wide
([how](operations/terminal.md)).

`floriday --install-completion` lets your shell complete commands and options: it changes the shell's start-up file.
`floriday --show-completion` prints what it would add.

Times are in UTC and say so, with UTC or a Z at their end. Days and weeks of reports are those of Amsterdam. CSV has a
header, line feeds at the ends of lines, NULL as an empty field and times in UTC.
"""


def reference() -> str:
    """The whole page."""
    return "\n".join((_TOP, *_sections()))


def _sections() -> Iterator[str]:
    group = get_group(app)
    whole = typer.Context(group, info_name="floriday", terminal_width=WIDTH, **group.context_settings)
    yield _section("floriday", whole.get_help())
    for name, command in group.commands.items():
        context = typer.Context(command, info_name=name, parent=whole, terminal_width=WIDTH)
        yield _section(f"floriday {name}", context.get_help())


def _section(title: str, text: str) -> str:
    lines = "\n".join(line.rstrip() for line in text.splitlines())
    pages = [f"[{page}]({page.removeprefix('docs/')})" for page in dict.fromkeys(_PAGE.findall(text))]
    more = f"\nMore: {', '.join(pages)}\n" if pages else ""
    return f"## {title}\n\n```text\n{lines}\n```\n{more}"


if __name__ == "__main__":
    sys.stdout.write(reference())
