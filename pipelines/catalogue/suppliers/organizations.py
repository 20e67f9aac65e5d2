"""Who trades: organizations (R§3.11)."""

from __future__ import annotations

import datetime as dt

from pipelines.catalogue import notes
from pipelines.catalogue.shared import CREATION_DATE_TIME, LAST_MODIFIED_DATE_TIME, SEQUENCE_NUMBER, Address
from pipelines.catalogue.suppliers.shared import OrganizationType, PaymentProvider
from pipelines.catalogue.types import Boolean, DateTime, Feed, Int32, Int64, Record, Retention, Text, Uuid, field
from pipelines.floriday.endpoints import SLOW, Endpoint


class Organization(Record):
    """Growers, buyers, carriers and agents of the sector: one row for each organization."""

    organization_id: Uuid = field("Floriday's identifier of the organization")
    company_gln: Text | None = field("GLN of 13 digits; NULL where the organization no longer exists")
    name: Text = field("registered name; a person's own for some")
    end_date: DateTime | None = field("end date in the register; many that still trade have one")
    rfh_relation_id: Int32 | None = field("number as a relation of Royal FloraHolland; NULL for none")
    rfh_company_account_id: Int32 | None = field("number of the company account at Royal FloraHolland; NULL for none")
    organization_type: OrganizationType = field("part that it plays in the trade")
    sequence_number: Int64 = field(SEQUENCE_NUMBER)
    creation_date_time: DateTime = field(CREATION_DATE_TIME)
    last_modified_date_time: DateTime = field(LAST_MODIFIED_DATE_TIME)
    commercial_name: Text = field("name that it trades under")
    website: Text | None = field("address of its website")
    payment_providers: list[PaymentProvider] = field("payment providers that it can settle through")
    mailing_address: Address = field("mailing address")
    physical_address: Address = field("physical address")
    plantion_registration_number: Int32 | None = field("number at the auction Plantion; NULL for none")
    logo_url: Text | None = field("address of its logo")
    is_fsi_compliant: Boolean = field("whether it meets the sustainability demands of the FSI")


ORGANIZATIONS = Feed(
    schema="organizations",
    table="organizations",
    record=Organization,
    key=("organization_id",),
    endpoint=Endpoint("/organizations", rate=SLOW, by_id="/organizations/{organizationId}"),
    scope="organization:read",
    retention=Retention(dt.timedelta(days=5 * 365)),
    notes=(notes.REGISTER, notes.HISTORY_STARTS_HERE),
)

FEEDS = (ORGANIZATIONS,)
