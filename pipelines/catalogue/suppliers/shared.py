"""Records and enumerations that several modules of the Suppliers API nest (R§3.0, 3.2, 3.9).

The Customers API has other values under some of these names, so they are not shared with it.
"""

from __future__ import annotations

from typing import Literal

from pipelines.catalogue.shared import Location
from pipelines.catalogue.types import Record, Text, Uuid, field

SupplyStatus = Literal["AVAILABLE", "UNAVAILABLE", "DELETED"]
SalesUnit = Literal["PACKAGE", "LAYER", "LOADCARRIER", "SUPPLYLINE", "PIECE"]
CommercialService = Literal["DELIVERY", "STICKERING", "NONE"]
SupplyLoadCarrierType = Literal["NONE", "AUCTION_TROLLEY", "DANISH_TROLLEY", "EURO_TROLLEY", "PALLET", "EURO_PALLET"]
LoadCarrierType = Literal[
    "NONE",
    "AUCTION_TROLLEY",
    "DANISH_TROLLEY",
    "EURO_TROLLEY",
    "PALLET",
    "EURO_PALLET",
    "DANISH_TROLLEY_NON_CC_RFID",
    "DANISH_TROLLEY_WATER_TRAY",
    "WATERING_CONTAINER",
    "IFCO_PALLET",
    "CHEP_PALLET_BLUE",
    "CHEP_PALLET_RED",
    "BLOCK_PALLET",
    "HT_EURO_PALLET",
    "ONE_THIRD_DANISH_TROLLEY",
]
PaymentProvider = Literal["RFH", "VRM", "PLANTION", "UNKNOWN", "OTHER", "RFH_E_WALLET", "FX_SERVICES", "RFH_PAY_LATER"]
OrganizationType = Literal["CUSTOMER", "SUPPLIER", "AGENT", "CARRIER", "OTHER"]


class AgreementReference(Record):
    """How an agreement between grower and buyer is called."""

    code: Text = field("its code")
    description: Text = field("what it is about")


class Destination(Record):
    """Who receives the goods, and where."""

    organization_id: Uuid = field("receiving organization (organizations.organizations)")
    warehouse_id: Uuid | None = field("warehouse that receives; NULL where it is no warehouse known to Floriday")
    location: Location | None = field("place")
