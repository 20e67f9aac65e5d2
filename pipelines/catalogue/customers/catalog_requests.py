"""What a buyer asks a grower to add to the catalogue: a trade item, or a way to pack one."""

from __future__ import annotations

import datetime as dt
from typing import Literal

from pipelines.catalogue import notes
from pipelines.catalogue.both_apis.records import (
    CREATION_DATE_TIME,
    CUSTOMER,
    LAST_MODIFIED_DATE_TIME,
    SEQUENCE_NUMBER,
    Characteristic,
    LoadCarrierType,
    Package,
)
from pipelines.catalogue.customers.shared import EXPIRES_AT
from pipelines.catalogue.types import DateTime, Feed, Int32, Int64, Record, Retention, Text, Uuid, field
from pipelines.floriday.endpoints import Endpoint

RequestStatus = Literal["UNKNOWN", "PENDING", "ACCEPTED", "REJECTED"]

ASKED = "grower that is asked (organizations.organizations)"
STATUS = "what the grower answered; PENDING until then"
REMARK = "remark for the grower, as free text"


class TradeItemRequestPackingConfiguration(Record):
    """How the buyer wants it packed."""

    load_carrier_type: LoadCarrierType = field("kind of load carrier")
    package: Package = field("package")
    pieces_per_package: Int32 = field("pieces in a package")
    packages_per_layer: Int32 = field("packages on a layer")
    layers_per_load_carrier: Int32 = field("layers on a load carrier")


class TradeItemRequest(Record):
    """Trade items that buyers asked growers for: one row for each trade item request."""

    added: DateTime = field(CREATION_DATE_TIME)
    last_modified: DateTime = field(LAST_MODIFIED_DATE_TIME)
    customer_organization_id: Uuid = field(CUSTOMER)
    status: RequestStatus = field(STATUS)
    trade_item_id: Uuid | None = field("trade item that it led to (catalog.trade_items); NULL for none")
    sequence_number: Int64 = field(SEQUENCE_NUMBER)
    trade_item_request_id: Uuid = field("Floriday's identifier of the trade item request")
    supplier_organization_id: Uuid = field(ASKED)
    remark: Text | None = field(REMARK, personal=True)
    vbn_product_code: Text = field("VBN code of the kind of plant or flower, here as text")
    packing_configuration: TradeItemRequestPackingConfiguration = field("packing")
    characteristics: list[Characteristic] = field(
        "characteristics that a trade item request asks for, such as pot size and height"
    )
    expires_at: DateTime = field(EXPIRES_AT)


class PackingConfigurationRequest(Record):
    """Ways to pack that buyers asked growers for: one row for each packing configuration request."""

    added: DateTime = field(CREATION_DATE_TIME)
    last_modified: DateTime = field(LAST_MODIFIED_DATE_TIME)
    customer_organization_id: Uuid = field(CUSTOMER)
    status: RequestStatus = field(STATUS)
    sequence_number: Int64 = field(SEQUENCE_NUMBER)
    packing_configuration_request_id: Uuid = field("Floriday's identifier of the packing configuration request")
    trade_item_id: Uuid = field("what to pack (catalog.trade_items)")
    supplier_organization_id: Uuid = field(ASKED)
    remark: Text | None = field(REMARK, personal=True)
    expires_at: DateTime = field(EXPIRES_AT)
    load_carrier_type: LoadCarrierType = field("kind of load carrier")
    package: Package = field("package")
    pieces_per_package: Int32 = field("pieces in a package")
    packages_per_layer: Int32 = field("packages on a layer")
    layers_per_load_carrier: Int32 = field("layers on a load carrier")


TRADE_ITEM_REQUESTS = Feed(
    schema="catalog",
    table="trade_item_requests",
    record=TradeItemRequest,
    key=("trade_item_request_id",),
    endpoint=Endpoint(
        "/catalog-requests/trade-item-requests", "limit", by_id="/catalog-requests/trade-item/{tradeItemRequestId}"
    ),
    scope="catalog:read",
    tier="hourly",
    retention=Retention(dt.timedelta(days=365), "its creation"),
    notes=(notes.STATUS_SHOWS_OUTCOME, notes.HISTORY_STARTS_HERE),
)

PACKING_CONFIGURATION_REQUESTS = Feed(
    schema="catalog",
    table="packing_configuration_requests",
    record=PackingConfigurationRequest,
    key=("packing_configuration_request_id",),
    endpoint=Endpoint(
        "/catalog-requests/packing-configuration-requests",
        "limit",
        by_id="/catalog-requests/packing-configuration/{packingConfigurationRequestId}",
    ),
    scope="catalog:read",
    tier="hourly",
    retention=Retention(dt.timedelta(days=365), "its creation"),
    notes=(notes.STATUS_SHOWS_OUTCOME, notes.HISTORY_STARTS_HERE),
)

FEEDS = (TRADE_ITEM_REQUESTS, PACKING_CONFIGURATION_REQUESTS)
