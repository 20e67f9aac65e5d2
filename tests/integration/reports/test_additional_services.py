"""Additional services that were sold with the goods."""

from __future__ import annotations

from collections import Counter, defaultdict
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import pytest

from tests.integration.reporting import (
    AMOUNT,
    DELIVERY,
    ORDERS,
    Json,
    Reporting,
    Row,
    about,
    at,
    day,
    falling,
    id_of,
    last_if_none,
    made,
    month_of,
    number,
    quotient,
    text,
    total,
    uuid,
)
from tests.integration.reports import by_hand
from tests.integration.reports.asked import ALL, DAYS, Asked
from tests.integration.reports.by_hand import BLOOM

REPORT = "additional_services"
SERVICES = "catalog.additional_services"
SLEEVE, STICKER, UNKNOWN = id_of("sleeve"), id_of("sticker"), id_of("unknown service")


def additional_services(told: Reporting, asked: Asked = ALL) -> list[Row]:
    """The rows of the report."""
    names = told.names(SERVICES, "additionalServiceId", "name")
    orders: Counter[Any] = Counter()
    sold: dict[Any, list[tuple[UUID | None, Decimal | None]]] = defaultdict(list)
    whatever_currency = Asked(asked.from_date, asked.to_date, customer=asked.customer)
    for account, order in whatever_currency.orders(told):
        month = month_of(day(order, DELIVERY))
        orders[account, month, text(order, f"{AMOUNT}.currency")] += 1
        for service in order.get("additionalServices") or []:
            if id := uuid(service, "additionalServiceId"):
                money = text(service, "price.currency")
                sold[account, month, id, money].append((uuid(order, "salesOrderId"), revenue(order, service)))
    rows = []
    for (account, month, id, money), sales in sold.items():
        with_it = len({order for order, _ in sales})
        rate = quotient(Decimal(with_it), orders[account, month, money])
        rows.append(
            (account, month, id, names.get((account, id)), money, with_it, rate, total(one for _, one in sales) or 0)
        )
    wanted = [row for row in rows if asked.currency in (None, row[4])]
    return sorted(wanted, key=lambda row: (row[0], falling(row[1]), last_if_none(row[4]), -row[5], row[2]))


def revenue(order: Json, service: Json) -> Decimal | None:
    """Price times units; None where one of them is not told."""
    price, units = number(service, "price.value"), units_of(order, service)
    return None if price is None or units is None else price * units


def units_of(order: Json, service: Json) -> int | None:
    """How many units a service is charged for: what has been begun is whole."""
    pieces = int(order["numberOfPieces"])
    packages = begun(pieces, at(order, "packingConfiguration.piecesPerPackage"))
    layers = begun(packages, at(order, "packingConfiguration.packagesPerLayer"))
    load_carriers = begun(layers, at(order, "packingConfiguration.layersPerLoadCarrier"))
    told = {"PIECE": pieces, "PACKAGE": packages, "LAYER": layers, "LOADCARRIER": load_carriers}
    unit = text(service, "unit")
    return told[unit] if unit in told else at(service, "numberOfUnits")


def begun(things: int | None, in_one: int | None) -> int | None:
    """How many it takes to hold things; None where it is not told how many fit in one."""
    return None if things is None or not in_one else -(-things // in_one)


@pytest.fixture(scope="module", params=["suppliers", "customers"])
def sold(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Reporting:
    """Orders with services of every unit, in several packings, of both APIs."""
    told = Reporting(tmp_path_factory.mktemp("services") / "w.duckdb", request.param)
    for account, seed, count in (("north", 9, 300), ("south", 10, 100)):
        random = Random(f"services {seed}")
        told.store(ORDERS, [_with_services(one, random) for one in by_hand.orders(told.api, seed, count)], account)
    named = made(told.api, SERVICES, 1, additionalServiceId=SLEEVE, name="Hoes", isDeleted=True)
    told.store(SERVICES, [named], "north")
    return told


def _with_services(order: Json, random: Random) -> Json:
    packing = {
        "piecesPerPackage": random.choice((1, 10, 12, 0, None)),
        "packagesPerLayer": random.choice((1, 8, None)),
        "layersPerLoadCarrier": random.choice((5, 3, 0)),
    }
    services = [_service(random) for _ in range(random.choice((0, 1, 1, 3)))]
    return {**order, "packingConfiguration": random.choice((packing, packing, None)), "additionalServices": services}


def _service(random: Random) -> Any:
    service = {
        "additionalServiceId": random.choice((SLEEVE, SLEEVE, STICKER, UNKNOWN, None)),
        "price": {
            "currency": random.choice(("EUR", "EUR", "USD", None)),
            "value": random.choice((Decimal("0.02"), Decimal("0.3333333"), Decimal(1), None)),
        },
        "unit": random.choice(("PIECE", "PACKAGE", "LAYER", "LOADCARRIER", "LABEL", "CRATE", None)),
        "numberOfUnits": random.choice((None, 1, 40)),
    }
    return random.choice((service, service, service, None))


def test_the_world_of_a_grower(grower_world: Reporting) -> None:
    """Every row of the sandbox's world, in order: some orders have a service, most don't."""
    rows = grower_world.report(REPORT)

    assert {"Hoes om doos", "Etiket van klant"} <= {row[3] for row in rows}
    assert 0 < min(row[6] for row in rows) < 0.2
    assert rows == additional_services(grower_world)


def test_the_world_of_a_buyer(buyer_world: Reporting) -> None:
    """A buyer sees which services it buys."""
    rows = buyer_world.report(REPORT)

    assert rows
    assert rows == additional_services(buyer_world)


def test_services_by_hand(sold: Reporting) -> None:
    """Month edges, unknown services, units and packings, a service twice in an order, both accounts and currencies."""
    rows = sold.report(REPORT)

    assert {row[0] for row in rows} == {"north", "south"}
    assert {row[3] for row in rows} == {"Hoes", None}
    assert {row[4] for row in rows} == {"EUR", "USD", None}
    assert rows == additional_services(sold)


@pytest.mark.parametrize("asked", [*DAYS, Asked(currency="USD"), Asked(customer=UUID(BLOOM))])
def test_what_is_asked_for(sold: Reporting, asked: Asked) -> None:
    """Days of Amsterdam, one currency, one buyer: the attach rate is that of the orders that are asked for."""
    rows = sold.report(REPORT, **asked.given)

    assert rows
    assert rows == additional_services(sold, asked)


@pytest.mark.parametrize(
    ("unit", "revenue"),
    [("PIECE", 950), ("PACKAGE", 100), ("LAYER", 30), ("LOADCARRIER", 20), ("LABEL", 70), ("CRATE", 70)],
)
def test_each_unit_is_counted_in_its_way(grower: Reporting, unit: str, revenue: int) -> None:
    """95 pieces are 10 packages of ten, 3 layers of four and 2 load carriers of two layers; labels are told."""
    service = {
        "additionalServiceId": SLEEVE,
        "price": {"currency": "EUR", "value": 10},
        "unit": unit,
        "numberOfUnits": 7,
    }
    packing = {"piecesPerPackage": 10, "packagesPerLayer": 4, "layersPerLoadCarrier": 2}
    told = {"status": "COMMITTED", "isDeleted": False, "numberOfPieces": 95, "packingConfiguration": packing}
    amount = {"calculatedFields": {"orderAmount": {"currency": "EUR"}}}
    with_it = made("suppliers", ORDERS, 1, additionalServices=[service], **told, **amount)
    without = [made("suppliers", ORDERS, number, additionalServices=None, **told, **amount) for number in (2, 3, 4)]
    delivery = {"delivery": {"latestDeliveryDateTime": "2026-02-28T23:00:00Z"}}
    grower.store(ORDERS, [{**one, **delivery} for one in (with_it, *without)])

    assert [row[5:] for row in grower.report(REPORT)] == [(1, about(Decimal("0.25")), revenue)]


def test_no_orders(tmp_path: Path) -> None:
    """The report is there and empty, for both APIs."""
    for api in ("suppliers", "customers"):
        assert Reporting(tmp_path / f"{api}.duckdb", api).report(REPORT) == []
