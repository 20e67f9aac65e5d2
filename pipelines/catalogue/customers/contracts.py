"""What grower and buyer agreed for a season: contracts, and the groups of trade items that they name."""

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
from pipelines.catalogue.customers.shared import (
    CUSTOMER,
    DELIVERY_CONDITION,
    SUPPLIER,
    PackingConfiguration,
    PaymentProvider,
)
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
ApprovalStatus = Literal["UNKNOWN", "DRAFT", "FINALIZED", "APPROVED", "DECLINED"]

TRADE_ITEM_GROUP = "group that it may be chosen from (orders.contract_trade_item_groups); NULL for none"
LOWER_PERCENTAGE = "percentage that it may go below; NULL where no percentage is agreed"
UPPER_PERCENTAGE = "percentage that it may go above; NULL where no percentage is agreed"


class ContractVersion(Record):
    """Which version of the agreement it is."""

    version_number: Int32 = field("its number, from 1")
    is_latest_approved_version: Boolean = field("whether it is the newest approved one, which holds")
    reason_for_version_update: Text = field("why it replaced the version before")


class ContractStatus(Record):
    """How far the parties have come."""

    approval_status: ApprovalStatus = field("how far it is, from DRAFT to APPROVED or DECLINED")
    approved_on_date_time: DateTime | None = field("when it was approved; NULL before that")
    decline_description: Text | None = field("why it was declined")
    is_delete_requested_by_supplier: Boolean = field("whether the grower wants it deleted")
    is_deleted: Boolean = field(IS_DELETED)


class ContractDelivery(Record):
    """Where and on what terms the goods are delivered, unless a blanket order says otherwise."""

    delivery_condition_id: Uuid = field(DELIVERY_CONDITION)
    default_delivery_location_gln: Text | None = field("GLN of the usual place of delivery")
    despatch_warehouse_id: Uuid | None = field(DESPATCH_WAREHOUSE)
    default_incoterm: Incoterm = field(INCOTERM)
    next_leg_identifier: Text | None = field(NEXT_LEG)


class ContractLineTradeItem(Record):
    """A trade item as a contract line names it."""

    contract_line_trade_item_id: Uuid = field("Floriday's identifier of the trade item within the contract line")
    contract_line_trade_item_group_id: Uuid | None = field("what the trade items of one choice have in common")
    trade_item_id: Uuid = field("what was agreed on (catalog.trade_items)")
    trade_item_version: Int32 = field("version of the trade item")
    packing_configuration: PackingConfiguration = field("packing", column="packing_configuration")


class ContractLinePeriodBandwidthPricePerPiece(Record):
    """How far the price may move."""

    lower_margin_price_per_piece: Decimal | None = field("lowest price of a piece, in the contract's currency")
    upper_margin_price_per_piece: Decimal | None = field("highest price of a piece, in the contract's currency")
    lower_margin_percentage: Int32 | None = field(LOWER_PERCENTAGE)
    upper_margin_percentage: Int32 | None = field(UPPER_PERCENTAGE)


class ContractLinePeriodBandwidthNumberOfPieces(Record):
    """How far the number of pieces may move."""

    lower_margin_number_of_pieces: Int32 | None = field("fewest pieces")
    upper_margin_number_of_pieces: Int32 | None = field("most pieces")
    lower_margin_percentage: Int32 | None = field(LOWER_PERCENTAGE)
    upper_margin_percentage: Int32 | None = field(UPPER_PERCENTAGE)


class ContractLinePeriod(Record):
    """Price and pieces agreed on for one stretch of the contract."""

    contract_line_period_id: Uuid = field("Floriday's identifier of the contract line period")
    start_date_time: DateTime = field("start of the period")
    end_date_time: DateTime = field("end of the period")
    price_per_piece: Decimal = field("price of a piece, in the contract's currency")
    price_per_piece_margin: ContractLinePeriodBandwidthPricePerPiece | None = field("margin of the price")
    number_of_pieces: Int32 = field("pieces agreed on")
    number_of_pieces_margin: ContractLinePeriodBandwidthNumberOfPieces | None = field("margin of the pieces")


class ContractLineAdditionalService(Record):
    """A service agreed on beside the goods."""

    additional_service_id: Uuid = field("service (catalog.additional_services)")
    is_optional: Boolean = field("whether a blanket order may leave it out")


class ContractLine(Record):
    """One trade item of a contract, with its periods."""

    contract_line_id: Uuid = field("Floriday's identifier of the contract line")
    trade_item: ContractLineTradeItem = field("trade item")
    periods: list[ContractLinePeriod] | None = field("periods of a contract line")
    substitute_trade_items: list[ContractLineTradeItem] | None = field(
        "trade items that may be delivered instead, in older contracts; newer ones name a group"
    )
    additional_services: list[ContractLineAdditionalService] | None = field("additional services of a contract line")
    contract_trade_item_group_id: Uuid | None = field(TRADE_ITEM_GROUP)


class AttachmentDetail(Record):
    """A file by its name; its content stays at Floriday."""

    attachment_id: Uuid = field("Floriday's identifier of the file")
    attachment_file_name: Text | None = field("name of the file")


class Contract(Record):
    """Agreements between grower and buyer: one row for each version of a contract."""

    contract_id: Uuid = field("Floriday's identifier of this version of the contract")
    reference: Text = field("reference of the contract, the same through all its versions")
    title: Text = field("what it is called")
    description: Text | None = field("what it is about, in free words")
    start_date_time: DateTime = field("start of the contract")
    end_date_time: DateTime = field("end of the contract")
    customer_organization_id: Uuid = field(CUSTOMER)
    supplier_organization_id: Uuid = field(SUPPLIER)
    sub_supplier_organization_ids: list[Uuid] | None = field(
        "growers who deliver for the supplier (organizations.organizations); NULL for none"
    )
    contract_period_kind: ContractPeriodKind = field("length of the periods of its lines")
    is_initiated_by_supplier: Boolean = field("whether the grower began it, not the buyer")
    allow_trade_item_variants: Boolean = field("whether a blanket order may call off variants of the trade items")
    allow_automatic_blanket_order_approval: Boolean = field("whether blanket orders are approved by themselves")
    version: ContractVersion = field("version")
    status: ContractStatus = field("status")
    delivery: ContractDelivery = field("delivery")
    currency: Currency = field("currency of the prices on its lines, as ISO 4217")
    payment_provider: PaymentProvider = field("who settles the payment")
    creation_date_time: DateTime = field(CREATION_DATE_TIME)
    last_modified_date_time: DateTime = field(LAST_MODIFIED_DATE_TIME)
    contract_lines: list[ContractLine] = field("lines of a contract", table="contract_lines", id="contract_line_id")
    attachment_details: list[AttachmentDetail] | None = field("files that belong to a contract")
    sequence_number: Int64 = field(SEQUENCE_NUMBER)
    terms_and_conditions: ContractTermsAndConditions = field("terms and conditions that apply")


class ContractTradeItemGroupTradeItem(Record):
    """A trade item of the group, and how it is packed."""

    trade_item_id: Uuid = field("trade item (catalog.trade_items)")
    is_primary: Boolean = field("whether it is the usual choice")
    packing_configuration: PackingConfiguration = field("packing")
    is_deleted: Boolean = field("whether it has been taken out of the group")


class ContractTradeItemGroup(Record):
    """Trade items that may stand for each other in a contract: one row for each contract trade item group."""

    contract_trade_item_group_id: Uuid = field("Floriday's identifier of the contract trade item group")
    supplier_organization_id: Uuid = field("grower whose group it is (organizations.organizations)")
    name: Text = field("what the grower calls it")
    trade_items: list[ContractTradeItemGroupTradeItem] = field("trade items of a contract trade item group")
    creation_date_time: DateTime = field(CREATION_DATE_TIME)
    last_modified_date_time: DateTime | None = field(LAST_MODIFIED_DATE_TIME)
    is_deleted: Boolean = field(IS_DELETED)
    sequence_number: Int64 = field(SEQUENCE_NUMBER)


CONTRACTS = Feed(
    schema="orders",
    table="contracts",
    record=Contract,
    key=("contract_id",),
    endpoint=Endpoint("/contracts", "limit", 100, by_id="/contracts/{contractId}"),
    scope="contract:read",
    retention=Retention(dt.timedelta(days=365), "the end of the contract"),
    notes=(
        notes.CONTRACT_VERSIONS,
        notes.HISTORY_STARTS_HERE,
    ),
)

CONTRACT_TRADE_ITEM_GROUPS = Feed(
    schema="orders",
    table="contract_trade_item_groups",
    record=ContractTradeItemGroup,
    key=("contract_trade_item_group_id",),
    endpoint=Endpoint(
        "/contract-trade-item-groups",
        "limit",
        by_id="/contract-trade-item-groups/{contractTradeItemGroupId}",
        part_parameter="supplierOrganizationId",
    ),
    scope="contract:read",
    notes=(notes.ONE_SUPPLIER_AT_A_TIME, notes.HISTORY_STARTS_HERE),
)

FEEDS = (CONTRACTS, CONTRACT_TRADE_ITEM_GROUPS)
