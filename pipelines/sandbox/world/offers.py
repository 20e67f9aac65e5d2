"""Customer offers, and the supply requests that they answer (the specification)."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from pipelines.sandbox.records.entries import Document
from pipelines.sandbox.world import packing, supply_line
from pipelines.sandbox.world.assortment import Assortment, Item
from pipelines.sandbox.world.calendar import day_of, days, period
from pipelines.sandbox.world.grower_context import CENT, GrowerContext, price
from pipelines.sandbox.world.parties import Customer
from pipelines.sandbox.world.sales import Sales
from pipelines.sandbox.world.sales_order import CHANNELS

OFFERS = "supply.customer_offers"
REQUESTS = "supply.supply_requests"
_DIRECT = CHANNELS[0]


class Offers:
    """The customer offers of a nursery.

    Args:
        grower: context of the nursery.
        assortment: trade items of the nursery.
        sales: places the orders of buyers that accept.
    """

    def __init__(self, grower: GrowerContext, assortment: Assortment, sales: Sales) -> None:
        self._grower = grower
        self._assortment = assortment
        self._sales = sales

    def make(
        self, kind: str, customers: list[Customer] | None = None, request: Document | None = None
    ) -> tuple[Document, str | None]:
        """Make an offer, which some buyers accept and which ends after its trade period.

        Returns:
            The offer, and the id of its supply line; None for a draft.
        """
        grower = self._grower
        customers = customers or grower.rng.sample(grower.customers[:12], 1 if kind == "PURCHASE_TIP" else 3)
        grown = [item for item in self._assortment.in_season(day_of(grower.now)) if not item.is_clock_only]
        item = grower.rng.choice(grown)
        offer = self._offer(kind, customers, request)
        line = self._line(item, customers[0], kind)
        offer["customerOfferLines"] = [line]
        grower.publish(OFFERS, offer)
        return offer, None if offer["isDraft"] else self._sell(item, customers[0], offer, line)

    def request_supply(self, item_request: str, packing_request: str) -> None:
        """Publish a supply request of a buyer, and answer its lines some hours later."""
        request = self._request(item_request, packing_request)
        self._grower.publish(REQUESTS, request)
        self._grower.after(self._grower.rng.randint(60, 900), lambda: self._answer(request))

    def _sell(self, item: Item, customer: Customer, offer: Document, line: Document) -> str:
        """Publish the offer's supply line until the trade period ends; returns the line's id."""
        grower = self._grower
        on_market = supply_line.of_offer(grower, item, offer, line)
        id = str(on_market["supplyLineId"])
        grower.publish(supply_line.FEED, on_market)
        if grower.happens(0.6):
            pieces, value = line["numberOfPieces"] // 2, line["pricePerPiece"]["value"]
            grower.after(
                grower.rng.randint(10, 170),
                lambda: self._sales.sell(item, customer, _DIRECT, pieces=pieces, value=value, supplyLineId=id),
            )
        grower.at(line["tradePeriod"]["endDateTime"], lambda: self._end(offer, on_market))
        return id

    def _end(self, offer: Document, on_market: Document) -> None:
        on_market["status"] = "UNAVAILABLE"
        self._grower.publish(supply_line.FEED, on_market)
        if self._grower.happens(0.15):
            offer["isDeleted"] = True
            offer["customerOfferLines"] = [{**line, "isDeleted": True} for line in offer["customerOfferLines"]]
            self._grower.publish(OFFERS, offer)

    def _offer(self, kind: str, customers: list[Customer], request: Document | None) -> Document:
        grower = self._grower
        has_agreement = kind == "CUSTOMER_OFFER" and grower.happens(0.3)
        return {
            "customerOfferId": grower.codes.uuid(),
            "supplyRequestId": request["supplyRequestId"] if request else None,
            "creationDateTime": grower.now,
            "customerOfferLines": [],
            "customerOfferType": kind,
            "customerOrganizationIds": [customer.id for customer in customers],
            "agreementReference": {"code": f"AFSPR-{grower.codes.number(3)}", "description": "jaarafspraak"}
            if has_agreement
            else None,
            "isDraft": request is None and grower.happens(0.08),
            "imageUrl": None,
            "title": grower.rng.choice(("Actie van de week", "Restpartij", None)),
            "description": None,
            "quantityUnitUsed": "PACKAGE",
            "isDeleted": False,
        }

    def _line(self, item: Item, customer: Customer, kind: str) -> Document:
        grower = self._grower
        hours = 3 if kind == "PURCHASE_TIP" else 48
        value = (item.price * Decimal(grower.rng.randint(85, 100)) / 100).quantize(CENT)
        return {
            "customerOfferLineId": grower.codes.uuid(),
            "supplyRequestLineId": None,
            "numberOfPieces": grower.rng.randint(4, 24) * item.pieces_per_package,
            "tradePeriod": period(grower.now, grower.now + dt.timedelta(hours=hours)),
            "deliveryPeriod": days(day_of(grower.now), 1, 5) if grower.happens(0.8) else None,
            "tradeItemId": item.id,
            "tradeItemVersion": item.record["tradeItemVersion"],
            "warehouseId": grower.warehouse_id,
            "pricePerPiece": price(value, customer.currency),
            "volumePrices": [{"unit": "LAYER", "pricePerPiece": value * Decimal("0.98")}]
            if grower.happens(0.3)
            else [],
            "salesUnit": "PACKAGE",
            "usesCatalogAvailability": False,
            "isAvailable": True,
            "includedServices": ["DELIVERY"] if grower.happens(0.2) else [],
            "packingConfiguration": packing.with_package_codes(
                item, grower.custom_package_ids[0] if grower.happens(0.2) else None
            ),
            "counterId": None,
            "isDeleted": False,
        }

    def _request(self, item_request: str, packing_request: str) -> Document:
        grower = self._grower
        customer = grower.rng.choice(grower.customers[:10])
        wanted = [
            {"tradeItemId": grower.rng.choice(self._assortment.catalogue).id},
            {"tradeItemRequestId": item_request},
            {"packingConfigurationRequestId": packing_request},
        ]
        return {
            "supplyRequestId": grower.codes.uuid(),
            "customerOrganizationId": customer.id,
            "title": f"Aanvraag {grower.codes.number(4)}",
            "description": None,
            "quantityDescription": "twee karren per week",
            "salesChannel": "FLORIDAY",
            "orderPeriod": period(grower.now, grower.now + dt.timedelta(days=3)),
            "deliveryPeriod": days(day_of(grower.now), 2, 9),
            "agreementReference": None,
            "expiresAtDateTime": grower.now + dt.timedelta(days=2),
            "creationDateTime": grower.now,
            "lastModifiedDateTime": grower.now,
            "isDeleted": False,
            "commercialServices": ["DELIVERY"],
            "supplyRequestLines": [
                self._request_line(customer, members) for members in wanted[: grower.rng.randint(1, 3)]
            ],
        }

    def _request_line(self, customer: Customer, wanted: Document) -> Document:
        grower = self._grower
        return {
            "supplyRequestLineId": grower.codes.uuid(),
            "supplierOrganizationId": grower.organization_id,
            "tradeItemId": None,
            "tradeItemRequestId": None,
            "packingConfigurationRequestId": None,
            **wanted,
            "price": price(Decimal(grower.rng.randint(20, 500)) / 100, customer.currency),
            "status": "PENDING",
            "packingConfiguration": packing.with_package(grower.rng.choice(self._assortment.catalogue)),
            "acceptedAtDateTime": None,
            "creationDateTime": grower.now,
            "lastModifiedDateTime": grower.now,
            "isLockedByCustomer": grower.happens(0.1),
            "supplyLineId": None,
            "rejectionReason": None,
            "isDeleted": False,
        }

    def _answer(self, request: Document) -> None:
        """Accept lines with an offer, reject them with a reason, or leave them open."""
        grower = self._grower
        for line in request["supplyRequestLines"]:
            line["lastModifiedDateTime"] = grower.now
            if grower.happens(0.6):
                self._accept(request, line)
            elif grower.happens(0.8):
                line |= {"status": "REJECTED", "rejectionReason": "niet genoeg op voorraad"}
        request |= {"lastModifiedDateTime": grower.now, "isDeleted": grower.happens(0.05)}
        grower.publish(REQUESTS, request)

    def _accept(self, request: Document, line: Document) -> None:
        customers = [
            customer for customer in self._grower.register.customers if customer.id == request["customerOrganizationId"]
        ]
        offer, supply_line_id = self.make("SUPPLY_REQUEST", customers, request)
        (offered,) = offer["customerOfferLines"]
        offered["supplyRequestLineId"] = line["supplyRequestLineId"]
        self._grower.publish(OFFERS, offer)
        line |= {"status": "ACCEPTED", "acceptedAtDateTime": self._grower.now, "supplyLineId": supply_line_id}
