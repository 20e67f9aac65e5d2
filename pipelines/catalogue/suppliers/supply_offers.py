"""What is offered to chosen buyers: customer offers, bundled offers, and the supply requests behind them."""

from __future__ import annotations

import datetime as dt
from typing import Literal

from pipelines.catalogue import notes
from pipelines.catalogue.both_apis.records import (
    CREATION_DATE_TIME,
    IS_DELETED,
    LAST_MODIFIED_DATE_TIME,
    SEQUENCE_NUMBER,
    Price,
    TradePeriod,
    VolumePrice,
)
from pipelines.catalogue.suppliers.shared import (
    AgreementReference,
    CommercialService,
    PackingConfiguration,
    PackingConfigurationBase,
    RequestPackingConfiguration,
    RequestStatus,
    SalesUnit,
    Unit,
)
from pipelines.catalogue.types import Boolean, DateTime, Feed, Int32, Int64, Record, Retention, Text, Uuid, field
from pipelines.floriday.endpoints import SLOW, Endpoint

CustomerOfferType = Literal["CUSTOMER_OFFER", "PURCHASE_TIP", "SUPPLY_REQUEST"]

ORDER_PERIOD = "time in which it can be ordered"
DELIVERY_PERIOD = "time in which it can be delivered"
INCLUDED_SERVICES = "services that the price includes"
AGREEMENT = "agreement that it is made for"
IS_DRAFT = "whether it is still a draft that no buyer sees"
OFFERED_VERSION = "version of the trade item that is offered"


class CustomerOfferLine(Record):
    """Pieces of one trade item."""

    customer_offer_line_id: Uuid = field("Floriday's identifier of the customer offer line")
    supply_request_line_id: Uuid | None = field(
        "line of a supply request that it answers (supply.supply_request_lines); NULL for none"
    )
    number_of_pieces: Int32 = field("pieces on offer")
    trade_period: TradePeriod = field(ORDER_PERIOD)
    delivery_period: TradePeriod | None = field(f"{DELIVERY_PERIOD} (NULL for the first possible moment)")
    trade_item_id: Uuid = field("what is offered (catalog.trade_items)")
    trade_item_version: Int32 | None = field(OFFERED_VERSION)
    warehouse_id: Uuid = field("warehouse that it comes from (organizations.warehouses)")
    price_per_piece: Price = field("price of a piece")
    volume_prices: list[VolumePrice] = field("lower prices of a customer offer line for whole units")
    sales_unit: SalesUnit = field("smallest unit that can be ordered")
    uses_catalog_availability: Boolean = field("whether the trade item's availability decides, not the line's pieces")
    is_available: Boolean | None = field("what the grower set by hand; NULL where that availability decides")
    included_services: list[CommercialService] = field(INCLUDED_SERVICES)
    packing_configuration: PackingConfigurationBase | None = field("packing")
    counter_id: Uuid | None = field("Floriday's identifier of the counter that keeps its pieces; NULL for none")
    is_deleted: Boolean = field("whether the line has been taken out")


class CustomerOffer(Record):
    """Offers and purchase tips made to chosen buyers: one row for each customer offer."""

    customer_offer_id: Uuid = field("Floriday's identifier of the customer offer")
    supply_request_id: Uuid | None = field("request that it answers (supply.supply_requests); NULL for none")
    creation_date_time: DateTime = field(CREATION_DATE_TIME)
    customer_offer_lines: list[CustomerOfferLine] = field(
        "lines of a customer offer", table="customer_offer_lines", id="customer_offer_line_id"
    )
    customer_offer_type: CustomerOfferType = field(
        "kind of offer; a purchase tip is for one buyer and at most three hours"
    )
    customer_organization_ids: list[Uuid] = field("buyers whom it is made to (organizations.organizations)")
    agreement_reference: AgreementReference | None = field(AGREEMENT)
    is_draft: Boolean = field(IS_DRAFT)
    image_url: Text | None = field("address of a picture")
    title: Text | None = field("title")
    description: Text | None = field("what it is about")
    quantity_unit_used: Unit = field("unit in which the grower entered the quantities; pieces are stated in any case")
    sequence_number: Int64 = field(SEQUENCE_NUMBER)
    is_deleted: Boolean = field(IS_DELETED)


class BundledOfferLine(Record):
    """The pieces of one trade item in a bundle."""

    bundled_offer_line_id: Uuid = field("Floriday's identifier of the bundled offer line; sales orders refer to it")
    trade_item_id: Uuid = field("what is offered (catalog.trade_items)")
    trade_item_version: Int32 = field(OFFERED_VERSION)
    price: Price = field("price of a piece")
    number_of_pieces_per_bundle: Int32 = field("pieces in a bundle")
    packing_configuration: PackingConfiguration = field("packing")


class BundledOffer(Record):
    """Trade items that are only sold together: one row for each bundled offer."""

    bundled_offer_id: Uuid = field("Floriday's identifier of the bundled offer")
    warehouse_id: Uuid | None = field("warehouse that it comes from (organizations.warehouses)")
    price_per_bundle: Price = field("price of a bundle")
    is_draft: Boolean = field(IS_DRAFT)
    image_url: Text | None = field("address of a picture")
    title: Text = field("title")
    description: Text = field("what it is about")
    default_photo_code: Text | None = field("code of a standard picture, in place of one of its own")
    included_services: list[CommercialService] = field(INCLUDED_SERVICES)
    number_of_bundles: Int32 = field("bundles on offer")
    is_customer_specific: Boolean = field("whether it is for certain buyers only")
    customer_organization_ids: list[Uuid] = field("buyers whom it is made to (organizations.organizations)")
    order_period: TradePeriod = field(ORDER_PERIOD)
    delivery_period: TradePeriod = field(DELIVERY_PERIOD)
    agreement_reference: AgreementReference | None = field(AGREEMENT)
    creation_date_time: DateTime | None = field(CREATION_DATE_TIME)
    last_modified_date_time: DateTime | None = field(LAST_MODIFIED_DATE_TIME)
    sequence_number: Int64 = field(SEQUENCE_NUMBER)
    bundled_offer_lines: list[BundledOfferLine] = field("lines of a bundled offer", table="bundled_offer_lines")
    is_deleted: Boolean = field(IS_DELETED)


class SupplyRequestLine(Record):
    """What one grower is asked to offer."""

    supply_request_line_id: Uuid = field("Floriday's identifier of the supply request line")
    supplier_organization_id: Uuid = field("grower who is asked (organizations.organizations)")
    trade_item_id: Uuid | None = field("what is wanted (catalog.trade_items); NULL where it is yet to be made")
    trade_item_request_id: Uuid | None = field(
        "trade item that is asked for (catalog.trade_item_requests); NULL where there is one"
    )
    packing_configuration_request_id: Uuid | None = field(
        "packing that is asked for (catalog.packing_configuration_requests); NULL for none"
    )
    price: Price = field("price of a piece that the buyer has in mind")
    status: RequestStatus = field("what the grower answered; PENDING until then")
    packing_configuration: RequestPackingConfiguration | None = field("packing that is wanted")
    accepted_at_date_time: DateTime | None = field("when the grower accepted; NULL before that")
    creation_date_time: DateTime = field(CREATION_DATE_TIME)
    last_modified_date_time: DateTime = field(LAST_MODIFIED_DATE_TIME)
    is_locked_by_customer: Boolean = field("whether the buyer has locked it against changes")
    supply_line_id: Uuid | None = field("offer that answers it (supply.supply_lines); NULL for none yet")
    rejection_reason: Text | None = field("why the grower declined, as free text", personal=True)
    is_deleted: Boolean = field("whether the line has been taken out")


class SupplyRequest(Record):
    """What buyers ask growers to offer: one row for each supply request."""

    supply_request_id: Uuid = field("Floriday's identifier of the supply request")
    customer_organization_id: Uuid = field("buyer who asks (organizations.organizations)")
    title: Text | None = field("title")
    description: Text | None = field("what is wanted, as free text")
    quantity_description: Text | None = field("how much is wanted, as free text")
    sales_channel: Text = field("platform that it came through")
    order_period: TradePeriod = field("time in which the buyer means to order")
    delivery_period: TradePeriod = field("time in which it should be delivered")
    agreement_reference: AgreementReference | None = field(AGREEMENT)
    expires_at_date_time: DateTime = field("until when it can be answered")
    creation_date_time: DateTime = field(CREATION_DATE_TIME)
    last_modified_date_time: DateTime = field(LAST_MODIFIED_DATE_TIME)
    is_deleted: Boolean = field(IS_DELETED)
    sequence_number: Int64 = field(SEQUENCE_NUMBER)
    commercial_services: list[CommercialService] = field("services that the price should include")
    supply_request_lines: list[SupplyRequestLine] = field("lines of a supply request", table="supply_request_lines")


CUSTOMER_OFFERS = Feed(
    schema="supply",
    table="customer_offers",
    record=CustomerOffer,
    key=("customer_offer_id",),
    endpoint=Endpoint("/customer-offers"),
    scope="supply:read",
    tier="hourly",
    notes=(notes.HISTORY_STARTS_HERE,),
)

BUNDLED_OFFERS = Feed(
    schema="supply",
    table="bundled_offers",
    record=BundledOffer,
    key=("bundled_offer_id",),
    endpoint=Endpoint("/bundled-offers", by_id="/bundled-offers/{bundledOfferId}"),
    scope="supply:read",
    tier="hourly",
    notes=(notes.HISTORY_STARTS_HERE,),
)

SUPPLY_REQUESTS = Feed(
    schema="supply",
    table="supply_requests",
    record=SupplyRequest,
    key=("supply_request_id",),
    endpoint=Endpoint("/supply-requests", rate=SLOW, by_id="/supply-requests/{supplyRequestId}"),
    scope="supply:read",
    tier="hourly",
    retention=Retention(dt.timedelta(days=365), "its creation"),
    notes=(notes.HISTORY_STARTS_HERE,),
)

FEEDS = (CUSTOMER_OFFERS, BUNDLED_OFFERS, SUPPLY_REQUESTS)
