"""Report ``additional_services``: additional services sold with orders, by month."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import pytest

from tests.integration.report_warehouse import (
    AMOUNT,
    DELIVERY,
    ORDERS,
    Json,
    ReportWarehouse,
    Row,
    approx,
    day,
    descending,
    id_of,
    make_record,
    month_of,
    nulls_last,
    number,
    quotient,
    text,
    total,
    uuid,
    value_at,
)
from tests.integration.reports import handmade_orders
from tests.integration.reports.handmade_orders import BLOOM, PETAL
from tests.integration.reports.report_parameters import DATE_RANGES, NO_FILTER, Parameters, grower_of

REPORT = "additional_services"
SERVICES = "catalog.additional_services"
COLD_STORE = id_of("cold store")
SLEEVE, STICKER, UNKNOWN = id_of("sleeve"), id_of("sticker"), id_of("unknown service")


def expected_rows(warehouse: ReportWarehouse, parameters: Parameters = NO_FILTER) -> list[Row]:
    """Compute the report's rows from the records, in Python."""
    services = {
        (account, uuid(service, "additionalServiceId")): service
        for account, service in warehouse.newest_records(SERVICES)
    }
    orders: dict[Row, list[Json]] = defaultdict(list)
    sold: dict[Row, list[tuple[Json, Decimal | None]]] = defaultdict(list)
    any_currency = Parameters(parameters.from_date, parameters.to_date, customer=parameters.customer)
    for account, order in any_currency.select_orders(warehouse):
        month = month_of(day(order, DELIVERY))
        orders[account, month].append(order)
        for service in order.get("additionalServices") or []:
            if id := uuid(service, "additionalServiceId"):
                currency = text(service, "price.currency")
                sold[account, month, id, currency].append((order, revenue_of(order, service)))
    rows = []
    for (account, month, id, currency), sales in sold.items():
        service = services.get((account, id))
        with_service = {uuid(order, "salesOrderId") for order, _ in sales}
        growers = {grower_of(order) for order, _ in sales}
        possible = {
            uuid(order, "salesOrderId")
            for order in orders[account, month]
            if grower_of(order) in growers
            and text(order, f"{AMOUNT}.currency") == currency
            and could_have(order, service)
        }
        count = len(possible | with_service)
        measures = (
            len(with_service),
            quotient(len(with_service), count),
            total(value for _, value in sales),
            count,
        )
        if parameters.currency in (None, currency):
            rows.append((account, month, id, text(service, "name"), currency, *measures))
    return sorted(rows, key=lambda row: (row[0], descending(row[1]), nulls_last(row[4]), -row[5], row[2]))


def could_have(order: Json, service: Json | None) -> bool:
    """Return whether an order is a direct one, from a warehouse and for a customer that the service is for."""
    despatched_from, offered_in = uuid(order, "despatchWarehouseId"), ids(service, "warehouseIds") or []
    customers = ids(service, "customerOrganizationIds") if value_at(service, "isCustomerSpecific") else None
    return (
        not (text(order, "tradeInstrument") or "").startswith("CLOCK")
        and (despatched_from is None or not offered_in or despatched_from in offered_in)
        and (customers is None or uuid(order, "customerOrganizationId") in customers)
    )


def ids(record: Json | None, path: str) -> list[UUID] | None:
    """Return a list of identifiers; None if there is no list."""
    values = value_at(record, path)
    return None if values is None else [UUID(value) for value in values]


def revenue_of(order: Json, service: Json) -> Decimal | None:
    """Return price times units; None if one of them is unknown."""
    price, units = number(service, "price.value"), units_of(order, service)
    return None if price is None or units is None else price * units


def units_of(order: Json, service: Json) -> int | None:
    """Return the number of units that a service is charged for; a started unit counts as a whole one."""
    pieces = int(order["numberOfPieces"])
    packages = started_units(pieces, value_at(order, "packingConfiguration.piecesPerPackage"))
    layers = started_units(packages, value_at(order, "packingConfiguration.packagesPerLayer"))
    load_carriers = started_units(layers, value_at(order, "packingConfiguration.layersPerLoadCarrier"))
    units = {"PIECE": pieces, "PACKAGE": packages, "LAYER": layers, "LOADCARRIER": load_carriers}
    unit = text(service, "unit")
    return units[unit] if unit in units else value_at(service, "numberOfUnits")


def started_units(quantity: int | None, capacity: int | None) -> int | None:
    """Return the number of units that hold a quantity; None if the quantity or the capacity of a unit is unknown."""
    return None if quantity is None or not capacity else -(-quantity // capacity)


@pytest.fixture(scope="module", params=["suppliers", "customers"])
def service_orders(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> ReportWarehouse:
    """A warehouse, for each API, with orders that have services of every unit in several packings."""
    warehouse = ReportWarehouse(tmp_path_factory.mktemp("services") / "w.duckdb", request.param)
    for account, seed, count in (("north", 9, 300), ("south", 10, 100)):
        random = Random(f"services {seed}")
        orders = handmade_orders.orders(warehouse.api, seed, count)
        warehouse.store(ORDERS, [_with_services(order, random) for order in orders], account)
    everybody = {"warehouseIds": [COLD_STORE], "isCustomerSpecific": False}
    some: dict[str, Any] = {"warehouseIds": [], "isCustomerSpecific": True}
    if warehouse.api == "suppliers":
        some["customerOrganizationIds"] = [BLOOM, PETAL]
    services = [
        make_record(warehouse.api, SERVICES, 1, additionalServiceId=SLEEVE, name="Hoes", isDeleted=True, **everybody),
        make_record(warehouse.api, SERVICES, 2, additionalServiceId=STICKER, name="Sticker", isDeleted=False, **some),
    ]
    warehouse.store(SERVICES, services, "north")
    return warehouse


def _with_services(order: Json, random: Random) -> Json:
    packing = {
        "piecesPerPackage": random.choice((1, 10, 12, 0, None)),
        "packagesPerLayer": random.choice((1, 8, None)),
        "layersPerLoadCarrier": random.choice((5, 3, 0)),
    }
    services = [_service(random) for _ in range(random.choice((0, 1, 1, 3)))]
    return {
        **order,
        "packingConfiguration": random.choice((packing, packing, None)),
        "additionalServices": services,
        "tradeInstrument": random.choice(("DIRECT_SALES", "CONTRACT", "CLOCK_SALES", None)),
        "despatchWarehouseId": random.choice((COLD_STORE, id_of("distant warehouse"), None)),
    }


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


def test_grower_world(grower_world: ReportWarehouse) -> None:
    """For a grower in the sandbox world, the rows are as expected; some orders have a service, most have none."""
    rows = grower_world.report(REPORT)

    assert {"Hoes om doos", "Etiket van klant"} <= {row[3] for row in rows}
    assert 0 < min(row[6] for row in rows) < 0.2
    assert all(row[5] <= row[8] for row in rows)
    assert rows == expected_rows(grower_world)


def test_buyer_world(buyer_world: ReportWarehouse) -> None:
    """For a buyer in the sandbox world, the report has exactly the expected rows."""
    rows = buyer_world.report(REPORT)

    assert rows
    assert rows == expected_rows(buyer_world)


def test_handmade_services(service_orders: ReportWarehouse) -> None:
    """Rows are correct at month boundaries, for unknown services, units and packings, and for repeated services."""
    rows = service_orders.report(REPORT)

    assert {row[0] for row in rows} == {"north", "south"}
    assert {row[3] for row in rows} == {"Hoes", "Sticker", None}
    assert {row[4] for row in rows} == {"EUR", "USD", None}
    assert rows == expected_rows(service_orders)


@pytest.mark.parametrize("parameters", [*DATE_RANGES, Parameters(currency="USD"), Parameters(customer=UUID(BLOOM))])
def test_parameters(service_orders: ReportWarehouse, parameters: Parameters) -> None:
    """A period, a currency or a customer restricts the orders, also those that the attach rate is computed from."""
    rows = service_orders.report(REPORT, **parameters.arguments)

    assert rows
    assert rows == expected_rows(service_orders, parameters)


@pytest.mark.parametrize(
    ("unit", "revenue"),
    [("PIECE", 950), ("PACKAGE", 100), ("LAYER", None), ("LOADCARRIER", None), ("LABEL", 70), ("CRATE", 70)],
)
def test_without_packing_data_the_revenue_is_unknown(
    warehouse: ReportWarehouse, unit: str, revenue: int | None
) -> None:
    """The revenue is NULL, and not 0, if the units are unknown of all orders."""
    packing = {"piecesPerPackage": 10, "packagesPerLayer": None, "layersPerLoadCarrier": 2}

    assert sleeved(warehouse, unit, packing) == [(1, approx(Decimal("0.25")), revenue, 4)]


@pytest.mark.parametrize(
    ("unit", "revenue"),
    [("PIECE", 950), ("PACKAGE", 100), ("LAYER", 30), ("LOADCARRIER", 20), ("LABEL", 70), ("CRATE", 70)],
)
def test_units_of_each_kind(warehouse: ReportWarehouse, unit: str, revenue: int) -> None:
    """95 pieces are 10 packages, 3 layers and 2 load carriers; of other units, the service contains the number."""
    packing = {"piecesPerPackage": 10, "packagesPerLayer": 4, "layersPerLoadCarrier": 2}

    assert sleeved(warehouse, unit, packing) == [(1, approx(Decimal("0.25")), revenue, 4)]


def sleeved(warehouse: ReportWarehouse, unit: str, packing: Json) -> list[Row]:
    """Return the report's measures for four orders of 95 pieces, one of which has a service for 10.00 a unit."""
    service = {
        "additionalServiceId": SLEEVE,
        "price": {"currency": "EUR", "value": 10},
        "unit": unit,
        "numberOfUnits": 7,
    }
    defaults = {"status": "COMMITTED", "isDeleted": False, "numberOfPieces": 95, "packingConfiguration": packing}
    amount: dict[str, Any] = {"calculatedFields": {"orderAmount": {"currency": "EUR"}}}
    delivery = {"delivery": {"latestDeliveryDateTime": "2026-02-28T23:00:00Z"}, "sellerOrganizationId": None}
    amount = {**amount, "supplierOrganizationId": id_of("grower"), "tradeInstrument": "DIRECT_SALES"}
    orders = [
        make_record("suppliers", ORDERS, seed, additionalServices=services, **defaults, **amount)
        for seed, services in enumerate(([service], None, None, None))
    ]
    warehouse.store(ORDERS, [{**order, **delivery} for order in orders])
    return [row[5:] for row in warehouse.report(REPORT)]


def test_orders_that_could_not_have_the_service(warehouse: ReportWarehouse) -> None:
    """Orders of the clock, from other warehouses and of other customers are not in the denominator."""
    service = {"additionalServiceId": SLEEVE, "isCustomerSpecific": True, "customerOrganizationIds": [BLOOM]}
    fields = {**service, "warehouseIds": [COLD_STORE], "name": "Hoes"}
    warehouse.store(SERVICES, [make_record("suppliers", SERVICES, 1, **fields)])
    defaults = {
        "status": "COMMITTED",
        "isDeleted": False,
        "numberOfPieces": 100,
        "calculatedFields": {"orderAmount": {"currency": "EUR", "value": 25}},
        "delivery": {"latestDeliveryDateTime": "2026-02-28T23:00:00Z"},
        "sellerOrganizationId": id_of("grower"),
        "customerOrganizationId": BLOOM,
        "despatchWarehouseId": COLD_STORE,
        "tradeInstrument": "DIRECT_SALES",
        "additionalServices": [],
    }
    sold = {"additionalServiceId": SLEEVE, "price": {"currency": "EUR", "value": 1}, "unit": "PIECE"}
    changes: list[dict[str, Any]] = [
        {"additionalServices": [sold]},
        {},
        {"despatchWarehouseId": None},
        {"tradeInstrument": "CLOCK_PRESALES"},
        {"despatchWarehouseId": id_of("distant warehouse")},
        {"customerOrganizationId": PETAL},
        {"sellerOrganizationId": id_of("another grower")},
    ]
    orders = [make_record("suppliers", ORDERS, seed, **{**defaults, **each}) for seed, each in enumerate(changes)]
    warehouse.store(ORDERS, orders)

    assert [row[5:] for row in warehouse.report(REPORT)] == [(1, approx(Decimal(1) / 3), 100, 3)]


def test_empty_warehouse(tmp_path: Path) -> None:
    """Without any records, the report exists and has no rows, for both APIs."""
    for api in ("suppliers", "customers"):
        assert ReportWarehouse(tmp_path / f"{api}.duckdb", api).report(REPORT) == []
