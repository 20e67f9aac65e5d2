"""``floriday query``: read-only SQL."""

from __future__ import annotations

import math
import re
import sys
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.console import print_error
from pipelines.cli.options import FormatOption, OutputOption, duration_option

_SHOW_TABLES = re.compile(r"\s*SHOW\s+TABLES\s*;?\s*", re.IGNORECASE)
_MEMORY = re.compile(r"[1-9]\d{0,5}(\.\d{1,3})?\s?([KMGT]i?B)", re.IGNORECASE)


def _seconds(text: str | float) -> float:
    """The value of ``--timeout`` in seconds; ``off`` is infinite. The default is a number already."""
    if isinstance(text, float):
        return text
    return math.inf if text == "off" else duration_option(text).total_seconds()


def _memory(text: str) -> str:
    if not _MEMORY.fullmatch(text):
        raise typer.BadParameter(f"expects an amount of memory such as 500MB or 4GB, not {text!r}")
    return text


def _statement(sql: str | None, file: Path | None) -> str:
    """The statement of the argument, of standard input or of the file."""
    from pipelines.errors import UsageError

    if sql is not None and file is not None:
        raise UsageError("two statements are given: leave out SQL, or --file FILE")
    if sql is None and file is None:
        raise UsageError("one statement is expected: as SQL in quotes, as - for standard input, or with --file FILE")
    if sql is not None and sql != "-":
        return sql
    place = "standard input" if file is None else str(file)
    try:
        content = sys.stdin.buffer.read() if file is None else file.read_bytes()
        return content.decode("utf-8-sig")
    except OSError as error:
        raise UsageError(f"{place} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UsageError(f"{place} is not UTF-8 text") from None


TimeoutOption = Annotated[
    float,
    typer.Option(
        "--timeout",
        metavar="TIME",
        parser=_seconds,
        show_default="60s",
        help="Stop the query after this time, such as 5m, whatever the cause of the delay; off for no limit.",
    ),
]
MemoryOption = Annotated[
    str | None,
    typer.Option(
        "--memory-limit",
        metavar="SIZE",
        parser=_memory,
        help="Memory that the query may use, such as 4GB. Default: 80 % of the machine's memory.",
    ),
]


def query(
    sql: Annotated[
        str | None, typer.Argument(metavar="SQL", help="One read-only statement, in quotes; - reads standard input.")
    ] = None,
    file: Annotated[Path | None, typer.Option("--file", metavar="FILE", help="Read the statement from FILE.")] = None,
    format: FormatOption = None,
    output: OutputOption = None,
    timeout: TimeoutOption = 60.0,
    memory_limit: MemoryOption = None,
) -> None:
    """Query the warehouse with read-only SQL.

    One statement is allowed: SELECT, FROM, VALUES, WITH, PIVOT, DESCRIBE, SHOW, SUMMARIZE, or EXPLAIN of one of these.
    It runs in a process that cannot write and has no access to other files or the network. Therefore it cannot spill
    to disk, and has to fit into its memory limit. Times are in UTC (the Z at their end), decimals keep all digits. Text
    that a spreadsheet would run as a formula is made harmless in csv and xlsx.

    For example:

        floriday query "SELECT count(*) FROM orders.sales_orders"

        floriday query "FROM reports.revenue_by_week" --output weeks.csv

        floriday query --file weeks.sql --timeout 5m

        floriday query - < weeks.sql
    """
    from pipelines.cli.output import chosen_format, write_result
    from pipelines.errors import QueryMemoryError, QueryTimeoutError
    from pipelines.settings import load_local_settings
    from pipelines.warehouse.read.hints.before_first_sync import before_first_sync
    from pipelines.warehouse.read.query_session import Limits, QuerySession

    statement = _statement(sql, file)
    style = chosen_format(format, output)
    limits = Limits(None if math.isinf(timeout) else timeout, memory_limit)
    try:
        with closing(QuerySession()) as session:  # its process starts while the settings are read
            settings = load_local_settings()
            session.open(settings.warehouse, limits)
            write_result(session.execute(statement), style, output, settings.beside)
            if notice := before_first_sync(session.rows, statement):
                print_error(notice, 0)
        if _SHOW_TABLES.fullmatch(statement):
            print_error("SHOW TABLES shows the schema main, which is empty: `floriday tables` lists all tables", 0)
    except QueryTimeoutError as error:
        raise QueryTimeoutError(f"{error}: query less data, or allow more time with --timeout") from None
    except QueryMemoryError as error:
        raise QueryMemoryError(f"{error}: query less data, or allow more memory with --memory-limit") from None
