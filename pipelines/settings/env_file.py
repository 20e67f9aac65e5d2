"""The text of a `.env` file: values in quotes, and variables replaced in an existing file."""

from __future__ import annotations

import io
from collections.abc import Mapping

from dotenv.parser import parse_stream


def with_variables(text: str, variables: Mapping[str, str]) -> str:
    """The text of a `.env` file with these variables instead of its own of the same names; all else is unchanged.

    A blank value removes a variable.
    """
    kept = [each.original.string for each in parse_stream(io.StringIO(text)) if each.key not in variables]
    before = "".join(kept)
    ending = "" if before.endswith("\n") or not before else "\n"
    lines = [f"{name}={quoted(value)}\n" for name, value in variables.items() if value]
    return f"{before}{ending}{''.join(lines)}"


def quoted(value: str) -> str:
    """A value as a `.env` file holds it; a ``$`` is just a ``$``."""
    if value and all(letter.isalnum() or letter in "-_.:/@" for letter in value) and value.isascii():
        return value
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
