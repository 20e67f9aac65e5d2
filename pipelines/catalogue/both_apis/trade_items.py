"""Trade items, as far as both APIs serve them alike."""

from __future__ import annotations

from pipelines.catalogue.both_apis.records import (
    CREATION_DATE_TIME,
    IS_DELETED,
    LAST_MODIFIED_DATE_TIME,
    SEQUENCE_NUMBER,
)
from pipelines.catalogue.types import Record, field


class TradeItemBase(Record):
    """The fields of a trade item in both APIs; their types and order are in the subclasses."""

    trade_item_id = field("Floriday's identifier of the trade item, the same through all its versions")
    seller_organization_id = field("grower that sells it (organizations.organizations)")
    characteristics = field("characteristics of a trade item, such as pot size, height and maturity")
    seasonal_periods = field("seasons in which a trade item is on offer")
    photos = field("photos of a trade item")
    packing_configurations = field("ways to pack a trade item")
    botanical_names = field("botanical names")
    country_of_origin_iso_codes = field("countries that it comes from, as ISO 3166")
    is_hidden_in_catalog = field("whether buyers' catalogues leave it out, as with goods for the auction only")
    sequence_number = field(SEQUENCE_NUMBER)
    parent_id = field("trade item that it is a variant of (catalog.trade_items); NULL for no variant")
    creation_date_time = field(CREATION_DATE_TIME)
    last_modified_date_time = field(LAST_MODIFIED_DATE_TIME)
    is_deleted = field(IS_DELETED)
    has_invalid_floricode_data = field("whether a VBN code of the item has expired")
    additional_packaging_information_floricode_vrs_packaging_ids = field(
        "further packaging in Floricode's VRS register"
    )
