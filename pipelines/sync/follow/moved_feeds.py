"""Which feeds moved at Floriday since they were read: the rule of the resident sync and of Dagster's sensor."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import NamedTuple

from pipelines.catalogue.types import Feed, Source
from pipelines.sync.selection import is_in_parts
from pipelines.warehouse.load.run_state import RunState


class Moved(NamedTuple):
    """A feed of an account that has to be synced."""

    number: int | None  # its highest number at Floriday, or its cursor if it is marked; None if it was never read


class KnownCursors:
    """The cursors of all feeds and the marks for full re-reads, by account and feed."""

    def __init__(self, state: RunState) -> None:
        self._cursors: dict[tuple[str, str], list[int]] = defaultdict(list)
        for part, position in state.positions.items():
            self._cursors[part.account, part.feed].append(position.cursor)
        self._accounts = {account for account, _ in self._cursors}
        self._rereads = state.rereads

    def position(self, account: str, feed: str) -> int:
        """The sum of the cursors of a feed and its sub-feeds; it changes with each sync that makes progress."""
        return sum(self._cursors.get((account, feed), ()))

    def moved(self, account: str, source: Source, maximum: Callable[[Feed], int | None]) -> Moved | None:
        """Whether a feed moved, was never read, or is marked for a full re-read; None if it is as it was read.

        Args:
            account: name of the account in the settings.
            source: the feed; a snapshot does not move, but may never have been read.
            maximum: returns the feed's highest number at Floriday, None if it is unknown. It is called only if the
                number decides, and its errors are those of this method.
        """
        cursors = self._cursors.get((account, source.name))
        if not cursors:
            is_known = account in self._accounts and is_in_parts(source)  # without any sub-feed it never has a cursor
            return None if is_known else Moved(None)
        if (account, source.name) in self._rereads:
            return Moved(max(cursors))
        number = maximum(source) if isinstance(source, Feed) else None
        return None if number is None or number == max(cursors) else Moved(number)
