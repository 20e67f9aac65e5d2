"""What is called off under contracts: blanket orders (the specification)."""

from __future__ import annotations

import datetime as dt

from pipelines.catalogue import notes
from pipelines.catalogue.both_apis.records import (
    CARRIER,
    CREATION_DATE_TIME,
    DESPATCH_WAREHOUSE,
    INCOTERM,
    LAST_MODIFIED_DATE_TIME,
    SEQUENCE_NUMBER,
    Incoterm,
    Price,
    SalesChannelInterface,
)
from pipelines.catalogue.suppliers.shared import ApprovalStatus, PackingConfigurationBase
from pipelines.catalogue.types import Boolean, DateTime, Feed, Int32, Int64, Record, Retention, Text, Uuid, field
from pipelines.floriday.endpoints import Endpoint


class BlanketOrderStatus(Record):
    """How far it is agreed on."""

    approval_status: ApprovalStatus = field("how far it is agreed on")
    decline_description: Text | None = field("why it was declined; NULL where it was not")
    is_deleted: Boolean = field("whether it has been deleted at Floriday")


class BlanketOrderLine(Record):
    """Pieces of one trade item from one period of the contract."""

    blanket_order_line_id: Uuid = field("Floriday's identifier of the blanket order line; sales orders tell it")
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


class BlanketOrder(Record):
    """What is called off under a contract for one moment of delivery: one row for each blanket order."""

    blanket_order_id: Uuid = field("Floriday's identifier of the blanket order")
    contract_id: Uuid = field("version of the contract that it draws on (orders.contracts)")
    delivery_date_time: DateTime = field("when it has to be delivered; its day and week are those of Amsterdam")
    customer_organization_id: Uuid = field("buyer (organizations.organizations)")
    carrier_organization_id: Uuid | None = field(CARRIER)
    status: BlanketOrderStatus = field("status")
    blanket_order_lines: list[BlanketOrderLine] = field("lines of a blanket order", table="blanket_order_lines")
    is_initiated_by_supplier: Boolean = field("whether the grower entered it, not the buyer")
    creation_date_time: DateTime = field(CREATION_DATE_TIME)
    last_modified_date_time: DateTime = field(LAST_MODIFIED_DATE_TIME)
    is_last_modified_by_supplier: Boolean | None = field("whether the grower was the last to change it")
    sales_channel_interface: SalesChannelInterface = field("how it came in: by screen or by software")
    sequence_number: Int64 = field(SEQUENCE_NUMBER)


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
