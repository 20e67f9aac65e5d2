"""One asset for each report, downstream of the tables that it reads, and the dashboard, downstream of the reports.

Materializing a report computes and shows it; materializing the dashboard writes the page.
"""

# No `from __future__ import annotations` here: Dagster reads the annotations of an asset's function at run time.

import datetime as dt
from collections.abc import Iterable, Sequence
from decimal import Decimal
from functools import reduce
from operator import or_
from typing import Any

import dagster as dg
from pydantic import Field

from pipelines.catalogue.types import Source
from pipelines.dashboard import Dashboard, KeyFigures, Selection, page_version, path_beside, write_dashboard
from pipelines.orchestration.assets.dashboard_mail import mail_dashboard, read_data_status
from pipelines.orchestration.assets.floriday_text import as_code
from pipelines.orchestration.assets.keys import OWNERS, asset_key
from pipelines.orchestration.assets.step_errors import step_errors
from pipelines.orchestration.resources import WarehouseResource
from pipelines.reports import Preview, Report, all_reports, installed, preview
from pipelines.reports.availability import Filled, is_available, tables_filled_by

GROUP = "reports"
DASHBOARD = dg.AssetKey([GROUP, "dashboard"])
LAST = "-1"  # priority of a report in a run: after all feeds, also after those that it does not depend on
FIRST_ROWS = 10  # number of a report's rows that its materialization shows


def report_key(report: Report) -> dg.AssetKey:
    """Schema and name of the report."""
    return dg.AssetKey([GROUP, report.name])


def report_assets(
    sources: Iterable[Source], chosen: Iterable[Report] | None = None, *, api: str | None = None
) -> list[dg.AssetsDefinition]:
    """The assets of the chosen reports (None: all) whose tables and decisive columns the given feeds fill.

    They are described in the words of the API's users; None: of both.
    """
    filled = tables_filled_by(sources)
    known = all_reports() if chosen is None else chosen
    return [_report_asset(each, filled, api) for each in known if is_available(each, filled)]


def _report_asset(report: Report, filled: Filled, api: str | None) -> dg.AssetsDefinition:
    @dg.asset(
        key=report_key(report),
        group_name=GROUP,
        owners=OWNERS,
        code_version=report.fingerprint[:12],
        kinds={"duckdb", "sql"},
        description=_description(report, api),
        metadata={
            "dagster/table_name": f"{GROUP}.{report.name}",
            "parameters": list(report.parameters),
            "query": dg.MetadataValue.md(f"```sql\n{report.sql}\n```"),
        },
        deps=_dependencies(report, filled),
        output_required=False,
        op_tags={"dagster/priority": LAST},
        automation_condition=_follows(_dependencies(report, filled) or _feeds(filled)),
    )
    def show(context: dg.AssetExecutionContext, warehouse: WarehouseResource) -> Iterable[dg.MaterializeResult[None]]:
        with step_errors(context.log, f"{report.name}: "):
            file = warehouse.file()
            if not file.exists():
                context.log.warning("there is no warehouse yet: sync first")
                return
            with file.reading() as connection:
                if report.name not in installed(connection):
                    context.log.warning("not in the warehouse: a sync creates it, if the API has its data")
                    return
                yield dg.MaterializeResult(metadata=_metadata(report, preview(connection, report, first=FIRST_ROWS)))

    return show


def _description(report: Report, api: str | None) -> str:
    notes = "".join(f"\n\n{note}" for note in report.notes)
    return (
        f"{report.summary_for(api)}{notes}\n\nIt is the view `{GROUP}.{report.name}`, and a macro of that name with"
        " parameters; both read the tables as they are at the time of the query. Materializing shows their present"
        " content."
    )


def _dependencies(report: Report, filled: Filled) -> list[dg.AssetKey]:
    """The assets of the feeds that fill the tables which a report reads; none for the tables of ``sync``.

    Dagster would skip a report on the syncs when one feed fails, which is when it is needed.
    """
    return list(dict.fromkeys(asset_key(filled[name][0]) for name in report.tables if name in filled))


def _feeds(filled: Filled) -> list[dg.AssetKey]:
    """The assets of all feeds; a report on the syncs follows them, although it does not depend on them."""
    return list(dict.fromkeys(asset_key(source) for source, _ in filled.values()))


def _metadata(report: Report, shown: Preview) -> dict[str, Any]:
    columns = [dg.TableColumn(name, kind, report.columns.get(name)) for name, kind in shown.columns.items()]
    return {
        "dagster/row_count": shown.rows,
        "dagster/column_schema": dg.TableSchema(columns=columns),
        "first rows": dg.MetadataValue.md(_table(list(shown.columns), shown.first)),
    }


def _table(names: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    lines = [names, ["---"] * len(names), *([_cell(value) for value in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(value: object) -> str:
    """Numbers and times as they are; all other values may contain text of Floriday."""
    if value is None:
        return ""
    is_plain = isinstance(value, (bool, int, float, Decimal, dt.date, dt.timedelta))
    return str(value) if is_plain else as_code(str(value), in_table=True)


def _follows(upstream: Iterable[dg.AssetKey]) -> dg.AutomationCondition[dg.AssetKey]:
    """The condition of an asset that is renewed after any of these assets, or when it is missing and they are not.

    Missing weeks of a feed do not stop it, nor do syncs in progress: of the small ones there is often one.
    """
    Condition = dg.AutomationCondition  # noqa: N806 - a short name for the class
    changed, exists = Condition.newly_updated() | Condition.will_be_requested(), ~Condition.missing()
    any_changed = reduce(or_, (Condition.asset_matches(key, changed) for key in upstream))
    any_exists = reduce(or_, (Condition.asset_matches(key, exists) for key in upstream))
    trigger = any_changed | (Condition.missing() & any_exists).newly_true()
    return trigger.since(Condition.newly_requested() | Condition.newly_updated()) & ~Condition.in_progress()


class DashboardConfig(dg.Config):
    """What to do with the page besides writing it."""

    send: bool = Field(default=False, description="Send the page to the addresses of FLORIDAY_ALERTS.")


def dashboard_asset(reports: Sequence[dg.AssetKey]) -> dg.AssetsDefinition:
    """The asset, downstream of the reports that it shows.

    It has a schedule of its own: in the run of a sync Dagster would skip it when one feed fails, which its top shows.
    """

    @dg.asset(
        key=DASHBOARD,
        group_name=GROUP,
        owners=OWNERS,
        code_version=page_version(),
        kinds={"html"},
        description=(
            "The reports as one page: `dashboard.html` in the folder of the warehouse. It can be mailed, printed and"
            " opened without a network. Materializing writes it again. It follows the reports, and `daily_dashboard`"
            " writes it every morning. The metadata has the figures of the last 13 full weeks; what is not invoiced is"
            " of all weeks, and orders and corrections are those in the currency with most orders. `monday_dashboard`,"
            " once switched on, sends the page to the addresses of FLORIDAY_ALERTS."
        ),
        deps=reports,
        output_required=False,
        automation_condition=_follows(reports),
    )
    def write(
        context: dg.AssetExecutionContext, warehouse: WarehouseResource, config: DashboardConfig
    ) -> Iterable[dg.MaterializeResult[None]]:
        with step_errors(context.log, "dashboard: "):
            file = warehouse.file()
            if not file.exists():
                context.log.warning("there is no warehouse yet: sync first")
                return
            settings = warehouse.settings.load_local()
            selection = Selection(language=settings.language)
            written = write_dashboard(file, path_beside(file.path), selection=selection)
            yield dg.MaterializeResult(metadata=_page_metadata(written))
            if config.send:
                mail_dashboard(written, read_data_status(file), settings, context.log)

    return write


def _page_metadata(written: Dashboard) -> dict[str, Any]:
    return {
        "page": dg.MetadataValue.url(written.path.resolve().as_uri()),
        "path": dg.MetadataValue.path(written.path),
        "bytes": dg.MetadataValue.int(written.size),
        "orders in the page": dg.MetadataValue.int(written.orders),
        **{name: value for account in written.figures for name, value in _figures(account, len(written.figures))},
    }


def _figures(account: KeyFigures, accounts: int) -> Iterable[tuple[str, Any]]:
    """The figures of an account as metadata; Dagster plots the numbers over time."""
    name = f"{account.account}: " if accounts > 1 else ""
    for figure in account.figures:
        label = f"{name}{figure.name}, {figure.unit}" if figure.unit else f"{name}{figure.name}"
        yield label, dg.MetadataValue.float(round(figure.value, 4))
    yield f"{name}value by week, {account.currency}", dg.MetadataValue.md(f"```text\n{account.plot()}\n```")
