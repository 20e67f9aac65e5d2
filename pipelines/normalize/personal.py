"""The treatment of personal data: keep, hash with a key, or drop; and the texts that were erased."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import Literal

from pydantic import SecretStr

from pipelines.catalogue.tables import Table
from pipelines.normalize.protection import Protection

Treatment = Literal["keep", "hash", "drop"]
_FINGERPRINT = "\0fingerprint of a key"  # not served by Floriday: it begins with a null character


def keyed_hash(key: SecretStr, text: str) -> str:
    """HMAC-SHA-256 of a text in 64 hexadecimal digits: the same for the same text and key, whatever the field."""
    # Half a surrogate pair cannot be encoded strictly, and is hashed too.
    return hmac.digest(key.get_secret_value().encode(), text.encode("utf-8", "surrogatepass"), "sha256").hex()


def fingerprint(key: SecretStr) -> str:
    """A hash that differs between keys and reveals neither."""
    return keyed_hash(key, _FINGERPRINT)[:32]


@dataclass(frozen=True)
class PersonalData:
    """How personal data are treated before anything is stored."""

    treatment: Treatment = "keep"  # `keep`, `hash` or `drop` all personal values
    key: SecretStr | None = None  # key of the hashes; needed for `hash`, and if texts were erased
    erased: frozenset[str] = frozenset()  # keyed hashes of the texts that are dropped from any personal field

    @property
    def is_untouched(self) -> bool:
        """Whether everything is stored as received."""
        return self.treatment == "keep" and not self.erased

    def stored(self, text: str) -> str | None:
        """The stored form of a personal text; None if it is dropped."""
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
        """The treatment of a feed's records; None if they stay as they are."""
        if self.is_untouched:
            return None
        value = None if self.treatment == "drop" else self.stored
        protection = Protection(table, value, keeps_numbers=self.treatment == "keep")
        return protection if protection.is_needed else None
