"""Records, enumerations and phrases that several modules of the Customers API use (the specification).

Many have the same name as one of the Suppliers API with other fields or values.
"""

from __future__ import annotations

from typing import Literal

from pipelines.catalogue.both_apis.records import LoadCarrierType, Package, Price
from pipelines.catalogue.types import Boolean, DateTime, Int32, Record, Text, Uuid, field

SUPPLIER = "supplier (organizations.organizations)"
SELLER = "grower that sells it (organizations.organizations)"
CUSTOMER_REFERENCE = "the buyer's own reference for the order"
REGION_GLN = "GLN of the region (organizations.delivery_condition_regions)"
EXPIRES_AT = "until when it can be answered"
NEXT_LEG = "where the goods go after delivery, in the buyer's words; the seat number for clock trade"

SupplyStatus = Literal["AVAILABLE", "UNAVAILABLE"]
IncludedServices = Literal["NONE", "DELIVERY", "STICKERING"]
Unit = Literal["PIECE", "BUNCH", "PACKAGE", "LAYER", "LOADCARRIER", "SHIPMENT"]
OrganizationType = Literal["CUSTOMER", "SUPPLIER", "CARRIER", "AGENT", "REMAINING"]


class Period(Record):
    """A period between two moments."""

    start_date_time: DateTime = field("start")
    end_date_time: DateTime = field("end")


class AgreementReference(Record):
    """How an agreement between grower and buyer is called."""

    code: Text | None = field("its code")
    description: Text | None = field("what it is about")


class Address(Record):
    """A postal address, any part of which may be unknown."""

    address_line: Text | None = field("street and number")
    city: Text | None = field("city")
    country_code: Text | None = field("country, as ISO 3166, mostly in two letters")
    postal_code: Text | None = field("postal code")
    state_or_province: Text | None = field("state or province; NULL where the country has none")


class Location(Record):
    """A place, by its global location number, its address or both."""

    gln: Text | None = field("GLN of 13 digits; NULL where only an address is known")
    address: Address | None = field("address")


class Quantity(Record):
    """How many of which unit."""

    amount: Int32 = field("number of units")
    unit: Unit = field("unit that is counted")


class PackingConfiguration(Record):
    """Pieces to a package, packages to a layer, layers to a load carrier, and what that costs more."""

    package: Package = field("package")
    pieces_per_package: Int32 = field("pieces in a package")
    photo_url: Text | None = field("address of a photo of the packed goods")
    packages_per_layer: Int32 = field("packages on a layer")
    layers_per_load_carrier: Int32 = field("layers on a load carrier, the lowest included")
    load_carrier_type: LoadCarrierType = field("kind of load carrier")
    additional_price_per_piece: Price | None = field("surcharge on a piece")
    is_primary: Boolean = field("whether it is the usual way")
    floricode_vrs_packaging_id: Uuid | None = field("packaging in Floricode's VRS register")
