"""``floriday report``: one report, or all reports in a workbook."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO
from uuid import UUID

import typer

from pipelines.cli.console import print_error, print_line, print_table
from pipelines.cli.formats.rows import LIST, TEXT
from pipelines.cli.options import Format, FormatOption, OutputOption, date_option, option_name
from pipelines.cli.terminal.layout import Heading

if TYPE_CHECKING:
    from pipelines.cli.terminal.status_line import Step
    from pipelines.reports import Report
    from pipelines.reports.execution import Arguments
    from pipelines.settings import LocalSettings
    from pipelines.warehouse.read.query_session import QuerySession
    from pipelines.warehouse.read.query_types import Result

_LISTED = {"report": TEXT, "parameters": LIST, "apis": LIST, "shows": TEXT}
_GraceDays = Annotated[
    int | None, typer.Option(metavar="DAYS", min=0, help="Days before a missing invoice is reported.")
]
_LONGEST_WAIT = 2.0  # seconds to wait for a warehouse that another process writes, to list the reports of its API


def report(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="Name of the report. Without it, all reports are listed.")
    ] = None,
    from_date: Annotated[datetime | None, date_option("--from", "First day, in Amsterdam.")] = None,
    to_date: Annotated[datetime | None, date_option("--to", "Last day, in Amsterdam.")] = None,
    currency: Annotated[str | None, typer.Option(metavar="CODE", help="Only this currency, such as EUR.")] = None,
    account: Annotated[str | None, typer.Option(metavar="NAME", help="Only this account.")] = None,
    customer: Annotated[str | None, typer.Option(metavar="NAME", help="Only this buyer, by name or id.")] = None,
    grower: Annotated[str | None, typer.Option(metavar="NAME", help="Only this grower, by name or id.")] = None,
    trade_item: Annotated[str | None, typer.Option(metavar="NAME", help="Only this trade item, by name or id.")] = None,
    grace_days: _GraceDays = None,
    every: Annotated[bool, typer.Option("--all", help="Write all reports, one sheet each, to an xlsx file.")] = False,
    format: FormatOption = None,
    output: OutputOption = None,
) -> None:
    """List the reports, or print one.

    Days and weeks are those of Amsterdam; amounts in different currencies are never added together. In SQL, a report is
    a view and a macro with the same parameters: FROM reports.revenue_by_week(from_date := '2026-01-01').

    A name may be a part of the name in the warehouse if only one has it. The list has the reports of the API of the
    warehouse, else of FLORIDAY_BASE_URL, else of both APIs.

    The keys of the list in --format json are report, parameters, apis and shows.

    For example:

        floriday report

        floriday report revenue_by_week --from 2026-01-05 --to 2026-02-01

        floriday report --all --output reports.xlsx
    """
    from pipelines.reports.execution import Arguments
    from pipelines.reports.parameters import given_parameters

    options: dict[str, date | int | str | UUID | None]
    options = {"from_date": from_date, "to_date": to_date, "currency": currency, "customer": customer}
    options |= {"grower": grower, "trade_item": trade_item, "grace_days": grace_days}
    wanted = Arguments(given_parameters(options, option_name), account, option_name)
    if every:
        _write_all(name, wanted, format, output)
    elif name is None:
        _list(format, output)
    else:
        _print(name, wanted, format, output)


def _list(format: Format | None, output: Path | None) -> None:
    from pipelines.cli.output import chosen_format, is_listed, write_rows
    from pipelines.reports import all_reports
    from pipelines.reports.availability import apis_of
    from pipelines.settings import load_local_settings

    style, settings = chosen_format(format, output), load_local_settings()
    api = _api(settings)
    listed = [each for each in all_reports() if api is None or api in apis_of(each.name)]
    if not is_listed(style, output):
        rows = [
            {
                "report": each.name,
                "parameters": _options(each),
                "apis": apis_of(each.name),
                "shows": each.summary_for(api),
            }
            for each in listed
        ]
        write_rows(_LISTED, rows, style, output, settings.beside)
        return
    names = ["report", "parameters", "API", "shows"]
    cells = [
        (each.name, " ".join(_options(each)), " ".join(apis_of(each.name)), each.summary_for(api)) for each in listed
    ]
    shown = [index for index, name in enumerate(names) if api is None or name != "API"]
    headings = [Heading(names[index], is_text=index > 0) for index in shown]
    print_table(headings, [[row[index] for index in shown] for row in cells])


def _api(settings: LocalSettings) -> str | None:
    """The API of the warehouse, else of FLORIDAY_BASE_URL; None if neither has one."""
    from pipelines.errors import PipelineError
    from pipelines.warehouse.opening import open_warehouse
    from pipelines.warehouse.schema.owner import read_owner

    api = settings.api if settings.base_url else None
    warehouse = open_warehouse(settings.warehouse, lock_timeout=_LONGEST_WAIT)
    try:
        with warehouse.reading(locked=True) as connection:
            owner = read_owner(connection)
    except PipelineError:
        return api  # there is no warehouse, or it cannot be read; the list needs none
    return owner.api if owner else api


def _options(each: Report) -> list[str]:
    return [option_name(parameter) for parameter in each.parameters]


def _print(name: str, wanted: Arguments, format: Format | None, output: Path | None) -> None:
    from pipelines.cli.output import chosen_format, write_result
    from pipelines.reports import find_report
    from pipelines.reports.execution import run_report, why_empty
    from pipelines.settings import load_local_settings
    from pipelines.warehouse.read.query_session import query_session

    style, chosen = chosen_format(format, output), find_report(name)
    wanted.check_names(chosen)
    settings = load_local_settings()
    with query_session(settings.warehouse) as session:
        if not write_result(run_report(session, chosen, wanted), style, output, settings.beside):
            print_error(f"{name} has no rows{why_empty(session, wanted)}")


def _write_all(name: str | None, wanted: Arguments, format: Format | None, output: Path | None) -> None:
    from pipelines.cli.output import chosen_format, destination
    from pipelines.errors import UsageError
    from pipelines.reports.execution import lacking_reports, why_empty
    from pipelines.settings import load_local_settings
    from pipelines.text_format import counted
    from pipelines.warehouse.read.query_session import query_session

    if name is not None or chosen_format(format, output) is not Format.XLSX or output is None:
        raise UsageError("--all writes every report to one workbook: floriday report --all --output FILE.xlsx")
    settings = load_local_settings()
    with query_session(settings.warehouse) as session, destination(output, settings.beside) as stream:
        sheets = _write_sheets(session, stream, wanted.checked(session))
        empty = sum(not rows for rows in sheets.values())
        why = why_empty(session, wanted) if empty == len(sheets) else ""
        missing = lacking_reports(session)
    remark = f", {empty} of them without rows{why}" if empty else ""
    print_line(f"{counted(len(sheets), 'report')} in {output}{remark}")
    for each in missing:
        print_error(f"{each} is left out: the warehouse does not have it")


def _write_sheets(session: QuerySession, stream: BinaryIO, wanted: Arguments) -> dict[str, int]:
    """Write a sheet for each report in the warehouse; returns their numbers of rows."""
    from pipelines.cli.formats.workbook import write_xlsx
    from pipelines.cli.output import CountedRows
    from pipelines.cli.terminal.status_line import counted_steps
    from pipelines.reports.execution import reports_in, rows_of

    sheets: dict[str, CountedRows] = {}

    def results(show: Step) -> Iterator[tuple[str, Result]]:
        reports = reports_in(session)
        for number, each in enumerate(reports, 1):
            show(number, len(reports), each.name)
            sheets[each.name] = CountedRows(rows_of(session, each, wanted))
            yield each.name, sheets[each.name].result

    with counted_steps("reports", "reading the warehouse") as show:
        write_xlsx(results(show), stream)
    return {name: sheet.rows for name, sheet in sheets.items()}
