"""Sales orders, as the specification describes them."""

from __future__ import annotations

import datetime as dt

from pipelines.catalogue import notes
from pipelines.catalogue.both_apis.records import (
    CorrectionDeliveryLocation,
    CreditClaimStatus,
    Currency,
    Incoterm,
    Location,
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
from pipelines.catalogue.suppliers.shared import SALES_STRATEGY
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


class SalesOrderDelivery(SalesOrderDeliveryBase):
    """When, where and on what terms the goods are delivered."""

    location: Location


class OrderAmount(Record):
    """The value of a whole order."""

    currency: Currency = field("currency, as ISO 4217")
    value: Decimal = field("amount in its currency")


class SalesOrderCalculatedFields(Record):
    """What Floriday derives from the other fields."""

    total_price_per_piece: Price = field("price of a piece with packing, services and delivery")
    order_amount: OrderAmount = field("value of the whole order")


class SalesOrderMutables(SalesOrderMutablesBase):
    """The fields of an order that can change; prices are in the order's currency."""

    custom_package_id: Uuid | None
    incoterm: Incoterm | None
    number_of_pieces: Int32
    pieces_per_package: Int32
    vbn_package_code: Int32
    price_per_piece: Decimal
    delivery_price_per_piece: Decimal
    total_price_per_piece: Decimal
    latest_delivery_date_time: DateTime | None = field("latest moment of delivery")
    delivery_location: CorrectionDeliveryLocation | None = field("place of delivery")


class SalesOrderMutation(SalesOrderMutationBase):
    """The values before and after one change; the oldest change shows what was first ordered."""

    old_values: SalesOrderMutables
    new_values: SalesOrderMutables


class SalesOrder(SalesOrderBase):
    """What buyers ordered: one row for each sales order, which is one line of one trade item."""

    sales_order_id: Uuid
    sales_order_group_id: Uuid | None
    sales_channel_order_id: Text
    customer_order_id: Text | None = field("the buyer's own order number")
    supplier_organization_id: Uuid
    seller_organization_id: Uuid | None
    customer_organization_id: Uuid
    supply_line_id: Uuid | None = field(
        "offer that was ordered from (supply.supply_lines; at the clock supply.clock_supply_lines, in its presales"
        " supply.clock_presales_supply_lines)"
    )
    trade_item_id: Uuid
    sales_channel: SalesChannel
    sales_channel_interface: SalesChannelInterface
    number_of_pieces: Int32
    trade_instrument: TradeInstrument
    packing_configuration: SalesOrderPackingConfiguration
    order_date_time: DateTime
    price_per_piece: Price
    barcode_logistic_service_provider: Text | None
    delivery: SalesOrderDelivery
    additional_services: list[OrderedAdditionalService] | None
    cancellation_deadline: DateTime | None
    automatically_cancelled_on: DateTime | None
    status: SalesOrderStatus
    credit_claim_status: CreditClaimStatus | None
    credit_claim_expiration_date_time: DateTime | None = field("until when the claimed credit is held")
    sequence_number: Int64
    trade_item_version: Int32 | None
    sales_order_version: Int32 | None
    contract_id: Uuid | None = field("version of the contract of the order (orders.contracts); NULL for none")
    blanket_order_line_id: Uuid | None = field(
        "blanket order line that it comes from (orders.blanket_order_lines); NULL for none"
    )
    bundled_offer_line_id: Uuid | None = field(
        "bundled offer line that was ordered (supply.bundled_offer_lines); NULL for none"
    )
    calculated_fields: SalesOrderCalculatedFields
    payment_provider: PaymentProvider
    delivery_remarks: Text | None
    delivery_price_per_piece: Price | None
    despatch_warehouse_id: Uuid | None
    creation_date_time: DateTime | None
    last_modified_date_time: DateTime | None
    created_by_supplier: Boolean = field("whether the grower entered it, not the buyer")
    created_by_user_name: Text | None
    batch_id: Uuid | None = field("stock that it was sold from (supply.batches)")
    mutations: list[SalesOrderMutation]
    batch_reference: Int64 | None = field(
        "reference of the batch, as in supply.batches, but as a number; NULL until a fulfillment order exists"
    )
    is_paid: Boolean | None
    sales_strategy_id: Uuid | None = field(SALES_STRATEGY)
    is_daytrade_from_nursery: Boolean = field("whether it is day trade straight from the nursery")


SALES_ORDERS = Feed(
    schema="orders",
    table="sales_orders",
    record=SalesOrder,
    key=("sales_order_id",),
    endpoint=Endpoint("/sales-orders", by_id="/sales-orders/{salesOrderId}"),
    scope="sales-order:read",
    tier="fast",
    retention=Retention(dt.timedelta(days=365), "its latest delivery"),
    notes=(notes.STATUS_SHOWS_OUTCOME, notes.HISTORY_STARTS_HERE),
)

FEEDS = (SALES_ORDERS,)
