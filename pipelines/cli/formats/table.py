"""Write tables for people: boxed on a terminal, aligned and never cut elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import BinaryIO

import pyarrow as pa

from pipelines.cli.console import print_line, print_table, terminal_width, write_plain
from pipelines.cli.formats.plan_drawing import parts_of
from pipelines.cli.terminal.layout import Heading, Step, below, omitted, same, spilled
from pipelines.text_format import counted, one_line
from pipelines.warehouse.read.query_types import Result
from pipelines.warehouse.read.value_text import display_text

ROWS_ON_A_TERMINAL = 100


def write_table(result: Result, stream: BinaryIO) -> None:
    """Write all rows, aligned in columns."""

    def write_line(line: str) -> None:
        stream.write(f"{line}\n".encode())

    if _is_plan(result):
        for line in _plan(result):
            write_line(line)
    else:
        write_plain(_headings(result), _rows(result), write_line)


def show(result: Result) -> None:
    """Print the first rows on the terminal, as a table, or one line per value where the table would be too wide."""
    if _is_plan(result):
        _print_plan(list(_plan(result)))
        return
    headings, all_rows = _headings(result), _rows(result)
    rows = list(islice(all_rows, ROWS_ON_A_TERMINAL))
    has_more = next(all_rows, None) is not None
    needless = list(_needless([heading.name for heading in headings]))
    print_table(headings, rows, [*needless, *_narrowing(headings, len(rows))], needless)
    first, rest = ("the first ", "; --format csv shows all") if has_more else ("", "")
    print_line(f"({first}{counted(len(rows), 'row')}{rest})", "dim")


def _narrowing(headings: Sequence[Heading], rows: int) -> Iterator[Step]:
    """What makes a table of results narrower: names below their rows, and no columns that are the same in each row."""
    yield from [below] * sum(heading.is_text for heading in headings)
    if rows > 1:
        yield from (same(heading.name) for heading in headings)
    yield spilled


def _needless(names: Sequence[str]) -> Iterator[Step]:
    """Leave out the account if there is one, and ids whose names are shown."""
    yield same("account")
    for name in names:
        stem = name.removesuffix("_id")
        short = stem.removesuffix("_organization")
        if stem != name and {f"{stem}_name", f"{short}_name", stem, short} & set(names):
            yield omitted(name)


def _is_plan(result: Result) -> bool:
    return [column.name for column in result.columns] == ["explain_key", "explain_value"]


def _plan(result: Result) -> Iterator[str]:
    """The lines of the drawing that EXPLAIN returns."""
    for batch in result.batches:
        for drawing in batch.column(1).to_pylist():
            yield from drawing.splitlines()


def _print_plan(lines: Sequence[str]) -> None:
    """Print a drawing; the part that is wider than the terminal follows below, from the edge of a box on."""
    for number, part in enumerate(parts_of(lines, terminal_width())):
        if number:
            print_line("to the right of it:", "dim")
        for line in part:
            print_line(line)


def _headings(result: Result) -> list[Heading]:
    """The headings of the columns; names of organizations and trade items may be long, and stand below their row.

    A name in the first column leads its row, and stays in it.
    """
    return [
        Heading(one_line(column.name), _is_number(field.type), is_text=number > 0 and column.name.endswith("_name"))
        for number, (column, field) in enumerate(zip(result.columns, result.schema, strict=True))
    ]


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))


def _rows(result: Result) -> Iterator[list[str]]:
    for batch in result.batches:
        columns = [display_text(column).to_pylist() for column in batch.columns]
        for values in zip(*columns, strict=True):
            yield ["" if value is None else _printable(value) for value in values]


def _printable(text: str) -> str:
    return text if text.isprintable() else one_line(text)
