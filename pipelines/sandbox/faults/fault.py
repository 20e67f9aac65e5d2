"""A fault: what goes wrong with a request, and which requests it strikes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase


class Kind(StrEnum):
    """What goes wrong."""

    STATUS = "status"
    """The answer has another status than 200, in Floriday's form, with an optional ``retry_after``."""
    EXPIRED_TOKENS = "expired_tokens"
    """All issued tokens expire just before this request."""
    REVOKED_TOKENS = "revoked_tokens"
    """All issued tokens are revoked just before this request."""
    DROP_BEFORE = "drop_before"
    """The connection is closed before the answer."""
    DROP_IN_THE_MIDDLE = "drop_in_the_middle"
    """The connection is closed after half of the answer."""
    DROP_AFTER = "drop_after"
    """The connection is closed after the answer, although the answer announced that it stays open."""
    SLOW = "slow"
    """The answer comes ``seconds`` late."""
    HTML = "html"
    """The answer is a web page with status 200."""
    CUT_JSON = "cut_json"
    """The answer is half of the JSON with status 200 and the right ``Content-Length``."""
    HUGE = "huge"
    """The answer is ``size`` bytes of JSON with status 200."""
    DEEP = "deep"
    """The answer is JSON with ``size`` levels and status 200."""
    REDIRECT = "redirect"
    """The answer is a 307 to ``location``."""
    LOWER_MAXIMUM = "lower_maximum"
    """A page's maximum is below the requested number; a max-sequence operation returns half."""
    HIGHER_MAXIMUM = "higher_maximum"
    """The maximum of a page or of the feed is a thousand times too high."""
    FEED_WIDE_MAXIMUM = "feed_wide_maximum"
    """A page has the feed's maximum instead of its own."""
    REPEATED_PAGE = "repeated_page"
    """The page repeats the records up to the requested number, instead of those above it."""
    OVERLAP = "overlap"
    """The page begins with up to three records at or below the requested number."""
    INCLUSIVE = "inclusive"
    """The page begins with the record at the requested number."""
    EMPTY_PAGE = "empty_page"
    """The page is empty and its maximum lies in the gap before the next record. Without a gap nothing goes wrong."""
    EMPTY_END = "empty_end"
    """The page is empty and its maximum is the requested number, as at the end of the feed."""
    UNORDERED = "unordered"
    """The page has its records in reverse order."""
    GARBLED_RECORD = "garbled_record"
    """The page's first record has an invalid value, this time only."""
    GARBLED_NUMBER = "garbled_number"
    """The page's first record has a number a thousand times as high as the page's maximum."""
    SHARED_NUMBER = "shared_number"
    """The page's second record has the number of the first one."""
    NULL_RESULTS = "null_results"
    """The page's ``results`` are null."""
    MOVING_RECORD = "moving_record"
    """The page's first record gets a new number right after it was served, so that it is served again later."""
    LATE_RECORD = "late_record"
    """The feed's last page lacks its last record but one, as if that number became visible later."""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One fault.

    Args:
        kind: what goes wrong with the request.
        where: glob for the end of the path: ``/sales-orders/sync/*``, ``/v1/token``, ``*`` for every request.
        account: name of the account whose requests are struck; None for all.
        after: number of matching requests before the first strike.
        every: 1 to strike each matching request from then on, n for each n-th.
        probability: probability of each strike, from 0 to 1.
        times: number of strikes until the fault is over; None for no limit.
        status: HTTP status of a STATUS fault.
        retry_after: ``Retry-After`` header of a STATUS fault: seconds, or a date as text.
        seconds: delay of a SLOW answer in seconds.
        size: size of a HUGE answer in bytes, of a DEEP one in levels.
        location: target of a REDIRECT, as an address.
    """

    kind: Kind
    where: str = "*"
    account: str | None = None
    after: int = 0
    every: int = 1
    probability: float = 1.0
    times: int | None = 1
    status: int = 500
    retry_after: int | str | None = None
    seconds: float = 1.0
    size: int = 100_000
    location: str = "http://127.0.0.2:9/"

    def matches(self, path: str, account: str | None) -> bool:
        """Whether path and account of a request are those of the fault."""
        return fnmatchcase(path, f"*{self.where}") and self.account in (None, account)


def status(code: int, where: str = "*", *, retry_after: int | str | None = None, times: int | None = 1) -> Fault:
    """Short for the most common fault: ``status(503)``, ``status(429, retry_after=2, times=3)``."""
    return Fault(kind=Kind.STATUS, status=code, where=where, retry_after=retry_after, times=times)
