"""What has been bought: sales orders, and those of sub-customers (the specification)."""

from __future__ import annotations

import datetime as dt

from pipelines.catalogue import notes
from pipelines.catalogue.both_apis.records import (
    SEQUENCE_NUMBER,
    CreditClaimStatus,
    Incoterm,
    PaymentProvider,
    Price,
    SalesChannel,
    SalesChannelInterface,
)
from pipelines.catalogue.both_apis.sales_orders import (
    SalesOrderBase,
    SalesOrderDeliveryBase,
    SalesOrderMutablesBase,
    SalesOrderMutationBase,
    SalesOrderPackingConfiguration,
    SalesOrderStatus,
    TradeInstrument,
)
from pipelines.catalogue.both_apis.services import OrderedAdditionalService
from pipelines.catalogue.customers.shared import CUSTOMER_REFERENCE, NEXT_LEG, Location
from pipelines.catalogue.types import (
    Boolean,
    DateTime,
    Decimal,
    Feed,
    Int32,
    Int64,
    Record,
    Retention,
    Text,
    Uuid,
    field,
)
from pipelines.floriday.endpoints import Endpoint

CLOCK_PRESALES_ONLY = "NULL except in the clock's presales"


class SalesOrderDelivery(SalesOrderDeliveryBase):
    """When, where and on what terms the goods are delivered."""

    location: Location
    next_leg_identifier: Text | None = field(NEXT_LEG)


class SalesOrderCalculatedFields(Record):
    """What Floriday derives from the other fields."""

    order_amount: Price = field("value of the whole order, without levies and rent of packages")
    total_auction_levies: Price | None = field(f"auction levies on the whole order ({CLOCK_PRESALES_ONLY})")
    total_package_rental_costs: Price | None = field(f"rent of packages for the whole order ({CLOCK_PRESALES_ONLY})")
    total_price_per_piece: Price = field("price of a piece with packing, services and delivery")


class SalesOrderMutables(SalesOrderMutablesBase):
    """What of an order can change; prices are in the order's currency."""

    custom_package_id: Uuid | None
    number_of_pieces: Int32
    pieces_per_package: Int32
    vbn_package_code: Int32
    incoterm: Incoterm | None
    price_per_piece: Decimal
    delivery_price_per_piece: Decimal
    total_price_per_piece: Decimal


class SalesOrderMutation(SalesOrderMutationBase):
    """The values before and after one change; the oldest change shows what was first ordered."""

    old_values: SalesOrderMutables
    new_values: SalesOrderMutables


class SalesOrder(SalesOrderBase):
    """What buyers ordered: one row for each sales order, which is one line of one trade item."""

    sales_order_id: Uuid
    supplier_organization_id: Uuid
    seller_organization_id: Uuid | None
    customer_organization_id: Uuid
    main_customer_organization_id: Uuid | None = field(
        "organization that the buyer is a sub-customer of (organizations.organizations); NULL for none"
    )
    supply_line_id: Uuid | None = field(
        "offer that was ordered from (supply.supply_lines, or supply.clock_presales_supply_lines by trade_instrument)"
    )
    trade_item_id: Uuid
    sales_channel: SalesChannel
    sales_channel_interface: SalesChannelInterface
    sales_channel_order_id: Text
    number_of_pieces: Int32
    price_per_piece: Price
    barcode_logistic_service_provider: Text | None
    trade_instrument: TradeInstrument
    packing_configuration: SalesOrderPackingConfiguration
    additional_services: list[OrderedAdditionalService] | None
    customer_order_reference: Text | None = field(CUSTOMER_REFERENCE)
    order_date_time: DateTime
    delivery: SalesOrderDelivery
    status: SalesOrderStatus
    credit_claim_status: CreditClaimStatus | None
    sequence_number: Int64
    cancellation_deadline: DateTime | None
    automatically_cancelled_on: DateTime | None
    trade_item_version: Int32
    sales_order_version: Int32
    contract_id: Uuid | None = field("contract that it draws on (orders.contracts); NULL for none")
    blanket_order_line_id: Uuid | None = field(
        "blanket order line that it calls off (orders.blanket_order_lines); NULL for none"
    )
    calculated_fields: SalesOrderCalculatedFields
    payment_provider: PaymentProvider
    delivery_remarks: Text | None
    delivery_price_per_piece: Price | None
    despatch_warehouse_id: Uuid | None
    creation_date_time: DateTime
    last_modified_date_time: DateTime | None
    is_created_by_supplier: Boolean = field("whether the grower entered it, not the buyer")
    created_by_user_name: Text | None
    mutations: list[SalesOrderMutation]
    sales_order_group_id: Uuid | None
    batch_reference: Int64 | None = field("reference of the batch as a number; NULL until a fulfillment order exists")
    is_paid: Boolean | None
    customer_logistic_reference: Text | None = field(
        "the buyer's reference for logistics; the buyer's plate number for clock trade"
    )


class SubCustomerSalesOrder(Record):
    """What sub-customers ordered through the buyer: one row for each sales order of theirs."""

    sales_order_id: Uuid = field("Floriday's identifier of the sales order")
    price_per_piece: Price = field("price of a piece, without surcharge and delivery")
    delivery_price_per_piece: Price = field("delivery price of a piece")
    order_amount: Price = field("value of the whole order, with surcharge and delivery")
    transaction_surcharge: Price = field("surcharge for the transaction")
    number_of_pieces: Int32 = field("pieces")
    company_name: Text = field("name of the sub-customer's company")
    reference: Text | None = field("the sub-customer's own reference")
    sequence_number: Int64 = field(SEQUENCE_NUMBER)


SALES_ORDERS = Feed(
    schema="orders",
    table="sales_orders",
    record=SalesOrder,
    key=("sales_order_id",),
    endpoint=Endpoint("/sales-orders", "limit", by_id="/sales-orders/{salesOrderId}"),
    scope="sales-order:read",
    tier="fast",
    retention=Retention(dt.timedelta(days=365), "its latest delivery"),
    notes=(notes.STATUS_SHOWS_OUTCOME, notes.HISTORY_STARTS_HERE),
)

SUB_CUSTOMER_SALES_ORDERS = Feed(
    schema="orders",
    table="sub_customer_sales_orders",
    record=SubCustomerSalesOrder,
    key=("sales_order_id",),
    endpoint=Endpoint("/sub-customer-sales-orders", "limit"),
    scope="sales-order:read",
    tier="fast",
    retention=Retention(dt.timedelta(days=365), "its latest delivery"),
    notes=(notes.NOTHING_DELETED, notes.HISTORY_STARTS_HERE, notes.NO_TIMESTAMPS),
)

FEEDS = (SALES_ORDERS, SUB_CUSTOMER_SALES_ORDERS)
