"""Report ``catalog_quality``: trade items with problems to correct."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import pytest

from pipelines.warehouse.file.connection import Warehouse, transaction
from pipelines.warehouse.schema.owner import record_owner
from tests.integration.report_warehouse import (
    AMSTERDAM,
    DELIVERY,
    ORDERS,
    Json,
    ReportWarehouse,
    Row,
    id_of,
    make_record,
    nulls_last,
    text,
    timestamp,
    uuid,
    value_at,
)
from tests.integration.reports.timed_reports import report_with_query_time, today
from tests.moments import real_now

REPORT = "catalog_quality"
ITEMS = "catalog.trade_items"
PATHS = {
    "suppliers": {"name": "tradeItemName.nl", "code": "supplierArticleCode"},
    "customers": {"name": "name", "code": "code"},
}
OWN, ANOTHER = id_of("own organization"), id_of("another organization")


def expected_rows(warehouse: ReportWarehouse, now: dt.datetime, owners: Mapping[str, UUID] | None = None) -> list[Row]:
    """Compute the report's rows from the records, in Python.

    Args:
        warehouse: warehouse that contains the records.
        now: time at which the report was queried.
        owners: organization of each account, if it is known.
    """
    name, code = PATHS[warehouse.api]["name"], PATHS[warehouse.api]["code"]
    since, sold, rows = today(now) - dt.timedelta(days=90), last_deliveries(warehouse), []
    for account, item in warehouse.newest_records(ITEMS):
        id, seller, owner = uuid(item, "tradeItemId"), uuid(item, "sellerOrganizationId"), (owners or {}).get(account)
        last, is_own = sold.get((account, id)), None in (seller, owner) or seller == owner
        problems = problems_of(item)
        if is_own and is_before(last, since) and is_before(timestamp(item, "creationDateTime"), since):
            problems.append("NOT_SOLD_FOR_90_DAYS")
        if problems and not item.get("isDeleted"):
            rows.append((account, id, text(item, name), text(item, code), seller, problems, last))
    return sorted(rows, key=lambda row: (row[0], -len(row[5]), nulls_last(row[2]), row[1]))


def problems_of(item: Json) -> list[str]:
    """Return the problems of a trade item that do not depend on its sales."""
    characteristics = item.get("characteristics") or []
    codes = {text(each, "vbnCode") for each in characteristics if text(each, "vbnValueCode") is not None}
    found = {
        "INVALID_FLORICODE_DATA": item.get("hasInvalidFloricodeData"),
        "NO_PRIMARY_PHOTO": not any(value_at(photo, "primary") for photo in item.get("photos") or []),
        "NO_PACKING_CONFIGURATION": not item.get("packingConfigurations"),
        "NO_COUNTRY_OF_ORIGIN": "S62" not in codes,
        "NO_QUALITY_CLASS": "S98" not in codes,
        "HIDDEN_IN_CATALOG": item.get("isHiddenInCatalog"),
    }
    return [problem for problem, is_present in found.items() if is_present]


def last_deliveries(warehouse: ReportWarehouse) -> dict[tuple[str, UUID | None], dt.datetime]:
    """Return the latest delivery of all orders of a trade item, by account and trade item."""
    last: dict[tuple[str, UUID | None], dt.datetime] = {}
    for account, order in warehouse.committed_orders():
        key, latest = (account, uuid(order, "tradeItemId")), timestamp(order, DELIVERY)
        if latest:
            last[key] = max(latest, last.get(key, latest))
    return last


def is_before(time: dt.datetime | None, date: dt.date) -> bool:
    """Return whether a time is before a day in Amsterdam, or unknown."""
    return time is None or time.astimezone(AMSTERDAM).date() < date


@pytest.fixture(scope="module", params=["suppliers", "customers"])
def catalogue(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> ReportWarehouse:
    """A warehouse, for each API, with trade items of all combinations of problems, old and new, sold and unsold."""
    warehouse = ReportWarehouse(tmp_path_factory.mktemp("catalogue") / "w.duckdb", request.param)
    for account, seed, count in (("north", 13, 300), ("south", 14, 60)):
        random = Random(f"catalogue {seed}")
        items = [_item(warehouse.api, 1000 * seed + number, random) for number in range(count)]
        warehouse.store(ITEMS, items, account)
        sold = [item for item in items if random.random() < 0.7]
        orders = [_order(warehouse.api, number, item, random) for number, item in enumerate(sold)]
        warehouse.store(ORDERS, orders, account)
    with Warehouse(warehouse.path).writing() as connection, transaction(connection):
        record_owner(connection, warehouse.api, "localhost", {"north": (OWN, "Kwekerij")})
    return warehouse


def _item(api: str, number: int, random: Random) -> Json:
    characteristics = [
        {"vbnCode": code, "vbnValueCode": random.choice(("A1", "A1", "A1", "A1", "", None))}
        for code in ("S01", "S62", "S98")
        if random.random() < 0.9
    ]
    fields: dict[str, Any] = {
        "sellerOrganizationId": random.choice((OWN, OWN, ANOTHER, None)),
        "characteristics": random.choice((characteristics, characteristics, characteristics, [None], None)),
        "photos": random.choice(
            ([{"primary": True}], [{"primary": False}, {"primary": True}], [{"primary": False}], [], None)
        ),
        "packingConfigurations": random.choice(([{"piecesPerPackage": 10}], [{"piecesPerPackage": 10}], [], None)),
        "hasInvalidFloricodeData": random.choice((True, False, False, False, None)),
        "isHiddenInCatalog": random.choice((True, False, False, False, None)),
        "isDeleted": random.random() < 0.1,
        "creationDateTime": random.choice((None, _days_ago(random.choice((88, 89, 90, 91, 92, 400))))),
    }
    return make_record(api, ITEMS, number, **fields)


def _order(api: str, number: int, item: Json, random: Random) -> Json:
    fields = {
        "tradeItemId": item["tradeItemId"],
        "status": random.choice(("COMMITTED", "COMMITTED", "CANCELLED")),
        "isDeleted": False,
        "delivery": {
            "latestDeliveryDateTime": random.choice((None, _days_ago(random.choice((-2, 88, 89, 90, 91, 92)))))
        },
    }
    return make_record(api, ORDERS, number, **fields)


def _days_ago(days: int) -> str:
    """Return half past midnight of a day in Amsterdam, which is still the day before in UTC."""
    date = today(real_now()) - dt.timedelta(days=days)
    return dt.datetime.combine(date, dt.time(0, 30), AMSTERDAM).isoformat()


def test_grower_world(grower_world: ReportWarehouse) -> None:
    """For a grower in the sandbox world, the rows are as expected, with each problem that the world contains."""
    rows, now = report_with_query_time(grower_world, REPORT)

    assert {problem for row in rows for problem in row[5]} >= {
        "INVALID_FLORICODE_DATA",
        "NO_PRIMARY_PHOTO",
        "NO_QUALITY_CLASS",
        "HIDDEN_IN_CATALOG",
    }
    assert rows == expected_rows(grower_world, now)


def test_buyer_world(buyer_world: ReportWarehouse) -> None:
    """For a buyer in the sandbox world, the rows are as expected: problems of the growers' trade items."""
    rows, now = report_with_query_time(buyer_world, REPORT)

    assert rows
    assert rows == expected_rows(buyer_world, now)


def test_handmade_items(catalogue: ReportWarehouse) -> None:
    """Rows are correct for all problems, sales 90 days ago, trade items of other growers, and deleted ones."""
    rows, now = report_with_query_time(catalogue, REPORT)

    assert {row[0] for row in rows} == {"north", "south"}
    assert {len(row[5]) for row in rows} >= {1, 2, 3, 4, 5, 6}
    assert {"NOT_SOLD_FOR_90_DAYS" in row[5] for row in rows if row[4] == UUID(OWN)} == {True, False}
    assert "NOT_SOLD_FOR_90_DAYS" not in {
        problem for row in rows if row[0] == "north" and row[4] == UUID(ANOTHER) for problem in row[5]
    }
    assert rows == expected_rows(catalogue, now, {"north": UUID(OWN)})


def test_item_without_problems_has_no_row(warehouse: ReportWarehouse) -> None:
    """A complete trade item leaves the report once it is sold."""
    complete = {
        "photos": [{"primary": True}],
        "packingConfigurations": [{"piecesPerPackage": 10}],
        "characteristics": [{"vbnCode": code, "vbnValueCode": "1"} for code in ("S62", "S98")],
        "hasInvalidFloricodeData": False,
        "isHiddenInCatalog": False,
        "isDeleted": False,
        "creationDateTime": "2020-01-01T00:00:00Z",
    }
    item = make_record("suppliers", ITEMS, 1, **complete)
    sold = {"tradeItemId": item["tradeItemId"], "status": "COMMITTED", "isDeleted": False}
    warehouse.store(ITEMS, [item])

    assert [row[5] for row in warehouse.report(REPORT)] == [["NOT_SOLD_FOR_90_DAYS"]]

    delivery = {"latestDeliveryDateTime": real_now().isoformat()}
    warehouse.store(ORDERS, [make_record("suppliers", ORDERS, 1, delivery=delivery, **sold)])

    assert warehouse.report(REPORT) == []


def test_empty_warehouse(tmp_path: Path) -> None:
    """Without any records, the report exists and has no rows, for both APIs."""
    for api in ("suppliers", "customers"):
        assert ReportWarehouse(tmp_path / f"{api}.duckdb", api).report(REPORT) == []
