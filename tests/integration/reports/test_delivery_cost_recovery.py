"""Report ``delivery_cost_recovery``: delivery cost of orders, and what buyers pay for delivery."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Sequence
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from math import ceil
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
    merged,
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
from tests.integration.reports.handmade_orders import BLOOM
from tests.integration.reports.report_parameters import DATE_RANGES, NO_FILTER, Parameters

REPORT = "delivery_cost_recovery"
SETS = "organizations.delivery_condition_sets"
COST, PRICE, CONDITION = "delivery.deliveryCost", "deliveryPricePerPiece", "delivery.deliveryConditionId"
LEAST = "deliverySurchargeMinimumNumberOfLoadCarriersThreshold"
SAME_DELIVERY = (CONDITION, "customerOrganizationId", "delivery.location.gln", DELIVERY)
UNITS = ("PIECE", "PACKAGE", "LAYER", "LOADCARRIER", "LOAD_CARRIER", "SHIPMENT", "BUNCH")
CENT = Decimal("0.01")
MARCH = ("main", dt.date(2026, 3, 1), "DDP")


def expected_rows(warehouse: ReportWarehouse, parameters: Parameters = NO_FILTER) -> list[Row]:
    """Compute the report's rows from the records, in Python; revenue counts in its own currency."""
    sums: dict[tuple[Any, ...], list[Any]] = defaultdict(lambda: [0, Decimal(0), Decimal(0), 0])
    any_currency = Parameters(parameters.from_date, parameters.to_date, customer=parameters.customer)
    deliveries: dict[tuple[Any, ...], list[Json]] = defaultdict(list)
    for account, order in any_currency.select_orders(warehouse):
        group = (account, month_of(day(order, DELIVERY)), text(order, "delivery.incoterm"))
        currency = text(order, f"{AMOUNT}.currency")
        sums[*group, currency][0] += 1
        deliveries[*group, currency, *(text(order, path) for path in SAME_DELIVERY)].append(order)
        revenue, revenue_currency = revenue_of(order)
        if revenue is not None:
            sums[*group, revenue_currency][2] += revenue
    conditions = conditions_by_id(warehouse)
    for (*delivery_group, currency, _, _, _, _), orders in deliveries.items():
        condition = conditions.get((delivery_group[0], uuid(orders[0], CONDITION)))
        cost = cost_of(orders, condition, currency)
        sums[*delivery_group, currency][1] += cost or 0
        sums[*delivery_group, currency][3] += len(orders) if cost is None else 0
    rows = [
        (*group, orders, None if orders == without > 0 else cost, revenue, quotient(revenue, cost), without)
        for group, (orders, cost, revenue, without) in sums.items()
        if parameters.currency in (None, group[3])
    ]
    return sorted(rows, key=lambda row: (row[0], descending(row[1]), nulls_last(row[2]), nulls_last(row[3])))


def revenue_of(order: Json) -> tuple[Decimal | None, str | None]:
    """Return what the buyer pays for the delivery of an order, and its currency."""
    price, charge = number(order, f"{PRICE}.value"), number(order, f"{COST}.value")
    if price is not None:
        return (price * order["numberOfPieces"]).quantize(CENT, ROUND_HALF_UP), text(order, f"{PRICE}.currency")
    return charge and charge.quantize(CENT, ROUND_HALF_UP), text(order, f"{COST}.currency")


def conditions_by_id(warehouse: ReportWarehouse) -> dict[Row, Json]:
    """Return the delivery conditions by account and id, of the newest set that is not deleted, else of the newest."""
    sets = sorted(
        warehouse.newest_records(SETS), key=lambda pair: (not pair[1].get("isDeleted"), pair[1]["sequenceNumber"])
    )
    return {
        (account, uuid(condition, "deliveryConditionId")): condition
        for account, each in sets
        for condition in reversed(each.get("deliveryConditions") or [])
        if condition is not None
    }


def cost_of(orders: Sequence[Json], condition: Json | None, currency: str | None) -> Decimal | None:
    """Return the cost of a delivery by its condition; None if it is unknown."""
    if condition is None:
        return None
    if value_at(condition, "hasDeliveryCost") is False:
        return Decimal(0)
    stated = value_at(condition, "additionalCosts.additionalCostsPerCurrency") or []
    cost = next((each for each in stated if text(each, "currency") == currency and currency), None)
    units = units_of(orders)
    unit, each = units.get(text(condition, "additionalCosts.shippingCostsUnit")), number(cost, "shippingCostsPerUnit")
    if unit is None or each is None:
        return None
    least, value = number(condition, f"additionalCosts.{LEAST}"), total(number(o, f"{AMOUNT}.value") for o in orders)
    threshold, load_carriers = number(cost, "deliverySurchargeThreshold"), units["LOADCARRIER"]
    is_small = (value is not None and threshold is not None and value < threshold) or (
        load_carriers is not None and least is not None and load_carriers < least
    )
    return each * unit + ((number(cost, "deliverySurcharge") or 0) if is_small else 0)


def units_of(orders: Sequence[Json]) -> dict[str | None, int | None]:
    """Return the number of units of each kind that a delivery has; a started unit counts as a whole one."""
    pieces = [order["numberOfPieces"] for order in orders]
    packages = divided(pieces, orders, "piecesPerPackage", ceil)
    layers = divided(packages, orders, "packagesPerLayer", Fraction)
    carriers = divided(layers, orders, "layersPerLoadCarrier", Fraction)
    sums = {"PIECE": pieces, "PACKAGE": packages, "LAYER": layers, "LOADCARRIER": carriers, "LOAD_CARRIER": carriers}
    units: dict[str | None, int | None] = {
        unit: None if None in values else ceil(sum(values)) for unit, values in sums.items()
    }
    return {**units, "SHIPMENT": 1}


def divided(
    quantities: Sequence[Any], orders: Sequence[Json], capacity: str, kind: Callable[[Fraction], Any]
) -> list[Any]:
    """Return each quantity divided by a capacity of its order's packing; None if one of them is unknown."""
    units = [value_at(order, f"packingConfiguration.{capacity}") for order in orders]
    pairs = zip(quantities, units, strict=True)
    return [None if quantity is None or not unit else kind(Fraction(quantity) / unit) for quantity, unit in pairs]


@pytest.fixture(scope="module", params=["suppliers", "customers"])
def deliveries(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> ReportWarehouse:
    """A warehouse, for each API, with orders that have delivery cost and price in several currencies or not at all."""
    warehouse = ReportWarehouse(tmp_path_factory.mktemp("costs") / "w.duckdb", request.param)
    for account, seed, count in (("north", 7, 400), ("south", 8, 100)):
        random = Random(f"delivery cost {seed}")
        orders = handmade_orders.orders(warehouse.api, seed, count)
        warehouse.store(ORDERS, [_with_cost(order, random) for order in orders], account)
        warehouse.store(SETS, [_set(warehouse.api, number, random) for number in range(4)], account)
    return warehouse


def _set(api: str, number: int, random: Random) -> Json:
    """Return a set with some of the conditions that the orders name; a condition may be in several sets."""
    conditions = [
        {
            "deliveryConditionId": id_of(f"condition {random.randrange(4)}"),
            "hasDeliveryCost": random.choice((True, True, True, False, None)),
            "additionalCosts": {
                "shippingCostsUnit": random.choice((*UNITS, None)),
                LEAST: random.choice((0, 1, Decimal("2.5"), None)),
                "additionalCostsPerCurrency": [
                    {
                        "currency": currency,
                        "deliverySurcharge": random.choice((Decimal("12.5"), None)),
                        "deliverySurchargeThreshold": random.choice((0, 100, 250, None)),
                        "shippingCostsPerUnit": random.choice((Decimal("15.2"), Decimal("0.005"), None)),
                    }
                    for currency in random.choice((("EUR",), ("EUR", "USD"), ("EUR", "USD")))
                ],
            },
        }
        for _ in range(3)
    ]
    fields: dict[str, Any] = {"deliveryConditions": conditions, "isDeleted": random.random() < 0.3}
    return make_record(api, SETS, number, **fields)


def _with_cost(order: Json, random: Random) -> Json:
    order_currency = value_at(order, f"{AMOUNT}.currency")

    def price(values: tuple[str, ...]) -> Any:
        currency = random.choice((order_currency, order_currency, order_currency, "EUR", "USD", None))
        value = random.choice((*map(Decimal, values), None))
        return random.choice((None, {"currency": currency, "value": value}, {"currency": currency, "value": value}))

    delivery = order.get("delivery") and {
        **order["delivery"],
        "incoterm": random.choice(("DDP", "DDP", "EXW", None)),
        "deliveryCost": price(("0", "12.5", "45.055", "0.0000015")),
        "deliveryConditionId": random.choice((*(id_of(f"condition {number}") for number in range(5)), None)),
        "location": {"gln": random.choice(("8713783479063", "8713783479070", None))},
    }
    packing = {
        "piecesPerPackage": random.choice((1, 10, 12, 12, None)),
        "packagesPerLayer": random.choice((1, 3, 8, 8, 0)),
        "layersPerLoadCarrier": random.choice((3, 5, 5, None)),
    }
    order = {**order, "packingConfiguration": random.choice((packing, packing, packing, None))}
    return {**order, "delivery": delivery, PRICE: price(("0", "0.125", "0.10416666666666667", "0.0000005"))}


def test_grower_world(grower_world: ReportWarehouse) -> None:
    """For a grower in the sandbox world, the rows are as expected; only deliveries with DDP have a revenue."""
    rows = grower_world.report(REPORT)

    assert {row[2] for row in rows if row[6]} == {"DDP"}
    assert {row[3] for row in rows if row[6]} == {"EUR", "USD"}
    assert rows == expected_rows(grower_world)


def test_buyer_world(buyer_world: ReportWarehouse) -> None:
    """For a buyer in the sandbox world, the rows are as expected, with what it pays for delivery."""
    rows = buyer_world.report(REPORT)

    assert any(row[5] for row in rows)
    assert rows == expected_rows(buyer_world)


@pytest.mark.slow
def test_handmade_deliveries(deliveries: ReportWarehouse) -> None:
    """Rows are correct at month boundaries, for several currencies within an order, and for missing amounts."""
    rows = deliveries.report(REPORT)

    assert {row[0] for row in rows} == {"north", "south"}
    assert {row[3] for row in rows} == {"EUR", "USD", None}
    assert rows == expected_rows(deliveries)


@pytest.mark.slow
@pytest.mark.parametrize("parameters", [*DATE_RANGES, Parameters(currency="USD"), Parameters(customer=UUID(BLOOM))])
def test_parameters(deliveries: ReportWarehouse, parameters: Parameters) -> None:
    """The report is restricted to the orders that match its parameters."""
    rows = deliveries.report(REPORT, **parameters.arguments)

    assert rows
    assert rows == expected_rows(deliveries, parameters)


@pytest.mark.slow
def test_cost_is_that_of_the_condition(warehouse: ReportWarehouse) -> None:
    """Three orders fill one and a half load carriers: two at 15.20, of which buyers pay two thirds."""
    store_condition(warehouse, "LOADCARRIER")
    warehouse.store(ORDERS, [order(number, 240) for number in range(3)])

    assert warehouse.report(REPORT) == [
        (*MARCH, "EUR", 3, money("30.40"), 18, approx(Decimal(18) / Decimal("30.4")), 0)
    ]


@pytest.mark.slow
def test_surcharge_of_a_small_delivery(warehouse: ReportWarehouse) -> None:
    """A delivery below 250 euros has the surcharge; two orders for one place are one delivery, for two they are two."""
    store_condition(warehouse, "SHIPMENT")
    warehouse.store(ORDERS, [order(1, 240), order(2, 240, gln="8713783479063"), order(3, 240, gln="8713783479063")])

    assert [row[5] for row in warehouse.report(REPORT)] == [money("15.20") + money("15.20") + money("12.50")]


@pytest.mark.slow
def test_unknown_cost(warehouse: ReportWarehouse) -> None:
    """Without a known condition, or a cost in the order's currency, the cost is NULL, and neither 0 nor the charge."""
    store_condition(warehouse, "LOADCARRIER")
    dollars = order(2, 240, calculatedFields={"orderAmount": {"currency": "USD", "value": 100}})
    warehouse.store(ORDERS, [merged(order(1, 240), {"delivery": {"deliveryConditionId": id_of("other")}}), dollars])

    assert [(row[3], *row[5:]) for row in warehouse.report(REPORT)] == [
        ("EUR", None, 12, None, 1),
        ("USD", None, 0, None, 1),
    ]


@pytest.mark.slow
def test_revenue_in_another_currency_has_its_own_row(warehouse: ReportWarehouse) -> None:
    """Revenue in another currency than the order's has a row without orders; without a price, the charge counts."""
    third = {"currency": "EUR", "value": Decimal("33.3333333333333")}
    defaults = {
        "status": "COMMITTED",
        "isDeleted": False,
        "numberOfPieces": 3,
        "calculatedFields": {"orderAmount": {"currency": "EUR"}},
        "delivery": {"latestDeliveryDateTime": "2026-02-28T23:00:00Z", "incoterm": "DDP", "deliveryConditionId": None},
    }
    charge = {"delivery": {"deliveryCost": {"currency": "USD", "value": 50}}, PRICE: None}
    orders = [merged(defaults, fields) for fields in ({PRICE: third}, charge)]
    warehouse.store(ORDERS, [make_record("suppliers", ORDERS, seed, **order) for seed, order in enumerate(orders)])

    assert warehouse.report(REPORT) == [
        (*MARCH, "EUR", 2, None, 100, None, 2),
        (*MARCH, "USD", 0, 0, 50, None, 0),
    ]


def store_condition(warehouse: ReportWarehouse, unit: str) -> None:
    """Store a condition that costs 15.20 euros for each unit, and 12.50 for deliveries of less than 250 euros."""
    cost = {
        "currency": "EUR",
        "deliverySurcharge": Decimal("12.50"),
        "deliverySurchargeThreshold": 250,
        "shippingCostsPerUnit": Decimal("15.20"),
    }
    condition = {
        "deliveryConditionId": id_of("condition"),
        "hasDeliveryCost": True,
        "additionalCosts": {"shippingCostsUnit": unit, LEAST: 1, "additionalCostsPerCurrency": [cost]},
    }
    warehouse.store(SETS, [make_record("suppliers", SETS, 1, deliveryConditions=[condition], isDeleted=False)])


def order(number: int, pieces: int, gln: str = "8713783479070", **fields: Any) -> Json:
    """Return an order in euros, of which 480 pieces fill a load carrier, with 6.00 for the delivery of 240 pieces."""
    defaults = {
        "status": "COMMITTED",
        "isDeleted": False,
        "numberOfPieces": pieces,
        "customerOrganizationId": BLOOM,
        "packingConfiguration": {"piecesPerPackage": 10, "packagesPerLayer": 8, "layersPerLoadCarrier": 6},
        "calculatedFields": {"orderAmount": {"currency": "EUR", "value": 130}},
        "delivery": {
            "latestDeliveryDateTime": "2026-02-28T23:00:00Z",
            "incoterm": "DDP",
            "deliveryConditionId": id_of("condition"),
            "location": {"gln": gln},
            "deliveryCost": {"currency": "EUR", "value": 6},
        },
        PRICE: {"currency": "EUR", "value": Decimal("0.025")},
    }
    return make_record("suppliers", ORDERS, number, **merged(defaults, fields))


def money(value: str) -> Decimal:
    """Return an amount."""
    return Decimal(value)


@pytest.mark.slow
def test_empty_warehouse(tmp_path: Path) -> None:
    """Without any records, the report exists and has no rows, for both APIs."""
    for api in ("suppliers", "customers"):
        assert ReportWarehouse(tmp_path / f"{api}.duckdb", api).report(REPORT) == []
