"""What the auctions sell before the clock: clock presales supply lines (the specification)."""

from __future__ import annotations

from typing import Literal

from pipelines.catalogue import notes
from pipelines.catalogue.both_apis.records import (
    CREATION_DATE_TIME,
    LAST_MODIFIED_DATE_TIME,
    SEQUENCE_NUMBER,
    LoadCarrierType,
    Package,
    Price,
)
from pipelines.catalogue.customers.shared import Period, SupplyStatus
from pipelines.catalogue.types import Date, DateTime, Feed, Int32, Int64, Record, Text, Uuid, field
from pipelines.floriday.endpoints import Endpoint

AuctionLocation = Literal["AALSMEER", "NAALDWIJK", "RIJNSBURG", "EELDE", "PLANTION", "RHEINMAAS", "DIGITAL"]


class ClockSupplyLinePackingConfiguration(Record):
    """How it comes to the clock."""

    pieces_per_package: Int32 = field("pieces in a package")
    package: Package = field("package")
    packages_per_layer: Int32 = field("packages on a layer; 0 for some")
    layers_per_load_carrier: Int32 = field("layers on a load carrier")
    load_carrier: LoadCarrierType = field("kind of load carrier")


class ClockPresalesSupplyLine(Record):
    """Goods for the clock that can be bought before it runs: one row for each clock presales supply line."""

    supply_line_id: Uuid = field("Floriday's identifier of the clock presales supply line; sales orders refer to it")
    status: SupplyStatus = field("whether it can be ordered")
    trade_item_id: Uuid = field("what is offered (catalog.trade_items, where a feed delivers it)")
    trade_item_version: Int32 | None = field("version of the trade item that is offered")
    price_per_piece: Price = field("fixed price of a piece; 0 for some")
    delivery_note_reference: Text = field(
        "number of the delivery note, which is code and letter; NULL before there is one"
    )
    delivery_note_code: Text = field("code of the delivery note; recurs among growers and years")
    delivery_note_letter: Text = field("letter of the delivery note")
    number_of_pieces: Int32 = field("pieces left, fewer with each sale; below 0 for some that are UNAVAILABLE")
    packing_configuration: ClockSupplyLinePackingConfiguration = field("packing")
    trade_period: Period = field("time in which it can be ordered")
    supplier_organization_id: Uuid = field("grower that offers it (organizations.organizations)")
    sequence_number: Int64 = field(SEQUENCE_NUMBER)
    creation_date_time: DateTime = field(CREATION_DATE_TIME)
    last_modified_date_time: DateTime | None = field(LAST_MODIFIED_DATE_TIME)
    auction_date: Date = field("day of the auction, in Amsterdam; far in the future for records of a test")
    initial_auction_location: AuctionLocation = field("auction that it was first meant for")
    photo_url: Text = field("address of a photo; NULL for none")


CLOCK_PRESALES_SUPPLY_LINES = Feed(
    schema="supply",
    table="clock_presales_supply_lines",
    record=ClockPresalesSupplyLine,
    key=("supply_line_id",),
    endpoint=Endpoint(
        "/auction/clock-presales-supply",
        "limit",
        max_sequence="/auction/clock-presales-supply/max-sequence-number",
        by_id="/auction/clock-presales-supply/{supplyLineId}",
        parameters=(("postFilterConnections", "false"),),
    ),
    scope="supply:read",
    tier="fast",
    notes=(
        notes.WHOLE_MARKET,
        notes.STATUS_SHOWS_OUTCOME,
        notes.SEPARATE_IDS,
        notes.HISTORY_STARTS_HERE,
        notes.UNKNOWN_REFERENCES,
    ),
)

FEEDS = (CLOCK_PRESALES_SUPPLY_LINES,)
