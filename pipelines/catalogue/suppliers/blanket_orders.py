"""What is called off under contracts: blanket orders (the specification)."""

from __future__ import annotations

import datetime as dt

from pipelines.catalogue import notes
from pipelines.catalogue.both_apis.contracts import BlanketOrderBase
from pipelines.catalogue.both_apis.records import (
    DESPATCH_WAREHOUSE,
    INCOTERM,
    Incoterm,
    Price,
)
from pipelines.catalogue.suppliers.shared import PackingConfigurationBase
from pipelines.catalogue.types import Boolean, Feed, Int32, Record, Retention, Text, Uuid, field
from pipelines.floriday.endpoints import Endpoint


class BlanketOrderLine(Record):
    """Pieces of one trade item from one period of the contract."""

    blanket_order_line_id: Uuid = field("Floriday's identifier of the blanket order line; sales orders refer to it")
    contract_line_period_id: Uuid = field("period that it draws on (orders.contract_line_periods)")
    trade_item_id: Uuid = field("what is called off (catalog.trade_items)")
    batch_id: Uuid | None = field("stock to take it from (supply.batches); NULL until that is settled")
    supplier_organization_id: Uuid = field("grower who delivers (organizations.organizations)")
    despatch_warehouse_id: Uuid | None = field(DESPATCH_WAREHOUSE)
    additional_service_ids: list[Uuid] | None = field("additional services to carry out (catalog.additional_services)")
    customer_order_reference: Text | None = field("the buyer's own reference")
    packing_configuration: PackingConfigurationBase | None = field("packing (NULL for that of the contract line)")
    number_of_pieces: Int32 = field("pieces that are called off")
    price_per_piece: Price | None = field("price of a piece (NULL for that of the period)")
    delivery_location_gln: Text = field("GLN of the place of delivery")
    incoterm: Incoterm = field(INCOTERM)
    lies_outside_of_contract_line_period_margins: Boolean = field(
        "whether pieces or price are outside the margins of the period"
    )


class BlanketOrder(BlanketOrderBase):
    """What is called off under a contract for one moment of delivery: one row for each blanket order."""

    blanket_order_lines: list[BlanketOrderLine]


BLANKET_ORDERS = Feed(
    schema="orders",
    table="blanket_orders",
    record=BlanketOrder,
    key=("blanket_order_id",),
    endpoint=Endpoint("/blanket-orders", by_id="/blanket-orders/{blanketOrderId}"),
    scope="contract:read",
    retention=Retention(dt.timedelta(days=365), "its latest delivery"),
    notes=(notes.HISTORY_STARTS_HERE,),
)

FEEDS = (BLANKET_ORDERS,)
