"""The organizations that have an API key."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pipelines.sandbox.records.entries import Document


@dataclass(frozen=True)
class Account:
    """An organization that gave an API key to the application.

    Args:
        name: name of the account in the settings.
        api_key: API key of the organization.
        organization: record of the organization, as ``/identities`` returns it.
    """

    name: str
    api_key: str
    organization: Document

    @property
    def organization_id(self) -> str:
        """The organization's id, as text."""
        return str(self.organization["organizationId"])


class Accounts:
    """All accounts, by name and by key."""

    def __init__(self) -> None:
        self._by_name: dict[str, Account] = {}

    def add(self, account: Account) -> None:
        """Add an account; its key is valid from now on."""
        self._by_name[account.name] = account

    def remove(self, name: str) -> None:
        """Make an account's key invalid, as when the organization removes the integration."""
        del self._by_name[name]

    def __getitem__(self, name: str) -> Account:
        return self._by_name[name]

    def __iter__(self) -> Iterator[Account]:
        return iter(tuple(self._by_name.values()))

    def with_key(self, api_key: str) -> Account | None:
        """The account that has this key."""
        return next((account for account in self._by_name.values() if account.api_key == api_key), None)
