"""What a buyer calls off from a contract: blanket orders (the specification)."""

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
from pipelines.catalogue.customers.shared import CUSTOMER_REFERENCE, SUPPLIER, PackingConfiguration
from pipelines.catalogue.types import Boolean, Feed, Int32, Record, Retention, Text, Uuid, field
from pipelines.floriday.endpoints import Endpoint


class BlanketOrderLine(Record):
    """Pieces that are called off from one period of a contract line."""

    blanket_order_line_id: Uuid = field("Floriday's identifier of the blanket order line; sales orders refer to it")
    contract_line_period_id: Uuid = field("period that it draws on (orders.contract_line_periods)")
    trade_item_id: Uuid = field("what is called off (catalog.trade_items)")
    supplier_organization_id: Uuid = field(SUPPLIER)
    despatch_warehouse_id: Uuid | None = field(DESPATCH_WAREHOUSE)
    additional_service_ids: list[Uuid] | None = field(
        "additional services to carry out (catalog.additional_services); NULL for none"
    )
    customer_order_reference: Text | None = field(CUSTOMER_REFERENCE)
    packing_configuration: PackingConfiguration | None = field("packing")
    number_of_pieces: Int32 = field("pieces called off")
    price_per_piece: Price | None = field("price of a piece")
    delivery_location_gln: Text = field("GLN of the place of delivery")
    incoterm: Incoterm = field(INCOTERM)
    lies_outside_of_contract_line_period_margins: Boolean = field(
        "whether price or pieces exceed the margins of the period"
    )


class BlanketOrder(BlanketOrderBase):
    """What buyers called off from contracts: one row for each blanket order, which is for one delivery."""

    blanket_order_lines: list[BlanketOrderLine]


BLANKET_ORDERS = Feed(
    schema="orders",
    table="blanket_orders",
    record=BlanketOrder,
    key=("blanket_order_id",),
    endpoint=Endpoint("/contracts/blanket-order", "limit", by_id="/contracts/blanket-order/{blanketOrderId}"),
    scope="contract:read",
    retention=Retention(dt.timedelta(days=365), "its latest delivery"),
    notes=(notes.HISTORY_STARTS_HERE,),
)

FEEDS = (BLANKET_ORDERS,)
