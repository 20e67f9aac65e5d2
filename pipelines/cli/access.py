"""What the credentials give access to: the token, the organization of each API key, and the feeds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pipelines.cli.console import print_error, print_line, print_table
from pipelines.cli.terminal.layout import Heading, titled
from pipelines.errors import PipelineError
from pipelines.floriday.client import identify_all
from pipelines.text_format import moment, one_line, span

if TYPE_CHECKING:
    from pipelines.catalogue.types import Source
    from pipelines.floriday.identity import Identity
    from pipelines.sync.session import Connected


@dataclass(frozen=True)
class Access:
    """The answers of Floriday to the credentials of the settings.

    Args:
        host: host name of the token server.
        expires_at: when the token expires.
        granted: the scopes of the token; None for all that were requested.
        refused: the scopes that were requested and not granted.
        accounts: the organization of each account's key, or why it is not known.
        feeds: the chosen feeds and snapshots.
    """

    host: str
    expires_at: datetime
    granted: frozenset[str] | None
    refused: tuple[str, ...]
    accounts: Mapping[str, Identity | PipelineError]
    feeds: tuple[Source, ...]

    @property
    def is_well(self) -> bool:
        """Whether each account was identified."""
        return not any(isinstance(each, PipelineError) for each in self.accounts.values())

    def is_granted(self, feed: Source) -> bool:
        """Whether the token has the scope of a feed."""
        return self.granted is None or feed.scope in self.granted


def access_of(connected: Connected) -> Access:
    """Request a token, and the identity of each account.

    Raises:
        AuthenticationError: there is no token.
        RetriableError: the token server cannot be reached or stays busy.
    """
    token = connected.token_session
    expires_at, granted, refused = token.expires_at, token.granted, token.refused
    return Access(token.host, expires_at, granted, refused, dict(identify_all(connected.clients)), connected.sources)


def print_access(access: Access) -> None:
    """Print the token, the accounts and, unless every key was refused, whether each feed's scope is granted."""
    print_credentials(access)
    if not all(isinstance(each, PipelineError) for each in access.accounts.values()):
        rows = [(feed.name, feed.scope, "yes" if access.is_granted(feed) else "no") for feed in access.feeds]
        print_table([Heading("feed"), Heading("scope"), Heading("granted")], rows, (titled("scope"),))


def print_credentials(access: Access) -> None:
    """Print the token and the accounts; an account that was not identified goes to standard error."""
    print_line(f"token    from {access.host} until {_until(access.expires_at)}")
    granted = "all that were requested" if access.granted is None else " ".join(sorted(access.granted))
    print_line(f"granted  {one_line(granted)}")
    if access.refused:
        print_line(f"refused  {one_line(' '.join(access.refused))}")
    for account, identity in access.accounts.items():
        if isinstance(identity, PipelineError):
            print_error(str(identity.about(account=account)))
        else:
            print_line(one_line(f"account  {account}: {_organization(identity)}"))


def as_json(access: Access) -> dict[str, Any]:
    """The same for ``--format json``."""
    return {
        "token": {
            "host": access.host,
            "expires_at": access.expires_at,
            "granted": None if access.granted is None else sorted(access.granted),
            "refused": list(access.refused),
        },
        "accounts": [_account(name, identity) for name, identity in access.accounts.items()],
        "feeds": [{"feed": f.name, "scope": f.scope, "granted": access.is_granted(f)} for f in access.feeds],
    }


def _account(name: str, identity: Identity | PipelineError) -> dict[str, Any]:
    if isinstance(identity, PipelineError):
        nothing = dict.fromkeys(("organization_id", "organization", "api_version"))
        return {"account": name, **nothing, "error": identity.message}
    return {
        "account": name,
        "organization_id": str(identity.organization_id),
        "organization": identity.organization_name,
        "api_version": identity.api_version,
        "error": None,
    }


def _until(expires_at: datetime) -> str:
    return f"{moment(expires_at)}, for {span(expires_at - datetime.now(UTC))}"


def _organization(identity: Identity) -> str:
    version = f", API version {identity.api_version}" if identity.api_version else ""
    name = identity.organization_name or "an organization without a name"
    return f"{name} ({identity.organization_id}){version}"
