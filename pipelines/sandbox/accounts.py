"""The organizations that have a key."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pipelines.sandbox.records.entries import Document


@dataclass(frozen=True)
class Account:
    """An organization that gave the application a key.

    Args:
        name: its name in the settings.
        api_key: the key.
        organization: its record, as ``/identities`` shows it.
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
        """Let a key be known."""
        self._by_name[account.name] = account

    def remove(self, name: str) -> None:
        """Make an account's key unknown, as when the integration is removed."""
        del self._by_name[name]

    def __getitem__(self, name: str) -> Account:
        return self._by_name[name]

    def __iter__(self) -> Iterator[Account]:
        return iter(tuple(self._by_name.values()))

    def with_key(self, api_key: str) -> Account | None:
        """The account that has this key."""
        return next((account for account in self._by_name.values() if account.api_key == api_key), None)
