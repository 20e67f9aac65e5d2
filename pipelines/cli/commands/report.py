"""``floriday report``: the reports, one by one or all in a workbook."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from pipelines.cli.console import Heading, print_error, print_line, print_table
from pipelines.cli.options import Format, FormatOption, OutputOption

if TYPE_CHECKING:
    import pyarrow as pa

    from pipelines.reports import Report
    from pipelines.warehouse.read.query_session import QuerySession
    from pipelines.warehouse.read.query_types import Result


def report(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="Which; without a name they are listed.")] = None,
    from_date: Annotated[
        datetime | None, typer.Option("--from", metavar="DATE", formats=["%Y-%m-%d"], help="First day, in Amsterdam.")
    ] = None,
    to_date: Annotated[
        datetime | None, typer.Option("--to", metavar="DATE", formats=["%Y-%m-%d"], help="Last day, in Amsterdam.")
    ] = None,
    currency: Annotated[str | None, typer.Option(metavar="CODE", help="Only this currency, such as EUR.")] = None,
    customer: Annotated[UUID | None, typer.Option(metavar="ID", help="Only this buyer's organization.")] = None,
    grower: Annotated[UUID | None, typer.Option(metavar="ID", help="Only this grower's organization.")] = None,
    trade_item: Annotated[UUID | None, typer.Option(metavar="ID", help="Only this trade item.")] = None,
    every: Annotated[bool, typer.Option("--all", help="All reports: one sheet each in an xlsx file.")] = False,
    format: FormatOption = None,
    output: OutputOption = None,
) -> None:
    """List the reports, or print one.

    Days and weeks are those of Amsterdam; currencies are never added together. In SQL, a report is a view and a macro
    that takes the same parameters: FROM reports.revenue_by_week(from_date := '2026-01-01').

    For example:

        floriday report

        floriday report revenue_by_week --from 2026-01-05 --to 2026-02-01

        floriday report --all --output reports.xlsx
    """
    given: dict[str, object | None] = {
        "from_date": from_date and from_date.date(),
        "to_date": to_date and to_date.date(),
        "currency": currency,
        "customer": customer,
        "grower": grower,
        "trade_item": trade_item,
    }
    values = {parameter: value for parameter, value in given.items() if value is not None}
    if name is None and not every:
        _list()
    elif every:
        _write_all(name, values, format, output)
    else:
        assert name is not None
        _print(name, values, format, output)


def _list() -> None:
    from pipelines.reports import all_reports

    headings = [Heading("report"), Heading("parameters"), Heading("tells")]
    print_table(headings, [(each.name, " ".join(_options(each)), each.summary) for each in all_reports()])


def _options(each: Report) -> list[str]:
    return [f"--{parameter.removesuffix('_date').replace('_', '-')}" for parameter in each.parameters]


def _print(name: str, values: dict[str, object], format: Format | None, output: Path | None) -> None:
    from pipelines.cli.output import chosen_format, write_result
    from pipelines.errors import UsageError
    from pipelines.reports import find_report
    from pipelines.settings import load_local_settings
    from pipelines.warehouse.read.query_session import query_session

    style, chosen = chosen_format(format, output), find_report(name)
    if values.keys() - chosen.parameters.keys():
        raise UsageError(f"{name} takes {', '.join(_options(chosen)) or 'no parameters'} and nothing else")
    path = load_local_settings().warehouse
    with query_session(path) as session:
        counted = _Counted(_result(session, chosen, values, _installed(session)))
        write_result(counted.result, style, output, path)
        if not counted.rows:
            print_error(f"{name} has no rows{_why(session, values)}")


class _Counted:
    """A result whose rows are counted while they are read."""

    def __init__(self, result: Result) -> None:
        self.rows = 0
        self.result = replace(result, batches=self._counted(result.batches))

    def _counted(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            self.rows += batch.num_rows
            yield batch


def _why(session: QuerySession, values: dict[str, object]) -> str:
    """Why there are no rows, as far as that can be told."""
    ((synced,),) = session.rows("SELECT count(*) FROM sync.windows")
    if not synced:
        return " yet: nothing has been synced into this warehouse, `floriday sync` does that"
    return " for what was asked" if values else ": the warehouse holds nothing that it would show"


def _installed(session: QuerySession) -> frozenset[str]:
    from pipelines.reports import INSTALLED

    return frozenset(name for name, _ in session.rows(INSTALLED))


def _result(session: QuerySession, chosen: Report, values: dict[str, object], names: frozenset[str]) -> Result:
    from pipelines.errors import PipelineError

    if chosen.name not in names:
        raise PipelineError(
            f"the warehouse does not have the report {chosen.name} yet: `floriday sync` puts it there, where the API"
            f" serves {' and '.join(chosen.tables)}"
        )
    given = ", ".join(f"{parameter} := ${parameter}" for parameter in values)
    return session.execute(f"FROM reports.{chosen.name}({given})", values)


def _write_all(name: str | None, values: dict[str, object], format: Format | None, output: Path | None) -> None:
    from pipelines.cli.formats.workbook import write_xlsx
    from pipelines.cli.output import chosen_format, destination
    from pipelines.errors import UsageError
    from pipelines.reports import all_reports
    from pipelines.settings import load_local_settings
    from pipelines.text_format import counted
    from pipelines.warehouse.read.query_session import query_session

    if name is not None or chosen_format(format, output) is not Format.XLSX or output is None:
        raise UsageError("--all is every report in one workbook: floriday report --all --output FILE.xlsx")
    path = load_local_settings().warehouse
    with query_session(path) as session, destination(output, path) as stream:
        names = _installed(session)
        there = [each for each in all_reports() if each.name in names]
        sheets: list[_Counted] = []

        def results() -> Iterator[tuple[str, Result]]:
            for each in there:
                taken = {parameter: value for parameter, value in values.items() if parameter in each.parameters}
                sheets.append(_Counted(_result(session, each, taken, names)))
                yield each.name, sheets[-1].result

        write_xlsx(results(), stream)
        empty = sum(not sheet.rows for sheet in sheets)
        why = _why(session, values) if empty == len(sheets) else ""
    without = f", {empty} of them without rows{why}" if empty else ""
    print_line(f"{counted(len(there), 'report')} in {output}{without}")
    for each in all_reports():
        if each not in there:
            print_error(f"{each.name} is left out: the warehouse does not have it")
