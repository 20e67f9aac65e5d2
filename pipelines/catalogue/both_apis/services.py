"""Additional services and stickers, as far as both APIs serve them alike."""

from __future__ import annotations

from typing import Literal

from pipelines.catalogue.both_apis.records import AdditionalServiceUnit, Price
from pipelines.catalogue.types import Boolean, Decimal, Int32, Record, Uuid, field

AdditionalStickerServiceType = Literal[
    "UNKNOWN", "POT", "PACKAGE", "SLEEVE", "PRODUCT", "LAYER", "LOAD_CARRIER", "DOCUMENT"
]
StickerUploadLayout = Literal["UNKNOWN", "SINGLE", "MULTIPLE"]
StickerProvidedBy = Literal["UNKNOWN", "SUPPLIER", "CUSTOMER", "THIRD_PARTY"]

DELIVER_SEPARATELY = "whether the stickers are delivered loose, not put on"


class Size(Record):
    """Width and height of a sticker."""

    width_in_mm: Int32 = field("width in millimetres")
    height_in_mm: Int32 = field("height in millimetres")


class AdditionalStickerServiceInformation(Record):
    """The stickers of a service."""

    sticker_type: AdditionalStickerServiceType = field("what the stickers are put on")
    deliver_separately: Boolean = field(DELIVER_SEPARATELY)
    supported_sticker_sizes: list[Size] = field(
        "sizes of sticker that an additional service can take", table="additional_service_sticker_sizes"
    )
    is_default: Boolean = field("whether it is the usual service for such stickers")


class CustomerStickerFileInformation(Record):
    """How the file with the stickers is printed; the file itself is not in this warehouse."""

    upload_layout: StickerUploadLayout = field("whether a page contains one sticker or several")
    number_of_pages: Int32 = field("pages")
    number_of_copies: Int32 = field("copies to print")
    deliver_separately: Boolean = field(DELIVER_SEPARATELY)
    sticker_provided_by: StickerProvidedBy = field("party that provides the stickers")
    should_be_printed: Boolean = field("whether the grower has to print them")
    parent_id: Uuid | None = field(
        "sticker that the file is taken from, presumably (fulfillment.customer_stickers); NULL for none"
    )


class OrderedAdditionalService(Record):
    """A service that the buyer pays for beside the goods."""

    additional_service_id: Uuid = field("service that was ordered (catalog.additional_services)")
    price: Price = field("price of one unit")
    unit: AdditionalServiceUnit = field("unit that is charged for")
    number_of_units: Int32 | None = field("units; NULL but for labels")
    sticker_id: Uuid | None = field("the buyer's sticker (fulfillment.customer_stickers); NULL but for labels")


class CorrectionAdditionalService(Record):
    """An additional service that a correction changes."""

    additional_service_id: Uuid = field("additional service (catalog.additional_services)")
    price_per_unit: Decimal = field("price of one unit after the correction, in the order's currency")
    is_deleted: Boolean = field("whether the correction takes it off")
