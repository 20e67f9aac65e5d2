"""One line at the end of a terminal that is written over, such as that of a progress or a status."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import TextIO

from pipelines.cli.console import terminal_width
from pipelines.cli.terminal.wrapping import cells, pad

Step = Callable[[int, int, str], None]
"""Is called with the number of a step from 1 on, the number of all steps, and what it works on."""

_SEPARATOR = " · "


class StatusLine:
    """The line that is shown now.

    Args:
        stream: the terminal that shows it; None for standard output.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout
        self._shown = 0  # cells of the line that is shown

    def show(self, parts: Iterable[str]) -> None:
        """Show the parts that fit, the most important first."""
        self._write(fitting_parts(parts, self._width))

    def clear(self) -> None:
        """Remove the line."""
        self._write("")
        self._stream.write("\r" if self._shown else "")
        self._stream.flush()
        self._shown = 0

    @property
    def _width(self) -> int:
        return terminal_width(self._stream) - 1  # the last cell would wrap some terminals

    def _write(self, line: str) -> None:
        if line or self._shown:
            self._stream.write(f"\r{pad(line, min(self._shown, self._width))}")
            self._stream.flush()
        self._shown = max(self._shown, cells(line))


@contextmanager
def counted_steps(unit: str, first: str) -> Iterator[Step]:
    """A function that shows how many steps of a command are done, on standard error if that is a terminal.

    Args:
        unit: what is counted, in the plural: ``files``.
        first: what is shown until the first step.
    """
    if not sys.stderr.isatty():
        yield lambda _number, _count, _name: None
        return
    line = StatusLine(sys.stderr)
    line.show([first])
    try:
        yield lambda number, count, name: line.show((f"{number} of {count} {unit}", name))
    finally:
        line.clear()


@contextmanager
def elapsed_time(work: str, interval: float = 1.0) -> Iterator[None]:
    """Show how long work takes that does not report its steps, on standard error if that is a terminal.

    Args:
        work: what is done: ``syncing``.
        interval: seconds between two updates.
    """
    if not sys.stderr.isatty():
        yield
        return
    line, is_done, began = StatusLine(sys.stderr), Event(), time.monotonic()

    def show() -> None:
        while not is_done.wait(interval):
            line.show((work, f"{time.monotonic() - began:.0f} s"))

    thread = Thread(target=show, name="elapsed time", daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_done.set()
        thread.join()
        line.clear()


def fitting_parts(parts: Iterable[str], width: int) -> str:
    """The parts that fit on one line of this width, each of them whole."""
    line = ""
    for part in parts:
        longer = f"{line}{_SEPARATOR if line else ''}{part}"
        if cells(longer) <= width:
            line = longer
    return line
