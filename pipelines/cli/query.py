"""``floriday query``: SQL that only reads."""

from __future__ import annotations

from typing import Annotated

import typer

from pipelines.cli.options import FormatOption, OutputOption


def query(
    sql: Annotated[str, typer.Argument(metavar="SQL", help="One SELECT, in quotes.")],
    format: FormatOption = None,
    output: OutputOption = None,
) -> None:
    """Ask the warehouse in SQL that only reads.

    The statement has no access to files or the network, and no setting can be changed. Times are in UTC, decimals keep
    their digits. Text that a spreadsheet would take for a formula is made harmless in csv and xlsx.

    For example:

        floriday query "SELECT status, count(*) FROM orders.sales_orders GROUP BY ALL"

        floriday query "FROM history.sales_orders_as_of(DATE '2026-03-01')" --output orders.csv
    """
    from pipelines.cli.output import chosen_format, give
    from pipelines.settings import load_local_settings
    from pipelines.warehouse.connection import Warehouse
    from pipelines.warehouse.query import answered

    style = chosen_format(format, output)
    path = load_local_settings().warehouse
    with answered(Warehouse(path), sql) as result:
        give(result, style, output, path)
