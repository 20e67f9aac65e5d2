"""One line at the end of a terminal that is written over, such as that of a progress or a status."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from pipelines.cli.console import terminal_width
from pipelines.cli.terminal.wrapping import cells, pad

_SEPARATOR = " · "


class StatusLine:
    """The line that is shown now; standard output is a terminal."""

    def __init__(self) -> None:
        self._shown = 0  # cells of the line that is shown

    def show(self, parts: Iterable[str]) -> None:
        """Show the parts that fit, the most important first."""
        self._write(fitting_parts(parts, terminal_width() - 1))  # the last cell would wrap some terminals

    def clear(self) -> None:
        """Remove the line."""
        self._write("")
        sys.stdout.write("\r" if self._shown else "")
        sys.stdout.flush()
        self._shown = 0

    def _write(self, line: str) -> None:
        if line or self._shown:
            sys.stdout.write(f"\r{pad(line, min(self._shown, terminal_width() - 1))}")
            sys.stdout.flush()
        self._shown = max(self._shown, cells(line))


def fitting_parts(parts: Iterable[str], width: int) -> str:
    """The parts that fit on one line of this width, each of them whole."""
    line = ""
    for part in parts:
        longer = f"{line}{_SEPARATOR if line else ''}{part}"
        if cells(longer) <= width:
            line = longer
    return line
