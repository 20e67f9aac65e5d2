"""What growers offer: trade items (the specification)."""

from __future__ import annotations

import datetime as dt
from typing import Literal

from pipelines.catalogue import notes
from pipelines.catalogue.both_apis.records import (
    Characteristic,
    SeasonalPeriod,
)
from pipelines.catalogue.both_apis.trade_items import TradeItemBase
from pipelines.catalogue.customers.shared import SUPPLIER, PackingConfiguration
from pipelines.catalogue.types import Boolean, DateTime, Feed, Int32, Int64, Record, Retention, Text, Uuid, field
from pipelines.floriday.endpoints import Endpoint

PhotoType = Literal[
    "UNKNOWN",
    "PIECE",
    "TRAY",
    "DETAIL",
    "RULER",
    "SCENE",
    "SEASON",
    "STEM",
    "BUNCH",
    "CONTAINER",
    "CLOCK",
    "WEBSHOP_FRIENDLY",
]


class Photo(Record):
    """A photo, by its address."""

    id: Uuid = field("Floriday's identifier of the photo")
    url: Text = field("address of the image; may stop working once nothing uses it")
    seasonal_period: SeasonalPeriod | None = field("season that it is shown in")
    type: PhotoType = field("what it shows")
    primary: Boolean = field("whether it is the photo to show first")


class TradeItem(TradeItemBase):
    """The products that growers offer: one row for each trade item, in its newest version."""

    trade_item_id: Uuid
    supplier_organization_id: Uuid = field(SUPPLIER)
    seller_organization_id: Uuid
    code: Text = field("the grower's own article code")
    gtin: Text | None = field("GTIN of 13 digits; NULL where it has none")
    vbn_product_code: Text = field("VBN code of the kind of plant or flower, here as text")
    name: Text | None = field("what the grower calls it")
    characteristics: list[Characteristic]
    seasonal_periods: list[SeasonalPeriod] | None
    photos: list[Photo]
    packing_configurations: list[PackingConfiguration]
    is_deleted: Boolean
    sequence_number: Int64
    botanical_names: list[Text] | None
    country_of_origin_iso_codes: list[Text] | None
    trade_item_version: Int32 = field("version, raised by each edit; orders refer to the one that was ordered")
    is_customer_specific: Boolean = field("whether it is made for certain buyers only")
    is_hidden_in_catalog: Boolean
    creation_date_time: DateTime
    last_modified_date_time: DateTime
    has_invalid_floricode_data: Boolean
    parent_id: Uuid | None
    additional_packaging_information_floricode_vrs_packaging_ids: list[Uuid] | None


TRADE_ITEMS = Feed(
    schema="catalog",
    table="trade_items",
    record=TradeItem,
    key=("trade_item_id",),
    endpoint=Endpoint(
        "/trade-items",
        "limit",
        by_id="/trade-items/{tradeItemId}",
        parameters=(
            ("postFilterSelectedTradeItems", "false"),
            ("postFilterSelectedTradeItemPackingConfigurations", "false"),
            ("postFilterVariantsOfSelectedParentTradeItems", "false"),
        ),
        selected_only_parameters=(
            ("postFilterSelectedTradeItems", "true"),
            ("postFilterSelectedTradeItemPackingConfigurations", "true"),
            ("postFilterVariantsOfSelectedParentTradeItems", "false"),
        ),
    ),
    scope="catalog:read",
    tier="fast",
    retention=Retention(dt.timedelta(days=5 * 365)),
    widened_by=("organizations.connections",),
    selected_only_widened_by=("catalog.selected_trade_items",),
    notes=(notes.CONNECTED_SUPPLIERS_ONLY, notes.HISTORY_STARTS_HERE),
)

FEEDS = (TRADE_ITEMS,)
