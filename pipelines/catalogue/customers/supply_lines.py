"""What is on offer in direct sales: supply lines, and the selection of them that a buyer set up (docs/floriday.md)."""

from __future__ import annotations

import datetime as dt
from typing import Literal

from pipelines.catalogue import notes
from pipelines.catalogue.both_apis.records import DESPATCH_WAREHOUSE, IS_DELETED, SEQUENCE_NUMBER, Price, VolumePrice
from pipelines.catalogue.customers.shared import (
    AgreementReference,
    IncludedServices,
    PackingConfiguration,
    Period,
    SupplyStatus,
)
from pipelines.catalogue.types import Boolean, DateTime, Feed, Int32, Int64, Record, Retention, Uuid, field
from pipelines.floriday.endpoints import Endpoint

SupplyType = Literal["UNKNOWN", "CATALOG", "BATCH", "CUSTOMER_OFFER", "PURCHASE_TIP"]
SalesUnit = Literal["PACKAGE", "LAYER", "LOAD_CARRIER", "SUPPLY_LINE", "PIECE"]

STATUS = "whether it can be ordered"
SUPPLIER = "grower that offers it (organizations.organizations)"
TRADE_ITEM = "what is offered (catalog.trade_items)"
PRICE_PER_PIECE = "price of a piece"
VOLUME_PRICES = "lower prices of a supply line for whole units"
NUMBER_OF_PIECES = "pieces on offer; a mere indication where is_limited is false"
PACKING_CONFIGURATIONS = "ways to pack what a supply line offers; without rows, the packing of the trade item applies"
DELIVERY_PERIOD = "time in which it can be delivered (NULL for the first possible moment)"
ORDER_PERIOD = "time in which it can be ordered"
INCLUDED_SERVICES = "services that the price includes"
TYPE = "kind of offer that it comes from"
SALES_UNIT = "smallest unit that can be ordered"
AGREEMENT_REFERENCE = "agreement that it was made for"
IS_LIMITED = "whether no more pieces can be ordered than are on offer"
IS_CUSTOMER_SPECIFIC = "whether it is for certain buyers only, this one among them"


class SupplyLine(Record):
    """Offers in direct sales: one row for each supply line, pieces of a trade item for a price and a time."""

    supply_line_id: Uuid = field("Floriday's identifier of the supply line; sales orders refer to it")
    status: SupplyStatus = field(STATUS)
    supplier_organization_id: Uuid = field(SUPPLIER)
    trade_item_id: Uuid = field(TRADE_ITEM)
    price_per_piece: Price = field(PRICE_PER_PIECE)
    price_per_piece_last_modified: DateTime | None = field("when the grower changed the price; NULL where never")
    volume_prices: list[VolumePrice] = field(VOLUME_PRICES)
    number_of_pieces: Int32 = field(NUMBER_OF_PIECES)
    packing_configurations: list[PackingConfiguration] | None = field(PACKING_CONFIGURATIONS)
    delivery_period: Period | None = field(DELIVERY_PERIOD)
    order_period: Period = field(ORDER_PERIOD)
    included_services: list[IncludedServices] | None = field(INCLUDED_SERVICES)
    warehouse_id: Uuid = field(DESPATCH_WAREHOUSE)
    sequence_number: Int64 = field(SEQUENCE_NUMBER)
    type: SupplyType = field(TYPE)
    is_deleted: Boolean = field(IS_DELETED)
    sales_unit: SalesUnit = field(SALES_UNIT)
    agreement_reference: AgreementReference | None = field(AGREEMENT_REFERENCE)
    is_limited: Boolean = field(IS_LIMITED)
    is_customer_specific: Boolean = field(IS_CUSTOMER_SPECIFIC)
    only_asap_delivery: Boolean = field("whether it is only delivered as soon as possible")


class CustomSyncSupplyLine(Record):
    """Offers in direct sales as the buyer's own settings select them: one row for each supply line."""

    is_disabled_for_sync: Boolean = field("whether it has left the selection, which counts as deleted")
    supply_line_id: Uuid = field("Floriday's identifier of the supply line (supply.supply_lines)")
    status: SupplyStatus = field(STATUS)
    supplier_organization_id: Uuid = field(SUPPLIER)
    trade_item_id: Uuid = field(TRADE_ITEM)
    price_per_piece: Price = field(PRICE_PER_PIECE)
    volume_prices: list[VolumePrice] = field(VOLUME_PRICES)
    number_of_pieces: Int32 = field(NUMBER_OF_PIECES)
    packing_configurations: list[PackingConfiguration] | None = field(PACKING_CONFIGURATIONS)
    delivery_period: Period | None = field(DELIVERY_PERIOD)
    order_period: Period = field(ORDER_PERIOD)
    included_services: list[IncludedServices] | None = field(INCLUDED_SERVICES)
    warehouse_id: Uuid = field(DESPATCH_WAREHOUSE)
    sequence_number: Int64 = field(SEQUENCE_NUMBER)
    type: SupplyType = field(TYPE)
    is_deleted: Boolean = field(IS_DELETED)
    sales_unit: SalesUnit = field(SALES_UNIT)
    agreement_reference: AgreementReference | None = field(AGREEMENT_REFERENCE)
    is_limited: Boolean = field(IS_LIMITED)
    is_customer_specific: Boolean = field(IS_CUSTOMER_SPECIFIC)


SUPPLY_LINES = Feed(
    schema="supply",
    table="supply_lines",
    record=SupplyLine,
    key=("supply_line_id",),
    endpoint=Endpoint(
        "/supply-lines",
        "limit",
        by_id="/supply-lines/{supplyLineId}",
        parameters=(("postFilterSelectedTradeItems", "false"),),
        selected_only_parameters=(("postFilterSelectedTradeItems", "true"),),
    ),
    scope="supply:read",
    tier="fast",
    retention=Retention(dt.timedelta(days=14), "the end of its delivery period"),
    widened_by=("organizations.connections",),
    selected_only_widened_by=("catalog.selected_trade_items",),
    notes=(notes.CONNECTED_SUPPLIERS_ONLY, notes.HISTORY_STARTS_HERE, notes.NO_TIMESTAMPS, notes.SHORT_LIVED),
)

CUSTOM_SUPPLY_LINES = Feed(
    schema="supply",
    table="custom_supply_lines",
    record=CustomSyncSupplyLine,
    key=("supply_line_id",),
    endpoint=Endpoint(
        "/supply-lines/sync/custom",
        "limit",
        sync="/supply-lines/sync/custom/{sequenceNumber}",
    ),
    scope="supply:read",
    tier="fast",
    retention=Retention(dt.timedelta(days=14), "the end of its delivery period"),
    selection=True,
    widened_by=("organizations.connections",),
    notes=(notes.BUYERS_SELECTION, notes.HISTORY_STARTS_HERE, notes.NO_TIMESTAMPS, notes.SHORT_LIVED),
)

FEEDS = (SUPPLY_LINES, CUSTOM_SUPPLY_LINES)
