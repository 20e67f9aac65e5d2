"""Ids and codes in the formats of the sector (docs/floriday.md: Payloads), which follow from a seed."""

from __future__ import annotations

import random
import uuid


def check_digit(digits: str) -> str:
    """The GS1 check digit of the twelve digits before it."""
    total = sum(int(digit) * (3 if index % 2 else 1) for index, digit in enumerate(digits))
    return str(-total % 10)


class Codes:
    """Generates ids and codes, unique ones where uniqueness matters.

    Args:
        seed: seed of all ids and codes.
    """

    def __init__(self, seed: str) -> None:
        self._random = random.Random(f"codes/{seed}")
        self._bits = self._random.getrandbits
        self._batches = self._random.randrange(10**9)
        self._orders = self._random.randrange(10**8)

    def uuid(self) -> str:
        """A random id."""
        return str(uuid.UUID(int=self._bits(128), version=4))

    def gln(self) -> str:
        """A Global Location Number: 13 digits, the last one is the check digit."""
        return self._thirteen("8714")

    def gtin(self) -> str:
        """A Global Trade Item Number: 13 digits, the last one is the check digit."""
        return self._thirteen("8720")

    def _thirteen(self, prefix: str) -> str:
        digits = f"{prefix}{self._random.randrange(10**8):08d}"
        return digits + check_digit(digits)

    def number(self, digits: int) -> int:
        """A number from 1 up, with at most ``digits`` digits."""
        return self._random.randrange(1, 10**digits)

    def batch_reference(self) -> str:
        """Thirteen digits, in ascending order."""
        self._batches += self._random.randrange(1, 40)
        return f"911{self._batches:010d}"

    def order_reference(self) -> str:
        """Thirteen digits, in ascending order."""
        self._orders += self._random.randrange(1, 60)
        return f"9900{self._orders:09d}"

    def note(self) -> str:
        """The code of a delivery note: six characters."""
        return "".join(self._random.choices("ABCDEFGHJKLMNPRSTUVWXYZ23456789", k=6))
