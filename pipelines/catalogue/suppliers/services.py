"""What goes with the goods: additional services and their types, custom packages (the specification)."""

from __future__ import annotations

import datetime as dt

from pipelines.catalogue import notes
from pipelines.catalogue.both_apis.records import (
    CREATION_DATE_TIME,
    IS_DELETED,
    LAST_MODIFIED_DATE_TIME,
    SEQUENCE_NUMBER,
    AdditionalServiceUnit,
    Price,
)
from pipelines.catalogue.both_apis.services import AdditionalStickerServiceInformation
from pipelines.catalogue.types import Boolean, DateTime, Feed, Int32, Int64, Record, Retention, Text, Uuid, field
from pipelines.floriday.endpoints import Endpoint


class CommercialServiceType(Record):
    """Types of service, such as stickering: one row for each."""

    commercial_service_type_id: Uuid = field("Floriday's identifier of the kind of service")
    commercial_service_type_name: Text | None = field("name")
    sequence_number: Int64 = field(SEQUENCE_NUMBER)


class AdditionalService(Record):
    """Services that a grower charges for beside the goods: one row for each additional service."""

    additional_service_id: Uuid = field("Floriday's identifier of the additional service")
    commercial_service_type: CommercialServiceType = field("kind of service (catalog.commercial_service_types)")
    name: Text = field("name")
    description: Text | None = field("what is done")
    warehouse_ids: list[Uuid] = field("warehouses that offer it (organizations.warehouses)")
    price: Price = field("price of one unit")
    unit: AdditionalServiceUnit = field("unit that is charged for")
    customer_organization_ids: list[Uuid] | None = field(
        "customers whom it is for (organizations.organizations); NULL or empty for all"
    )
    is_customer_specific: Boolean = field("whether it is for certain customers only")
    sticker_information: AdditionalStickerServiceInformation | None = field("stickers")
    floricode_vrs_packaging_id: Uuid | None = field("packaging in Floricode's VRS register")
    is_available: Boolean = field("whether it can be ordered now")
    is_deleted: Boolean = field(IS_DELETED)
    sequence_number: Int64 = field(SEQUENCE_NUMBER)


class MaterialType(Record):
    """What a package is made of."""

    material_type_id: Uuid = field("Floriday's identifier")
    name: Text = field("name")


class CustomPackage(Record):
    """Packages of organizations' own that have no VBN code: one row for each custom package."""

    custom_package_id: Uuid = field("Floriday's identifier of the custom package")
    code: Text = field("the owner's code")
    name: Text = field("name")
    description: Text = field("what it looks like")
    photo_url: Text | None = field("address of a photo")
    package_length_in_mm: Int32 = field("length in millimetres")
    package_width_in_mm: Int32 = field("width in millimetres")
    package_height_in_mm: Int32 = field("height in millimetres")
    package_weight_in_gram: Int32 | None = field("weight in grams")
    fallback_vbn_package_code: Int32 = field("VBN code to use where custom packages are not supported")
    material_type_id: Uuid | None = field("Floriday's identifier of its material (material_type_name)")
    is_deleted: Boolean | None = field(IS_DELETED)
    creation_date_time: DateTime = field(CREATION_DATE_TIME)
    last_modified_date_time: DateTime = field(LAST_MODIFIED_DATE_TIME)
    sequence_number: Int64 = field(SEQUENCE_NUMBER)
    material_type: MaterialType | None = field("what it is made of")
    floricode_vrs_packaging_id: Uuid | None = field("packaging in Floricode's VRS register")
    default_pieces_per_package: Int32 | None = field("pieces that usually go into it")


ADDITIONAL_SERVICES = Feed(
    schema="catalog",
    table="additional_services",
    record=AdditionalService,
    key=("additional_service_id",),
    endpoint=Endpoint("/additional-services", "limit", by_id="/additional-services/{additionalServiceId}"),
    scope="catalog:read",
    retention=Retention(dt.timedelta(days=365), "its deletion"),
    notes=(notes.HISTORY_STARTS_HERE, notes.NO_TIMESTAMPS),
)

COMMERCIAL_SERVICE_TYPES = Feed(
    schema="catalog",
    table="commercial_service_types",
    record=CommercialServiceType,
    key=("commercial_service_type_id",),
    endpoint=Endpoint("/commercial-service-types", "limit"),
    scope="catalog:read",
    retention=Retention(dt.timedelta(days=5 * 365)),
    notes=(notes.NOTHING_DELETED, notes.HISTORY_STARTS_HERE, notes.NO_TIMESTAMPS),
)

CUSTOM_PACKAGES = Feed(
    schema="catalog",
    table="custom_packages",
    record=CustomPackage,
    key=("custom_package_id",),
    endpoint=Endpoint("/custom-packages", "limit", by_id="/custom-packages/{customPackageId}"),
    scope="catalog:read",
    retention=Retention(dt.timedelta(days=5 * 365)),
    notes=(notes.HISTORY_STARTS_HERE,),
)

FEEDS = (ADDITIONAL_SERVICES, COMMERCIAL_SERVICE_TYPES, CUSTOM_PACKAGES)
