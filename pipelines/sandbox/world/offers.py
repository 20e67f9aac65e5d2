"""What a nursery offers to chosen buyers, and the supply requests behind it (the specification)."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from pipelines.sandbox.records.entries import Document
from pipelines.sandbox.world import packing, supply_line
from pipelines.sandbox.world.assortment import Assortment, Item
from pipelines.sandbox.world.calendar import day_of, days, period
from pipelines.sandbox.world.parties import Customer
from pipelines.sandbox.world.sales import Sales
from pipelines.sandbox.world.sales_order import CHANNELS
from pipelines.sandbox.world.site import CENT, Site, price

OFFERS = "supply.customer_offers"
REQUESTS = "supply.supply_requests"
_DIRECT = CHANNELS[0]


class Offers:
    """The customer offers of a nursery.

    Args:
        site: the nursery.
        assortment: what it grows.
        sales: where buyers take them up.
    """

    def __init__(self, site: Site, assortment: Assortment, sales: Sales) -> None:
        self._site = site
        self._assortment = assortment
        self._sales = sales

    def make(
        self, kind: str, customers: list[Customer] | None = None, request: Document | None = None
    ) -> tuple[Document, str | None]:
        """Make an offer that a buyer may take up; it ends by itself.

        Returns:
            The offer, and the id of the supply line that it brings on the market; a draft brings none.
        """
        site = self._site
        customers = customers or site.chance.sample(site.register.customers[:12], 1 if kind == "PURCHASE_TIP" else 3)
        grown = [item for item in self._assortment.in_season(day_of(site.now)) if not item.is_clock_only]
        item = site.chance.choice(grown)
        offer = self._offer(kind, customers, request)
        line = self._line(item, customers[0], kind)
        offer["customerOfferLines"] = [line]
        site.publish(OFFERS, offer)
        return offer, None if offer["isDraft"] else self._sell(item, customers[0], offer, line)

    def ask(self, item_request: str, packing_request: str) -> None:
        """A buyer asks for supply; the grower answers each line within some hours."""
        request = self._request(item_request, packing_request)
        self._site.publish(REQUESTS, request)
        self._site.after(self._site.chance.randint(60, 900), lambda: self._answer(request))

    def _sell(self, item: Item, customer: Customer, offer: Document, line: Document) -> str:
        """Bring the offer on the market for as long as it lasts; returns the supply line's id."""
        site = self._site
        on_market = supply_line.of_offer(site, item, offer, line)
        id = str(on_market["supplyLineId"])
        site.publish(supply_line.FEED, on_market)
        if site.happens(0.6):
            pieces, value = line["numberOfPieces"] // 2, line["pricePerPiece"]["value"]
            site.after(
                site.chance.randint(10, 170),
                lambda: self._sales.sell(item, customer, _DIRECT, pieces=pieces, value=value, supplyLineId=id),
            )
        site.at(line["tradePeriod"]["endDateTime"], lambda: self._end(offer, on_market))
        return id

    def _end(self, offer: Document, on_market: Document) -> None:
        on_market["status"] = "UNAVAILABLE"
        self._site.publish(supply_line.FEED, on_market)
        if self._site.happens(0.15):
            offer["isDeleted"] = True
            offer["customerOfferLines"] = [{**line, "isDeleted": True} for line in offer["customerOfferLines"]]
            self._site.publish(OFFERS, offer)

    def _offer(self, kind: str, customers: list[Customer], request: Document | None) -> Document:
        site = self._site
        has_agreement = kind == "CUSTOMER_OFFER" and site.happens(0.3)
        return {
            "customerOfferId": site.codes.uuid(),
            "supplyRequestId": request["supplyRequestId"] if request else None,
            "creationDateTime": site.now,
            "customerOfferLines": [],
            "customerOfferType": kind,
            "customerOrganizationIds": [one.id for one in customers],
            "agreementReference": {"code": f"AFSPR-{site.codes.number(3)}", "description": "jaarafspraak"}
            if has_agreement
            else None,
            "isDraft": request is None and site.happens(0.08),
            "imageUrl": None,
            "title": site.chance.choice(("Actie van de week", "Restpartij", None)),
            "description": None,
            "quantityUnitUsed": "PACKAGE",
            "isDeleted": False,
        }

    def _line(self, item: Item, customer: Customer, kind: str) -> Document:
        site = self._site
        hours = 3 if kind == "PURCHASE_TIP" else 48
        value = (item.price * Decimal(site.chance.randint(85, 100)) / 100).quantize(CENT)
        return {
            "customerOfferLineId": site.codes.uuid(),
            "supplyRequestLineId": None,
            "numberOfPieces": site.chance.randint(4, 24) * item.pieces_per_package,
            "tradePeriod": period(site.now, site.now + dt.timedelta(hours=hours)),
            "deliveryPeriod": days(day_of(site.now), 1, 5) if site.happens(0.8) else None,
            "tradeItemId": item.id,
            "tradeItemVersion": item.record["tradeItemVersion"],
            "warehouseId": site.warehouse_id,
            "pricePerPiece": price(value, customer.currency),
            "volumePrices": [{"unit": "LAYER", "pricePerPiece": value * Decimal("0.98")}] if site.happens(0.3) else [],
            "salesUnit": "PACKAGE",
            "usesCatalogAvailability": False,
            "isAvailable": True,
            "includedServices": ["DELIVERY"] if site.happens(0.2) else [],
            "packingConfiguration": packing.with_codes(item, site.custom_package_ids[0] if site.happens(0.2) else None),
            "counterId": None,
            "isDeleted": False,
        }

    def _request(self, item_request: str, packing_request: str) -> Document:
        site = self._site
        customer = site.chance.choice(site.register.customers[:10])
        wanted = [
            {"tradeItemId": site.chance.choice(self._assortment.catalogue).id},
            {"tradeItemRequestId": item_request},
            {"packingConfigurationRequestId": packing_request},
        ]
        return {
            "supplyRequestId": site.codes.uuid(),
            "customerOrganizationId": customer.id,
            "title": f"Aanvraag {site.codes.number(4)}",
            "description": None,
            "quantityDescription": "twee karren per week",
            "salesChannel": "FLORIDAY",
            "orderPeriod": period(site.now, site.now + dt.timedelta(days=3)),
            "deliveryPeriod": days(day_of(site.now), 2, 9),
            "agreementReference": None,
            "expiresAtDateTime": site.now + dt.timedelta(days=2),
            "creationDateTime": site.now,
            "lastModifiedDateTime": site.now,
            "isDeleted": False,
            "commercialServices": ["DELIVERY"],
            "supplyRequestLines": [self._request_line(customer, one) for one in wanted[: site.chance.randint(1, 3)]],
        }

    def _request_line(self, customer: Customer, wanted: Document) -> Document:
        site = self._site
        return {
            "supplyRequestLineId": site.codes.uuid(),
            "supplierOrganizationId": site.organization_id,
            "tradeItemId": None,
            "tradeItemRequestId": None,
            "packingConfigurationRequestId": None,
            **wanted,
            "price": price(Decimal(site.chance.randint(20, 500)) / 100, customer.currency),
            "status": "PENDING",
            "packingConfiguration": packing.briefly(site.chance.choice(self._assortment.catalogue)),
            "acceptedAtDateTime": None,
            "creationDateTime": site.now,
            "lastModifiedDateTime": site.now,
            "isLockedByCustomer": site.happens(0.1),
            "supplyLineId": None,
            "rejectionReason": None,
            "isDeleted": False,
        }

    def _answer(self, request: Document) -> None:
        """Answer with an offer, or say why not."""
        site = self._site
        for line in request["supplyRequestLines"]:
            line["lastModifiedDateTime"] = site.now
            if site.happens(0.6):
                self._accept(request, line)
            elif site.happens(0.8):
                line |= {"status": "REJECTED", "rejectionReason": "niet genoeg op voorraad"}
        request |= {"lastModifiedDateTime": site.now, "isDeleted": site.happens(0.05)}
        site.publish(REQUESTS, request)

    def _accept(self, request: Document, line: Document) -> None:
        customers = [one for one in self._site.register.customers if one.id == request["customerOrganizationId"]]
        offer, supply_line_id = self.make("SUPPLY_REQUEST", customers, request)
        (offered,) = offer["customerOfferLines"]
        offered["supplyRequestLineId"] = line["supplyRequestLineId"]
        self._site.publish(OFFERS, offer)
        line |= {"status": "ACCEPTED", "acceptedAtDateTime": self._site.now, "supplyLineId": supply_line_id}
