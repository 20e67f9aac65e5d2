"""Read a code list from a CSV file, and replace the one in the schema ``lookup``."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from pipelines.catalogue.types import Kind
from pipelines.errors import UsageError
from pipelines.warehouse.schema.lookup_tables import LOOKUP_TABLES, SCHEMA, create_list
from pipelines.warehouse.sql import quoted

_ENCODINGS = ("utf-8-sig", "cp1252")  # the second one is that of spreadsheets on Windows
_SHOWN = 3
_LARGEST = 2**31 - 1

Codes = tuple[str | int, ...]


@dataclass(frozen=True)
class CodeList:
    """The content of a file.

    Args:
        table: name of the table in the schema ``lookup``.
        names: name of each code, by its key.
    """

    table: str
    names: dict[Codes, str]


def read_code_list(path: Path) -> CodeList:
    """Read a CSV file whose header names the columns of one of the tables; further columns are ignored.

    Raises:
        UsageError: the file cannot be read, has other columns, or a line that is not valid; the message has the reason.
    """
    header, *lines = _lines(path) or [(0, [])]
    columns = [name.strip().casefold() for name in header[1]]
    table = _table_of(path, columns)
    wanted = [column.name for column in LOOKUP_TABLES[table][1]]
    places = [columns.index(name) for name in wanted]
    names: dict[Codes, str] = {}
    problems = list(_read(table, places, lines, names))
    if problems:
        more = f"; and {len(problems) - _SHOWN} more" if len(problems) > _SHOWN else ""
        raise UsageError(f"{path} was not loaded: {'; '.join(problems[:_SHOWN])}{more}")
    if not names:
        raise UsageError(f"{path} was not loaded: it has no line below its header")
    return CodeList(table, names)


def replace_code_list(connection: duckdb.DuckDBPyConnection, codes: CodeList) -> None:
    """Replace the rows of the list's table; within a transaction."""
    create_list(connection, codes.table)
    width = len(LOOKUP_TABLES[codes.table][1])
    marks = ", ".join("?" * width)
    rows = [[*key, name] for key, name in sorted(codes.names.items())]
    connection.executemany(f"INSERT INTO {quoted(SCHEMA)}.{quoted(codes.table)} VALUES ({marks})", rows)


def _lines(path: Path) -> list[tuple[int, list[str]]]:
    """The lines of a CSV file that are not blank, with their numbers; separated by commas, semicolons or tabs."""
    text = _text(path)
    first = text.partition("\n")[0]
    separator = max(",;\t", key=first.count)
    reader = csv.reader(text.splitlines(), delimiter=separator)
    try:
        return [(reader.line_num, cells) for cells in reader if any(cell.strip() for cell in cells)]
    except csv.Error as error:
        raise UsageError(f"{path} is not a CSV file: line {reader.line_num}: {error}") from None


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from None
    if b"\0" in content:
        raise UsageError(f"{path} is not a CSV file: it contains binary data; save the list as CSV")
    for encoding in _ENCODINGS:
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise UsageError(f"{path} is not a CSV file: its text is neither UTF-8 nor Windows-1252")


def _table_of(path: Path, columns: Sequence[str]) -> str:
    """The table with the most columns, of those whose columns the file has."""
    fitting = [
        (len(of_table), name)
        for name, (_, of_table) in LOOKUP_TABLES.items()
        if {column.name for column in of_table} <= set(columns)
    ]
    if fitting:
        return max(fitting)[1]
    expected = " or ".join(", ".join(column.name for column in of_table) for _, of_table in LOOKUP_TABLES.values())
    found = ", ".join(column for column in columns if column) or "none"
    raise UsageError(f"{path} was not loaded: its first line must name the columns {expected}; it names {found}")


def _read(
    table: str, places: Sequence[int], lines: Iterable[tuple[int, list[str]]], names: dict[Codes, str]
) -> Iterator[str]:
    """Add the names of all lines, and yield what is wrong with them."""
    columns = LOOKUP_TABLES[table][1]
    for number, cells in lines:
        values = [cells[place].strip() if place < len(cells) else "" for place in places]
        missing = [column.name for column, value in zip(columns, values, strict=True) if not value]
        wrong = [
            f"{column.name} {value!r} is not a code"
            for column, value in zip(columns, values, strict=True)
            if value and column.kind is Kind.INT32 and not _is_number(value)
        ]
        if missing or wrong:
            yield f"line {number}: {', '.join([*(f'{name} is missing' for name in missing), *wrong])}"
            continue
        key = tuple(
            int(value) if column.kind is Kind.INT32 else value
            for column, value in zip(columns[:-1], values[:-1], strict=True)
        )
        if names.setdefault(key, values[-1]) != values[-1]:
            yield f"line {number}: {'/'.join(map(str, key))} has two names, {names[key]!r} and {values[-1]!r}"


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and int(text) <= _LARGEST
