"""What goes to the auction clock: its lines, those of its presales, and the strategies behind them."""

from __future__ import annotations

from typing import Literal

from pipelines.catalogue import notes
from pipelines.catalogue.both_apis.records import (
    CREATION_DATE_TIME,
    IS_DELETED,
    LAST_MODIFIED_DATE_TIME,
    SEQUENCE_NUMBER,
    Package,
    Price,
    TradePeriod,
    VolumePrice,
)
from pipelines.catalogue.suppliers.shared import (
    NOTE_CODE,
    NOTE_LETTER,
    PACKING_AGENT,
    SERVICE_CODE,
    Quantity,
    SupplyLoadCarrierType,
    SupplyStatus,
)
from pipelines.catalogue.types import Boolean, Date, DateTime, Decimal, Feed, Int32, Int64, Record, Text, Uuid, field
from pipelines.floriday.endpoints import Endpoint

AuctionLocation = Literal["AALSMEER", "NAALDWIJK", "RIJNSBURG", "EELDE", "PLANTION", "RHEINMAAS", "DIGITAL"]
AuctionStatusName = Literal[
    "AUCTION_COMPLETED",
    "AUCTION_FINALIZING",
    "CANCELLED",
    "DESTROYED",
    "INVALID_FOR_AUCTION",
    "IN_AUCTION",
    "NEEDS_CORRECTION",
    "NOT_AUCTIONED",
    "NOT_QUEUED_FOR_AUCTION",
    "QUEUED_FOR_AUCTION",
    "RETOUR_SUPPLIER",
    "SKIPPED",
]
DaytradeHub = Literal["UNKNOWN", "AALSMEER", "NAALDWIJK", "RIJNSBURG", "EELDE", "RHEINMAAS", "PLANTION"]

AUCTION_DATE = "day of the auction, as a date in Amsterdam"
SUPPLY_LINE_ID = "Floriday's identifier of the line"
NOTE_REFERENCE = "code and letter of the delivery note that first brought it to the clock"
STRATEGY = "sales strategy that it comes from (supply.sales_strategies); NULL for none"


class ClockSupplyLinePackingConfiguration(Record):
    """How the pieces at the clock are packed."""

    pieces_per_package: Int32 = field("pieces in a package")
    package: Package = field("package")
    packages_per_layer: Int32 = field("packages on a layer")
    layers_per_load_carrier: Int32 = field("layers on a load carrier")
    load_carrier: SupplyLoadCarrierType = field("kind of load carrier")


class ClockSupplyLine(Record):
    """What is brought to the auction clock: one row for each line."""

    supply_line_id: Uuid = field(SUPPLY_LINE_ID)
    trade_item_id: Uuid = field("what is auctioned (catalog.trade_items)")
    batch_id: Uuid = field("stock that it comes from (supply.batches)")
    minimum_price_per_piece: Price | None = field("lowest price of a piece (NULL where there is none)")
    minimum_order_quantity: Quantity | None = field("least that a buyer may take (NULL where there is none)")
    number_of_pieces: Int32 = field("pieces")
    auction_date: Date = field(AUCTION_DATE)
    auction_location: AuctionLocation = field("site of the auction")
    auction_group_code: Int32 = field("auction group that it is sold in")
    quality_group_code: Text = field("quality group, such as A1")
    service_code: Int32 | None = field(SERVICE_CODE)
    delivery_note_code: Text | None = field(NOTE_CODE)
    packing_configuration: ClockSupplyLinePackingConfiguration = field("packing")
    packing_agent_organization_id: Uuid | None = field(PACKING_AGENT)
    sequence_number: Int64 = field(SEQUENCE_NUMBER)
    creation_date_time: DateTime | None = field(CREATION_DATE_TIME)
    last_modified_date_time: DateTime | None = field(LAST_MODIFIED_DATE_TIME)
    clock_presales_supply_reference: Uuid | None = field(
        "line of the presales that its pieces come from (supply.clock_presales_supply_lines); "
        "NULL for none, and often again from the day of the auction"
    )
    delivery_note_reference: Text | None = field(NOTE_REFERENCE)
    auction_status: AuctionStatusName | None = field("how far the auction is, or what became of the goods")
    is_deleted: Boolean = field(IS_DELETED)
    sales_strategy_id: Uuid | None = field(STRATEGY)


class ClockPresalesSupplyLine(Record):
    """What can be bought at a fixed price before the auction clock: one row for each line."""

    supply_line_id: Uuid = field(SUPPLY_LINE_ID)
    status: SupplyStatus = field("whether it can be ordered")
    trade_item_id: Uuid = field("what is offered (catalog.trade_items)")
    trade_item_version: Int32 | None = field("version of the trade item that is offered")
    batch_id: Uuid | None = field("stock that it comes from (supply.batches)")
    price_per_piece: Price = field("price of a piece")
    delivery_note_reference: Text = field(f"{NOTE_REFERENCE}; unique neither across growers nor years")
    delivery_note_code: Text = field(NOTE_CODE)
    delivery_note_letter: Text = field(NOTE_LETTER)
    number_of_pieces: Int32 = field("pieces left; what is unsold goes to the clock; below 0 for some that have ended")
    packing_configuration: ClockSupplyLinePackingConfiguration = field("packing")
    trade_period: TradePeriod = field("time in which it can be ordered")
    supplier_organization_id: Uuid = field("grower who offers it (organizations.organizations)")
    sequence_number: Int64 = field(SEQUENCE_NUMBER)
    creation_date_time: DateTime = field(CREATION_DATE_TIME)
    last_modified_date_time: DateTime | None = field(LAST_MODIFIED_DATE_TIME)
    auction_date: Date = field(AUCTION_DATE)
    initial_auction_location: AuctionLocation = field("site of the auction that it was first meant for")
    photo_url: Text = field("address of a photo")
    sales_strategy_id: Uuid | None = field(STRATEGY)


class PhotoWithId(Record):
    """A photo, by its identifier."""

    is_primary: Boolean = field("whether it is the photo to show first")
    id: Uuid = field("Floriday's identifier of the photo; may be no valid one")


class SalesStrategyPresalesPrice(Record):
    """The price at one hub."""

    hub: DaytradeHub = field("auction site that it is brought to")
    expected_delivery_date_time_on_hub: DateTime = field("when it is expected there")
    price_per_piece: VolumePrice | None = field("price in the presales, whose currency is not stated")


class SalesStrategy(Record):
    """How growers spread a batch over presales and clock: one row for each sales strategy of day trade."""

    sales_strategy_id: Uuid = field("Floriday's identifier of the sales strategy; sales orders refer to it")
    batch_id: Uuid = field("stock that is sold by it (supply.batches)")
    batch_reference: Text = field("reference of the batch, as in supply.batches")
    minimum_percentage_reserved_for_auction: Decimal = field("least part that is kept for the clock, in per cent")
    number_of_pieces: Int32 = field("pieces that are sold by it")
    photos: list[PhotoWithId] = field("photos of what is sold by a sales strategy")
    presales_prices: list[SalesStrategyPresalesPrice] = field("prices of a sales strategy in the presales")
    is_deleted: Boolean = field(IS_DELETED)
    sequence_number: Int64 = field(SEQUENCE_NUMBER)


CLOCK_SUPPLY_LINES = Feed(
    schema="supply",
    table="clock_supply_lines",
    record=ClockSupplyLine,
    key=("supply_line_id",),
    endpoint=Endpoint("/clock-supply-lines", by_id="/clock-supply-lines/{supplyLineId}"),
    scope="supply:read",
    tier="fast",
    notes=(notes.SEPARATE_IDS, notes.HISTORY_STARTS_HERE, notes.UNKNOWN_REFERENCES),
)

CLOCK_PRESALES_SUPPLY_LINES = Feed(
    schema="supply",
    table="clock_presales_supply_lines",
    record=ClockPresalesSupplyLine,
    key=("supply_line_id",),
    endpoint=Endpoint("/clock-presales-supply-lines", by_id="/clock-presales-supply-lines/{supplyLineId}"),
    scope="supply:read",
    tier="fast",
    notes=(notes.SEPARATE_IDS, notes.HISTORY_STARTS_HERE, notes.UNKNOWN_REFERENCES),
)

SALES_STRATEGIES = Feed(
    schema="supply",
    table="sales_strategies",
    record=SalesStrategy,
    key=("sales_strategy_id",),
    endpoint=Endpoint("/sales-strategies", max_sequence="/sales-strategies/sync/max-sequence-number"),
    scope="clock-supply:read",
    tier="hourly",
    notes=(notes.HISTORY_STARTS_HERE, notes.NO_TIMESTAMPS, notes.NO_CURRENCY),
)

FEEDS = (CLOCK_SUPPLY_LINES, CLOCK_PRESALES_SUPPLY_LINES, SALES_STRATEGIES)
