"""What growers add to their goods: additional services, the types of them, and packages of their own."""

from __future__ import annotations

import datetime as dt

from pipelines.catalogue import notes
from pipelines.catalogue.both_apis.records import IS_DELETED, SEQUENCE_NUMBER, AdditionalServiceUnit, Price
from pipelines.catalogue.both_apis.services import AdditionalStickerServiceInformation
from pipelines.catalogue.types import Boolean, Feed, Int32, Int64, Record, Retention, Text, Uuid, field
from pipelines.floriday.endpoints import Endpoint


class AdditionalService(Record):
    """Services that growers do for a price, such as sleeves or labels: one row for each additional service."""

    additional_service_id: Uuid = field("Floriday's identifier of the additional service")
    commercial_service_type_id: Uuid = field("kind of service (catalog.commercial_service_types)")
    name: Text = field("what the grower calls it")
    description: Text | None = field("what it is, in the grower's words")
    warehouse_ids: list[Uuid] = field("warehouses where it can be done (organizations.warehouses)")
    price: Price = field("price of one unit")
    unit: AdditionalServiceUnit = field("unit that is charged for")
    sticker_information: AdditionalStickerServiceInformation | None = field("stickers")
    floricode_vrs_packaging_id: Uuid | None = field("packaging in Floricode's VRS register; NULL for none")
    is_available: Boolean = field("whether it can be ordered now")
    is_deleted: Boolean = field(IS_DELETED)
    is_customer_specific: Boolean = field("whether it is for certain buyers only")
    supplier_organization_id: Uuid = field("grower that offers it (organizations.organizations)")
    sequence_number: Int64 = field(SEQUENCE_NUMBER)


class CommercialServiceType(Record):
    """Floriday's kinds of additional service: one row for each commercial service type."""

    commercial_service_type_id: Uuid = field("Floriday's identifier of the commercial service type")
    name: Text | None = field("what Floriday calls it")
    sequence_number: Int64 = field(SEQUENCE_NUMBER)


class MaterialType(Record):
    """What a package is made of."""

    material_type_id: Uuid = field("Floriday's identifier")
    name: Text | None = field("name")


class CustomPackage(Record):
    """Packages that organizations brought in beside the common ones: one row for each custom package."""

    custom_package_id: Uuid = field("Floriday's identifier of the custom package")
    vbn_package_code: Int32 = field("VBN code of the common package to use where custom packages are not supported")
    name: Text = field("what its owner calls it")
    photo_url: Text | None = field("address of a photo of the empty package")
    height_in_mm: Int32 = field("height in millimetres")
    width_in_mm: Int32 = field("width in millimetres")
    length_in_mm: Int32 = field("length in millimetres")
    is_deleted: Boolean = field(IS_DELETED)
    sequence_number: Int64 = field(SEQUENCE_NUMBER)
    weight_in_gram: Int32 | None = field("weight in grams; NULL where unknown")
    material_type: MaterialType | None = field("material")
    floricode_vrs_packaging_id: Uuid | None = field("packaging in Floricode's VRS register; NULL for none")
    default_pieces_per_package: Int32 | None = field("pieces that it usually contains; NULL for no usual number")


ADDITIONAL_SERVICES = Feed(
    schema="catalog",
    table="additional_services",
    record=AdditionalService,
    key=("additional_service_id",),
    endpoint=Endpoint("/additional-services", "limit"),
    scope="catalog:read",
    retention=Retention(dt.timedelta(days=365), "its deletion"),
    widened_by=("organizations.connections",),
    notes=(notes.CONNECTED_SUPPLIERS_ONLY, notes.HISTORY_STARTS_HERE, notes.NO_TIMESTAMPS),
)

COMMERCIAL_SERVICE_TYPES = Feed(
    schema="catalog",
    table="commercial_service_types",
    record=CommercialServiceType,
    key=("commercial_service_type_id",),
    endpoint=Endpoint("/commercial-service-types", "limit"),
    scope="catalog:read",
    retention=Retention(dt.timedelta(days=5 * 365)),
    notes=(notes.NOTHING_DELETED, notes.NO_TIMESTAMPS),
)

CUSTOM_PACKAGES = Feed(
    schema="catalog",
    table="custom_packages",
    record=CustomPackage,
    key=("custom_package_id",),
    endpoint=Endpoint("/custom-packages", "limit", by_id="/custom-packages/{customPackageId}"),
    scope="catalog:read",
    retention=Retention(dt.timedelta(days=5 * 365)),
    notes=(notes.HISTORY_STARTS_HERE, notes.NO_TIMESTAMPS),
)

FEEDS = (ADDITIONAL_SERVICES, COMMERCIAL_SERVICE_TYPES, CUSTOM_PACKAGES)
