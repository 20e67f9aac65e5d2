"""Contracts and blanket orders, as far as both APIs serve them alike.

A ``…Base`` record holds the descriptions of all fields. Where the APIs nest different records, the field has the type
``Any`` here, and the subclass of each API annotates it again with its own type.
"""

from __future__ import annotations

from typing import Any, Literal

from pipelines.catalogue.both_apis.records import (
    CARRIER,
    CREATION_DATE_TIME,
    CUSTOMER,
    DELIVERY_CONDITION,
    DESPATCH_WAREHOUSE,
    INCOTERM,
    IS_DELETED,
    LAST_MODIFIED_DATE_TIME,
    NEXT_LEG,
    SEQUENCE_NUMBER,
    Currency,
    Incoterm,
    PaymentProvider,
    SalesChannelInterface,
)
from pipelines.catalogue.types import Boolean, DateTime, Decimal, Int32, Int64, Record, Text, Uuid, field

ApprovalStatus = Literal["UNKNOWN", "DRAFT", "FINALIZED", "APPROVED", "DECLINED"]
ContractPeriodKind = Literal["NONE", "WEEK", "MONTH", "QUARTER", "HALF_YEAR", "YEAR", "DAY"]
ContractTermsAndConditions = Literal["UNKNOWN", "GENERAL_OF_RFH", "RETAIL"]

APPROVAL_STATUS = "state of the approval, from DRAFT to APPROVED or DECLINED"
DECLINE_DESCRIPTION = "why it was declined; NULL where it was not"
TRADE_ITEM_GROUP = "trade items that may be delivered instead (orders.contract_trade_item_groups); NULL for none"
LOWER_PERCENTAGE = "margin below, in per cent; NULL for no such margin"
UPPER_PERCENTAGE = "margin above, in per cent; NULL for no such margin"


class ContractVersion(Record):
    """The version of a contract."""

    version_number: Int32 = field("number, from 1")
    is_latest_approved_version: Boolean = field("whether it is the newest approved one, which applies")
    reason_for_version_update: Text = field("why it replaced the version before")


class ContractStatus(Record):
    """The state of a version of a contract."""

    approval_status: ApprovalStatus = field(APPROVAL_STATUS)
    approved_on_date_time: DateTime | None = field("when it was approved; NULL before that")
    decline_description: Text | None = field(DECLINE_DESCRIPTION)
    is_delete_requested_by_supplier: Boolean = field("whether the grower asks to delete it")
    is_deleted: Boolean = field(IS_DELETED)


class ContractDelivery(Record):
    """The usual terms of delivery of a contract's blanket orders."""

    delivery_condition_id: Uuid = field(DELIVERY_CONDITION)
    default_delivery_location_gln: Text | None = field("GLN of the usual place of delivery")
    despatch_warehouse_id: Uuid | None = field(DESPATCH_WAREHOUSE)
    default_incoterm: Incoterm = field(f"usual {INCOTERM}")
    next_leg_identifier: Text | None = field(NEXT_LEG)


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

    contract_line_period_id: Uuid = field("Floriday's identifier of the period; blanket order lines refer to it")
    start_date_time: DateTime = field("start; its day and week are those of Amsterdam")
    end_date_time: DateTime = field("end")
    price_per_piece: Decimal = field("agreed price of a piece, in the contract's currency")
    price_per_piece_margin: ContractLinePeriodBandwidthPricePerPiece | None = field(
        "margin of the price, in the contract's currency"
    )
    number_of_pieces: Int32 = field("agreed pieces")
    number_of_pieces_margin: ContractLinePeriodBandwidthNumberOfPieces | None = field("margin of the pieces")


class ContractLineAdditionalService(Record):
    """A service that was agreed beside the goods."""

    additional_service_id: Uuid = field("additional service (catalog.additional_services)")
    is_optional: Boolean = field("whether a blanket order may leave it out")


class ContractLineBase(Record):
    """One trade item of a contract, with its periods."""

    contract_line_id: Uuid = field("Floriday's identifier of the contract line")
    trade_item: Any = field("trade item")
    periods: list[ContractLinePeriod] | None = field("periods of a contract line")
    substitute_trade_items: Any = field(
        "trade items that may be delivered instead, in older contracts; newer ones have a group"
    )
    additional_services: list[ContractLineAdditionalService] | None = field("additional services of a contract line")
    contract_trade_item_group_id: Uuid | None = field(TRADE_ITEM_GROUP)


class AttachmentDetail(Record):
    """A file, of which only the name is in this warehouse."""

    attachment_id: Uuid = field("Floriday's identifier of the file")
    attachment_file_name: Text | None = field("name of the file")


class ContractBase(Record):
    """One version of an agreement between grower and buyer."""

    contract_id: Uuid = field("Floriday's identifier of this version of the contract")
    reference: Text = field("reference that all versions of the contract share")
    title: Text = field("title")
    description: Text | None = field("description, as free text")
    start_date_time: DateTime = field("start; its day is that of Amsterdam")
    end_date_time: DateTime = field("end")
    customer_organization_id: Uuid = field(CUSTOMER)
    supplier_organization_id: Uuid = field("grower (organizations.organizations)")
    sub_supplier_organization_ids: list[Uuid] | None = field(
        "growers who deliver for that grower (organizations.organizations); NULL for none"
    )
    contract_period_kind: ContractPeriodKind = field("length of the periods of its lines")
    is_initiated_by_supplier: Boolean = field("whether the grower began it, not the buyer")
    allow_trade_item_variants: Boolean = field("whether blanket orders may call off variants of the trade items")
    allow_automatic_blanket_order_approval: Boolean = field("whether blanket orders are approved by themselves")
    version: ContractVersion = field("version")
    status: ContractStatus = field("status")
    delivery: ContractDelivery = field("delivery")
    currency: Currency = field("currency of all its prices, as ISO 4217")
    payment_provider: PaymentProvider = field("who settles the payment")
    creation_date_time: DateTime = field(CREATION_DATE_TIME)
    last_modified_date_time: DateTime = field(LAST_MODIFIED_DATE_TIME)
    contract_lines: Any = field("lines of a contract", table="contract_lines", id="contract_line_id")
    attachment_details: list[AttachmentDetail] | None = field("files attached to a contract")
    sequence_number: Int64 = field(SEQUENCE_NUMBER)
    terms_and_conditions: ContractTermsAndConditions = field("terms and conditions that apply")


class ContractTradeItemGroupTradeItemBase(Record):
    """A trade item of a group, packed in one way."""

    trade_item_id: Uuid = field("trade item (catalog.trade_items)")
    is_primary: Boolean = field("whether it is the usual one of the group")
    packing_configuration: Any = field("packing")
    is_deleted: Boolean = field("whether it has been taken out of the group")


class ContractTradeItemGroupBase(Record):
    """Trade items that may replace each other in a contract."""

    contract_trade_item_group_id: Uuid = field("Floriday's identifier of the contract trade item group")
    supplier_organization_id: Uuid = field("grower that made the group (organizations.organizations)")
    name: Text = field("name")
    trade_items: Any = field("trade items of a contract trade item group")
    creation_date_time: DateTime = field(CREATION_DATE_TIME)
    last_modified_date_time: DateTime | None = field(LAST_MODIFIED_DATE_TIME)
    is_deleted: Boolean = field(IS_DELETED)
    sequence_number: Int64 = field(SEQUENCE_NUMBER)


class BlanketOrderStatus(Record):
    """The state of a blanket order."""

    approval_status: ApprovalStatus = field(APPROVAL_STATUS)
    decline_description: Text | None = field(DECLINE_DESCRIPTION)
    is_deleted: Boolean = field(IS_DELETED)


class BlanketOrderBase(Record):
    """What is called off from a contract for one delivery."""

    blanket_order_id: Uuid = field("Floriday's identifier of the blanket order")
    contract_id: Uuid = field("version of the contract that it draws on (orders.contracts)")
    delivery_date_time: DateTime = field("when it has to be delivered; its day and week are those of Amsterdam")
    customer_organization_id: Uuid = field(CUSTOMER)
    carrier_organization_id: Uuid | None = field(CARRIER)
    status: BlanketOrderStatus = field("status")
    blanket_order_lines: Any = field("lines of a blanket order", table="blanket_order_lines")
    is_initiated_by_supplier: Boolean = field("whether the grower entered it, not the buyer")
    creation_date_time: DateTime = field(CREATION_DATE_TIME)
    last_modified_date_time: DateTime = field(LAST_MODIFIED_DATE_TIME)
    is_last_modified_by_supplier: Boolean | None = field("whether the grower made the last change, not the buyer")
    sales_channel_interface: SalesChannelInterface = field("how it came in: by screen or by software")
    sequence_number: Int64 = field(SEQUENCE_NUMBER)
