"""Errors of queries about unknown tables and columns suggest names that exist, and never internal ones."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pipelines.errors import PipelineError
from pipelines.warehouse.read.query_session import QuerySession, query_session
from tests.integration.syncing import empty_warehouse

TABLES = "`floriday tables` lists all tables"
COLUMNS = "`floriday tables NAME` lists the columns of a table"


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[QuerySession]:
    """A query process on a warehouse with some empty tables."""
    path = tmp_path_factory.mktemp("names") / "w.duckdb"
    path.write_bytes(empty_warehouse("suppliers", ("orders.sales_orders", "supply.batches", "catalog.trade_items")))
    with query_session(path) as opened:
        yield opened


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("FROM trade_item", f"no table 'trade_item': did you mean catalog.trade_items.*{TABLES}"),
        ("FROM orders.sales_ordr", f"no table 'orders.sales_ordr': did you mean orders.sales_orders.*{TABLES}"),
        ("FROM Orders . sales_ordr", "no table 'Orders.sales_ordr': did you mean orders.sales_orders"),
        ("FROM history.batchs", "no table 'history.batchs': did you mean history.batches"),
        ("FROM orders.batches", "no table 'orders.batches': did you mean supply.batches"),
        ("FROM versions.tulips", f"no table 'versions.tulips': {TABLES}"),
        ("FROM tulips.bulbs", f"no table 'tulips.bulbs': {TABLES}"),
        ("DESCRIBE tulips", f"no table 'tulips': {TABLES}"),
        ("FROM sales_orders", f"sales_orders needs its schema: write orders.sales_orders; {TABLES}"),
        ("FROM batches_as_of(now())", "batches_as_of needs its schema: write history.batches_as_of; "),
        ("FROM history.batches_asof(now())", "did you mean history.batches_as_of"),
        ("FROM read_csvv('x')", 'Did you mean "read_csv"'),
        ("SELECT statu FROM orders.sales_orders", f"no column 'statu': did you mean status.*{COLUMNS}"),
        ("SELECT o.statu FROM orders.sales_orders o", f"o has no column 'statu': did you mean status.*{COLUMNS}"),
        (
            "FROM orders.sales_orders JOIN supply.batches USING (acount)",
            f"have no column 'acount': did you mean account.*{COLUMNS}",
        ),
        (
            "SELECT name FROM catalog.trade_items",
            "have no column 'name': did you mean botanical_names or trade_item_name_nl?",
        ),
        ("SELECT zzzz FROM orders.sales_orders", f"the tables of the query have no column 'zzzz': {COLUMNS}"),
    ],
)
def test_names_that_exist_are_suggested(sql: str, message: str, session: QuerySession) -> None:
    """An unknown table or column is answered with the nearest names and the command that lists all of them."""
    with pytest.raises(PipelineError) as error:
        session.execute(sql)

    start, _, end = message.partition(".*")
    assert start in error.value.message
    assert error.value.message.endswith(end)
    assert "versions." not in error.value.message.replace("'versions.tulips'", "")
