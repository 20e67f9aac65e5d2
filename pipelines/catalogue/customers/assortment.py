"""What a buyer has picked from the growers' catalogues: selected trade items, and groups of them."""

from __future__ import annotations

from pipelines.catalogue import notes
from pipelines.catalogue.both_apis.records import (
    CREATION_DATE_TIME,
    IS_DELETED,
    LAST_MODIFIED_DATE_TIME,
    SEQUENCE_NUMBER,
    LoadCarrierType,
)
from pipelines.catalogue.customers.shared import SUPPLIER
from pipelines.catalogue.types import Boolean, DateTime, Feed, Int32, Int64, Record, Text, Uuid, field
from pipelines.floriday.endpoints import Endpoint

TRADE_ITEM = "trade item that was selected (catalog.trade_items)"


class SelectedTradeItemPackingConfiguration(Record):
    """A way to pack that the buyer wants the trade item in."""

    layers_per_load_carrier: Int32 = field("layers on a load carrier")
    load_carrier_type: LoadCarrierType = field("kind of load carrier")
    vbn_package_code: Int32 = field("VBN code of the package")
    packages_per_layer: Int32 = field("packages on a layer")
    pieces_per_package: Int32 = field("pieces in a package")
    is_primary: Boolean = field("whether the buyer prefers it to the others")
    is_deleted: Boolean = field("whether the buyer has dropped it")
    is_unavailable_in_catalog: Boolean = field("whether the grower no longer packs it so")


class SelectedTradeItem(Record):
    """The buyer's selected assortment: one row for each trade item that was marked as a favourite."""

    supplier_organization_id: Uuid = field(SUPPLIER)
    trade_item_id: Uuid = field(TRADE_ITEM)
    is_selected_by_supplier: Boolean = field("whether the grower marked it, not the buyer")
    custom_trade_item_name: Text | None = field("the buyer's own name for it; NULL for none")
    selected_photo_url: Text | None = field("address of the photo that the buyer chose; NULL for none")
    packing_configurations: list[SelectedTradeItemPackingConfiguration] = field("ways to pack a selected trade item")
    last_modified: DateTime = field(LAST_MODIFIED_DATE_TIME)
    is_deleted: Boolean = field("whether it is no longer selected")
    sequence_number: Int64 = field(SEQUENCE_NUMBER)
    is_deleted_from_catalog: Boolean = field("whether the grower no longer offers it")
    photo_is_unavailable_in_catalog: Boolean = field("whether the grower has removed the chosen photo")


class TradeItemGroupSelectionHeader(Record):
    """Groups that a buyer sorts trade items into: one row for each trade item group selection."""

    trade_item_group_selection_id: Uuid = field("Floriday's identifier of the trade item group selection")
    name: Text = field("what the buyer calls it")
    description: Text = field("what it is for, in the buyer's words")
    image_url: Text = field("address of its picture")
    added: DateTime = field(CREATION_DATE_TIME)
    last_modified: DateTime = field(LAST_MODIFIED_DATE_TIME)
    is_deleted: Boolean = field(IS_DELETED)
    sequence_number: Int64 = field(SEQUENCE_NUMBER)


class TradeItemGroupSelectionTradeItem(Record):
    """Which trade items are in which group: one row for each trade item of a trade item group selection."""

    trade_item_group_selection_id: Uuid = field("group that it is in (catalog.trade_item_group_selections)")
    trade_item_id: Uuid = field(TRADE_ITEM)
    added: DateTime = field("when it was put into the group")
    last_modified: DateTime = field(LAST_MODIFIED_DATE_TIME)
    is_deleted: Boolean = field("whether it has been taken out of the group")
    sequence_number: Int64 = field(SEQUENCE_NUMBER)


SELECTED_TRADE_ITEMS = Feed(
    schema="catalog",
    table="selected_trade_items",
    record=SelectedTradeItem,
    key=("trade_item_id",),
    endpoint=Endpoint("/selected-trade-items", "limit", by_id="/selected-trade-items/{tradeItemId}"),
    scope="network:read",
    notes=(notes.HISTORY_STARTS_HERE,),
)

TRADE_ITEM_GROUP_SELECTIONS = Feed(
    schema="catalog",
    table="trade_item_group_selections",
    record=TradeItemGroupSelectionHeader,
    key=("trade_item_group_selection_id",),
    endpoint=Endpoint("/trade-item-group-selections", "limit"),
    scope="network:read",
    notes=(notes.HISTORY_STARTS_HERE,),
)

TRADE_ITEM_GROUP_SELECTION_TRADE_ITEMS = Feed(
    schema="catalog",
    table="trade_item_group_selection_trade_items",
    record=TradeItemGroupSelectionTradeItem,
    key=("trade_item_group_selection_id", "trade_item_id"),
    endpoint=Endpoint("/trade-item-group-selections/trade-items", "limit"),
    scope="network:read",
    notes=(notes.HISTORY_STARTS_HERE,),
)

FEEDS = (SELECTED_TRADE_ITEMS, TRADE_ITEM_GROUP_SELECTIONS, TRADE_ITEM_GROUP_SELECTION_TRADE_ITEMS)
