"""Example results of the reports for the sandbox, which ``make examples`` writes to a file beside this module.

They are stored because several reports depend on the time, and a sync of the sandbox takes longer than writing a page.
"""

from __future__ import annotations

from importlib import resources

import msgspec

FILE = "examples.json"


class Example(msgspec.Struct, frozen=True):
    """The result of a report."""

    api: str  # API of the sandbox, ``suppliers`` or ``customers``
    sql: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str | None, ...], ...]  # values as text; None for NULL


class Examples(msgspec.Struct, frozen=True):
    """An example of each report."""

    now: str  # present time in the sandbox, as ISO 8601
    reports: dict[str, Example]  # examples by the names of the reports


def examples() -> Examples:
    """The stored examples."""
    file = resources.files(__name__.rpartition(".")[0]) / FILE
    return msgspec.json.decode(file.read_bytes(), type=Examples)
