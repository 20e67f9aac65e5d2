"""Track-and-trace scans of load carriers (the specification)."""

from __future__ import annotations

from decimal import Decimal

from pipelines.sandbox.records.entries import Document
from pipelines.sandbox.world.grower_context import HUBS, GrowerContext

FEED = "fulfillment.track_and_trace_scans"
TRACKED_SHARE = 0.15
"""Fraction of the shipments that is scanned."""


class Tracking:
    """The scans of a nursery's shipments.

    Args:
        grower: context of the nursery.
    """

    def __init__(self, grower: GrowerContext) -> None:
        self._grower = grower
        self._tracked: dict[str, tuple[str, str]] = {}

    def scan_departure(self, fulfillment: Document) -> None:
        """Scan some shipments at their departure, and again at a hub."""
        if self._grower.happens(TRACKED_SHARE):
            self._tracked[fulfillment["fulfillmentOrderId"]] = (
                f"LL{self._grower.codes.number(10):010d}",
                f"{self._grower.codes.number(2):02d}-BXR-{self._grower.rng.randint(1, 9)}",
            )
            self._scan(fulfillment, "READY_FOR_TRANSIT", None)
            self._grower.after(35, lambda: self._scan(fulfillment, "IN_TRANSIT", self._grower.rng.choice(HUBS)))

    def scan_arrival(self, fulfillment: Document) -> None:
        """Scan a tracked shipment at its arrival."""
        if fulfillment["fulfillmentOrderId"] in self._tracked:
            self._scan(fulfillment, "DELIVERED", fulfillment["destination"]["location"]["gln"])

    def _scan(self, fulfillment: Document, status: str, gln: str | None) -> None:
        grower = self._grower
        label, plate = self._tracked[fulfillment["fulfillmentOrderId"]]
        is_located = grower.happens(0.5)
        scan = {
            "scanId": grower.codes.uuid(),
            "fulfillmentOrderId": fulfillment["fulfillmentOrderId"],
            "trackAndTraceStatus": status,
            "scanDateTime": grower.now,
            "logisticLabelCode": label,
            "locationGln": gln,
            "licensePlateNumber": plate if status == "IN_TRANSIT" else None,
            "loadCarrierRfidTag": None,
            "locationLatitude": Decimal(grower.rng.randint(51_900_000, 52_300_000)) / 10**6 if is_located else None,
            "locationLongitude": Decimal(grower.rng.randint(4_200_000, 4_800_000)) / 10**6 if is_located else None,
        }
        grower.publish(FEED, scan)
