"""What buyers ask a nursery to put into its catalogue (the specification)."""

from __future__ import annotations

import datetime as dt
from functools import partial

from pipelines.sandbox.records.entries import Document
from pipelines.sandbox.world import packing
from pipelines.sandbox.world import vocabulary as words
from pipelines.sandbox.world.assortment import Assortment
from pipelines.sandbox.world.site import Site

ITEMS = "catalog.trade_item_requests"
PACKINGS = "catalog.packing_configuration_requests"


class CatalogRequests:
    """The requests that a nursery gets and answers.

    Args:
        site: the nursery.
        assortment: what it grows.
    """

    def __init__(self, site: Site, assortment: Assortment) -> None:
        self._site = site
        self._items = assortment.catalogue

    def come_in(self) -> tuple[str, str]:
        """Ask for an item and for a packing; returns the requests' ids."""
        item, packed = self._item_request(), self._packing_request()
        for feed, request in ((ITEMS, item), (PACKINGS, packed)):
            self._site.publish(feed, request)
            self._site.after(self._site.chance.randint(60, 2500), partial(self._answer, feed, request))

        return item["tradeItemRequestId"], packed["packingConfigurationRequestId"]

    def _answer(self, feed: str, request: Document) -> None:
        """Accept or reject a request, or leave it."""
        status = self._site.chance.choices(("ACCEPTED", "REJECTED", "PENDING"), (55, 35, 10))[0]
        if status == "ACCEPTED" and feed == ITEMS:
            request["tradeItemId"] = self._site.chance.choice(self._items).id
        request |= {"status": status, "lastModifiedDateTime": self._site.now}
        self._site.publish(feed, request)

    def _request(self) -> Document:
        site = self._site
        return {
            "supplierOrganizationId": site.organization_id,
            "customerOrganizationId": site.chance.choice(site.register.customers).id,
            "tradeItemId": None,
            "status": "PENDING",
            "remark": site.chance.choice(words.WISHES) if site.happens(0.7) else None,
            "expiresAtDateTime": site.now + dt.timedelta(days=7),
            "creationDateTime": site.now,
            "lastModifiedDateTime": site.now,
        }

    def _item_request(self) -> Document:
        like = self._site.chance.choice(self._items)
        return {
            "tradeItemRequestId": self._site.codes.uuid(),
            **self._request(),
            "vbnProductCode": like.record["vbnProductCode"],
            "packingConfiguration": packing.briefly(like),
            "characteristics": like.record["characteristics"][:2],
        }

    def _packing_request(self) -> Document:
        item = self._site.chance.choice(self._items)
        return {
            "packingConfigurationRequestId": self._site.codes.uuid(),
            **self._request(),
            **packing.briefly(item),
            "tradeItemId": item.id,
            "piecesPerPackage": item.pieces_per_package * 2,
        }
