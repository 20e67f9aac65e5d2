"""``floriday report``: one report, or all reports in a workbook."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO
from uuid import UUID

import typer

from pipelines.cli.console import print_error, print_line, print_table
from pipelines.cli.formats.rows import LIST, TEXT
from pipelines.cli.options import Format, FormatOption, OutputOption, date_option
from pipelines.cli.terminal.layout import Heading

if TYPE_CHECKING:
    import pyarrow as pa

    from pipelines.reports import Report
    from pipelines.warehouse.read.query_session import QuerySession
    from pipelines.warehouse.read.query_types import Result

_LISTED = {"report": TEXT, "parameters": LIST, "shows": TEXT}
Parameters = dict[str, date | str | UUID]  # the values of a report's parameters, by name


def report(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="Name of the report. Without it, all reports are listed.")
    ] = None,
    from_date: Annotated[datetime | None, date_option("--from", "First day, in Amsterdam.")] = None,
    to_date: Annotated[datetime | None, date_option("--to", "Last day, in Amsterdam.")] = None,
    currency: Annotated[str | None, typer.Option(metavar="CODE", help="Only this currency, such as EUR.")] = None,
    customer: Annotated[UUID | None, typer.Option(metavar="ID", help="Only this buyer's organization.")] = None,
    grower: Annotated[UUID | None, typer.Option(metavar="ID", help="Only this grower's organization.")] = None,
    trade_item: Annotated[UUID | None, typer.Option(metavar="ID", help="Only this trade item.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Write all reports, one sheet each, to an xlsx file.")] = False,
    format: FormatOption = None,
    output: OutputOption = None,
) -> None:
    """List the reports, or print one.

    Days and weeks are those of Amsterdam; amounts in different currencies are never added together. In SQL, a report is
    a view and a macro with the same parameters: FROM reports.revenue_by_week(from_date := '2026-01-01').

    The keys of the list in --format json are report, parameters and shows.

    For example:

        floriday report

        floriday report revenue_by_week --from 2026-01-05 --to 2026-02-01

        floriday report --all --output reports.xlsx
    """
    options = {
        "from_date": from_date and from_date.date(),
        "to_date": to_date and to_date.date(),
        "currency": currency,
        "customer": customer,
        "grower": grower,
        "trade_item": trade_item,
    }
    parameters = {option: value for option, value in options.items() if value is not None}
    if every:
        _write_all(name, parameters, format, output)
    elif name is None:
        _list(format, output)
    else:
        _print(name, parameters, format, output)


def _list(format: Format | None, output: Path | None) -> None:
    from pipelines.cli.output import chosen_format, is_listed, write_rows
    from pipelines.reports import all_reports
    from pipelines.settings import load_local_settings

    style = chosen_format(format, output)
    if not is_listed(style, output):
        rows = [{"report": each.name, "parameters": _options(each), "shows": each.summary} for each in all_reports()]
        write_rows(_LISTED, rows, style, output, load_local_settings().warehouse)
        return
    headings = [Heading("report"), Heading("parameters", is_text=True), Heading("shows", is_text=True)]
    print_table(headings, [(each.name, " ".join(_options(each)), each.summary) for each in all_reports()])


def _options(each: Report) -> list[str]:
    return [f"--{parameter.removesuffix('_date').replace('_', '-')}" for parameter in each.parameters]


def _print(name: str, parameters: Parameters, format: Format | None, output: Path | None) -> None:
    from pipelines.cli.output import chosen_format, write_result
    from pipelines.errors import UsageError
    from pipelines.reports import find_report
    from pipelines.settings import load_local_settings
    from pipelines.warehouse.read.query_session import query_session

    style, chosen = chosen_format(format, output), find_report(name)
    if parameters.keys() - chosen.parameters.keys():
        raise UsageError(f"{name} takes {', '.join(_options(chosen)) or 'no parameters'} and nothing else")
    path = load_local_settings().warehouse
    with query_session(path) as session:
        counted = _CountedResult(_query(session, chosen, parameters, _installed(session)))
        write_result(counted.result, style, output, path)
        if not counted.rows:
            print_error(f"{name} has no rows{_why_empty(session, parameters)}")


class _CountedResult:
    """A result that counts its rows while they are read."""

    def __init__(self, result: Result) -> None:
        self.rows = 0
        self.result = replace(result, batches=self._count(result.batches))

    def _count(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            self.rows += batch.num_rows
            yield batch


def _why_empty(session: QuerySession, parameters: Parameters) -> str:
    """The end of a sentence: why there are no rows."""
    ((windows,),) = session.rows("SELECT count(*) FROM sync.windows")
    if not windows:
        return " yet: nothing has been synced into this warehouse, `floriday sync` does that"
    return " for these parameters" if parameters else ": the warehouse has no data for it"


def _installed(session: QuerySession) -> frozenset[str]:
    from pipelines.reports import INSTALLED

    return frozenset(name for name, _ in session.rows(INSTALLED))


def _query(session: QuerySession, chosen: Report, parameters: Parameters, names: frozenset[str]) -> Result:
    from pipelines.errors import PipelineError

    if chosen.name not in names:
        raise PipelineError(
            f"the warehouse does not have the report {chosen.name} yet: `floriday sync` creates it, if the API serves"
            f" {' and '.join(chosen.tables)}"
        )
    arguments = ", ".join(f"{name} := ${name}" for name in parameters)
    return session.execute(f"FROM reports.{chosen.name}({arguments})", parameters)


def _write_all(name: str | None, parameters: Parameters, format: Format | None, output: Path | None) -> None:
    from pipelines.cli.output import chosen_format, destination
    from pipelines.errors import UsageError
    from pipelines.reports import all_reports
    from pipelines.settings import load_local_settings
    from pipelines.text_format import counted
    from pipelines.warehouse.read.query_session import query_session

    if name is not None or chosen_format(format, output) is not Format.XLSX or output is None:
        raise UsageError("--all writes every report to one workbook: floriday report --all --output FILE.xlsx")
    path = load_local_settings().warehouse
    with query_session(path) as session, destination(output, path) as stream:
        sheets = _write_sheets(session, stream, parameters)
        empty = sum(not rows for rows in sheets.values())
        why = _why_empty(session, parameters) if empty == len(sheets) else ""
    remark = f", {empty} of them without rows{why}" if empty else ""
    print_line(f"{counted(len(sheets), 'report')} in {output}{remark}")
    for each in all_reports():
        if each.name not in sheets:
            print_error(f"{each.name} is left out: the warehouse does not have it")


def _write_sheets(session: QuerySession, stream: BinaryIO, parameters: Parameters) -> dict[str, int]:
    """Write a sheet for each report in the warehouse; returns their numbers of rows."""
    from pipelines.cli.formats.workbook import write_xlsx
    from pipelines.reports import all_reports

    names = _installed(session)
    sheets: dict[str, _CountedResult] = {}

    def results() -> Iterator[tuple[str, Result]]:
        for each in all_reports():
            if each.name in names:
                accepted = {name: value for name, value in parameters.items() if name in each.parameters}
                sheets[each.name] = _CountedResult(_query(session, each, accepted, names))
                yield each.name, sheets[each.name].result

    write_xlsx(results(), stream)
    return {name: sheet.rows for name, sheet in sheets.items()}
