"""The orders behind the rows of a report: its step ``detail``."""

from __future__ import annotations

import datetime as dt

import pytest

from pipelines.reports import define_details, find_report
from pipelines.warehouse.file.connection import Warehouse
from tests.examples import cases
from tests.integration.report_warehouse import ReportWarehouse
from tests.integration.reports.report_parameters import DATE_RANGES, NO_FILTER, Parameters


@cases("parameters", [NO_FILTER, *DATE_RANGES, Parameters(currency="USD")], quick=2, ids=repr)
@pytest.mark.parametrize("name", ["revenue_by_week", "customer_ranking", "channel_mix", "clock_versus_direct"])
def test_orders_behind_a_report_add_up_to_its_rows(
    grower_orders: ReportWarehouse, name: str, parameters: Parameters
) -> None:
    """A report counts each order of its step detail once, and its pieces, and no others."""
    report = find_report(name)
    defaults = ", ".join(f"{parameter} := NULL" for parameter in report.parameters)
    arguments = ", ".join(f"{parameter} := ${parameter}" for parameter in parameters.arguments)
    with Warehouse(grower_orders.path).reading() as connection:
        connection.execute(f"CREATE TEMP MACRO behind({defaults}) AS TABLE {report.query_of('detail')}")
        sql = f"SELECT count(DISTINCT sales_order_id), count(*), sum(pieces) FROM behind({arguments})"
        ((orders, rows, pieces),) = connection.execute(sql, parameters.arguments).fetchall()
        sql = f"SELECT sum(orders), sum(pieces) FROM reports.{name}({arguments})"
        counted = connection.execute(sql, parameters.arguments).fetchall()

    assert orders == rows > 0
    assert counted == [(rows, pieces)]


SUMS = {
    "fill_rate": ("orders", "sales_order_id", ("ordered_pieces", "delivered_pieces", "short_by_grower")),
    "corrections": ("requests", "sales_order_correction_request_id", ("pieces_delta", "value_delta")),
    "on_time_delivery": ("load_carriers", "(fulfillment_order_id, position)", ("on_time", "late", "not_received")),
    "sell_through": ("1", "batch_id", ("initial_pieces", "sold_pieces", "remaining_pieces")),
}
"""For a report: its number of counted records, the key of such a record, and columns that are sums."""


@pytest.mark.parametrize("parameters", [NO_FILTER, Parameters(from_date=dt.date(2026, 11, 1))], ids=repr)
@pytest.mark.parametrize("name", SUMS)
def test_records_behind_a_report_add_up_to_its_rows(
    grower_world: ReportWarehouse, name: str, parameters: Parameters
) -> None:
    """A report counts each record of its step detail once, and adds up their measures."""
    number, key, columns = SUMS[name]
    sums = ", ".join(f"coalesce(sum(CAST({column} AS DECIMAL(38, 2))), 0)" for column in columns)
    arguments = ", ".join(f"{parameter} := ${parameter}" for parameter in parameters.arguments)
    with Warehouse(grower_world.path).reading() as connection:
        define_details(connection, find_report(name))
        sql = f"SELECT count(DISTINCT (account, {key})), count(*), {sums} FROM {name}_detail({arguments})"
        ((keys, rows, *values),) = connection.execute(sql, parameters.arguments).fetchall()
        sql = f"SELECT sum({number}), {sums} FROM reports.{name}({arguments})"
        counted = connection.execute(sql, parameters.arguments).fetchall()

    assert keys == rows > 0
    assert counted == [(rows, *values)]
