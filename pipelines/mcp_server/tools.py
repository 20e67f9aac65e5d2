"""The tools: lists of tables and reports, a report, a query, and how current the warehouse is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Annotated, Any

from mcp.types import CallToolResult, TextContent
from pydantic import BaseModel, Field

from pipelines.catalogue import Catalogue, catalogue_of
from pipelines.catalogue.types import Source
from pipelines.errors import PipelineError
from pipelines.mcp_server.calls import Calls
from pipelines.mcp_server.limits import ANSWER_BYTES, DEFAULT_ROWS, MOST_ROWS, MOST_SQL
from pipelines.mcp_server.results import (
    ColumnEntry,
    FeedTime,
    FreshnessResult,
    ReportEntry,
    ReportList,
    Rows,
    TableColumns,
    TableEntry,
    TableList,
    read_rows,
    short_table,
)
from pipelines.reports import find_report
from pipelines.reports.execution import Arguments, api_of, reports_in, run_report
from pipelines.reports.parameters import given_parameters
from pipelines.text_format import counted, file_size
from pipelines.unexpected_errors import summary
from pipelines.warehouse.read.feed_status import read_statuses
from pipelines.warehouse.read.freshness import freshness_of
from pipelines.warehouse.read.hints.before_first_sync import before_first_sync
from pipelines.warehouse.read.query_session import QuerySession
from pipelines.warehouse.read.table_joins import catalogue_table, joins, nested_tables
from pipelines.warehouse.read.tables import TableDescription, described_table, listed_tables
from pipelines.warehouse.schema.owner import require_owner

Limit = Annotated[int, Field(ge=1, le=MOST_ROWS, description="most rows to return")]
Day = Annotated[str | None, Field(description="a day in Amsterdam, such as 2026-11-20")]
Named = Annotated[str | None, Field(description="an id, or a part of the name that only one has")]

Answer = Awaitable[tuple[BaseModel, str]]

_TOOLS = {
    "`floriday tables NAME`": "describe_table",
    "`floriday tables`": "list_tables",
    "`floriday report`": "list_reports",
}
"""The tools that do the same as commands that errors name, because an assistant may have no shell."""


class Tools:
    """The tools of one warehouse; each public method is one, and its docstring is what assistants read of it."""

    def __init__(
        self, calls: Calls, *, is_copy: bool, chosen: Callable[[Catalogue], tuple[Source, ...]] = lambda c: c.sources
    ) -> None:
        self._calls = calls
        self._is_copy = is_copy
        self._chosen = chosen

    async def list_tables(self) -> Annotated[CallToolResult, TableList]:
        """List the tables of the warehouse with their numbers of rows and what a row is.

        history.NAME has all versions of the rows of a table, raw.NAME the records as they were received.
        """
        return await _answered(self._list_tables())

    async def describe_table(
        self, name: Annotated[str, Field(description="such as sales_orders, history.sales_orders or reports.fill_rate")]
    ) -> Annotated[CallToolResult, TableColumns]:
        """Describe a table, a history view or a report: columns, types, meanings and joins.

        Use it before you write SQL.
        """
        return await _answered(self._describe_table(name))

    async def list_reports(self) -> Annotated[CallToolResult, ReportList]:
        """List the reports with what they measure, their parameters and columns. Prefer a report to SQL of your own."""
        return await _answered(self._list_reports())

    async def run_report(
        self,
        *,
        name: Annotated[str, Field(description="name of the report, such as revenue_by_week")],
        account: Annotated[str | None, Field(description="only this account")] = None,
        from_date: Day = None,
        to_date: Day = None,
        currency: Annotated[str | None, Field(description="only this currency, such as EUR")] = None,
        customer: Named = None,
        grower: Named = None,
        trade_item: Named = None,
        grace_days: Annotated[int | None, Field(ge=0, description="days before a missing invoice is reported")] = None,
        limit: Limit = DEFAULT_ROWS,
    ) -> Annotated[CallToolResult, Rows]:
        """Return the rows of a report. Amounts in different currencies are never added together.

        A report takes only some of the parameters; list_reports names them.
        """
        given: dict[str, Any] = {"from_date": from_date, "to_date": to_date, "currency": currency}
        given |= {"customer": customer, "grower": grower, "trade_item": trade_item, "grace_days": grace_days}
        return await _answered(self._run_report(name, given, account, limit))

    async def query(
        self,
        sql: Annotated[str, Field(max_length=MOST_SQL, description="one statement in DuckDB's SQL that only reads")],
        limit: Limit = DEFAULT_ROWS,
    ) -> Annotated[CallToolResult, Rows]:
        """Execute one SELECT on the warehouse. It cannot write, and has no access to files, settings and the network.

        Aggregate in SQL instead of reading many rows. Join on account too, leave out rows with is_deleted, and count
        only orders of status COMMITTED as revenue.
        """
        return await _answered(self._query(sql, limit))

    async def freshness(self) -> Annotated[CallToolResult, FreshnessResult]:
        """Return until when the data are complete. Say so if the question is about today."""
        return await _answered(self._freshness())

    async def _list_tables(self) -> tuple[BaseModel, str]:
        found = await self._calls.reading(listed_tables)
        tables = [
            TableEntry(name=f"{each.schema}.{each.name}", rows=each.rows, description=each.description)
            for each in found
        ]
        return TableList(tables=tables), "\n".join(f"{each.name}: {counted(each.rows, 'row')}" for each in tables)

    async def _describe_table(self, name: str) -> tuple[BaseModel, str]:
        def read(connection: Any) -> tuple[TableDescription, Catalogue]:
            owner = require_owner(connection, self._calls.warehouse.name)
            return described_table(connection, name), catalogue_of(owner.api, owner.api_version)

        found = _table_columns(*await self._calls.reading(read))
        lines = [f"{found.name}: {found.description}", *(f"- {each.name} {each.type}" for each in found.columns)]
        return found, "\n".join((*lines, *found.related))

    async def _list_reports(self) -> tuple[BaseModel, str]:
        api, found = await self._calls.in_session(lambda session: (api_of(session), reports_in(session)))
        reports = [
            ReportEntry(
                name=each.name,
                summary=each.summary_for(api),
                parameters={"account": "name of the account", **each.parameters},
                columns=list(each.columns),
            )
            for each in found
        ]
        return ReportList(reports=reports), "\n".join(f"{each.name}: {each.summary}" for each in reports)

    async def _run_report(
        self, name: str, given: dict[str, Any], account: str | None, limit: int
    ) -> tuple[BaseModel, str]:
        report, arguments = find_report(name), Arguments(given_parameters(given), account)
        arguments.check_names(report)

        def read(session: QuerySession) -> Rows:
            return read_rows(run_report(session, report, arguments), limit)

        rows = await self._calls.in_session(read, limit)
        return rows, short_table(rows)

    async def _query(self, sql: str, limit: int) -> tuple[BaseModel, str]:
        def read(session: QuerySession) -> Rows:
            found = read_rows(session.execute(sql), limit)
            return found.model_copy(update={"notice": before_first_sync(session.rows, sql)})

        rows = await self._calls.in_session(read, limit)
        return rows, short_table(rows)

    async def _freshness(self) -> tuple[BaseModel, str]:
        found = await self._calls.in_thread(self._freshness_result)
        when = f"complete until {found.current_at}" if found.current_at else "not complete yet"
        return found, f"The data are {when}; {counted(found.rejected_records, 'record')} could not be stored."

    def _freshness_result(self) -> FreshnessResult:
        _, statuses = read_statuses(self._calls.warehouse, self._chosen)
        found = freshness_of(statuses)
        age = found.age(datetime.now(UTC))
        oldest = sorted(((feed, _text(at)) for feed, at in found.feeds.items()), key=lambda each: each[1] or "")
        return FreshnessResult(
            current_at=_text(found.current_at),
            minutes_since=None if age is None else int(age.total_seconds() // 60),
            rejected_records=found.rejected,
            is_published_copy=self._is_copy,
            feeds=[FeedTime(feed=feed, current_at=at) for feed, at in oldest],
        )


def _with_tools(message: str) -> str:
    for command, tool in _TOOLS.items():
        message = message.replace(command, tool)
    return message


def _text(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).isoformat(timespec="seconds")


def _table_columns(table: TableDescription, catalogue: Catalogue) -> TableColumns:
    known, joined = catalogue_table(table, catalogue), joins(table, catalogue)
    personal = {column.name for column in known.columns if column.personal} if known else set()
    return TableColumns(
        name=f"{table.schema}.{table.name}",
        description=table.description,
        columns=[
            ColumnEntry(
                name=each.name,
                type=each.type,
                description=each.description,
                joins=joined.get(each.name, []),
                is_personal=each.name in personal or (table.schema == "raw" and each.name == "payload"),
            )
            for each in table.columns
        ],
        related=list(nested_tables(table, catalogue)),
    )


async def _answered(work: Answer) -> CallToolResult:
    """The structured content and the text of a tool, or the error in one line, which assistants read too."""
    try:
        content, text = await work
        _require_short(content)
    except PipelineError as error:
        return CallToolResult(content=[TextContent(type="text", text=_with_tools(str(error)))], is_error=True)
    except Exception as error:  # noqa: BLE001 - one call must not end the server; the message may contain anything
        return CallToolResult(content=[TextContent(type="text", text=summary(error))], is_error=True)
    return CallToolResult(
        content=[TextContent(type="text", text=text)], structured_content=content.model_dump(mode="json")
    )


def _require_short(content: BaseModel) -> None:
    if len(content.model_dump_json().encode()) > ANSWER_BYTES:
        most = file_size(ANSWER_BYTES)
        raise PipelineError(f"the answer has more than {most}: select fewer columns or shorter values, or lower limit")
