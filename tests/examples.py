"""How many examples a property test tries: few by default, more if the variable ``EXAMPLES`` is set."""

from __future__ import annotations

import os


def examples(number: int) -> int:
    """Return the number of examples, multiplied by the environment variable ``EXAMPLES`` if it is set."""
    return number * int(os.environ.get("EXAMPLES") or 1)
