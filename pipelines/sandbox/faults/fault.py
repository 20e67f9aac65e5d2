"""Faults on demand: which request goes wrong, and how. ``injection`` carries them out.

A fault waits for requests that match it. It can let some pass first, strike every n-th time or by chance, and wears
off after a number of strikes. Chance follows from the seed, so that a run can be repeated.
"""

from __future__ import annotations

import itertools
import random
import threading
from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase


class Kind(StrEnum):
    """What goes wrong."""

    STATUS = "status"
    """Another status than 200, in Floriday's form; ``retry_after`` may come with it."""
    EXPIRED_TOKENS = "expired_tokens"
    """Every token that was issued so far ends just before this request."""
    REVOKED_TOKENS = "revoked_tokens"
    """Every token that was issued so far is unknown from this request on."""
    DROP_BEFORE = "drop_before"
    """The connection is cut before the answer."""
    DROP_IN_THE_MIDDLE = "drop_in_the_middle"
    """The connection is cut in the middle of the answer."""
    DROP_AFTER = "drop_after"
    """The connection is cut after the answer, although it was to be kept."""
    SLOW = "slow"
    """The answer comes ``seconds`` late."""
    HTML = "html"
    """A web page with 200."""
    CUT_JSON = "cut_json"
    """Half of the JSON with 200, its length stated rightly."""
    HUGE = "huge"
    """``size`` bytes of JSON with 200."""
    DEEP = "deep"
    """JSON nested ``size`` levels deep, with 200."""
    REDIRECT = "redirect"
    """307 to ``location``."""
    LOWER_MAXIMUM = "lower_maximum"
    """A page's maximum falls below the number asked for; a feed's maximum falls to half."""
    HIGHER_MAXIMUM = "higher_maximum"
    """A page's maximum, or a feed's, is a thousand times as high."""
    FEED_WIDE_MAXIMUM = "feed_wide_maximum"
    """A page states the feed's maximum in place of its own."""
    REPEATED_PAGE = "repeated_page"
    """The records up to the number asked for, once more, in place of those above it."""
    OVERLAP = "overlap"
    """The page begins with up to three records that stand at or below the number asked for."""
    INCLUSIVE = "inclusive"
    """The record at the number asked for belongs to the page."""
    EMPTY_PAGE = "empty_page"
    """No record, and a maximum in the gap before the next one; without a gap nothing goes wrong."""
    EMPTY_END = "empty_end"
    """No record, and the number asked for as the maximum, as if the feed ended there."""
    UNORDERED = "unordered"
    """The page's records from the last to the first."""
    GARBLED_RECORD = "garbled_record"
    """The page's first record comes with a value that cannot be read, as it would not the next time."""
    GARBLED_NUMBER = "garbled_number"
    """The page's first record carries a number a thousand times as high as the page's maximum."""
    SHARED_NUMBER = "shared_number"
    """The page's second record carries the number of the first one."""
    NULL_RESULTS = "null_results"
    """A page whose ``results`` are null."""
    MOVING_RECORD = "moving_record"
    """The page's first record gets a new number as soon as it was served: the same walk meets it again."""
    LATE_RECORD = "late_record"
    """The feed's last page leaves out the record before its last one, as if its number were to become visible later."""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One way to go wrong.

    Args:
        kind: what happens.
        where: glob for the end of the path: ``/sales-orders/sync/*``, ``/v1/token``, ``*`` for every request.
        account: only requests of that account's key.
        after: matching requests that pass first.
        every: strike at every n-th matching request from there on.
        probability: strike by chance only.
        times: strikes until it wears off, or None for good.
        status: of a STATUS fault.
        retry_after: its ``Retry-After``: seconds, or a date as text.
        seconds: how late a SLOW answer is.
        size: of a HUGE answer in bytes, of a DEEP one in levels.
        location: where a REDIRECT leads.
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
        """Whether the fault waits for this request."""
        return fnmatchcase(path, f"*{self.where}") and self.account in (None, account)


@dataclass
class Waiting:
    """A fault that waits, with what it has met so far.

    Args:
        id: its number, by which it can be taken back.
        fault: the fault.
        met: matching requests so far.
        struck: strikes so far.
    """

    id: int
    fault: Fault
    met: int = field(default=0)
    struck: int = field(default=0)

    @property
    def is_over(self) -> bool:
        """Whether it has worn off."""
        return self.fault.times is not None and self.struck >= self.fault.times

    def meet(self, chance: random.Random) -> bool:
        """Count a matching request; whether the fault strikes it."""
        self.met += 1
        turn = self.met - self.fault.after - 1
        if self.is_over or turn < 0 or turn % self.fault.every:
            return False
        if self.fault.probability < 1 and chance.random() >= self.fault.probability:
            return False
        self.struck += 1
        return True


class Faults:
    """The faults that wait. Safe to use from several threads.

    Args:
        seed: what chance follows from.
    """

    def __init__(self, seed: int = 0) -> None:
        self._chance = random.Random(f"faults/{seed}")
        self._ids = itertools.count(1)
        self._waiting: list[Waiting] = []
        self._lock = threading.Lock()

    def add(self, *faults: Fault) -> tuple[int, ...]:
        """Let faults wait; returns their numbers."""
        with self._lock:
            added = [Waiting(next(self._ids), fault) for fault in faults]
            self._waiting.extend(added)
        return tuple(waiting.id for waiting in added)

    def remove(self, id: int) -> None:
        """Take one fault back; nothing happens if there is none with that number."""
        with self._lock:
            self._waiting = [waiting for waiting in self._waiting if waiting.id != id]

    def clear(self, seed: int | None = None) -> None:
        """Take all faults back; with a seed, chance begins anew."""
        with self._lock:
            self._waiting.clear()
            if seed is not None:
                self._chance = random.Random(f"faults/{seed}")

    def waiting(self) -> tuple[Waiting, ...]:
        """What waits or has struck, in the order in which it was added."""
        with self._lock:
            return tuple(self._waiting)

    def strike(self, path: str, account: str | None = None) -> Fault | None:
        """The fault that strikes this request: the first that does; the others don't count it."""
        with self._lock:
            for waiting in self._waiting:
                if waiting.fault.matches(path, account) and waiting.meet(self._chance):
                    return waiting.fault
        return None


def status(code: int, where: str = "*", *, retry_after: int | str | None = None, times: int | None = 1) -> Fault:
    """The most common fault in few words: ``status(503)``, ``status(429, retry_after=2, times=3)``."""
    return Fault(kind=Kind.STATUS, status=code, where=where, retry_after=retry_after, times=times)
