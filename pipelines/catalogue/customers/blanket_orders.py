"""What a buyer calls off from a contract: blanket orders (the specification)."""

from __future__ import annotations

import datetime as dt

from pipelines.catalogue import notes
from pipelines.catalogue.both_apis.records import (
    CARRIER,
    CREATION_DATE_TIME,
    DESPATCH_WAREHOUSE,
    INCOTERM,
    IS_DELETED,
    LAST_MODIFIED_DATE_TIME,
    SEQUENCE_NUMBER,
    Incoterm,
    Price,
    SalesChannelInterface,
)
from pipelines.catalogue.customers.contracts import ApprovalStatus
from pipelines.catalogue.customers.shared import (
    CUSTOMER,
    CUSTOMER_REFERENCE,
    SUPPLIER,
    PackingConfiguration,
)
from pipelines.catalogue.types import Boolean, DateTime, Feed, Int32, Int64, Record, Retention, Text, Uuid, field
from pipelines.floriday.endpoints import Endpoint


class BlanketOrderStatus(Record):
    """How far the parties have come."""

    approval_status: ApprovalStatus = field("how far it is, from DRAFT to APPROVED or DECLINED")
    decline_description: Text | None = field("why it was declined")
    is_deleted: Boolean = field(IS_DELETED)


class BlanketOrderLine(Record):
    """Pieces that are called off from one period of a contract line."""

    blanket_order_line_id: Uuid = field("Floriday's identifier of the blanket order line; sales orders tell it")
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


class BlanketOrder(Record):
    """What buyers called off from contracts: one row for each blanket order, which is for one delivery."""

    blanket_order_id: Uuid = field("Floriday's identifier of the blanket order")
    contract_id: Uuid = field("contract that it draws on (orders.contracts)")
    delivery_date_time: DateTime = field("when it has to be delivered; its day and week are those of Amsterdam")
    customer_organization_id: Uuid = field(CUSTOMER)
    carrier_organization_id: Uuid | None = field(CARRIER)
    status: BlanketOrderStatus = field("status")
    blanket_order_lines: list[BlanketOrderLine] = field("lines of a blanket order", table="blanket_order_lines")
    is_initiated_by_supplier: Boolean = field("whether the grower entered it, not the buyer")
    creation_date_time: DateTime = field(CREATION_DATE_TIME)
    last_modified_date_time: DateTime = field(LAST_MODIFIED_DATE_TIME)
    is_last_modified_by_supplier: Boolean | None = field("whether the grower made the last change, not the buyer")
    sales_channel_interface: SalesChannelInterface = field("how it came in: by screen or by software")
    sequence_number: Int64 = field(SEQUENCE_NUMBER)


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
