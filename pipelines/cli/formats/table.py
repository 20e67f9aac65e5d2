"""Tables for a person: boxed on a terminal, aligned and never cut elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

import pyarrow as pa

from pipelines.cli.console import Heading, print_table, say, terminal, write_plain
from pipelines.cli.formats.text import shown
from pipelines.text_format import counted, one_line
from pipelines.warehouse.read.query_result import Result

ROWS_ON_A_TERMINAL = 500


def write_table(result: Result, stream: BinaryIO) -> None:
    """Write all rows, in columns that are as wide as they must be."""
    if _is_plan(result):
        for line in _plan(result):
            _write_line(stream, line)
        return
    write_plain(_headings(result), _rows(result), lambda line: _write_line(stream, line))


def show(result: Result) -> None:
    """Show the first rows on the terminal; where they are too wide for it, a line a value."""
    if _is_plan(result):
        for line in _plan(result):
            say(line)
        return
    headings = _headings(result)
    rows: list[list[str]] = []
    more = False
    for row in _rows(result):
        more = len(rows) == ROWS_ON_A_TERMINAL
        if more:
            break
        rows.append(row)
    if _width(headings, rows) <= terminal().width:
        print_table(headings, rows)
    else:
        _unfold(headings, rows)
    first = "the first " if more else ""
    say(f"({first}{counted(len(rows), 'row')}{'; --format csv shows all' if more else ''})", "dim")


def _is_plan(result: Result) -> bool:
    return [column.name for column in result.columns] == ["explain_key", "explain_value"]


def _plan(result: Result) -> Iterator[str]:
    """The lines of what EXPLAIN answers, which is a drawing."""
    for batch in result.batches:
        for drawing in batch.column(1).to_pylist():
            yield from drawing.splitlines()


def _write_line(stream: BinaryIO, line: str) -> None:
    stream.write(f"{line}\n".encode())


def _headings(result: Result) -> list[Heading]:
    return [
        Heading(one_line(column.name), is_number=_is_number(field.type))
        for column, field in zip(result.columns, result.schema, strict=True)
    ]


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))


def _rows(result: Result) -> Iterator[list[str]]:
    for batch in result.batches:
        columns = [shown(column).to_pylist() for column in batch.columns]
        for values in zip(*columns, strict=True):
            yield ["" if value is None else _printable(value) for value in values]


def _printable(text: str) -> str:
    return text if text.isprintable() else one_line(text)


def _width(headings: list[Heading], rows: list[list[str]]) -> int:
    lines = [[heading.name for heading in headings], *rows]
    return sum(max(len(line[place]) for line in lines) + 2 for place in range(len(headings)))


def _unfold(headings: list[Heading], rows: list[list[str]]) -> None:
    longest = max(len(heading.name) for heading in headings)
    for number, row in enumerate(rows, 1):
        say(f"row {number}", "bold")
        for heading, value in zip(headings, row, strict=True):
            say(f"  {heading.name.ljust(longest)}  {value}")
