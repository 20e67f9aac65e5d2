"""Trade items with something to put right."""

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
from tests.integration.reporting import (
    AMSTERDAM,
    DELIVERY,
    ORDERS,
    Json,
    Reporting,
    Row,
    at,
    id_of,
    last_if_none,
    made,
    moment,
    text,
    uuid,
)
from tests.integration.reports.at_the_moment import report_at_the_moment, today
from tests.moments import real_now

REPORT = "catalog_quality"
ITEMS = "catalog.trade_items"
PATHS = {
    "suppliers": {"name": "tradeItemName.nl", "code": "supplierArticleCode"},
    "customers": {"name": "name", "code": "code"},
}
OWN, ANOTHER = id_of("own organization"), id_of("another organization")


def catalog_quality(told: Reporting, now: dt.datetime, owners: Mapping[str, UUID] | None = None) -> list[Row]:
    """The rows of the report.

    Args:
        told: what was served.
        now: when the report was asked.
        owners: the organizations of the accounts, as far as they are known.
    """
    name, code = PATHS[told.api]["name"], PATHS[told.api]["code"]
    since, sold, rows = today(now) - dt.timedelta(days=90), last_deliveries(told), []
    for account, item in told.served(ITEMS):
        id, seller, owner = uuid(item, "tradeItemId"), uuid(item, "sellerOrganizationId"), (owners or {}).get(account)
        last, is_own = sold.get((account, id)), None in (seller, owner) or seller == owner
        problems = problems_of(item)
        if is_own and is_before(last, since) and is_before(moment(item, "creationDateTime"), since):
            problems.append("NOT_SOLD_FOR_90_DAYS")
        if problems and not item.get("isDeleted"):
            rows.append((account, id, text(item, name), text(item, code), seller, problems, last))
    return sorted(rows, key=lambda row: (row[0], -len(row[5]), last_if_none(row[2]), row[1]))


def problems_of(item: Json) -> list[str]:
    """What can be seen from the trade item itself."""
    codes = {text(one, "vbnCode") for one in item.get("characteristics") or [] if text(one, "vbnValueCode") is not None}
    found = {
        "INVALID_FLORICODE_DATA": item.get("hasInvalidFloricodeData"),
        "NO_PRIMARY_PHOTO": not any(at(photo, "primary") for photo in item.get("photos") or []),
        "NO_PACKING_CONFIGURATION": not item.get("packingConfigurations"),
        "NO_COUNTRY_OF_ORIGIN": "S62" not in codes,
        "NO_QUALITY_CLASS": "S98" not in codes,
        "HIDDEN_IN_CATALOG": item.get("isHiddenInCatalog"),
    }
    return [problem for problem, is_there in found.items() if is_there]


def last_deliveries(told: Reporting) -> dict[tuple[str, UUID | None], dt.datetime]:
    """When the last order of each trade item is to be delivered, or was."""
    last: dict[tuple[str, UUID | None], dt.datetime] = {}
    for account, order in told.committed():
        key, latest = (account, uuid(order, "tradeItemId")), moment(order, DELIVERY)
        if latest:
            last[key] = max(latest, last.get(key, latest))
    return last


def is_before(when: dt.datetime | None, date: dt.date) -> bool:
    """Whether it was before a day in Amsterdam, or is not known to have been."""
    return when is None or when.astimezone(AMSTERDAM).date() < date


@pytest.fixture(scope="module", params=["suppliers", "customers"])
def catalogue(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Reporting:
    """Trade items with all combinations of problems, old and new, sold and unsold; of both APIs."""
    told = Reporting(tmp_path_factory.mktemp("catalogue") / "w.duckdb", request.param)
    for account, seed, count in (("north", 13, 300), ("south", 14, 60)):
        random = Random(f"catalogue {seed}")
        items = [_item(told.api, 1000 * seed + number, random) for number in range(count)]
        told.store(ITEMS, items, account)
        sold = [item for item in items if random.random() < 0.7]
        told.store(ORDERS, [_order(told.api, number, item, random) for number, item in enumerate(sold)], account)
    with Warehouse(told.path).writing() as connection, transaction(connection):
        record_owner(connection, told.api, "localhost", {"north": (OWN, "Kwekerij")})
    return told


def _item(api: str, number: int, random: Random) -> Json:
    characteristics = [
        {"vbnCode": code, "vbnValueCode": random.choice(("A1", "A1", "A1", "A1", "", None))}
        for code in ("S01", "S62", "S98")
        if random.random() < 0.9
    ]
    told: dict[str, Any] = {
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
    return made(api, ITEMS, number, **told)


def _order(api: str, number: int, item: Json, random: Random) -> Json:
    told = {
        "tradeItemId": item["tradeItemId"],
        "status": random.choice(("COMMITTED", "COMMITTED", "CANCELLED")),
        "isDeleted": False,
        "delivery": {
            "latestDeliveryDateTime": random.choice((None, _days_ago(random.choice((-2, 88, 89, 90, 91, 92)))))
        },
    }
    return made(api, ORDERS, number, **told)


def _days_ago(days: int) -> str:
    """An early hour of a day in Amsterdam, which may still be the day before in UTC."""
    date = today(real_now()) - dt.timedelta(days=days)
    return dt.datetime.combine(date, dt.time(0, 30), AMSTERDAM).isoformat()


def test_the_world_of_a_grower(grower_world: Reporting) -> None:
    """Every row of the sandbox's world, in order, with each problem that people make."""
    rows, now = report_at_the_moment(grower_world, REPORT)

    assert {problem for row in rows for problem in row[5]} >= {
        "INVALID_FLORICODE_DATA",
        "NO_PRIMARY_PHOTO",
        "NO_QUALITY_CLASS",
        "HIDDEN_IN_CATALOG",
    }
    assert rows == catalog_quality(grower_world, now)


def test_the_world_of_a_buyer(buyer_world: Reporting) -> None:
    """A buyer sees what is wrong with the items of growers."""
    rows, now = report_at_the_moment(buyer_world, REPORT)

    assert rows
    assert rows == catalog_quality(buyer_world, now)


def test_items_by_hand(catalogue: Reporting) -> None:
    """All problems and none, days on the edge, items of others, deleted ones, both accounts."""
    rows, now = report_at_the_moment(catalogue, REPORT)

    assert {row[0] for row in rows} == {"north", "south"}
    assert {len(row[5]) for row in rows} >= {1, 2, 3, 4, 5, 6}
    assert {"NOT_SOLD_FOR_90_DAYS" in row[5] for row in rows if row[4] == UUID(OWN)} == {True, False}
    assert "NOT_SOLD_FOR_90_DAYS" not in {
        one for row in rows if row[0] == "north" and row[4] == UUID(ANOTHER) for one in row[5]
    }
    assert rows == catalog_quality(catalogue, now, {"north": UUID(OWN)})


def test_an_item_without_a_problem_is_not_there(grower: Reporting) -> None:
    """A trade item that is complete and sold is none of the report's business."""
    complete = {
        "photos": [{"primary": True}],
        "packingConfigurations": [{"piecesPerPackage": 10}],
        "characteristics": [{"vbnCode": code, "vbnValueCode": "1"} for code in ("S62", "S98")],
        "hasInvalidFloricodeData": False,
        "isHiddenInCatalog": False,
        "isDeleted": False,
        "creationDateTime": "2020-01-01T00:00:00Z",
    }
    item = made("suppliers", ITEMS, 1, **complete)
    sold = {"tradeItemId": item["tradeItemId"], "status": "COMMITTED", "isDeleted": False}
    grower.store(ITEMS, [item])

    assert [row[5] for row in grower.report(REPORT)] == [["NOT_SOLD_FOR_90_DAYS"]]

    delivery = {"latestDeliveryDateTime": real_now().isoformat()}
    grower.store(ORDERS, [made("suppliers", ORDERS, 1, delivery=delivery, **sold)])

    assert grower.report(REPORT) == []


def test_no_items(tmp_path: Path) -> None:
    """The report is there and empty, for both APIs."""
    for api in ("suppliers", "customers"):
        assert Reporting(tmp_path / f"{api}.duckdb", api).report(REPORT) == []
