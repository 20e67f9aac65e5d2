"""What is on offer and in stock: supply lines, batches and their mutations (the specification)."""

from __future__ import annotations

import datetime as dt
from typing import Literal

from pipelines.catalogue import notes
from pipelines.catalogue.both_apis.records import (
    CREATION_DATE_TIME,
    IS_DELETED,
    LAST_MODIFIED_DATE_TIME,
    SEQUENCE_NUMBER,
    Package,
    Price,
    TradePeriod,
    VolumePrice,
)
from pipelines.catalogue.suppliers.shared import (
    ALLOWED_CUSTOMERS,
    AgreementReference,
    CommercialService,
    SalesUnit,
    SupplyLoadCarrierType,
    SupplyStatus,
)
from pipelines.catalogue.types import Boolean, DateTime, Feed, Int32, Int64, Record, Retention, Text, Uuid, field
from pipelines.floriday.endpoints import Endpoint

SupplyType = Literal["CATALOG_PRICE", "BATCH_PRICE", "CONTRACT_PRICE", "CUSTOMER_OFFER", "PURCHASE_TIP"]
TransitStatus = Literal["IN_TRANSIT", "DELIVERED", "UNKNOWN"]
BatchMutationType = Literal[
    "UNKNOWN",
    "CLAIM",
    "UNCLAIM",
    "CORRECTION",
    "RESERVATION",
    "CLAIMED_FROM_RESERVATION",
    "RELEASED_RESERVATION",
    "WAREHOUSE_CHANGE",
    "TRANSFORMATION",
    "COMBINE",
    "SPLIT",
    "UNCLAIMED_FROM_RESERVATION",
    "DELETED_RESERVATION",
]


class SupplyLinePackingConfiguration(Record):
    """Pieces to a package, packages to a layer, layers to a load carrier, and what that costs more."""

    pieces_per_package: Int32 = field("pieces in a package")
    package: Package = field("package")
    packages_per_layer: Int32 = field("packages on a layer")
    layers_per_load_carrier: Int32 = field("layers on a load carrier")
    transport_height_in_cm: Int32 | None = field("height in transport, in centimetres")
    load_carrier: SupplyLoadCarrierType = field("kind of load carrier")
    additional_price_per_piece: Price | None = field("surcharge on a piece")
    photo_url: Text | None = field("address of a photo of the packed goods")
    allowed_customer_organization_ids: list[Uuid] | None = field(ALLOWED_CUSTOMERS)


class SupplyLine(Record):
    """Offers in direct sales: one row for each supply line, pieces of a trade item for a price and a time."""

    supply_line_id: Uuid = field("Floriday's identifier of the supply line; sales orders refer to it")
    status: SupplyStatus = field("whether it can be ordered")
    trade_item_id: Uuid = field("what is offered (catalog.trade_items)")
    batch_id: Uuid | None = field("stock that is offered (supply.batches); NULL where it is offered from the catalogue")
    price_per_piece: Price = field("price of a piece")
    price_per_piece_last_modified: DateTime | None = field("when the grower changed the price; NULL where never")
    volume_prices: list[VolumePrice] = field("lower prices of a supply line for whole units")
    number_of_pieces: Int32 = field(
        "pieces on offer; only an indication for catalogue prices, of which more may be sold"
    )
    assigned_number_of_pieces: Int32 = field("pieces set aside for this line alone")
    packing_configurations: list[SupplyLinePackingConfiguration] | None = field(
        "ways to pack what a supply line offers; without rows, the packing of the trade item or the batch applies"
    )
    order_period: TradePeriod = field("time in which it can be ordered")
    delivery_period: TradePeriod | None = field(
        "time in which it can be delivered (NULL for the first possible moment)"
    )
    included_services: list[CommercialService] | None = field("services that the price includes")
    allowed_customer_organization_ids: list[Uuid] | None = field(
        "only customers who see it (organizations.organizations); NULL or empty for all"
    )
    sequence_number: Int64 = field(SEQUENCE_NUMBER)
    supply_type: SupplyType | None = field("kind of offer that it comes from")
    agreement_reference: AgreementReference | None = field("agreement that it was made for")
    sales_unit: SalesUnit | None = field("smallest unit that can be ordered")
    is_promo: Boolean | None = field("whether it is promoted")
    is_deleted: Boolean | None = field(IS_DELETED)
    price_group_name: Text | None = field("name of the price group that it is for (supply.price_groups); NULL for none")
    only_asap_delivery: Boolean = field("whether it is only delivered as soon as possible")


class BatchPackingConfiguration(Record):
    """How a batch is packed, up to the load carrier."""

    pieces_per_package: Int32 = field("pieces in a package")
    package: Package = field("package")
    load_carrier: SupplyLoadCarrierType = field("kind of load carrier")
    layers_per_load_carrier: Int32 = field("layers on a load carrier")
    packages_per_layer: Int32 | None = field("packages on a layer")


class Batch(Record):
    """Stock: one row for each batch, pieces of a trade item from one date, packed alike."""

    batch_date: DateTime = field("day of harvest or production, as a moment: take its date in Amsterdam")
    batch_id: Uuid = field("Floriday's identifier of the batch")
    trade_item_id: Uuid = field("what it consists of (catalog.trade_items)")
    supplier_organization_id: Uuid = field("grower that owns it (organizations.organizations)")
    number_of_pieces: Int32 = field("pieces left; 0 where it is sold out")
    initial_number_of_pieces: Int32 = field("pieces at the start")
    packing_configuration: BatchPackingConfiguration = field("packing")
    warehouse_id: Uuid = field("warehouse that it lies in (organizations.warehouses)")
    image_id: Uuid | None = field("photo of the batch")
    batch_reference: Text = field("Floriday's reference, up to 13 digits; sales orders have it as a number")
    custom_reference: Text | None = field("service code of four digits, the location where it was grown")
    sequence_number: Int64 = field(SEQUENCE_NUMBER)
    transit_status: TransitStatus | None = field("whether it is still on the way to its warehouse")
    trade_item_version: Int32 = field("version of the trade item that it was made with")
    is_deleted: Boolean = field(IS_DELETED)
    creation_date_time: DateTime | None = field(CREATION_DATE_TIME)
    last_modified_date_time: DateTime | None = field(LAST_MODIFIED_DATE_TIME)


class BatchMutation(Record):
    """Every change of a batch's pieces: one row for each. Their sum and the initial pieces give the pieces left."""

    batch_mutation_id: Uuid = field("Floriday's identifier of the mutation")
    batch_id: Uuid = field("batch whose pieces changed (supply.batches)")
    delta_number_of_pieces: Int32 = field("pieces added, below 0 for pieces taken")
    reason: Text | None = field("why, as free text", personal=True)
    target_batch_id: Uuid | None = field("batch that the pieces went to (supply.batches); NULL for none")
    creation_date_time: DateTime = field(CREATION_DATE_TIME)
    type: BatchMutationType = field("what happened")
    sales_order_id: Uuid | None = field("order that it happened for (orders.sales_orders); NULL for none")
    sequence_number: Int64 = field(SEQUENCE_NUMBER)


SUPPLY_LINES = Feed(
    schema="supply",
    table="supply_lines",
    record=SupplyLine,
    key=("supply_line_id",),
    endpoint=Endpoint("/supply-lines", by_id="/supply-lines/{supplyLineId}"),
    scope="supply:read",
    tier="fast",
    retention=Retention(dt.timedelta(days=14), "the end of its delivery period"),
    notes=(notes.HISTORY_STARTS_HERE, notes.NO_TIMESTAMPS, notes.SHORT_LIVED),
)

BATCHES = Feed(
    schema="supply",
    table="batches",
    record=Batch,
    key=("batch_id",),
    endpoint=Endpoint("/batches", by_id="/batches/{batchId}"),
    scope="fulfillment:read",
    tier="fast",
    retention=Retention(dt.timedelta(days=30), "its creation"),
    notes=(notes.HISTORY_STARTS_HERE, notes.SHORT_LIVED, notes.UNKNOWN_REFERENCES),
)

BATCH_MUTATIONS = Feed(
    schema="supply",
    table="batch_mutations",
    record=BatchMutation,
    key=("batch_mutation_id",),
    endpoint=Endpoint("/batches/mutations"),
    scope="fulfillment:read",
    tier="fast",
    notes=(notes.APPEND_ONLY,),
)

FEEDS = (SUPPLY_LINES, BATCHES, BATCH_MUTATIONS)
