"""Pages of one feed, or of one part of it: protected, and no larger than memory bears."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from pipelines.errors import AnswerTooLargeError
from pipelines.floriday.client import FloridayClient
from pipelines.floriday.endpoints import Endpoint
from pipelines.floriday.pages import Page

LARGE_PAGE = 16_000_000
"""Bytes of records above which a page is too large: the next ones are asked for with fewer records."""

USUAL_PAGE = 6_000_000
"""Bytes of records that a page is asked for with then, as far as the last one tells."""

Protection = Callable[[Sequence[bytes]], Sequence[bytes]]
"""Hashes or drops the personal data of records."""


class PageReader:
    """Asks for pages. Threads may share one.

    Args:
        client: the account's.
        endpoint: the feed's.
        part: of a feed that is read part by part, which one.
        protect: what becomes of personal data; None where they are kept.
    """

    def __init__(
        self, client: FloridayClient, endpoint: Endpoint, part: str | None, protect: Protection | None
    ) -> None:
        self._client = client
        self._endpoint = endpoint
        self._part = part
        self._protect = protect
        self._limit = endpoint.page_maximum

    def fetch(self, after: int) -> Page:
        """The page of records above a number; of fewer records where an answer is larger than memory bears.

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
