"""Records, enumerations and phrases that several modules of the Suppliers API use (the specification).

Some have the same name as one of the Customers API with other fields or values.
"""

from __future__ import annotations

from typing import Literal

from pipelines.catalogue.both_apis.records import CUSTOM_PACKAGE, LoadCarrierType, Location, Package
from pipelines.catalogue.types import Boolean, Int32, Record, Text, Uuid, field

ALLOWED_CUSTOMERS = "only customers who may order it so (organizations.organizations); NULL or empty for all"
SALES_STRATEGY = "sales strategy that it was sold by (supply.sales_strategies); NULL for none"
PACKING_AGENT = "who packs for the grower (organizations.organizations); NULL where the grower does"
SERVICE_CODE = "service code of the location where it was grown, without leading zeros"
NOTE_CODE = "code of the delivery note; its number is code and letter"
NOTE_LETTER = "letter of the delivery note"
ADDITIONAL_LAYERS = "layers added to it"
DOCUMENT_REFERENCE = "reference of the transport document"

SupplyStatus = Literal["AVAILABLE", "UNAVAILABLE", "DELETED"]
Unit = Literal["PIECE", "BUNCH", "PACKAGE", "LAYER", "LOADCARRIER"]
SalesUnit = Literal["PACKAGE", "LAYER", "LOADCARRIER", "SUPPLYLINE", "PIECE"]
CommercialService = Literal["DELIVERY", "STICKERING", "NONE"]
SupplyLoadCarrierType = Literal["NONE", "AUCTION_TROLLEY", "DANISH_TROLLEY", "EURO_TROLLEY", "PALLET", "EURO_PALLET"]
OrganizationType = Literal["CUSTOMER", "SUPPLIER", "AGENT", "CARRIER", "OTHER"]
RequestStatus = Literal["PENDING", "ACCEPTED", "REJECTED"]
PriceGroupType = Literal["CALCULATED", "MANUAL"]
FulfillmentStatus = Literal["DRAFT", "PENDING", "ACCEPTED", "FAILED", "CANCELLED", "DELIVERED"]


class AgreementReference(Record):
    """How an agreement between grower and buyer is called."""

    code: Text = field("its code")
    description: Text = field("what it is about")


class Destination(Record):
    """Who receives the goods, and where."""

    organization_id: Uuid = field("receiving organization (organizations.organizations)")
    warehouse_id: Uuid | None = field(
        "warehouse that receives (organizations.warehouses); NULL for none known to Floriday"
    )
    location: Location | None = field("place")


class Quantity(Record):
    """A number of units."""

    amount: Int32 = field("how many units")
    unit: Unit = field("unit that is counted")


class PackingConfiguration(Record):
    """Pieces to a package, packages to a layer, layers to a load carrier."""

    primary: Boolean = field("whether it is the usual way")
    pieces_per_package: Int32 = field("pieces in a package")
    package: Package = field("package")
    packages_per_layer: Int32 = field("packages on a layer")
    layers_per_load_carrier: Int32 = field("layers on a load carrier")
    load_carrier: SupplyLoadCarrierType = field("kind of load carrier")
    photo_url: Text | None = field("address of a photo of the packed goods")
    allowed_customer_organization_ids: list[Uuid] | None = field(ALLOWED_CUSTOMERS)
    floricode_vrs_packaging_id: Uuid | None = field("packaging in Floricode's VRS register")
    is_hidden_for_direct_sales: Boolean = field("whether direct sales leave it out")


class PackingConfigurationBase(Record):
    """How pieces are packed, with the package's codes among the rest."""

    pieces_per_package: Int32 = field("pieces in a package")
    vbn_package_code: Int32 = field("VBN code of the package")
    custom_package_id: Uuid | None = field(CUSTOM_PACKAGE)
    packages_per_layer: Int32 = field("packages on a layer")
    layers_per_load_carrier: Int32 = field("layers on a load carrier")
    load_carrier: LoadCarrierType = field("kind of load carrier")
    photo_url: Text | None = field("address of a photo of the packed goods")


class RequestPackingConfiguration(Record):
    """How a buyer asks for pieces to be packed."""

    pieces_per_package: Int32 = field("pieces in a package")
    package: Package = field("package")
    packages_per_layer: Int32 = field("packages on a layer")
    layers_per_load_carrier: Int32 = field("layers on a load carrier")
    load_carrier: SupplyLoadCarrierType = field("kind of load carrier")
