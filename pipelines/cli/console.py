"""Print lines, tables and errors.

A terminal gets colours, and no line that is longer than it is wide; a pipe gets plain text that is never cut, with each
error in one line. Control characters are removed.
"""

from __future__ import annotations

import codecs
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain, islice
from typing import TYPE_CHECKING, BinaryIO, TextIO

from pipelines.cli.terminal.layout import Heading, Line, Step, fitted, table_lines
from pipelines.cli.terminal.wrapping import wrap, wrap_command
from pipelines.text_format import one_line

if TYPE_CHECKING:
    from rich.console import Console


USUAL_WIDTH = 80  # cells of a terminal that does not report its width
ROWS_FOR_WIDTHS = 10_000  # rows that decide the widths of columns; it limits the memory that a long table needs
_CONTROL_CHARACTERS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
"""Also direction marks, line separators and surrogates."""


def is_terminal() -> bool:
    """Whether standard output is a terminal."""
    return sys.stdout.isatty()


def terminal_width(stream: TextIO | None = None) -> int:
    """The width of the terminal of a stream (None: standard output) in cells; COLUMNS overrides it."""
    variable = os.environ.get("COLUMNS", "")
    if variable.isdecimal() and int(variable):
        return int(variable)
    try:
        return os.get_terminal_size((stream or sys.stdout).fileno()).columns or USUAL_WIDTH
    except (OSError, ValueError):
        return USUAL_WIDTH


def _terminal() -> Console:
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
    """Print a line and flush it. On a terminal it is broken at words, and the style applies."""
    if _is_data_only:
        print_error_line(visible(text))
        return
    if not is_terminal():
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()
        return
    width = terminal_width()
    lines = (line.expandtabs() for line in visible(text).split("\n"))
    _print_lines((part, style) for line in lines for part in wrap(line, width, _margin(line)))


def print_command(text: str) -> None:
    """Print a shell command. On a terminal it is broken so that it can be pasted."""
    lines = wrap_command(visible(text), terminal_width()) if is_terminal() else [text]
    for line in lines:
        sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def print_error(text: str, code: int = 1) -> int:
    """Print one line on standard error, broken at words on a terminal; returns the exit code."""
    print_error_line(f"floriday: {one_line(text)}")
    return code


def print_list(title: str, lines: Iterable[str], code: int = 1) -> int:
    """Print several problems and next steps on standard error, one a line; returns the exit code."""
    print_error(f"{title}:", code)
    for line in lines:
        print_error_line(f"  {one_line(line)}")
    return code


def print_error_line(line: str) -> None:
    """Print a line on standard error, as it is in a pipe and broken at words on a terminal."""
    sys.stdout.flush()
    if sys.stderr.isatty():
        line = "\n".join(wrap(visible(line).expandtabs(), terminal_width(sys.stderr), _margin(line)))
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def _margin(line: str) -> str:
    """What the further lines of a line begin with: two more spaces than itself, or the mark of a shell's comment."""
    return "# " if line.startswith("# ") else " " * (len(line) - len(line.lstrip(" ")) + 2)


def _print_lines(lines: Iterable[Line]) -> None:
    """Print lines that fit the terminal."""
    for text, style in lines:
        if style:
            _terminal().print(text, style=style)
        else:
            sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


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


def print_table(
    headings: Sequence[Heading],
    rows: Iterable[Sequence[str]],
    steps: Sequence[Step] = (),
    in_records: Sequence[Step] = (),
) -> tuple[str, ...]:
    """Print a table; each cell becomes one line without control characters. Returns the names of columns left out.

    Args:
        headings: the columns of the table.
        rows: the texts of each row.
        steps: what makes it narrower on a terminal, in this order. A pipe gets all columns.
        in_records: steps that leave out columns if it is too wide for a table, and each value gets a line.
    """
    if is_terminal():
        clean = [[cell if cell.isprintable() else one_line(cell) for cell in row] for row in rows]
        _print_lines(table_lines(headings, clean, terminal_width(), steps, in_records))
        return fitted(headings, clean, terminal_width(), steps, in_records).left_out
    write_plain(headings, ([one_line(cell) for cell in row] for row in rows), print_line)
    return ()


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
