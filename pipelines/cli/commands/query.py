"""``floriday query``: SQL that only reads."""

from __future__ import annotations

import math
import re
from contextlib import closing
from typing import Annotated

import typer

from pipelines.cli.options import FormatOption, OutputOption

_MEMORY = re.compile(r"[1-9]\d{0,5}(\.\d{1,3})?\s?([KMGT]i?B)", re.IGNORECASE)


def _seconds(text: str | float) -> float:
    """What ``--timeout`` says, in seconds; ``off`` is infinite. The default comes as a number."""
    from pipelines.settings.values import duration

    if isinstance(text, float):
        return text
    if text == "off":
        return math.inf
    try:
        seconds = duration(f"{text}s" if text.isdigit() else text).total_seconds()
    except ValueError:
        seconds = 0.0
    if not seconds:
        raise typer.BadParameter("expects a duration such as 90s, 5m or 1h, or off")
    return seconds


def _memory(text: str) -> str:
    if not _MEMORY.fullmatch(text):
        raise typer.BadParameter("expects an amount of memory such as 500MB or 4GB")
    return text


def query(
    sql: Annotated[str, typer.Argument(metavar="SQL", help="One statement that reads, in quotes.")],
    format: FormatOption = None,
    output: OutputOption = None,
    timeout: Annotated[
        float,
        typer.Option(
            metavar="TIME",
            parser=_seconds,
            show_default="60s",
            help="End the query after this time, such as 5m, whoever is slow; off: never.",
        ),
    ] = 60.0,
    memory_limit: Annotated[
        str | None,
        typer.Option(
            metavar="SIZE",
            parser=_memory,
            help="Memory that the query may use, such as 4GB; by default four fifths of the machine's.",
        ),
    ] = None,
) -> None:
    """Query the warehouse with SQL that only reads.

    One statement is allowed: SELECT, FROM, VALUES, WITH, PIVOT, DESCRIBE, SHOW, SUMMARIZE, or EXPLAIN of one of these.
    It is executed in a process that has no access to other files or the network and cannot write; so it keeps nothing
    on disk and works within its memory limit. Times are in UTC, decimals keep their digits. Text that a spreadsheet
    would take for a formula is made harmless in csv and xlsx.

    For example:

        floriday query "SELECT count(*) FROM orders.sales_orders"

        floriday query "FROM reports.revenue_by_week" --output weeks.csv

        floriday query "SUMMARIZE orders.sales_orders" --timeout 5m
    """
    from pipelines.cli.output import chosen_format, write_result
    from pipelines.errors import QueryMemoryError, QueryTimeoutError
    from pipelines.settings import load_local_settings
    from pipelines.warehouse.read.query_session import Limits, QuerySession

    style = chosen_format(format, output)
    limits = Limits(None if math.isinf(timeout) else timeout, memory_limit)
    try:
        with closing(QuerySession()) as session:  # its process starts while the settings are read
            path = load_local_settings().warehouse
            session.open(path, limits)
            write_result(session.execute(sql), style, output, path)
    except QueryTimeoutError as error:
        raise QueryTimeoutError(f"{error}: query less, or allow more with --timeout") from None
    except QueryMemoryError as error:
        raise QueryMemoryError(f"{error}: query less, or allow more with --memory-limit") from None
