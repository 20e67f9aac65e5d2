"""The differences between a specification and the catalogue, as rows of a list."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

ABSENT = "–"
"""In place of what one of the two does not have."""


class Topic(StrEnum):
    """What a difference is about, in the order in which they are listed."""

    VERSION = "version"
    FEEDS = "feeds"
    OPERATIONS = "operations"
    FIELDS = "fields"
    VALUES = "values"


@dataclass(frozen=True)
class Difference:
    """One thing to change in the catalogue, or to decide about.

    Args:
        topic: what it is about.
        change: what happened to it: ``new``, ``gone``, ``retyped``, or the fact that changed, such as ``scope``.
        where: the feed, ``Record.field`` or enumeration.
        catalogue: what the catalogue has.
        specification: what the specification has.
    """

    topic: Topic
    change: str
    where: str
    catalogue: str
    specification: str
