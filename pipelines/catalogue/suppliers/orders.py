"""What has been sold: sales orders (the specification)."""

from __future__ import annotations

import datetime as dt

from pipelines.catalogue import notes
from pipelines.catalogue.both_apis.records import (
    CREATION_DATE_TIME,
    CUSTOM_PACKAGE,
    DELIVERY_REMARKS,
    DESPATCH_WAREHOUSE,
    INCOTERM,
    LAST_MODIFIED_DATE_TIME,
    SEQUENCE_NUMBER,
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
    SalesOrderDeliveryBase,
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


class SalesOrderMutables(Record):
    """What of an order can change; prices are in the order's currency."""

    custom_package_id: Uuid | None = field(CUSTOM_PACKAGE)
    incoterm: Incoterm | None = field(f"{INCOTERM}; may be NULL in changes from before April 2023")
    number_of_pieces: Int32 = field("pieces")
    pieces_per_package: Int32 = field("pieces in a package")
    vbn_package_code: Int32 = field("VBN code of the package")
    price_per_piece: Decimal = field("price of a piece, in the order's currency")
    delivery_price_per_piece: Decimal = field("delivery price of a piece, in the order's currency")
    total_price_per_piece: Decimal = field("price of a piece with all that comes on top, in the order's currency")
    latest_delivery_date_time: DateTime | None = field("latest moment of delivery")
    delivery_location: CorrectionDeliveryLocation | None = field("place of delivery")


class SalesOrderMutation(SalesOrderMutationBase):
    """The values before and after one change; the oldest change shows what was first ordered."""

    old_values: SalesOrderMutables
    new_values: SalesOrderMutables


class SalesOrder(Record):
    """What buyers ordered: one row for each sales order, which is one line of one trade item."""

    sales_order_id: Uuid = field("Floriday's identifier of the sales order")
    sales_order_group_id: Uuid | None = field("what the orders from one bundled offer have in common; NULL for others")
    sales_channel_order_id: Text = field("number of the order in the sales channel")
    customer_order_id: Text | None = field("the buyer's own order number")
    supplier_organization_id: Uuid = field(
        "supplier (organizations.organizations); an auction's correction may put itself here, so group by seller"
    )
    seller_organization_id: Uuid | None = field(
        "grower that sold it (organizations.organizations), whatever an auction corrected"
    )
    customer_organization_id: Uuid = field("buyer (organizations.organizations)")
    supply_line_id: Uuid | None = field(
        "offer that was ordered from (supply.supply_lines; at the clock supply.clock_supply_lines, in its presales"
        " supply.clock_presales_supply_lines)"
    )
    trade_item_id: Uuid = field("what was ordered (catalog.trade_items)")
    sales_channel: SalesChannel = field("platform that it was sold through")
    sales_channel_interface: SalesChannelInterface = field("how it came in: by screen or by software")
    number_of_pieces: Int32 = field("pieces after all corrections so far")
    trade_instrument: TradeInstrument = field("way of trading: clock, direct, contract")
    packing_configuration: SalesOrderPackingConfiguration = field("packing")
    order_date_time: DateTime = field("when it was ordered")
    price_per_piece: Price = field("price of a piece, without packing, services and delivery")
    barcode_logistic_service_provider: Text | None = field("barcode for the logistics provider")
    delivery: SalesOrderDelivery = field("delivery")
    additional_services: list[OrderedAdditionalService] | None = field("additional services of a sales order")
    cancellation_deadline: DateTime | None = field("until when an accepted order may be cancelled")
    automatically_cancelled_on: DateTime | None = field("when it is cancelled by itself; NULL for never")
    status: SalesOrderStatus = field("state; only COMMITTED counts as revenue, ACCEPTED may still be cancelled")
    credit_claim_status: CreditClaimStatus | None = field("whether the buyer's credit was claimed")
    credit_claim_expiration_date_time: DateTime | None = field("until when the claimed credit is held")
    sequence_number: Int64 = field(SEQUENCE_NUMBER)
    trade_item_version: Int32 | None = field("version of the trade item that was ordered")
    sales_order_version: Int32 | None = field("version of the order, 1 as first placed")
    contract_id: Uuid | None = field("version of a contract that it draws on (orders.contracts); NULL for none")
    blanket_order_line_id: Uuid | None = field(
        "blanket order line that it comes from (orders.blanket_order_lines); NULL for none"
    )
    bundled_offer_line_id: Uuid | None = field(
        "bundled offer line that was ordered (supply.bundled_offer_lines); NULL for none"
    )
    calculated_fields: SalesOrderCalculatedFields = field("calculated by Floriday")
    payment_provider: PaymentProvider = field("who settles the payment")
    delivery_remarks: Text | None = field(DELIVERY_REMARKS, personal=True)
    delivery_price_per_piece: Price | None = field("delivery price of a piece")
    despatch_warehouse_id: Uuid | None = field(DESPATCH_WAREHOUSE)
    creation_date_time: DateTime | None = field(CREATION_DATE_TIME)
    last_modified_date_time: DateTime | None = field(LAST_MODIFIED_DATE_TIME)
    created_by_supplier: Boolean = field("whether the grower entered it, not the buyer")
    created_by_user_name: Text | None = field("name of the contact person for the order", personal=True)
    batch_id: Uuid | None = field("stock that it was sold from (supply.batches)")
    mutations: list[SalesOrderMutation] = field("changes of a sales order since it was placed")
    batch_reference: Int64 | None = field(
        "reference of the batch, as in supply.batches, but as a number; NULL until a fulfillment order exists"
    )
    is_paid: Boolean | None = field("whether the buyer has paid; stated only where RFH allows payment afterwards")
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
