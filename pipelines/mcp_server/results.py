"""What the tools return: types of the structured content, and the conversion of rows to JSON and to a short table."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Annotated, Any

import pyarrow as pa
from pydantic import BaseModel, Field

from pipelines.mcp_server.limits import MOST_CHARACTERS, ROWS_AS_TEXT
from pipelines.text_format import counted, one_line
from pipelines.warehouse.read.query_types import Result
from pipelines.warehouse.read.value_text import encode_json, exact_text, json_values

_EXACT_INTEGER = 2**53  # up to which every JSON reader keeps a whole number exactly
_CELL_WIDTH = 60  # characters of a value in the short table


class TableEntry(BaseModel):
    """A table of the warehouse."""

    name: Annotated[str, Field(description="name in SQL, such as orders.sales_orders")]
    rows: Annotated[int, Field(description="number of rows")]
    description: Annotated[str, Field(description="what a row is")]


class TableList(BaseModel):
    """The tables of the warehouse."""

    tables: list[TableEntry]


class ColumnEntry(BaseModel):
    """A column of a table, a history view or a report."""

    name: str
    type: Annotated[str, Field(description="type in DuckDB")]
    description: str
    joins: Annotated[list[str], Field(description="columns of other tables with the same values; join on account too")]
    is_personal: Annotated[bool, Field(description="whether it is personal data, or may contain them")]


class TableColumns(BaseModel):
    """A table with its columns."""

    name: str
    description: str
    columns: list[ColumnEntry]
    related: Annotated[list[str], Field(description="tables of arrays within the records, and how they are joined")]


class ReportEntry(BaseModel):
    """A report of the warehouse."""

    name: str
    summary: Annotated[str, Field(description="what it measures")]
    parameters: Annotated[dict[str, str], Field(description="meaning of each parameter; all of them are optional")]
    columns: Annotated[list[str], Field(description="names of its columns")]


class ReportList(BaseModel):
    """The reports of the warehouse."""

    reports: list[ReportEntry]


class ResultColumn(BaseModel):
    """A column of a result."""

    name: str
    type: Annotated[str, Field(description="type in DuckDB")]


class Rows(BaseModel):
    """The rows of a report or a query."""

    columns: list[ResultColumn]
    rows: Annotated[
        list[list[Any]],
        Field(description="values by column; times are ISO 8601 in UTC, and whole numbers above 2^53 are text"),
    ]
    row_count: Annotated[int, Field(description="number of rows here")]
    is_truncated: Annotated[bool, Field(description="whether there are more rows than limit")]
    notice: Annotated[
        str | None, Field(description="why rows may be missing: a time before the first sync; null if none are")
    ] = None


class FeedTime(BaseModel):
    """Until when one feed is complete."""

    feed: str
    current_at: Annotated[str | None, Field(description="ISO 8601 in UTC; null if it was never read to its end")]


class FreshnessResult(BaseModel):
    """How current the warehouse is."""

    current_at: Annotated[
        str | None, Field(description="time until which all feeds are complete, in UTC; null if one never was")
    ]
    minutes_since: Annotated[int | None, Field(description="minutes since that time")]
    rejected_records: Annotated[int, Field(description="records that could not be stored so far")]
    is_published_copy: Annotated[bool, Field(description="whether the copy is read, which is renewed after syncs")]
    feeds: Annotated[list[FeedTime], Field(description="oldest first")]


def read_rows(result: Result, limit: int) -> Rows:
    """The first rows of a result, at most ``limit``."""
    rows: list[list[Any]] = []
    for batch in result.batches:
        rows += map(list, zip(*map(_values, batch.columns), strict=True))
        if len(rows) > limit:
            break
    columns = [ResultColumn(name=one_line(column.name), type=column.type) for column in result.columns]
    return Rows(columns=columns, rows=rows[:limit], row_count=min(len(rows), limit), is_truncated=len(rows) > limit)


def short_table(rows: Rows) -> str:
    """The first rows as a Markdown table, with a line on what is left out."""
    shown = rows.rows[:ROWS_AS_TEXT]
    lines = [
        _line([column.name for column in rows.columns]),
        _line(["---"] * len(rows.columns)),
        *map(_line, shown),
        f"({', '.join(_remarks(rows, len(shown)))})",
    ]
    return "\n".join(lines)


def _remarks(rows: Rows, shown: int) -> Iterator[str]:
    yield counted(rows.row_count, "row")
    if shown < rows.row_count:
        yield f"the first {shown} of them are shown here"
    if rows.is_truncated:
        yield "more rows exist: aggregate, filter, or raise limit"
    if rows.notice:
        yield rows.notice


def _line(values: Sequence[object]) -> str:
    return f"| {' | '.join(map(_cell, values))} |"


def _cell(value: object) -> str:
    if value is None:
        return ""
    text = value if isinstance(value, str) else encode_json(value).decode()
    return one_line(text, _CELL_WIDTH).replace("|", "\\|")


def _values(column: pa.Array) -> list[Any]:
    """The values of a column as JSON has them."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_temporal(column.type):
        return list(exact_text(column).to_pylist())
    return [_short(_plain(value)) for value in json_values(column)]


def _plain(value: Any) -> Any:
    """A value that every JSON reader understands: no decimals, no infinity, no number that would be rounded."""
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    if isinstance(value, Decimal):
        value = int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > _EXACT_INTEGER:
        return str(value)
    return value


def _short(value: Any) -> Any:
    """A value whose text is short enough; a longer one as the beginning of its text."""
    if value is None or isinstance(value, (bool, int, float)):
        return value
    text = value if isinstance(value, str) else encode_json(value).decode(errors="replace")
    if len(text) <= MOST_CHARACTERS:
        return value
    return f"{text[:MOST_CHARACTERS]}… ({len(text):,} characters)"
