"""Renew the outputs of commands in README.md: ``python -m pipelines.cli.docs.readme_outputs README.md``.

They are those of the demo at a fixed time, so the same code gives the same outputs, except ports and measured times.
``make examples`` calls this.
"""

from __future__ import annotations

import datetime as dt
import io
import re
import shlex
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import chdir, redirect_stdout
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from pipelines.cli.commands.demo import WAREHOUSES, run_at
from pipelines.cli.entry import run
from pipelines.errors import PipelineError

NOW = dt.datetime(2026, 11, 27, 12, 0, tzinfo=dt.UTC)
API = "suppliers"
SHOWN = (
    "catalog.trade_items",
    "supply.supply_lines",
    "supply.batches",
    "supply.batch_mutations",
    "orders.sales_orders",
    "orders.invoice_lines",
    "fulfillment.delivery_orders",
    "organizations.connections",
)
"""The feeds whose rows are shown. The snapshots are not among them: what they hold depends on the day of the sync."""

_BEGINNING, _END = "First sync of ", "Done in "
_FENCE = re.compile(r"(?ms)^```\n(.*?)^```$")
_ROW = re.compile(r"\w+ +(\w+\.\w+) ")
_COMMAND = re.compile(r'\$ \.venv/bin/floriday ((?:[^"\n]|"[^"]*")*)\n')
"""A command after the prompt; text in quotation marks may have several lines."""


def with_new_outputs(page: str) -> str:
    """The text of a page with the outputs of a new demo, and of commands that are run after it."""
    with TemporaryDirectory() as folder, chdir(folder):
        demo = captured(partial(run_at, NOW, API, Path.cwd() / WAREHOUSES[API]))
        return renewed(page, demo)


def renewed(page: str, demo: str) -> str:
    """The text of a page with the demo's output ``demo``, and that of each command, run in the working directory.

    An output is the text of a fence, below its command; that of the demo stands alone.
    """
    return _FENCE.sub(lambda fence: f"```\n{_renewed_output(fence[1], demo)}```", page)


def _renewed_output(text: str, demo: str) -> str:
    if text.startswith(_BEGINNING):
        return "".join(f"{line}\n" for line in shortened(demo.splitlines()))
    if command := command_of(text):
        return f"{command[0]}{captured(partial(_run, command[1]))}"
    return text


def command_of(text: str) -> tuple[str, list[str]] | None:
    """The command with which a fence begins, as it is written and as its arguments; None if it begins otherwise."""
    command = _COMMAND.match(text)
    return (command[0], shlex.split(command[1])) if command else None


def shortened(lines: Iterable[str]) -> Iterator[str]:
    """The output of the demo from its first sync to its duration; … stands for the rows of feeds that are not shown."""
    is_begun = is_left_out = False
    for line in lines:
        is_begun = is_begun or line.startswith(_BEGINNING)
        if not is_begun:
            continue
        if line.startswith(_END):
            yield f"{line.partition('.')[0]}."
            return
        row = _ROW.match(line)
        if row is None or row[1] in SHOWN:
            yield from ["…"] * is_left_out
            yield line
        is_left_out = row is not None and row[1] not in SHOWN


def captured(function: Callable[[], object]) -> str:
    """What a function prints into a pipe."""
    stream = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)
    with redirect_stdout(stream):
        function()
    return stream.buffer.getvalue().decode()


def _run(arguments: list[str]) -> None:
    if run(arguments):
        raise PipelineError(f"floriday {shlex.join(arguments)} failed")


if __name__ == "__main__":
    path = Path(sys.argv[1])
    path.write_text(with_new_outputs(path.read_text(encoding="utf-8")), encoding="utf-8")
