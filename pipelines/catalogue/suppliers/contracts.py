"""What grower and buyer agree on for longer: contracts and the groups of trade items in them (the specification)."""

from __future__ import annotations

import datetime as dt
from typing import Literal

from pipelines.catalogue import notes
from pipelines.catalogue.both_apis.records import (
    CREATION_DATE_TIME,
    DESPATCH_WAREHOUSE,
    INCOTERM,
    IS_DELETED,
    LAST_MODIFIED_DATE_TIME,
    NEXT_LEG,
    SEQUENCE_NUMBER,
    Currency,
    Incoterm,
)
from pipelines.catalogue.suppliers.shared import ApprovalStatus, PackingConfigurationBase, PaymentProvider
from pipelines.catalogue.types import (
    Boolean,
    DateTime,
    Decimal,
    Feed,
    Int32,
    Int64,
    Record,
    Retention,
    Text,
    Uuid,
    field,
)
from pipelines.floriday.endpoints import Endpoint

ContractPeriodKind = Literal["NONE", "WEEK", "MONTH", "QUARTER", "HALF_YEAR", "YEAR", "DAY"]
ContractTermsAndConditions = Literal["UNKNOWN", "GENERAL_OF_RFH", "RETAIL"]

GROUP = "trade items that may be delivered alike (orders.contract_trade_item_groups); NULL for none"
LOWER_PERCENTAGE = "margin below, in per cent; NULL for no such margin"
UPPER_PERCENTAGE = "margin above, in per cent; NULL for no such margin"


class ContractVersion(Record):
    """Which of a contract's versions it is."""

    version_number: Int32 = field("number, from 1")
    is_latest_approved_version: Boolean = field("whether it is the newest approved one")
    reason_for_version_update: Text = field("why it was made")


class ContractStatus(Record):
    """How far the version is agreed on."""

    approval_status: ApprovalStatus = field("how far it is agreed on")
    approved_on_date_time: DateTime | None = field("when it was approved; NULL before that")
    decline_description: Text | None = field("why it was declined; NULL where it was not")
    is_delete_requested_by_supplier: Boolean = field("whether the grower asks to delete it")
    is_deleted: Boolean = field("whether it has been deleted at Floriday")


class ContractDelivery(Record):
    """The terms of delivery that orders under the contract start from."""

    delivery_condition_id: Uuid = field("delivery condition that applies (organizations.delivery_conditions)")
    default_delivery_location_gln: Text | None = field("GLN of the usual place")
    despatch_warehouse_id: Uuid | None = field(DESPATCH_WAREHOUSE)
    default_incoterm: Incoterm = field(f"usual {INCOTERM}")
    next_leg_identifier: Text | None = field(NEXT_LEG)


class ContractLineTradeItem(Record):
    """A trade item, in one version, packed in one way."""

    contract_line_trade_item_id: Uuid = field("Floriday's identifier of the trade item within the line")
    contract_trade_item_group_id: Uuid | None = field(GROUP)
    trade_item_id: Uuid = field("what is agreed on (catalog.trade_items)")
    trade_item_version: Int32 = field("version of the trade item")
    packing_configuration: PackingConfigurationBase = field("packing", column="packing_configuration")


class ContractLinePeriodBandwidthPricePerPiece(Record):
    """How far the price may differ."""

    lower_margin_price_per_piece: Decimal | None = field("margin below, as an amount; NULL for no such margin")
    upper_margin_price_per_piece: Decimal | None = field("margin above, as an amount; NULL for no such margin")
    lower_margin_percentage: Int32 | None = field(LOWER_PERCENTAGE)
    upper_margin_percentage: Int32 | None = field(UPPER_PERCENTAGE)


class ContractLinePeriodBandwidthNumberOfPieces(Record):
    """How far the number of pieces may differ."""

    lower_margin_number_of_pieces: Int32 | None = field("margin below, in pieces; NULL for no such margin")
    upper_margin_number_of_pieces: Int32 | None = field("margin above, in pieces; NULL for no such margin")
    lower_margin_percentage: Int32 | None = field(LOWER_PERCENTAGE)
    upper_margin_percentage: Int32 | None = field(UPPER_PERCENTAGE)


class ContractLinePeriod(Record):
    """Pieces and price of one period; prices are in the contract's currency."""

    contract_line_period_id: Uuid = field("Floriday's identifier of the period; blanket order lines tell it")
    start_date_time: DateTime = field("start; its day and week are those of Amsterdam")
    end_date_time: DateTime = field("end")
    price_per_piece: Decimal = field("agreed price of a piece, in the contract's currency")
    price_per_piece_margin: ContractLinePeriodBandwidthPricePerPiece | None = field(
        "margin of the price, in the contract's currency"
    )
    number_of_pieces: Int32 = field("agreed pieces")
    number_of_pieces_margin: ContractLinePeriodBandwidthNumberOfPieces | None = field("margin of the pieces")


class ContractLineAdditionalService(Record):
    """A service that goes with the goods."""

    additional_service_id: Uuid = field("additional service (catalog.additional_services)")
    is_optional: Boolean = field("whether each order may leave it out")


class ContractLine(Record):
    """One trade item with its periods."""

    contract_line_id: Uuid = field("Floriday's identifier of the contract line")
    trade_item: ContractLineTradeItem = field("trade item")
    periods: list[ContractLinePeriod] | None = field("periods of a contract line")
    substitute_trade_items: list[ContractLineTradeItem] | None = field(
        "trade items that may stand in on a contract line, of older contracts only"
    )
    additional_services: list[ContractLineAdditionalService] | None = field("additional services of a contract line")
    contract_trade_item_group_id: Uuid | None = field(GROUP)


class AttachmentDetail(Record):
    """A file, which is not itself in this warehouse."""

    attachment_id: Uuid = field("Floriday's identifier of the file")
    attachment_file_name: Text | None = field("its name")


class Contract(Record):
    """Agreements of grower and buyer on pieces and prices: one row for each version of a contract."""

    contract_id: Uuid = field("Floriday's identifier of this version of the contract")
    reference: Text = field("reference that all versions of the contract share")
    title: Text = field("title")
    description: Text | None = field("what it is about")
    start_date_time: DateTime = field("start; its day is that of Amsterdam")
    end_date_time: DateTime = field("end")
    customer_organization_id: Uuid = field("buyer (organizations.organizations)")
    supplier_organization_id: Uuid = field("grower (organizations.organizations)")
    sub_supplier_organization_ids: list[Uuid] | None = field(
        "growers who deliver under it too (organizations.organizations)"
    )
    contract_period_kind: ContractPeriodKind = field("length of the periods")
    is_initiated_by_supplier: Boolean = field("whether the grower drew it up, not the buyer")
    allow_trade_item_variants: Boolean = field("whether blanket orders may take variants of the trade items")
    allow_automatic_blanket_order_approval: Boolean = field("whether blanket orders are approved by themselves")
    version: ContractVersion = field("version")
    status: ContractStatus = field("status")
    delivery: ContractDelivery = field("delivery")
    currency: Currency = field("currency of all its prices, as ISO 4217")
    payment_provider: PaymentProvider = field("who settles the payment")
    creation_date_time: DateTime = field(CREATION_DATE_TIME)
    last_modified_date_time: DateTime = field(LAST_MODIFIED_DATE_TIME)
    contract_lines: list[ContractLine] = field("lines of a contract", table="contract_lines", id="contract_line_id")
    attachment_details: list[AttachmentDetail] | None = field("files attached to a contract")
    sequence_number: Int64 = field(SEQUENCE_NUMBER)
    terms_and_conditions: ContractTermsAndConditions = field("terms that apply")


class ContractTradeItemGroupTradeItem(Record):
    """A trade item, packed in one way."""

    trade_item_id: Uuid = field("trade item (catalog.trade_items)")
    is_primary: Boolean = field("whether it is the main one of the group")
    packing_configuration: PackingConfigurationBase = field("packing")
    is_deleted: Boolean = field("whether it has been taken out")


class ContractTradeItemGroup(Record):
    """Trade items that may be delivered alike under a contract: one row for each group."""

    contract_trade_item_group_id: Uuid = field("Floriday's identifier of the group")
    supplier_organization_id: Uuid = field("grower (organizations.organizations)")
    name: Text = field("name")
    trade_items: list[ContractTradeItemGroupTradeItem] = field("trade items of a group")
    creation_date_time: DateTime = field(CREATION_DATE_TIME)
    last_modified_date_time: DateTime | None = field(LAST_MODIFIED_DATE_TIME)
    is_deleted: Boolean = field(IS_DELETED)
    sequence_number: Int64 = field(SEQUENCE_NUMBER)


CONTRACTS = Feed(
    schema="orders",
    table="contracts",
    record=Contract,
    key=("contract_id",),
    endpoint=Endpoint("/contracts", page_maximum=100, by_id="/contracts/{contractId}"),
    scope="contract:read",
    retention=Retention(dt.timedelta(days=365), "its end"),
    notes=(notes.CONTRACT_VERSIONS, notes.HISTORY_STARTS_HERE),
)

CONTRACT_TRADE_ITEM_GROUPS = Feed(
    schema="orders",
    table="contract_trade_item_groups",
    record=ContractTradeItemGroup,
    key=("contract_trade_item_group_id",),
    endpoint=Endpoint(
        "/contract-trade-item-groups", "limit", by_id="/contract-trade-item-groups/{contractTradeItemGroupId}"
    ),
    scope="contract:read",
    notes=(notes.HISTORY_STARTS_HERE,),
)

FEEDS = (CONTRACTS, CONTRACT_TRADE_ITEM_GROUPS)
