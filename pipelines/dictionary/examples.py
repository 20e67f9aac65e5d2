"""What each report says of the sandbox's world, as ``make examples`` found it and keeps it beside this module.

It is kept because several reports depend on the time, and because syncing a world takes longer than writing a page.
"""

from __future__ import annotations

from importlib import resources

import msgspec

FILE = "examples.json"


class Example(msgspec.Struct, frozen=True):
    """What a report said.

    Args:
        api: whose world it was.
        sql: the question.
        columns: names of the columns.
        rows: the answer, as text; None is NULL.
    """

    api: str
    sql: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str | None, ...], ...]


class Examples(msgspec.Struct, frozen=True):
    """An example of each report.

    Args:
        now: the worlds' moment, as ISO 8601.
        reports: by their names.
    """

    now: str
    reports: dict[str, Example]


def examples() -> Examples:
    """The examples that were kept."""
    file = resources.files(__name__.rpartition(".")[0]) / FILE
    return msgspec.json.decode(file.read_bytes(), type=Examples)
