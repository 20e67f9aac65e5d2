"""The answer of ``/identities``: the organization and the application that an API key belongs to."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

import msgspec

from pipelines.errors import GarbledAnswerError
from pipelines.floriday.http.decoding import decoded


@dataclass(frozen=True)
class Identity:
    """Organization and application of an API key."""

    organization_id: str  # UUID of the organization, in lower case with hyphens
    organization_name: str | None  # name of the organization; None where Floriday sends none
    client_id: str | None  # id of the application; None where Floriday sends none
    api_version: str | None  # version of the API that answered; None where Floriday sends none


class _Organization(msgspec.Struct, rename="camel"):
    organization_id: str
    name: str | None = None


class _Answer(msgspec.Struct, rename="camel"):
    organization: _Organization | None = None
    customer_organization: _Organization | None = None
    client_id: str | None = None
    api_version: str | None = None


def parse_identity(body: bytes) -> Identity:
    """The identity in the body of an answer.

    Raises:
        GarbledAnswerError: the body holds no organization with a UUID.
    """
    message = "Floriday answered the request for the key's identity without an organization that has a UUID"
    answer: _Answer = decoded(body, _Answer, message)
    organization = answer.organization or answer.customer_organization
    if organization is None:
        raise GarbledAnswerError(message)
    try:
        organization_id = str(UUID(organization.organization_id))  # in any notation, unlike msgspec's own UUIDs
    except ValueError:
        raise GarbledAnswerError(message) from None
    return Identity(organization_id, organization.name, answer.client_id, answer.api_version)
