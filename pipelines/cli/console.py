"""What a person or a pipe gets to see: lines, tables, complaints.

A terminal gets colours and boxes through rich; a pipe gets plain text, never cut. Text that came from Floriday is freed
of control characters before either sees it.
"""

from __future__ import annotations

import codecs
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import TYPE_CHECKING, BinaryIO

from pipelines.text_format import one_line

if TYPE_CHECKING:
    from rich.console import Console

ROWS_FOR_WIDTHS = 10_000
"""Rows that decide how wide columns are: a table of any length takes no more memory than these."""

_COMMANDING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters, marks of direction, line separators and halves of characters."""


@dataclass(frozen=True)
class Heading:
    """A column of a printed table; numbers stand on the right."""

    name: str
    is_number: bool = False


def is_terminal() -> bool:
    """Whether a person looks at the output."""
    return sys.stdout.isatty()


def terminal() -> Console:
    """The terminal, for text that means only itself."""
    from rich.console import Console

    return Console(file=sys.stdout, highlight=False, markup=False, emoji=False, soft_wrap=True)


def say(text: str = "", style: str | None = None) -> None:
    """Print a line at once; a style is for terminals, which get no control characters."""
    if is_terminal():
        text = visible(text)
    if style and is_terminal():
        terminal().print(text, style=style)
    else:
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()


def complain(text: str, code: int = 1) -> int:
    """Print one line on standard error; returns the exit code."""
    sys.stdout.flush()
    sys.stderr.write(f"floriday: {one_line(text)}\n")
    sys.stderr.flush()
    return code


def visible(text: str) -> str:
    """Text for a terminal: each character that would control it is replaced by its JSON escape, so JSON stays JSON.

    Line feeds and tabs stay.
    """
    return _COMMANDING.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


class VisibleStream:
    """Standard output of a terminal, for text in UTF-8 that others wrote.

    Args:
        stream: what takes the bytes.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="backslashreplace")

    def write(self, data: bytes) -> int:
        """Write text with its control characters made visible; a character may come in parts."""
        self._stream.write(visible(self._decoder.decode(data)).encode())
        return len(data)

    def flush(self) -> None:
        """Show what was written."""
        self._stream.flush()


def print_table(headings: Sequence[Heading], rows: Iterable[Sequence[str]]) -> None:
    """Print a table, boxed on a terminal, aligned in a pipe; a cell is one line without control characters."""
    clean = [[one_line(cell) for cell in row] for row in rows]
    if is_terminal():
        _boxed(headings, clean)
    else:
        write_plain(headings, clean, say)


def write_plain(headings: Sequence[Heading], rows: Iterable[Sequence[str]], write: Callable[[str], None]) -> None:
    """Write a table in columns that are as wide as they must be, for the first rows at least; nothing is cut."""
    waiting = iter(rows)
    first = [[heading.name for heading in headings], *islice(waiting, ROWS_FOR_WIDTHS)]
    widths = [max(len(line[place]) for line in first) for place in range(len(headings))]
    for line in chain(first, waiting):
        cells = (
            text.rjust(width) if heading.is_number else text.ljust(width)
            for text, width, heading in zip(line, widths, headings, strict=True)
        )
        write("  ".join(cells).rstrip())


def _boxed(headings: Sequence[Heading], rows: Sequence[Sequence[str]]) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in headings:
        table.add_column(Text(heading.name), justify="right" if heading.is_number else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(text) for text in row))
    terminal().print(table)
