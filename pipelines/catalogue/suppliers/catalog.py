"""What growers have to offer: trade items, base items and collections (the specification)."""

from __future__ import annotations

import datetime as dt
from typing import Literal

from pipelines.catalogue import notes
from pipelines.catalogue.both_apis.records import (
    IS_DELETED,
    LAST_MODIFIED_DATE_TIME,
    SEQUENCE_NUMBER,
    Characteristic,
    LoadCarrierType,
    Package,
    SeasonalPeriod,
)
from pipelines.catalogue.both_apis.trade_items import TradeItemBase
from pipelines.catalogue.suppliers.shared import PackingConfiguration
from pipelines.catalogue.types import Boolean, DateTime, Feed, Int32, Int64, Record, Retention, Text, Uuid, field
from pipelines.floriday.endpoints import SLOW, Endpoint

PhotoType = Literal[
    "UNKNOWN",
    "PIECE",
    "TRAY",
    "DETAIL",
    "RULER",
    "WEBSHOPFRIENDLY",
    "SCENE",
    "SEASON",
    "STEM",
    "BUNCH",
    "CONTAINER",
    "CLOCK",
]
BaseItemType = Literal["BASE_ITEM", "POT"]


class TradeItemName(Record):
    """What a trade item is called."""

    nl: Text = field("in Dutch")


class Photo(Record):
    """A photo, by its address."""

    primary: Boolean = field("whether it is the photo to show first")
    url: Text = field("address of the image; may stop working once nothing uses it")
    seasonal_period: SeasonalPeriod | None = field("season that it is shown in")
    type: PhotoType = field("what it shows")
    sort_index: Int32 | None = field("rank among the photos, lowest first")


class TradeItemComponent(Record):
    """A base item and how many there are of it."""

    base_item_id: Uuid = field("base item (catalog.base_items)")
    number_of_items: Int32 = field("how many of it go into one piece")


class TradeItem(TradeItemBase):
    """The products that growers offer: one row for each trade item, in its newest version."""

    trade_item_id: Uuid
    seller_organization_id: Uuid
    supplier_article_code: Text = field("the grower's own article code")
    article_gtin: Text | None = field("GTIN of 13 digits; NULL where it has none")
    vbn_product_code: Int32 = field("VBN code of the kind of plant or flower")
    trade_item_name: TradeItemName = field("name")
    characteristics: list[Characteristic]
    customer_organization_ids: list[Uuid] | None = field(
        "customers whom it is made for (organizations.organizations); NULL or empty for all"
    )
    seasonal_periods: list[SeasonalPeriod] | None
    photos: list[Photo]
    packing_configurations: list[PackingConfiguration]
    botanical_names: list[Text] | None
    country_of_origin_iso_codes: list[Text] | None
    is_hidden_in_catalog: Boolean
    sequence_number: Int64
    is_parent_for_variant: Boolean = field("whether other trade items are variants of it")
    parent_id: Uuid | None
    trade_item_components: list[TradeItemComponent] | None = field(
        "ingredients of a composed trade item, such as a bouquet", table="trade_item_components"
    )
    trade_item_reference: Text | None = field("reference of 13 characters, beside its id")
    trade_item_version: Int32 = field("version, raised by each edit; orders and batches refer to one")
    creation_date_time: DateTime
    last_modified_date_time: DateTime
    is_deleted: Boolean
    has_invalid_floricode_data: Boolean
    additional_packaging_information_floricode_vrs_packaging_ids: list[Uuid] | None


class BaseItem(Record):
    """What trade items are composed of, such as single flowers and pots: one row for each base item."""

    base_item_id: Uuid = field("Floriday's identifier of the base item")
    base_item_name: Text = field("name")
    base_item_type: BaseItemType = field("whether it is a pot or something else")
    seasonal_periods: list[SeasonalPeriod] | None = field("seasons in which a base item can be had")
    image_url: Text | None = field("address of a photo")
    is_deleted: Boolean = field(IS_DELETED)
    sequence_number: Int64 = field(SEQUENCE_NUMBER)


class CollectionPhoto(Record):
    """A photo of the whole collection."""

    image_id: Uuid = field("Floriday's identifier of the image")
    sort_index: Int32 = field("rank among the photos, lowest first")
    last_modified: DateTime | None = field("when it last changed at Floriday")
    is_deleted: Boolean = field("whether it has been taken out")


class CollectionPackingConfiguration(Record):
    """How a trade item of a collection is packed."""

    pieces_per_package: Int32 = field("pieces in a package")
    packages_per_layer: Int32 = field("packages on a layer")
    layers_per_load_carrier: Int32 = field("layers on a load carrier")
    package: Package = field("package")
    load_carrier: LoadCarrierType = field("kind of load carrier")
    allowed_customer_organization_ids: list[Uuid] = field(
        "only customers who may order it so (organizations.organizations); empty for all"
    )


class CollectionTradeItem(Record):
    """A trade item, of this grower or another one."""

    trade_item_id: Uuid = field("trade item (catalog.trade_items)")
    supplier_organization_id: Uuid = field("grower who offers it (organizations.organizations)")
    is_highlighted: Boolean = field("whether it is highlighted in the collection")
    packing_configuration: CollectionPackingConfiguration | None = field(
        "packing for this collection (NULL for that of the trade item)"
    )
    last_modified: DateTime | None = field("when it last changed at Floriday")
    is_deleted: Boolean = field("whether it has been taken out")


class Collection(Record):
    """Trade items that are presented together: one row for each collection."""

    collection_id: Uuid = field("Floriday's identifier of the collection")
    name: Text = field("name")
    description: Text = field("what it is about")
    photos: list[CollectionPhoto] = field("photos of a collection")
    trade_items: list[CollectionTradeItem] = field("trade items of a collection")
    sort_index: Int32 = field("rank among the grower's collections, lowest first")
    is_visible: Boolean = field("whether buyers see it")
    is_highlighted: Boolean = field("whether it is highlighted among the collections")
    t17_theme_value_codes: list[Text] = field("themes, as values of the VBN characteristic T17")
    uses_trade_item_specific_packing_configuration: Boolean = field(
        "whether trade items have a packing of their own in it"
    )
    sequence_number: Int64 = field(SEQUENCE_NUMBER)
    last_modified: DateTime = field(LAST_MODIFIED_DATE_TIME)
    is_deleted: Boolean = field(IS_DELETED)


TRADE_ITEMS = Feed(
    schema="catalog",
    table="trade_items",
    record=TradeItem,
    key=("trade_item_id",),
    endpoint=Endpoint("/trade-items", rate=SLOW, by_id="/trade-items/{tradeItemId}"),
    scope="catalog:read",
    retention=Retention(dt.timedelta(days=5 * 365)),
    notes=(notes.HISTORY_STARTS_HERE,),
)

BASE_ITEMS = Feed(
    schema="catalog",
    table="base_items",
    record=BaseItem,
    key=("base_item_id",),
    endpoint=Endpoint("/base-items", by_id="/base-items/{baseItemId}"),
    scope="catalog:read",
    retention=Retention(dt.timedelta(days=5 * 365)),
    notes=(notes.HISTORY_STARTS_HERE, notes.NO_TIMESTAMPS),
)

COLLECTIONS = Feed(
    schema="catalog",
    table="collections",
    record=Collection,
    key=("collection_id",),
    endpoint=Endpoint("/collections", by_id="/collections/{collectionId}"),
    scope="catalog:read",
    notes=(notes.HISTORY_STARTS_HERE,),
)

FEEDS = (TRADE_ITEMS, BASE_ITEMS, COLLECTIONS)
