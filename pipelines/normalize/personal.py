"""What becomes of personal data: kept, hashed with a key, or dropped, and what was erased stays away."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import Literal

from pydantic import SecretStr

from pipelines.catalogue.tables import Table
from pipelines.normalize.protection import Protection

Treatment = Literal["keep", "hash", "drop"]

_FINGERPRINT = "\0fingerprint of a key"
"""No text of Floriday's can be this one, for JSON text that a column takes holds no such beginning by chance."""


def keyed_hash(key: SecretStr, text: str) -> str:
    """HMAC-SHA-256 of a text in 64 hexadecimal digits: the same for the same text and key, whatever the field."""
    # Half a surrogate pair is no text in UTF-8, but may be hashed all the same.
    return hmac.digest(key.get_secret_value().encode(), text.encode("utf-8", "surrogatepass"), "sha256").hex()


def fingerprint(key: SecretStr) -> str:
    """What tells one key from another, and tells nothing of either."""
    return keyed_hash(key, _FINGERPRINT)[:32]


@dataclass(frozen=True)
class PersonalData:
    """How personal data are treated before anything is stored.

    Args:
        treatment: keep, hash or drop.
        key: for hashes; needed for ``hash``, and where something was erased.
        erased: the keyed hashes of texts that are dropped wherever they come.
    """

    treatment: Treatment = "keep"
    key: SecretStr | None = None
    erased: frozenset[str] = frozenset()

    @property
    def is_untouched(self) -> bool:
        """Whether everything is stored as it comes."""
        return self.treatment == "keep" and not self.erased

    def stored(self, text: str) -> str | None:
        """What a personal text is stored as; None for nothing."""
        if self.treatment == "drop":
            return None
        if self.is_untouched:
            return text
        assert self.key is not None
        hashed = keyed_hash(self.key, text)
        if hashed in self.erased:
            return None
        return hashed if self.treatment == "hash" else text

    def protection(self, table: Table) -> Protection | None:
        """What is done to the records of a feed; None for nothing."""
        if self.is_untouched:
            return None
        value = None if self.treatment == "drop" else self.stored
        protection = Protection(table, value, keeps_numbers=self.treatment == "keep")
        return protection if protection.is_needed else None
