"""How many examples of a property are tried: few with every change, many times as many where ``EXAMPLES`` says so."""

from __future__ import annotations

import os


def examples(number: int) -> int:
    """A number of examples, multiplied by the environment variable ``EXAMPLES`` if it is set."""
    return number * int(os.environ.get("EXAMPLES") or 1)
