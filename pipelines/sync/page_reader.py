"""Requests for one feed, or for one sub-feed: pages without personal data that fit into memory, and the maximum."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from threading import Lock

from pipelines.errors import AnswerTooLargeError
from pipelines.floriday.client import FloridayClient
from pipelines.floriday.endpoints import Endpoint
from pipelines.floriday.pages import Page

LARGE_PAGE = 16_000_000  # bytes of records above which the next pages are requested with fewer records
USUAL_PAGE = 6_000_000  # bytes of records that a page should have then, estimated from the last one

Protection = Callable[[Sequence[bytes]], Sequence[bytes]]  # hashes or drops the personal data of records


class PageReader:
    """Requests pages of a feed, or of a sub-feed, and the maximum. Threads may share one.

    Personal data are kept if ``protect`` is None.
    """

    def __init__(
        self, client: FloridayClient, endpoint: Endpoint, part: str | None, protect: Protection | None
    ) -> None:
        self._client = client
        self._endpoint = endpoint
        self._part = part
        self._protect = protect
        self._limit = endpoint.page_maximum
        self._lock = Lock()
        self._second_maximum: list[int | None] = []

    def fetch(self, after: int) -> Page:
        """The page of records above a number; of fewer records where an answer is too large for memory.

        Raises:
            AnswerTooLargeError: one record alone is too large.
        """
        while True:
            limit = self._limit
            try:
                page = self._page(after, limit)
            except AnswerTooLargeError:
                if limit == 1:
                    raise
                self._limit = min(self._limit, max(1, limit // 4))
                continue
            if page.size > LARGE_PAGE:
                self._limit = min(self._limit, max(1, limit * USUAL_PAGE // page.size))
            return page

    def _page(self, after: int, limit: int) -> Page:
        page = self._client.page(self._endpoint, after, part=self._part, limit=limit)
        if self._protect is None:
            return page
        return replace(page, records=tuple(self._protect(page.records)), is_strict=False)

    def maximum(self) -> int | None:
        """The feed's maximum, that of all sub-feeds; None where it is unknown."""
        return self._client.maximum(self._endpoint)

    def maximum_again(self) -> int | None:
        """The feed's maximum, requested once more; all threads of a sync share one request."""
        with self._lock:
            if not self._second_maximum:
                self._second_maximum.append(self.maximum())
            return self._second_maximum[0]

    @property
    def has_second_maximum(self) -> bool:
        """Whether the maximum was requested once more."""
        return bool(self._second_maximum)
