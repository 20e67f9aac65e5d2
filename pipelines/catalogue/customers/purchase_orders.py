"""What buyers mean to buy, before it is a sales order: purchase orders."""

from __future__ import annotations

import datetime as dt
from typing import Literal

from pipelines.catalogue import notes
from pipelines.catalogue.both_apis.records import (
    CUSTOM_PACKAGE,
    DELIVERY_CONDITION,
    DELIVERY_REMARKS,
    INCOTERM,
    SEQUENCE_NUMBER,
    Characteristic,
    Incoterm,
    LoadCarrierType,
    PaymentProvider,
    Price,
)
from pipelines.catalogue.both_apis.services import OrderedAdditionalService
from pipelines.catalogue.customers.shared import CUSTOMER_REFERENCE, NEXT_LEG, REGION_GLN, SUPPLIER, Location, Quantity
from pipelines.catalogue.types import Boolean, DateTime, Feed, Int32, Int64, Record, Retention, Text, Uuid, field
from pipelines.floriday.endpoints import Endpoint

PurchaseOrderToSalesOrderOrigin = Literal["UNKNOWN", "SUPPLY_REQUEST", "ALTERNATIVE_SUPPLY", "ONE_TO_ONE_MATCH"]
OrderRequestStatus = Literal["UNKNOWN", "PENDING", "EXPIRED", "ACCEPTED", "DECLINED", "DECLINED_WITH_COUNTER_OFFER"]
ActionRequired = Literal[
    "UNKNOWN",
    "DIFFERENT_PRICE",
    "SUPPLY_UNAVAILABLE",
    "SUPPLY_NOT_FOUND",
    "NOT_ENOUGH_IN_STOCK",
    "SUPPLY_INVALID_PERIOD",
    "SUPPLY_EXPIRED",
    "TRADE_ITEM_CODE_DIFFERENCE",
    "VBN_PRODUCT_CODE_DIFFERENCE",
    "PACKAGE_DIFFERENCE",
    "POT_SIZE_DIFFERENCE",
    "PIECES_PER_PACKAGE_DIFFERENCE",
    "TRADE_ITEM_NOT_FOUND",
    "SALES_ORDER_REJECTED",
    "FAILED_TO_CREATE_SALES_ORDER",
    "NUMBER_OF_PIECES_INVALID_FOR_SALES_UNIT",
    "ORDER_REQUEST_REJECTED_BY_SUPPLIER",
    "LOAD_CARRIER_DIFFERENCE",
    "PACKAGES_PER_LAYER_DIFFERENCE",
    "LAYERS_PER_LOAD_CARRIER_DIFFERENCE",
    "INVALID_DELIVERY_GLN",
    "INVALID_DELIVERY_MOMENT",
    "TRADE_ITEM_UNAVAILABLE",
    "INVALID_SUPPLY_REQUEST",
    "CUSTOMER_DOES_NOT_ACCEPT_TRANSPORT_COST",
    "INCORRECT_ADDITIONAL_SERVICE",
    "INCORRECT_INCUDED_SERVCES",
    "CURRENCY_DIFFERENCE",
]
"""One value is misspelt, by Floriday."""

NOT_MATCHED = "NULL where none is matched"
NO_REQUEST = "NULL where it is no order request"


class PurchaseOrderPackingConfiguration(Record):
    """How the buyer wants it packed."""

    pieces_per_package: Int32 | None = field("pieces in a package")
    vbn_package_code: Int32 | None = field("VBN code of the package")
    packages_per_layer: Int32 = field("packages on a layer")
    layers_per_load_carrier: Int32 = field("layers on a load carrier")
    load_carrier_type: LoadCarrierType | None = field("kind of load carrier")
    custom_package_id: Uuid | None = field(CUSTOM_PACKAGE)
    additional_price: Price | None = field("surcharge")


class PurchaseOrderDelivery(Record):
    """When, where and on what terms the goods should be delivered."""

    delivery_condition_id: Uuid | None = field(DELIVERY_CONDITION)
    latest_delivery_date_time: DateTime = field("latest moment; its day and week are those of Amsterdam")
    region_gln: Text | None = field(REGION_GLN)
    location: Location = field("place")
    incoterm: Incoterm = field(INCOTERM)
    next_leg_identifier: Text | None = field(NEXT_LEG)


class PurchaseOrder(Record):
    """What buyers mean to buy: one row for each purchase order, which Floriday matches with an offer."""

    purchase_order_id: Uuid = field("Floriday's identifier of the purchase order")
    sales_order_id: Uuid | None = field("order that it became (orders.sales_orders); NULL for none yet")
    supply_line_id: Uuid | None = field(f"offer that it is matched with (supply.supply_lines); {NOT_MATCHED}")
    trade_item_id: Uuid | None = field(f"what is to be bought (catalog.trade_items); {NOT_MATCHED}")
    supplier_organization_id: Uuid | None = field(f"{SUPPLIER}; {NOT_MATCHED}")
    trade_item_code: Text | None = field("the grower's own article code, as the buyer gave it")
    vbn_product_code: Text | None = field("VBN code of the kind of plant or flower, as the buyer gave it, as text")
    actions_required: list[ActionRequired] = field("reasons why it is no order yet; empty where nothing is to be done")
    purchase_order_to_sales_order_origin: PurchaseOrderToSalesOrderOrigin = field("how its offer was found")
    customer_order_reference: Text | None = field(CUSTOMER_REFERENCE)
    order_date_time: DateTime = field("when it was placed")
    quantity: Quantity = field("quantity to be bought")
    price_per_piece: Price | None = field("price of a piece that the buyer expects")
    packing_configuration: PurchaseOrderPackingConfiguration | None = field("packing")
    characteristics: list[Characteristic] | None = field("characteristics that a purchase order asks for")
    additional_services: list[OrderedAdditionalService] | None = field("additional services of a purchase order")
    delivery: PurchaseOrderDelivery = field("delivery")
    delivery_remarks: Text | None = field(DELIVERY_REMARKS, personal=True)
    sequence_number: Int64 = field(SEQUENCE_NUMBER)
    is_order_request: Boolean = field("whether the grower has to agree first")
    order_request_decline_reason: Text | None = field(
        f"why the grower declined, as free text; {NO_REQUEST}", personal=True
    )
    order_request_status: OrderRequestStatus | None = field(f"what the grower answered; {NO_REQUEST}")
    payment_provider: PaymentProvider | None = field("who settles the payment")


PURCHASE_ORDERS = Feed(
    schema="orders",
    table="purchase_orders",
    record=PurchaseOrder,
    key=("purchase_order_id",),
    endpoint=Endpoint("/purchase-orders", "limit", by_id="/purchase-orders/{purchaseOrderId}"),
    scope="purchase-order:read",
    tier="fast",
    retention=Retention(dt.timedelta(days=365), "its latest delivery"),
    notes=(notes.NOTHING_DELETED, notes.HISTORY_STARTS_HERE, notes.NO_TIMESTAMPS),
)

FEEDS = (PURCHASE_ORDERS,)
