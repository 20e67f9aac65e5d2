"""Where load carriers were scanned on their way (the specification)."""

from __future__ import annotations

from decimal import Decimal

from pipelines.sandbox.records.entries import Document
from pipelines.sandbox.world.site import HUBS, Site

FEED = "fulfillment.track_and_trace_scans"
FOLLOWED = 0.15
"""The part of the shipments that is scanned."""


class Tracking:
    """The scans of a nursery's shipments.

    Args:
        site: the nursery.
    """

    def __init__(self, site: Site) -> None:
        self._site = site
        self._followed: dict[str, tuple[str, str]] = {}

    def leave(self, fulfillment: Document) -> None:
        """Scan some shipments as they leave, and again at a hub."""
        if self._site.happens(FOLLOWED):
            self._followed[fulfillment["fulfillmentOrderId"]] = (
                f"LL{self._site.codes.number(10):010d}",
                f"{self._site.codes.number(2):02d}-BXR-{self._site.chance.randint(1, 9)}",
            )
            self._scan(fulfillment, "READY_FOR_TRANSIT", None)
            self._site.after(35, lambda: self._scan(fulfillment, "IN_TRANSIT", self._site.chance.choice(HUBS)))

    def arrive(self, fulfillment: Document) -> None:
        """Scan what was followed as it arrives."""
        if fulfillment["fulfillmentOrderId"] in self._followed:
            self._scan(fulfillment, "DELIVERED", fulfillment["destination"]["location"]["gln"])

    def _scan(self, fulfillment: Document, status: str, gln: str | None) -> None:
        site = self._site
        label, plate = self._followed[fulfillment["fulfillmentOrderId"]]
        is_located = site.happens(0.5)
        scan = {
            "scanId": site.codes.uuid(),
            "fulfillmentOrderId": fulfillment["fulfillmentOrderId"],
            "trackAndTraceStatus": status,
            "scanDateTime": site.now,
            "logisticLabelCode": label,
            "locationGln": gln,
            "licensePlateNumber": plate if status == "IN_TRANSIT" else None,
            "loadCarrierRfidTag": None,
            "locationLatitude": Decimal(site.chance.randint(51_900_000, 52_300_000)) / 10**6 if is_located else None,
            "locationLongitude": Decimal(site.chance.randint(4_200_000, 4_800_000)) / 10**6 if is_located else None,
        }
        site.publish(FEED, scan)
