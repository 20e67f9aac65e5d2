"""The feeds of a run read side by side, although its steps come one after the other.

The first step begins with all feeds of the run that ask for the same as its own; each step then takes what came of its
own feed, and waits only for that. So nobody waits for the answers about one feed before another one is asked for.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass

from pipelines.catalogue.types import Source
from pipelines.sync.outcome import FeedOutcome, Listener
from pipelines.sync.session import SyncSession
from pipelines.sync.what_to_read import WhatToRead

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Asked:
    """What a step asks for of its feed.

    Args:
        what: what to read of the feed.
        accounts: whose, in the order in which the outcomes are told.
    """

    what: WhatToRead
    accounts: tuple[str, ...]


class Together:
    """The syncs of one run.

    Args:
        session: syncs the feeds of all accounts.
        run_id: the run's.
    """

    def __init__(self, session: SyncSession, run_id: str) -> None:
        self._session = session
        self._run_id = run_id
        self._asked: Asked | None = None
        self._syncs: Iterator[FeedOutcome] = iter(())
        self._done: Mapping[str, list[FeedOutcome]] = defaultdict(list)
        self._listeners: dict[str, Listener] = {}

    def outcomes(
        self, source: Source, asked: Asked, listener: Listener, companions: Callable[[], Sequence[Source]]
    ) -> list[FeedOutcome]:
        """What came of one feed, of each account in their order.

        Args:
            source: the step's.
            asked: what it asks for.
            listener: told after each page, while its step waits.
            companions: the run's other feeds that ask for the same; asked for once.
        """
        if self._asked is None:
            self._asked = asked
            self._syncs = self._sync([source, *companions()], asked, self._tell)
        self._listeners[source.name] = listener
        mine = self._awaited(source, asked) if asked == self._asked else []
        if len(mine) < len(asked.accounts):
            mine = list(self._sync([source], asked, listener))
        return sorted(mine, key=lambda outcome: asked.accounts.index(outcome.account))

    def close(self) -> None:
        """End what is under way, at its next pause."""
        if isinstance(self._syncs, Generator):
            self._syncs.close()

    def _sync(self, sources: Sequence[Source], asked: Asked, listener: Listener) -> Iterator[FeedOutcome]:
        return self._session.sync_all(
            sources,
            run_id=self._run_id,
            accounts=asked.accounts,
            what=asked.what,
            listener=listener,
        )

    def _awaited(self, source: Source, asked: Asked) -> list[FeedOutcome]:
        """The outcomes of a feed that was begun with the others, fewer than asked for if it was not."""
        mine = self._done[source.name]
        try:
            while len(mine) < len(asked.accounts) and (one := next(self._syncs, None)) is not None:
                self._done[one.feed].append(one)
        except Exception as defect:  # noqa: BLE001 - of whichever feed: it is met again in that feed's own step
            _LOG.warning("%s while feeds were read side by side: the rest is read one by one", type(defect).__name__)
        return mine

    def _tell(self, outcome: FeedOutcome) -> None:
        listener = self._listeners.get(outcome.feed)
        if listener is not None:
            listener(outcome)
