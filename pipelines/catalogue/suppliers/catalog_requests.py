"""What buyers ask growers to put into their catalogue: trade items and ways of packing them (the specification)."""

from __future__ import annotations

import datetime as dt

from pipelines.catalogue import notes
from pipelines.catalogue.both_apis.records import (
    CREATION_DATE_TIME,
    LAST_MODIFIED_DATE_TIME,
    SEQUENCE_NUMBER,
    Characteristic,
    Package,
)
from pipelines.catalogue.suppliers.shared import RequestPackingConfiguration, RequestStatus, SupplyLoadCarrierType
from pipelines.catalogue.types import DateTime, Feed, Int32, Int64, Record, Retention, Text, Uuid, field
from pipelines.floriday.endpoints import SLOW, Endpoint

ASKED_SUPPLIER = "grower who is asked (organizations.organizations)"
ASKING_CUSTOMER = "buyer who asks (organizations.organizations)"
REQUEST_STATUS = "what the grower answered; PENDING until then"
REMARK = "the buyer's remark, as free text"
EXPIRES_AT = "until when it can be answered"


class TradeItemRequest(Record):
    """Buyers' wishes for a new trade item: one row for each request."""

    trade_item_request_id: Uuid = field("Floriday's identifier of the request")
    supplier_organization_id: Uuid = field(ASKED_SUPPLIER)
    customer_organization_id: Uuid = field(ASKING_CUSTOMER)
    trade_item_id: Uuid | None = field("trade item that answers it (catalog.trade_items); NULL for none yet")
    status: RequestStatus = field(REQUEST_STATUS)
    sequence_number: Int64 = field(SEQUENCE_NUMBER)
    vbn_product_code: Int32 = field("VBN code of the kind of plant or flower that is wanted")
    remark: Text | None = field(REMARK, personal=True)
    packing_configuration: RequestPackingConfiguration = field("packing that is wanted")
    characteristics: list[Characteristic] = field("characteristics that a requested trade item should have")
    expires_at_date_time: DateTime = field(EXPIRES_AT)
    creation_date_time: DateTime = field(CREATION_DATE_TIME)
    last_modified_date_time: DateTime = field(LAST_MODIFIED_DATE_TIME)


class PackingConfigurationRequest(Record):
    """Buyers' wishes for another way of packing a trade item: one row for each request."""

    packing_configuration_request_id: Uuid = field("Floriday's identifier of the request")
    supplier_organization_id: Uuid = field(ASKED_SUPPLIER)
    customer_organization_id: Uuid = field(ASKING_CUSTOMER)
    trade_item_id: Uuid = field("what should be packed so (catalog.trade_items)")
    status: RequestStatus = field(REQUEST_STATUS)
    sequence_number: Int64 = field(SEQUENCE_NUMBER)
    remark: Text | None = field(REMARK, personal=True)
    expires_at_date_time: DateTime = field(EXPIRES_AT)
    creation_date_time: DateTime = field(CREATION_DATE_TIME)
    last_modified_date_time: DateTime = field(LAST_MODIFIED_DATE_TIME)
    pieces_per_package: Int32 = field("pieces in a package")
    package: Package = field("package")
    packages_per_layer: Int32 = field("packages on a layer")
    layers_per_load_carrier: Int32 = field("layers on a load carrier")
    load_carrier: SupplyLoadCarrierType = field("kind of load carrier")


TRADE_ITEM_REQUESTS = Feed(
    schema="catalog",
    table="trade_item_requests",
    record=TradeItemRequest,
    key=("trade_item_request_id",),
    endpoint=Endpoint("/trade-item-requests", rate=SLOW, by_id="/trade-item-requests/{tradeItemRequestId}"),
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
        "/packing-configuration-requests",
        rate=SLOW,
        by_id="/packing-configuration-requests/{packingConfigurationRequestId}",
    ),
    scope="catalog:read",
    tier="hourly",
    retention=Retention(dt.timedelta(days=365), "its creation"),
    notes=(notes.STATUS_SHOWS_OUTCOME, notes.HISTORY_STARTS_HERE),
)

FEEDS = (TRADE_ITEM_REQUESTS, PACKING_CONFIGURATION_REQUESTS)
