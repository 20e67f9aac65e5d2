"""Print lines, tables and errors.

A terminal gets colours and boxes through rich, a pipe plain text that is never cut. Control characters are removed.
"""

from __future__ import annotations

import codecs
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, islice
from typing import TYPE_CHECKING, BinaryIO

from pipelines.text_format import one_line

if TYPE_CHECKING:
    from rich.console import Console


ROWS_FOR_WIDTHS = 10_000  # rows that decide the widths of columns; it limits the memory that a long table needs
_CONTROL_CHARACTERS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
"""Also direction marks, line separators and surrogates."""


@dataclass(frozen=True)
class Heading:
    """A column of a printed table; numbers are aligned to the right."""

    name: str
    is_number: bool = False


def is_terminal() -> bool:
    """Whether standard output is a terminal."""
    return sys.stdout.isatty()


def terminal() -> Console:
    """The terminal, without markup in the text."""
    from rich.console import Console

    return Console(file=sys.stdout, highlight=False, markup=False, emoji=False, soft_wrap=True)


_is_data_only = False


@contextmanager
def data_on_standard_output(*, only: bool) -> Iterator[None]:
    """With ``only``, what :func:`print_line` prints within the block goes to standard error, as plain lines."""
    global _is_data_only  # noqa: PLW0603 - a process runs one command at a time
    before, _is_data_only = _is_data_only, only
    try:
        yield
    finally:
        _is_data_only = before


def is_data_only() -> bool:
    """Whether standard output is for data alone."""
    return _is_data_only


def print_line(text: str = "", style: str | None = None) -> None:
    """Print a line and flush it. On a terminal the style applies, and control characters are escaped."""
    if _is_data_only:
        sys.stderr.write(f"{visible(text)}\n")
        sys.stderr.flush()
        return
    if is_terminal():
        text = visible(text)
    if style and is_terminal():
        terminal().print(text, style=style)
    else:
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()


def print_error(text: str, code: int = 1) -> int:
    """Print one line on standard error; returns the exit code."""
    sys.stdout.flush()
    sys.stderr.write(f"floriday: {one_line(text)}\n")
    sys.stderr.flush()
    return code


def print_list(title: str, lines: Iterable[str], code: int = 1) -> int:
    """Print several problems and next steps on standard error, one a line; returns the exit code."""
    print_error(f"{title}:", code)
    for line in lines:
        sys.stderr.write(f"  {one_line(line)}\n")
    sys.stderr.flush()
    return code


def visible(text: str) -> str:
    """Text for a terminal: control characters become JSON escapes, so JSON stays JSON. Line feeds and tabs stay."""
    return _CONTROL_CHARACTERS.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


class VisibleStream:
    """Standard output of a terminal, for UTF-8 text from other sources; control characters are escaped."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="backslashreplace")

    def write(self, data: bytes) -> int:
        """Write text; a character may be split over two calls."""
        self._stream.write(visible(self._decoder.decode(data)).encode())
        return len(data)

    def flush(self) -> None:
        """Flush the stream."""
        self._stream.flush()


def print_table(headings: Sequence[Heading], rows: Iterable[Sequence[str]]) -> None:
    """Print a table, boxed on a terminal, aligned in a pipe; each cell becomes one line without control characters."""
    clean = [[one_line(cell) for cell in row] for row in rows]
    if is_terminal():
        _print_boxed(headings, clean)
    else:
        write_plain(headings, clean, print_line)


def write_plain(headings: Sequence[Heading], rows: Iterable[Sequence[str]], write: Callable[[str], None]) -> None:
    """Write an aligned table whose first rows decide the widths of its columns; longer cells are not cut."""
    remaining = iter(rows)
    first = [[heading.name for heading in headings], *islice(remaining, ROWS_FOR_WIDTHS)]
    widths = [max(len(line[index]) for line in first) for index in range(len(headings))]
    for line in chain(first, remaining):
        cells = (
            text.rjust(width) if heading.is_number else text.ljust(width)
            for text, width, heading in zip(line, widths, headings, strict=True)
        )
        write("  ".join(cells).rstrip())


def _print_boxed(headings: Sequence[Heading], rows: Sequence[Sequence[str]]) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in headings:
        table.add_column(Text(heading.name), justify="right" if heading.is_number else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(text) for text in row))
    terminal().print(table)
