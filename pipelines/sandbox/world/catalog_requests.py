"""Buyers' requests for new trade items and packing configurations (the specification)."""

from __future__ import annotations

import datetime as dt
from functools import partial

from pipelines.sandbox.records.entries import Document
from pipelines.sandbox.world import packing
from pipelines.sandbox.world import vocabulary as words
from pipelines.sandbox.world.assortment import Assortment
from pipelines.sandbox.world.grower_context import GrowerContext

ITEMS = "catalog.trade_item_requests"
PACKINGS = "catalog.packing_configuration_requests"


class CatalogRequests:
    """The catalogue requests to a nursery.

    Args:
        grower: context of the nursery.
        assortment: trade items of the nursery.
    """

    def __init__(self, grower: GrowerContext, assortment: Assortment) -> None:
        self._grower = grower
        self._items = assortment.catalogue

    def receive(self) -> tuple[str, str]:
        """Publish a request for an item and one for a packing; returns their ids."""
        item, packed = self._item_request(), self._packing_request()
        for feed, request in ((ITEMS, item), (PACKINGS, packed)):
            self._grower.publish(feed, request)
            self._grower.after(self._grower.rng.randint(60, 2500), partial(self._answer, feed, request))

        return item["tradeItemRequestId"], packed["packingConfigurationRequestId"]

    def _answer(self, feed: str, request: Document) -> None:
        """Accept or reject a request, or leave it pending."""
        status = self._grower.rng.choices(("ACCEPTED", "REJECTED", "PENDING"), (55, 35, 10))[0]
        if status == "ACCEPTED" and feed == ITEMS:
            request["tradeItemId"] = self._grower.rng.choice(self._items).id
        request |= {"status": status, "lastModifiedDateTime": self._grower.now}
        self._grower.publish(feed, request)

    def _request(self) -> Document:
        grower = self._grower
        return {
            "supplierOrganizationId": grower.organization_id,
            "customerOrganizationId": grower.rng.choice(grower.register.customers).id,
            "tradeItemId": None,
            "status": "PENDING",
            "remark": grower.rng.choice(words.WISHES) if grower.happens(0.7) else None,
            "expiresAtDateTime": grower.now + dt.timedelta(days=7),
            "creationDateTime": grower.now,
            "lastModifiedDateTime": grower.now,
        }

    def _item_request(self) -> Document:
        like = self._grower.rng.choice(self._items)
        return {
            "tradeItemRequestId": self._grower.codes.uuid(),
            **self._request(),
            "vbnProductCode": like.record["vbnProductCode"],
            "packingConfiguration": packing.with_package(like),
            "characteristics": like.record["characteristics"][:2],
        }

    def _packing_request(self) -> Document:
        item = self._grower.rng.choice(self._items)
        return {
            "packingConfigurationRequestId": self._grower.codes.uuid(),
            **self._request(),
            **packing.with_package(item),
            "tradeItemId": item.id,
            "piecesPerPackage": item.pieces_per_package * 2,
        }
