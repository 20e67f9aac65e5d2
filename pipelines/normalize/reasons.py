"""Reasons of rejected records without the values that they quote; ``exact`` writes the reasons."""

from __future__ import annotations

import re

_VALUE = re.compile(
    r"(?P<place>^|: )(?:"
    r"(?P<expected>expected [\w ]+), got .*|"
    r"(?P<malformed>malformed [\w-]+) .*|"
    r"(?P<number>exponent out of range|number too large): .*|"
    r"\S+ (?P<limit>does not fit (?:\d+ bits|DECIMAL\(18,6\)))$"
    r")",
    re.DOTALL,
)
"""The part of a reason behind the field's path: what is wrong, with the value."""


def without_value(reason: str) -> str:
    """The reason without the value that was found, which may be personal."""
    return _VALUE.sub(_shortened, reason, count=1)


def _shortened(found: re.Match[str]) -> str:
    kept = found["expected"] or found["malformed"] or found["number"] or f"the number {found['limit']}"
    return f"{found['place']}{kept}"
