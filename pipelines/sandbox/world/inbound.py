"""Inbound fulfillment orders: goods from the nursery's other location (the specification)."""

from __future__ import annotations

from collections.abc import Sequence

from pipelines.sandbox.records.entries import Document
from pipelines.sandbox.world.batch import Batch
from pipelines.sandbox.world.calendar import day_of, moment, workday_after
from pipelines.sandbox.world.grower_context import GrowerContext

FEED = "fulfillment.inbound_fulfillment_orders"


class Inbound:
    """The inbound fulfillment orders of a nursery.

    Args:
        grower: context of the nursery.
    """

    def __init__(self, grower: GrowerContext) -> None:
        self._grower = grower

    def announce(self, batches: Sequence[Batch]) -> None:
        """Announce a shipment of batches; it is delivered the next morning, or sometimes cancelled."""
        if not batches:
            return
        record = self._record(batches)
        self._grower.publish(FEED, record)
        self._grower.at(record["latestDeliveryDateTime"], lambda: self._arrive(record))

    def _arrive(self, record: Document) -> None:
        record["status"] = "DELIVERED" if self._grower.happens(0.93) else "CANCELLED"
        record["lastModifiedDateTime"] = self._grower.now
        self._grower.publish(FEED, record)

    def _record(self, batches: Sequence[Batch]) -> Document:
        grower = self._grower
        code = grower.codes.note()
        items = [self._item(batch, code, index) for index, batch in enumerate(batches)]
        return {
            "fulfillmentOrderId": grower.codes.uuid(),
            "carrierOrganizationId": grower.rng.choice(grower.register.carriers)["organizationId"],
            "latestDeliveryDateTime": moment(workday_after(day_of(grower.now), 1), 6),
            "destination": {
                "organizationId": grower.organization_id,
                "warehouseId": grower.warehouse_id,
                "location": None,
            },
            "despatchWarehouseId": grower.second_warehouse_id,
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
            "supplierOrganizationId": grower.organization_id,
            "status": "ACCEPTED",
            "creationDateTime": grower.now,
            "lastModifiedDateTime": grower.now,
        }

    def _item(self, batch: Batch, code: str, index: int) -> Document:
        return {
            "batchId": batch.id,
            "numberOfPackages": max(1, batch.left // batch.item.pieces_per_package),
            "serviceCode": 12 if index else None,
            "tradeItemId": batch.item.id,
            "batchReference": batch.record["batchReference"][-8:],
            "deliveryNoteCode": code,
            "deliveryNoteLetter": chr(ord("A") + index),
            "sortIndex": index,
            "deliveryRemarks": None,
        }
