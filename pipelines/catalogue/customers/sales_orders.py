"""What has been bought: sales orders, and those of sub-customers (the specification)."""

from __future__ import annotations

import datetime as dt

from pipelines.catalogue import notes
from pipelines.catalogue.both_apis.records import (
    CREATION_DATE_TIME,
    CUSTOM_PACKAGE,
    CUSTOMER,
    DELIVERY_REMARKS,
    DESPATCH_WAREHOUSE,
    INCOTERM,
    LAST_MODIFIED_DATE_TIME,
    SEQUENCE_NUMBER,
    CreditClaimStatus,
    Incoterm,
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

CLOCK_PRESALES_ONLY = "NULL but for the clock's presales"


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


class SalesOrderMutables(Record):
    """What of an order can change; prices are in the order's currency."""

    custom_package_id: Uuid | None = field(CUSTOM_PACKAGE)
    number_of_pieces: Int32 = field("pieces")
    pieces_per_package: Int32 = field("pieces in a package")
    vbn_package_code: Int32 = field("VBN code of the package")
    incoterm: Incoterm | None = field(f"{INCOTERM}; may be NULL in changes from before April 2023")
    price_per_piece: Decimal = field("price of a piece, in the order's currency")
    delivery_price_per_piece: Decimal = field("delivery price of a piece, in the order's currency")
    total_price_per_piece: Decimal = field("price of a piece with all that comes on top, in the order's currency")


class SalesOrderMutation(SalesOrderMutationBase):
    """The values before and after one change; the oldest change shows what was first ordered."""

    old_values: SalesOrderMutables
    new_values: SalesOrderMutables


class SalesOrder(Record):
    """What buyers ordered: one row for each sales order, which is one line of one trade item."""

    sales_order_id: Uuid = field("Floriday's identifier of the sales order")
    supplier_organization_id: Uuid = field(
        "supplier (organizations.organizations); an auction's correction may put itself here, so group by seller"
    )
    seller_organization_id: Uuid | None = field(
        "grower that sold it (organizations.organizations), whatever an auction corrected"
    )
    customer_organization_id: Uuid = field(CUSTOMER)
    main_customer_organization_id: Uuid | None = field(
        "organization that the buyer is a sub-customer of (organizations.organizations); NULL for none"
    )
    supply_line_id: Uuid | None = field(
        "offer that was ordered from (supply.supply_lines, or supply.clock_presales_supply_lines by trade_instrument)"
    )
    trade_item_id: Uuid = field("what was ordered (catalog.trade_items)")
    sales_channel: SalesChannel = field("platform that it was sold through")
    sales_channel_interface: SalesChannelInterface = field("how it came in: by screen or by software")
    sales_channel_order_id: Text = field("number of the order in the sales channel")
    number_of_pieces: Int32 = field("pieces after all corrections so far")
    price_per_piece: Price = field("price of a piece, without packing, services and delivery")
    barcode_logistic_service_provider: Text | None = field("barcode for the logistics provider")
    trade_instrument: TradeInstrument = field("way of trading: clock, direct, contract")
    packing_configuration: SalesOrderPackingConfiguration = field("packing")
    additional_services: list[OrderedAdditionalService] | None = field("additional services of a sales order")
    customer_order_reference: Text | None = field(CUSTOMER_REFERENCE)
    order_date_time: DateTime = field("when it was ordered")
    delivery: SalesOrderDelivery = field("delivery")
    status: SalesOrderStatus = field("state; only COMMITTED counts as revenue, ACCEPTED may still be cancelled")
    credit_claim_status: CreditClaimStatus | None = field("whether the buyer's credit was claimed")
    sequence_number: Int64 = field(SEQUENCE_NUMBER)
    cancellation_deadline: DateTime | None = field("until when an accepted order may be cancelled")
    automatically_cancelled_on: DateTime | None = field("when it is cancelled by itself; NULL for never")
    trade_item_version: Int32 = field("version of the trade item that was ordered")
    sales_order_version: Int32 = field("version of the order, 1 as first placed")
    contract_id: Uuid | None = field("contract that it draws on (orders.contracts); NULL for none")
    blanket_order_line_id: Uuid | None = field(
        "blanket order line that it calls off (orders.blanket_order_lines); NULL for none"
    )
    calculated_fields: SalesOrderCalculatedFields = field("calculated by Floriday")
    payment_provider: PaymentProvider = field("who settles the payment")
    delivery_remarks: Text | None = field(DELIVERY_REMARKS, personal=True)
    delivery_price_per_piece: Price | None = field("delivery price of a piece")
    despatch_warehouse_id: Uuid | None = field(DESPATCH_WAREHOUSE)
    creation_date_time: DateTime = field(CREATION_DATE_TIME)
    last_modified_date_time: DateTime | None = field(LAST_MODIFIED_DATE_TIME)
    is_created_by_supplier: Boolean = field("whether the grower entered it, not the buyer")
    created_by_user_name: Text | None = field("name of the contact person for the order", personal=True)
    mutations: list[SalesOrderMutation] = field("changes of a sales order since it was placed")
    sales_order_group_id: Uuid | None = field("what the orders from one bundled offer have in common; NULL for others")
    batch_reference: Int64 | None = field("reference of the batch as a number; NULL until a fulfillment order exists")
    is_paid: Boolean | None = field("whether the buyer has paid; stated only where RFH allows payment afterwards")
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
