"""Reads the feeds of a run concurrently, although Dagster executes its steps one after the other.

The first step starts the sync of all feeds of the run with the same request; each step then takes the outcomes of its
own feed, and waits only for these. So the requests of one feed are sent while another feed waits for an answer.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Generator, Iterator, Sequence

from pipelines.catalogue.types import Source
from pipelines.orchestration.assets.request import SyncRequest
from pipelines.sync.outcome import FeedOutcome, Listener
from pipelines.sync.session import SyncSession

_LOG = logging.getLogger(__name__)


class ConcurrentFeeds:
    """The syncs of one run."""

    def __init__(self, session: SyncSession, run_id: str) -> None:
        self._session = session
        self._run_id = run_id
        self._request: SyncRequest | None = None
        self._syncs: Iterator[FeedOutcome] = iter(())
        self._outcomes: dict[str, list[FeedOutcome]] = defaultdict(list)
        self._listeners: dict[str, Listener] = {}

    def outcomes(
        self, source: Source, request: SyncRequest, listener: Listener, others: Callable[[], Sequence[Source]]
    ) -> list[FeedOutcome]:
        """The outcomes of one feed, in the order of the request's accounts.

        ``others`` returns the run's other feeds with the same request; ``listener`` is called while the step waits.
        """
        if self._request is None:
            self._request = request
            self._syncs = self._sync([source, *others()], request, self._notify)
        self._listeners[source.name] = listener
        outcomes = self._wait_for(source, request) if request == self._request else []
        if len(outcomes) < len(request.accounts):
            outcomes = list(self._sync([source], request, listener))
        return sorted(outcomes, key=lambda outcome: request.accounts.index(outcome.account))

    def close(self) -> None:
        """Stop syncs in progress at their next pause."""
        if isinstance(self._syncs, Generator):
            self._syncs.close()

    def _sync(self, sources: Sequence[Source], request: SyncRequest, listener: Listener) -> Iterator[FeedOutcome]:
        return self._session.sync_all(
            sources, run_id=self._run_id, accounts=request.accounts, what=request.what, listener=listener
        )

    def _wait_for(self, source: Source, request: SyncRequest) -> list[FeedOutcome]:
        """The outcomes of a feed; fewer than there are accounts if its sync was not started with the others."""
        outcomes = self._outcomes[source.name]
        try:
            while len(outcomes) < len(request.accounts) and (outcome := next(self._syncs, None)) is not None:
                self._outcomes[outcome.feed].append(outcome)
        except Exception as error:  # noqa: BLE001 - of any feed: its own step meets the error again
            _LOG.warning("%s while feeds were read concurrently: the rest is read one by one", type(error).__name__)
        return outcomes

    def _notify(self, outcome: FeedOutcome) -> None:
        if listener := self._listeners.get(outcome.feed):
            listener(outcome)
