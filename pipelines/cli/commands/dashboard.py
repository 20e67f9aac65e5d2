"""``floriday dashboard``: the reports on one page."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from pipelines.cli.console import print_line
from pipelines.cli.options import date_option, option_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipelines.dashboard import Selection
    from pipelines.lake_address import WarehouseAddress


class Language(StrEnum):
    """Language of the page."""

    AUTO = "auto"
    EN = "en"
    NL = "nl"


_Output = Annotated[
    Path | None,
    typer.Option("--output", "-o", metavar="FILE", help="Path of the page, with the ending .html."),
]
_Language = Annotated[
    Language | None, typer.Option(help="Language of the page. Default: FLORIDAY_LANGUAGE, else the browser's.")
]


def dashboard(
    output: _Output = None,
    show: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
    from_date: Annotated[datetime | None, date_option("--from", "First day; the page first shows its week.")] = None,
    to_date: Annotated[datetime | None, date_option("--to", "Last day; the page first shows its week.")] = None,
    account: Annotated[str | None, typer.Option(metavar="NAME", help="Only this account.")] = None,
    customer: Annotated[str | None, typer.Option(metavar="NAME", help="Only this buyer, by name or id.")] = None,
    grower: Annotated[str | None, typer.Option(metavar="NAME", help="Only this grower, by name or id.")] = None,
    trade_item: Annotated[str | None, typer.Option(metavar="NAME", help="Only this trade item, by name or id.")] = None,
    currency: Annotated[str | None, typer.Option(metavar="CODE", help="Only this currency, such as EUR.")] = None,
    language: _Language = None,
) -> None:
    """Write the dashboard: one HTML file to view, mail and print.

    It shows sales or purchases by week, customer, channel and price; what was short, late, corrected or not invoiced;
    and how current the data is. Its filters work offline, and it makes no network requests.

    Everyone who opens the file sees everything in it, so choose its recipients with care. The file contains only what
    --account, --customer (on a grower's page), --grower (on a buyer's), --trade-item and --currency select; sections
    that cannot be limited to that are left out. The days only choose the weeks that the page shows at first.

    For example:

        floriday dashboard

        floriday dashboard --output monday.html --open

        floriday dashboard --from 2026-10-05 --to 2026-11-01 --account main --language nl
    """
    from pipelines.cli.terminal.status_line import elapsed_time
    from pipelines.dashboard import path_beside, write_dashboard
    from pipelines.reports.parameters import given_parameters
    from pipelines.settings import load_local_settings
    from pipelines.text_format import file_size
    from pipelines.warehouse.opening import open_warehouse

    _check_place(output)
    settings = load_local_settings()
    options = {"from_date": from_date, "to_date": to_date, "currency": currency, "customer": customer}
    given = given_parameters({**options, "grower": grower, "trade_item": trade_item}, option_name)
    selection = _selection(settings.warehouse, given, account, language or settings.language)
    target = output or path_beside(settings.beside)
    with elapsed_time("writing the dashboard"):
        made = write_dashboard(open_warehouse(settings.warehouse), target, selection=selection)
    print_line(f"{made.path}: {made.orders:,} orders, {file_size(made.size)}")
    if show:
        typer.launch(made.path.resolve().as_uri())


def _check_place(output: Path | None) -> None:
    """Raise a UsageError for a folder, and for an ending that is not that of a page."""
    from pipelines.cli.output import check_output
    from pipelines.errors import UsageError

    check_output(output, "dashboard.html")
    is_page = output is None or output.suffix.lower() in {"", ".htm", ".html"}
    if output is not None and not is_page and (output.is_file() or not output.exists()):
        raise UsageError(f"--output {output}: the page is HTML; name it {output.with_suffix('.html').name}")


def _selection(
    address: WarehouseAddress, given: Mapping[str, date | int | str | UUID], account: str | None, language: str
) -> Selection:
    """The options of the page, with ids instead of names. A UsageError for an unknown account or name."""
    from pipelines.dashboard import Selection
    from pipelines.reports.parameters import check_account, with_ids
    from pipelines.warehouse.read.query_session import query_session

    days = {name: value for name, value in given.items() if isinstance(value, date)}
    texts: dict[str, date | int | str | UUID] = {name: value for name, value in given.items() if name not in days}
    if account is not None or texts:
        with query_session(address) as session:
            if account is not None:
                check_account(session, account, option_name)
            _check_partner(session.rows("SELECT api FROM sync.settings"), texts)
            texts = with_ids(session, texts, option_name)
    ids = {name: value for name, value in texts.items() if isinstance(value, UUID)}
    return Selection(
        from_date=days.get("from_date"),
        to_date=days.get("to_date"),
        account=account,
        partner=ids.get("customer", ids.get("grower")),
        item=ids.get("trade_item"),
        currency=str(texts["currency"]) if "currency" in texts else None,
        language=language,
    )


def _check_partner(settings: list[tuple[object, ...]], texts: Mapping[str, object]) -> None:
    """Raise a UsageError for the option of the other API's page."""
    from pipelines.errors import UsageError

    api = settings[0][0] if settings else "suppliers"
    if api == "suppliers" and "grower" in texts:
        raise UsageError("--grower is for a buyer's page: a grower's page takes --customer")
    if api == "customers" and "customer" in texts:
        raise UsageError("--customer is for a grower's page: a buyer's page takes --grower")
