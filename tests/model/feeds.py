"""The feeds of the model test: a few real ones that cover all mechanisms, in small pages."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from pipelines.catalogue import Catalogue, catalogue_of
from pipelines.catalogue.types import Feed

CONNECTIONS = "organizations.connections"
SERVICES = "catalog.additional_services"
GROUPS = "orders.contract_trade_item_groups"
CUSTOM = "supply.custom_supply_lines"
SETTINGS = "organizations.supplier_trade_settings"
WAREHOUSES = "organizations.warehouses"
TYPES = "catalog.commercial_service_types"

JsonObject = dict[str, Any]

MOMENT = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
SUPPLIERS = tuple(str(UUID(int=0xA000 + place)) for place in range(3))
"""Suppliers that a customer may be connected with."""


def identity(place: int) -> str:
    """Return the id of the n-th record of a feed."""
    return str(UUID(int=0xB000 + place))


@dataclass(frozen=True)
class Shape:
    """The properties of a feed's records that the model needs.

    Args:
        feed: name of the feed, ``schema.table``.
        key: JSON name of the key field.
        content: returns the JSON members of a content, which is a small number.
        column: name of the column that shows the content.
        value: returns the value of that column for a content.
        needs_connection: whether only records of connected suppliers are served.
        in_parts: whether there is one sub-feed for each supplier.
        selection: whether records that a complete walk after a restart does not serve have left the feed.
        has_maximum: whether there is a max-sequence operation.
        has_defaults: whether a record may be reset to its defaults, which have the number 0.
        restarts: whether the numbering may restart.
        deletes: whether a record can be marked as deleted.
    """

    feed: str
    key: str
    content: Callable[[int], JsonObject]
    column: str
    value: Callable[[int], object]
    needs_connection: bool = False
    in_parts: bool = False
    selection: bool = False
    has_maximum: bool = True
    has_defaults: bool = False
    restarts: bool = False
    deletes: bool = True

    @property
    def key_column(self) -> str:
        """Name of the key column."""
        return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in self.key)

    def payload(self, key: str, number: int, content: int, supplier: str, *, deleted: bool) -> JsonObject:
        """Return the record as Floriday serves it."""
        owner = {"supplierOrganizationId": supplier} if self.needs_connection or self.in_parts else {}
        mark = {"isDeleted": deleted} if self.deletes else {}
        return {**owner, self.key: key, "sequenceNumber": number, **mark, **self.content(content)}

    def content_state(self, payload: str) -> tuple[int, bool]:
        """Return the content of a payload, and whether it is deleted."""
        record = json.loads(payload)
        is_deleted = any(record.get(mark) is True for mark in ("isDeleted", "isDisabledForSync"))
        contents = [content for content in range(CONTENTS) if self.content(content).items() <= record.items()]
        return contents[0], is_deleted


CONTENTS = 4
"""Number of different contents; a record may return to an earlier one."""


def _moment(content: int) -> dt.datetime:
    return MOMENT + dt.timedelta(hours=content)


def _word(content: int) -> str:
    return f"word {content}"


def _sizes(content: int) -> JsonObject:
    sizes = [{"widthInMm": 10 + place, "heightInMm": content} for place in range(content % 3)]
    return {"name": _word(content), "stickerInformation": {"supportedStickerSizes": sizes}}


def _trade_items(content: int) -> JsonObject:
    return {"name": _word(content), "tradeItems": [{"isPrimary": True} for _ in range(content % 2)]}


def _pieces(content: int) -> JsonObject:
    prices = [{"unit": "PACKAGE", "pricePerPiece": place + 1} for place in range(content % 3)]
    return {"numberOfPieces": content, "volumePrices": prices}


SHAPES = {
    shape.feed: shape
    for shape in (
        Shape(
            CONNECTIONS,
            "supplierOrganizationId",
            lambda content: {"lastModified": _moment(content).isoformat()},
            "last_modified",
            _moment,
        ),
        Shape(SERVICES, "additionalServiceId", _sizes, "name", _word, needs_connection=True),
        Shape(GROUPS, "contractTradeItemGroupId", _trade_items, "name", _word, in_parts=True),
        Shape(
            CUSTOM,
            "supplyLineId",
            _pieces,
            "number_of_pieces",
            int,
            needs_connection=True,
            selection=True,
            restarts=True,
        ),
        Shape(
            SETTINGS,
            "supplierOrganizationId",
            lambda content: {"usesContracts": {"lastModified": _moment(content).isoformat()}},
            "uses_contracts_last_modified",
            _moment,
            has_defaults=True,
            deletes=False,
        ),
        Shape(WAREHOUSES, "warehouseId", lambda content: {"name": _word(content)}, "name", _word, has_maximum=False),
        Shape(
            TYPES,
            "commercialServiceTypeId",
            lambda content: {"name": _word(content)},
            "name",
            _word,
            restarts=True,
            deletes=False,
        ),
    )
}

SCENARIOS = (
    (TYPES,),
    (WAREHOUSES,),
    (SETTINGS,),
    (CONNECTIONS, SERVICES),
    (CONNECTIONS, GROUPS),
    (CONNECTIONS, CUSTOM),
    (CUSTOM,),
    (TYPES, WAREHOUSES),
    (CONNECTIONS, SERVICES, GROUPS),
)
"""Combinations of feeds that are tested; small ones, so that a sync is short."""


def catalogue_with(feeds: tuple[str, ...], page: int) -> Catalogue:
    """Return the catalogue of the Customers API with only these feeds, in small pages."""
    whole = catalogue_of("customers")
    return replace(whole, feeds=tuple(_small(feed, page) for feed in whole.feeds if feed.name in feeds), snapshots=())


def _small(feed: Feed, page: int) -> Feed:
    endpoint = replace(feed.endpoint, page_maximum=page)
    return replace(feed, endpoint=endpoint if SHAPES[feed.name].has_maximum else replace(endpoint, max_sequence=None))
