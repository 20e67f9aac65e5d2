"""Write Excel files: typed cells, one sheet for each result."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any, BinaryIO

import pyarrow as pa
import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from pipelines.errors import UsageError
from pipelines.warehouse.read.query_types import Result
from pipelines.warehouse.read.value_text import exact_text

ROWS_PER_SHEET = 1_048_576
CHARACTERS_PER_CELL = 32_767
_DIGITS = 15
_FIRST_YEAR, _LAST_YEAR = 1900, 9999
_NARROWEST, _WIDEST = 8, 60
_UTC = " UTC"  # behind times; Excel has no time zones
_PLAIN_TYPES = (pa.types.is_boolean, pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal)


def write_xlsx(results: Iterable[tuple[str, Result]], stream: BinaryIO) -> None:
    """Write a sheet for each name and result. A UsageError for more rows or characters than Excel can store."""
    with xlsxwriter.Workbook(stream, {"constant_memory": True}) as book:  # also removes the library's temporary files
        cells = _Cells(book)
        for name, result in results:
            cells.fill(book.add_worksheet(name[:31]), result)


class _Cells:
    """Writes cells in the formats of one workbook."""

    def __init__(self, book: xlsxwriter.Workbook) -> None:
        self.header: Format = book.add_format({"bold": True, "bottom": 1})
        self.note: Format = book.add_format({"italic": True})
        self.date: Format = book.add_format({"num_format": "yyyy-mm-dd"})
        self.time: Format = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        self.time_in_utc: Format = book.add_format({"num_format": f'yyyy-mm-dd hh:mm:ss"{_UTC}"'})
        self.number: Format = book.add_format({"num_format": "0.00####"})

    def fill(self, sheet: Worksheet, result: Result) -> None:
        names = [column.name for column in result.columns]
        widths = [len(name) for name in names]
        for column, name in enumerate(names):
            sheet.write_string(0, column, name, self.header)
        line = 0
        for line, values in enumerate(_rows(result), 1):
            if line >= ROWS_PER_SHEET:
                raise UsageError(f"an Excel sheet takes {ROWS_PER_SHEET - 1:,} rows and there are more: use csv")
            for column, value in enumerate(values):
                widths[column] = max(widths[column], self.write(sheet, line, column, value, names[column]))
        if not line:
            sheet.write_string(1, 0, "no rows", self.note)
        sheet.freeze_panes(1, 0)
        sheet.autofilter(0, 0, line, max(len(names) - 1, 0))
        for column, width in enumerate(widths):
            sheet.set_column(column, column, min(max(width, _NARROWEST), _WIDEST) + 2)

    def write(self, sheet: Worksheet, line: int, column: int, value: Any, name: str) -> int:
        """Write one cell; returns its width in characters."""
        if value is None:
            return 0
        if isinstance(value, bool):
            sheet.write_boolean(line, column, value)
            return 5
        if isinstance(value, (int, float, Decimal)) and _fits(value):
            sheet.write_number(line, column, float(value), self.number if isinstance(value, Decimal) else None)
        elif isinstance(value, dt.datetime):
            return self._write_time(sheet, line, column, value)
        elif isinstance(value, dt.date) and _FIRST_YEAR < value.year <= _LAST_YEAR:
            sheet.write_datetime(line, column, value, self.date)
        else:
            _write_text(sheet, line, column, str(value), name)
        return len(str(value))

    def _write_time(self, sheet: Worksheet, line: int, column: int, value: dt.datetime) -> int:
        """Write a time, with UTC behind it if it has a zone; as text if Excel has no such year."""
        zone, local = "" if value.tzinfo is None else _UTC, value.replace(tzinfo=None)
        if _FIRST_YEAR < local.year <= _LAST_YEAR:
            sheet.write_datetime(line, column, local, self.time_in_utc if zone else self.time)
        else:
            sheet.write_string(line, column, f"{local}{zone}")
        return len(f"{local}{zone}")


def _write_text(sheet: Worksheet, line: int, column: int, text: str, name: str) -> None:
    if len(text) > CHARACTERS_PER_CELL:
        raise UsageError(
            f"an Excel cell takes {CHARACTERS_PER_CELL:,} characters and {name} holds {len(text):,}: use csv"
        )
    sheet.write_string(line, column, text)


def _fits(number: float | Decimal) -> bool:
    """Whether Excel, which keeps 15 digits, stores the number unchanged."""
    if isinstance(number, float):
        return math.isfinite(number)
    return len(Decimal(number).normalize().as_tuple().digits) <= _DIGITS


def _rows(result: Result) -> Iterator[tuple[Any, ...]]:
    for batch in result.batches:
        yield from zip(*(_values(column) for column in batch.columns), strict=True)


def _values(column: pa.Array) -> list[Any]:
    """Numbers, booleans, dates and times (in UTC if they have a zone) as they are, everything else as text."""
    kind = column.type
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return _times(column)
    is_plain = any(is_such(kind) for is_such in _PLAIN_TYPES)
    return list((column if is_plain else exact_text(column)).to_pylist())


def _times(column: pa.Array) -> list[Any]:
    try:
        if pa.types.is_timestamp(column.type):
            column = column.cast(pa.timestamp("us", column.type.tz and "UTC"), safe=False)
        return list(column.to_pylist())
    except (OverflowError, pa.ArrowInvalid):
        return list(exact_text(column).to_pylist())
