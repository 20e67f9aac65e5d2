"""Generate ``docs/cli.md`` from the help of the commands: ``python -m pipelines.cli.docs.command_reference``."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import typer
from typer.main import get_group

from pipelines.cli.app import app

WIDTH = 100

_TOP = """\
# The command line

Made from the commands' own help; `python -m pipelines.cli.docs.command_reference > docs/cli.md` makes it anew.

Exit codes: 0 when all is well, 1 when something failed, 2 for a setting or a usage error, 130 after Ctrl-C and 143
after SIGTERM (0 of `up` and `sandbox`, which run until then). What went wrong is one line on standard error. Colours
and progress bars are for terminals; in a pipe, output is plain text that is never cut, and `NO_COLOR` turns colours off
anywhere. CSV has a header, line feeds at the ends of lines, NULL as nothing and times in UTC.
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
    return f"## {title}\n\n```text\n{lines}\n```\n"


if __name__ == "__main__":
    sys.stdout.write(reference())
