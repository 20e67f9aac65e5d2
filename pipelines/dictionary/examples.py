"""Example results of the reports for the sandbox, which ``make examples`` writes to a file beside this module.

They are stored because several reports depend on the time, and a sync of the sandbox takes longer than writing a page.
"""

from __future__ import annotations

from importlib import resources

import msgspec

FILE = "examples.json"


class Example(msgspec.Struct, frozen=True):
    """The result of a report.

    Args:
        api: API of the sandbox, ``suppliers`` or ``customers``.
        sql: the executed statement.
        columns: names of the columns.
        rows: values as text; None for NULL.
    """

    api: str
    sql: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str | None, ...], ...]


class Examples(msgspec.Struct, frozen=True):
    """An example of each report.

    Args:
        now: present time in the sandbox, as ISO 8601.
        reports: examples by the names of the reports.
    """

    now: str
    reports: dict[str, Example]


def examples() -> Examples:
    """The stored examples."""
    file = resources.files(__name__.rpartition(".")[0]) / FILE
    return msgspec.json.decode(file.read_bytes(), type=Examples)
