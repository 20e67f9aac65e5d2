"""The differences between a specification and the catalogue, as rows of a list."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

ABSENT = "–"
"""In place of a value that catalogue or specification does not have."""


class Topic(StrEnum):
    """The subject of a difference, in the order of the list."""

    VERSION = "version"
    FEEDS = "feeds"
    OPERATIONS = "operations"
    FIELDS = "fields"
    VALUES = "values"


@dataclass(frozen=True)
class Difference:
    """One possible change of the catalogue.

    Args:
        topic: subject of the difference.
        change: ``new``, ``gone``, ``retyped``, or the name of the fact that changed, such as ``scope``.
        where: name of the feed, ``Record.field`` or the enumeration.
        catalogue: value in the catalogue, or ``ABSENT``.
        specification: value in the specification, or ``ABSENT``.
    """

    topic: Topic
    change: str
    where: str
    catalogue: str
    specification: str
