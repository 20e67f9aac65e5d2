"""Goods that come in from the nursery's other place (the specification)."""

from __future__ import annotations

from collections.abc import Sequence

from pipelines.sandbox.records.entries import Document
from pipelines.sandbox.world.batch import Batch
from pipelines.sandbox.world.calendar import day_of, moment, workday_after
from pipelines.sandbox.world.site import Site

FEED = "fulfillment.inbound_fulfillment_orders"


class Inbound:
    """The shipments to a nursery.

    Args:
        site: the nursery.
    """

    def __init__(self, site: Site) -> None:
        self._site = site

    def announce(self, batches: Sequence[Batch]) -> None:
        """Send batches on their way; they arrive the next morning, if nothing comes between."""
        if not batches:
            return
        record = self._record(batches)
        self._site.publish(FEED, record)
        self._site.at(record["latestDeliveryDateTime"], lambda: self._arrive(record))

    def _arrive(self, record: Document) -> None:
        record["status"] = "DELIVERED" if self._site.happens(0.93) else "CANCELLED"
        record["lastModifiedDateTime"] = self._site.now
        self._site.publish(FEED, record)

    def _record(self, batches: Sequence[Batch]) -> Document:
        site = self._site
        code = site.codes.note()
        items = [self._item(batch, code, place) for place, batch in enumerate(batches)]
        return {
            "fulfillmentOrderId": site.codes.uuid(),
            "carrierOrganizationId": site.chance.choice(site.register.carriers)["organizationId"],
            "latestDeliveryDateTime": moment(workday_after(day_of(site.now), 1), 6),
            "destination": {
                "organizationId": site.organization_id,
                "warehouseId": site.warehouse_id,
                "location": None,
            },
            "despatchWarehouseId": site.second_warehouse_id,
            "loadCarriers": [
                {
                    "loadCarrierItems": items,
                    "loadCarrierType": "DANISH_TROLLEY",
                    "numberOfAdditionalLayers": 2,
                    "documentReference": f"{code}-1",
                    "deliveryNoteCodes": [code],
                    "sortIndex": 0,
                    "loadCarrierReference": None,
                }
            ],
            "deliveryNoteCodes": [code],
            "supplierOrganizationId": site.organization_id,
            "status": "ACCEPTED",
            "creationDateTime": site.now,
            "lastModifiedDateTime": site.now,
        }

    def _item(self, batch: Batch, code: str, place: int) -> Document:
        return {
            "batchId": batch.id,
            "numberOfPackages": max(1, batch.left // batch.item.pieces_per_package),
            "serviceCode": 12 if place else None,
            "tradeItemId": batch.item.id,
            "batchReference": batch.record["batchReference"][-8:],
            "deliveryNoteCode": code,
            "deliveryNoteLetter": chr(ord("A") + place),
            "sortIndex": place,
            "deliveryRemarks": None,
        }
