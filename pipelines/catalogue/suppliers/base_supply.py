"""What prices growers set before supply lines follow from them: price groups, base supply by week and batch."""

from __future__ import annotations

from pipelines.catalogue import notes
from pipelines.catalogue.both_apis.records import (
    CREATION_DATE_TIME,
    IS_DELETED,
    LAST_MODIFIED_DATE_TIME,
    SEQUENCE_NUMBER,
    Currency,
    LoadCarrierType,
    Package,
    Price,
    TradePeriod,
)
from pipelines.catalogue.suppliers.shared import ALLOWED_CUSTOMERS, CommercialService, PriceGroupType, SalesUnit
from pipelines.catalogue.types import (
    Boolean,
    DateTime,
    Decimal,
    Feed,
    Int32,
    Int64,
    Record,
    Snapshot,
    Text,
    Uuid,
    field,
)
from pipelines.floriday.endpoints import Endpoint, RateLimit

PRICE_GROUP = "price group (supply.price_groups)"
PRICE_GROUP_TYPE = "whether Floriday calculates the price or the grower sets it"
PRICE_CHANGED = "when the grower changed the price"


class PriceGroup(Record):
    """Buyers who get the same prices: one row for each price group."""

    price_group_id: Uuid = field("Floriday's identifier of the price group")
    name: Text = field("name; supply lines have it too")
    type: PriceGroupType = field("whether Floriday calculates its prices or the grower sets them")
    currency: Currency = field("currency of its prices, as ISO 4217")
    sales_unit: SalesUnit = field("smallest unit that can be ordered")
    included_services: list[CommercialService] = field("services that its prices include")
    customers: list[Uuid] = field("buyers who belong to it (organizations.organizations)")
    is_deleted: Boolean = field(IS_DELETED)
    last_modified_date_time: DateTime = field(LAST_MODIFIED_DATE_TIME)
    sequence_number: Int64 = field(SEQUENCE_NUMBER)


class WeeklyBaseSupplyPriceGroupPrice(Record):
    """The price for one price group."""

    price_group_id: Uuid = field(PRICE_GROUP)
    price_per_piece: Decimal = field("price of a piece, in the price group's currency")
    price_group_type: PriceGroupType = field(PRICE_GROUP_TYPE)
    price_per_piece_last_modified: DateTime | None = field(f"{PRICE_CHANGED}; NULL where never")


class WeeklyBaseSupply(Record):
    """What a trade item costs in a week, before supply lines: one row for each trade item and ISO week."""

    trade_item_id: Uuid = field("what is offered (catalog.trade_items)")
    week: Int32 = field("ISO week, 1 to 53")
    year: Int32 = field("year that the ISO week belongs to")
    base_price_per_piece: Price | None = field("price of a piece that those of price groups start from")
    number_of_pieces: Int32 = field("pieces on offer")
    price_group_prices: list[WeeklyBaseSupplyPriceGroupPrice] = field("prices of a week for price groups")


class BatchBaseSupplyPackingConfiguration(Record):
    """Pieces to a package, packages to a layer, layers to a load carrier, and what that costs more."""

    is_primary: Boolean = field("whether it is the usual way")
    pieces_per_package: Int32 = field("pieces in a package")
    packages_per_layer: Int32 = field("packages on a layer")
    layers_per_load_carrier: Int32 = field("layers on a load carrier")
    package: Package = field("package")
    load_carrier: LoadCarrierType = field("kind of load carrier")
    photo_url: Text | None = field("address of a photo of the packed goods")
    allowed_customer_organization_ids: list[Uuid] | None = field(ALLOWED_CUSTOMERS)
    additional_price_per_piece: Price | None = field("surcharge on a piece")
    is_deleted: Boolean = field("whether it has been taken out")


class BatchBaseSupplyPriceGroupPrice(Record):
    """The price for one price group, and the offer made from it."""

    supply_line_id: Uuid = field("offer that follows from it (supply.supply_lines)")
    price_group_id: Uuid = field(PRICE_GROUP)
    price_per_piece: Price = field("price of a piece")
    price_group_type: PriceGroupType = field(PRICE_GROUP_TYPE)
    price_per_piece_last_modified: DateTime = field(PRICE_CHANGED)


class BatchBaseSupply(Record):
    """What a batch costs, before supply lines: one row for each batch that could be ordered when the list was read."""

    batch_reference: Text | None = field("reference of the batch, as in supply.batches")
    batch_id: Uuid = field("stock that is offered (supply.batches)")
    batch_date: DateTime = field("day of harvest or production, as a moment: take its date in Amsterdam")
    order_period: TradePeriod = field("time in which it can be ordered")
    creation_date_time: DateTime = field(CREATION_DATE_TIME)
    last_modified_date_time: DateTime = field(LAST_MODIFIED_DATE_TIME)
    base_price_per_piece: Price | None = field("price of a piece that those of price groups start from")
    trade_item_id: Uuid = field("what it consists of (catalog.trade_items)")
    warehouse_id: Uuid = field("warehouse that it lies in (organizations.warehouses)")
    initial_number_of_pieces: Int32 = field("pieces at the start")
    current_number_of_pieces: Int32 = field("pieces left")
    is_sold_out: Boolean = field("whether none are left")
    is_deleted: Boolean = field(IS_DELETED)
    only_asap_delivery: Boolean = field("whether it is only delivered as soon as possible")
    packing_configurations: list[BatchBaseSupplyPackingConfiguration] = field("ways to pack the pieces of a batch")
    price_group_prices: list[BatchBaseSupplyPriceGroupPrice] = field("prices of a batch for price groups")


PRICE_GROUPS = Feed(
    schema="supply",
    table="price_groups",
    record=PriceGroup,
    key=("price_group_id",),
    endpoint=Endpoint("/price-groups", "limit", by_id="/price-groups/{priceGroupId}"),
    scope="supply:read",
    notes=(notes.HISTORY_STARTS_HERE,),
)

WEEKLY_BASE_SUPPLY = Snapshot(
    schema="supply",
    table="weekly_base_supply",
    record=WeeklyBaseSupply,
    key=("trade_item_id", "year", "week"),
    path="/trade-items/base-supply",
    asked_by="week",
    parameters=("year", "week"),
    scope="supply:read",
    rate=RateLimit(1.0, 20),
    notes=(notes.NO_FEED, notes.PRICES_FREEZE, notes.HISTORY_STARTS_HERE, notes.NO_TIMESTAMPS),
)

BATCH_BASE_SUPPLY = Snapshot(
    schema="supply",
    table="batch_base_supply",
    record=BatchBaseSupply,
    key=("batch_id",),
    path="/batches/base-supply",
    asked_by="moment",
    parameters=("orderDateTime",),
    scope="supply:read",
    tier="hourly",
    notes=(notes.NO_FEED, notes.HISTORY_STARTS_HERE),
)

FEEDS = (PRICE_GROUPS,)
SNAPSHOTS = (WEEKLY_BASE_SUPPLY, BATCH_BASE_SUPPLY)
