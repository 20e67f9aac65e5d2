"""Records, enumerations and phrases that many feeds of both APIs use.

Records of one API, or with values that differ between the APIs, are in the modules of that API.
"""

from __future__ import annotations

from typing import Literal

from pipelines.catalogue.types import Boolean, DateTime, Decimal, Int32, Record, Text, Uuid, field

SEQUENCE_NUMBER = "number of its newest change, rising within the feed"
CREATION_DATE_TIME = "when it was created at Floriday"
LAST_MODIFIED_DATE_TIME = "when it last changed at Floriday"
IS_DELETED = "whether it has been deleted at Floriday"
CARRIER = "carrier that takes the goods (organizations.organizations); NULL where none is known"
DESPATCH_WAREHOUSE = "warehouse that the goods leave from (organizations.warehouses)"
CUSTOM_PACKAGE = "custom package of an organization (catalog.custom_packages); NULL for a common one"
CUSTOMER = "buyer (organizations.organizations)"
DELIVERY_CONDITION = "delivery condition that applies (organizations.delivery_conditions)"
INCOTERM = "Incoterm: who pays for transport and who bears the risk"
NEXT_LEG = "where the goods go after delivery, such as a dock, as the buyer describes it"
DELIVERY_REMARKS = "remarks for the delivery, as free text"

Currency = Literal["EUR", "USD"]
Incoterm = Literal["DDP", "EXW", "DAP", "FCA", "FOB", "CPT", "CIP", "DPU", "FAS", "CFR", "CIF"]
VolumePriceUnit = Literal["PACKAGE", "LAYER", "LOAD_CARRIER"]
AdditionalServiceUnit = Literal["PIECE", "PACKAGE", "LAYER", "LOADCARRIER", "LABEL"]
SalesChannel = Literal[
    "UNKNOWN",
    "FLORAMONDO",
    "FLORIDAY",
    "FLORIDAY_FX",
    "FLORAXCHANGE",
    "PLANTION_CLOCK",
    "RFH_CLOCK",
    "VRM_CLOCK",
    "EXTERNAL_INTEGRATION",
]
SalesChannelInterface = Literal["UI", "VMP", "API", "UNKNOWN"]
CreditClaimStatus = Literal["OK", "FAILED", "NOT_CHECKED", "RELEASED", "PLANNED", "EXPIRED"]
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


class Price(Record):
    """An amount of money."""

    currency: Currency = field("currency, as ISO 4217")
    value: Decimal = field("amount in its currency")


class VolumePrice(Record):
    """The price of a piece for a buyer of whole units."""

    unit: VolumePriceUnit = field("unit that has to be bought whole to get the price")
    price_per_piece: Decimal = field("price of a piece; its currency is that of the price that it lowers")


class TradePeriod(Record):
    """A period between two moments."""

    start_date_time: DateTime = field("start")
    end_date_time: DateTime = field("end")


class SeasonalPeriod(Record):
    """A period of ISO weeks, the same every year."""

    start_week: Int32 = field("first ISO week, 1 to 53")
    end_week: Int32 = field("last ISO week, 1 to 53")


class Characteristic(Record):
    """One VBN characteristic with its value; the names of both are in Floricode's code lists only."""

    vbn_code: Text = field("VBN code of the characteristic, such as S01 for the pot size or S20 for the stem length")
    vbn_value_code: Text = field("VBN code of its value")


class Package(Record):
    """What the pieces are packed in."""

    vbn_package_code: Int32 = field("VBN code")
    custom_package_id: Uuid | None = field(CUSTOM_PACKAGE)


class Address(Record):
    """A postal address."""

    address_line: Text = field("street and number")
    city: Text = field("city")
    country_code: Text = field("country, as ISO 3166, mostly in two letters")
    postal_code: Text = field("postal code")
    state_or_province: Text | None = field("state or province; NULL where the country has none")


class Location(Record):
    """A place, by its global location number, its address or both."""

    gln: Text | None = field("GLN of 13 digits; NULL where only an address is known")
    address: Address | None = field("address")


class CorrectionDeliveryLocation(Record):
    """A place of delivery in a correction."""

    location_gln: Text | None = field("GLN of 13 digits")
    postal_code: Text | None = field("postal code")


class TradeSetting(Record):
    """A setting, and the organizations that it does not apply to."""

    is_active: Boolean = field("whether it is on")
    exempted_organization_ids: list[Uuid] = field(
        "organizations that it does not apply to (organizations.organizations)"
    )
    last_modified: DateTime | None = field("when it was last set; NULL where never")
