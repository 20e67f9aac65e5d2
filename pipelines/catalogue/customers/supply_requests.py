"""What buyers ask growers to offer: supply requests (the specification)."""

from __future__ import annotations

import datetime as dt
from typing import Literal

from pipelines.catalogue import notes
from pipelines.catalogue.both_apis.records import (
    CREATION_DATE_TIME,
    IS_DELETED,
    LAST_MODIFIED_DATE_TIME,
    SEQUENCE_NUMBER,
    Currency,
    LoadCarrierType,
    Package,
)
from pipelines.catalogue.customers.shared import AgreementReference, IncludedServices, Period
from pipelines.catalogue.types import (
    Boolean,
    DateTime,
    Decimal,
    Feed,
    Int32,
    Int64,
    Record,
    Retention,
    Text,
    Uuid,
    field,
)
from pipelines.floriday.endpoints import Endpoint

SupplyRequestStatus = Literal["UNKNOWN", "DRAFT", "PENDING", "COMPLETED", "REJECTED"]
SupplyRequestLineStatus = Literal["UNKNOWN", "PENDING", "ACCEPTED", "REJECTED", "COMMITTED"]


class SupplyRequestLinePackingConfiguration(Record):
    """How the buyer wants it packed."""

    pieces_per_package: Int32 = field("pieces in a package")
    packages_per_layer: Int32 = field("packages on a layer")
    layers_per_load_carrier: Int32 = field("layers on a load carrier")
    load_carrier_type: LoadCarrierType = field("kind of load carrier")
    package: Package = field("package")


class SupplyRequestLine(Record):
    """One trade item of a supply request, with the grower's answer."""

    supply_request_line_id: Uuid = field("Floriday's identifier of the supply request line")
    supply_request_id: Uuid = field("supply request that it belongs to", stored=False)
    trade_item_id: Uuid = field("what is asked for (catalog.trade_items)")
    supply_line_id: Uuid | None = field("offer that answers it (supply.supply_lines); NULL for none yet")
    packing_configuration: SupplyRequestLinePackingConfiguration | None = field("packing")
    price_per_piece: Decimal | None = field("price of a piece, in the request's currency; NULL where it is open")
    number_of_pieces: Int32 | None = field("pieces asked for; NULL where it is open")
    offered_at: DateTime | None = field("when the grower offered it; NULL before that")
    added: DateTime = field(CREATION_DATE_TIME)
    last_modified: DateTime = field(LAST_MODIFIED_DATE_TIME)
    status: SupplyRequestLineStatus = field("how far it is, from PENDING to COMMITTED")
    rejection_reason: Text | None = field("why it was rejected, as free text", personal=True)
    is_locked_by_customer: Boolean = field("whether the buyer has closed it to changes")
    is_deleted: Boolean = field("whether the line has been taken out of the request")


class SupplyRequest(Record):
    """What a buyer asked a grower to offer: one row for each supply request."""

    supply_request_id: Uuid = field("Floriday's identifier of the supply request")
    supply_request_group_id: Uuid = field("what requests that went to several growers at once have in common")
    title: Text = field("what the buyer calls it")
    supplier_organization_id: Uuid = field(
        "grower that is asked (organizations.organizations); the first of several for requests from FloraXchange"
    )
    order_period: Period = field("time in which the offer should be open")
    delivery_period: Period = field("time in which it should be delivered")
    response_end_date_time: DateTime | None = field("until when the grower can answer; NULL for no end")
    description: Text | None = field("what is asked for, in the buyer's words")
    included_services: list[IncludedServices] | None = field("services that the price should include")
    added: DateTime = field(CREATION_DATE_TIME)
    last_modified: DateTime = field(LAST_MODIFIED_DATE_TIME)
    supply_request_lines: list[SupplyRequestLine] = field("lines of a supply request", table="supply_request_lines")
    agreement_reference: AgreementReference | None = field("agreement that it is made for")
    sequence_number: Int64 = field(SEQUENCE_NUMBER)
    is_deleted: Boolean = field(IS_DELETED)
    currency: Currency = field("currency of the prices on its lines, as ISO 4217")
    status: SupplyRequestStatus = field("how far it is, from DRAFT to COMPLETED")


SUPPLY_REQUESTS = Feed(
    schema="supply",
    table="supply_requests",
    record=SupplyRequest,
    key=("supply_request_id",),
    endpoint=Endpoint("/supply-requests", "limit", by_id="/supply-requests/{supplyRequestId}"),
    scope="supply:read",
    tier="hourly",
    retention=Retention(dt.timedelta(days=365), "its creation"),
    notes=(notes.HISTORY_STARTS_HERE,),
)

FEEDS = (SUPPLY_REQUESTS,)
