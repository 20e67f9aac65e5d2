"""Rate limits: a first load may burst, a steady one never asks for more than Floriday allows."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.errors import BusyError
from pipelines.floriday.endpoints import RateLimit
from pipelines.floriday.http.error_answers import described, retry_after
from pipelines.floriday.http.rate_limit import Buckets, TokenBucket
from pipelines.floriday.http.retry import Clock, RetryPolicy
from tests.hand_moved_time import HandMovedTime


@pytest.fixture
def time() -> HandMovedTime:
    """A time of the test's own."""
    return HandMovedTime()


def take(bucket: TokenBucket) -> None:
    """Make a call that is let through."""
    with bucket.call() as outcome:
        outcome.passed = True


def test_a_full_bucket_lets_a_burst_through(time: HandMovedTime) -> None:
    """As many calls as the burst allows are made without waiting; the next one waits for its share of a second."""
    bucket = TokenBucket(RateLimit(2.0, 5), time.clock)

    for _ in range(5):
        take(bucket)
    assert time.slept == []

    take(bucket)
    assert time.slept == [pytest.approx(0.5)]


def test_a_bucket_never_holds_more_than_a_burst(time: HandMovedTime) -> None:
    """A day of silence is worth one burst, not a day's calls."""
    bucket = TokenBucket(RateLimit(2.0, 3), time.clock)
    time.seconds += 86_400

    for _ in range(4):
        take(bucket)

    assert time.slept == [pytest.approx(0.5)]


def test_an_emptied_bucket_starts_from_nothing(time: HandMovedTime) -> None:
    """After the server said 429, what was believed to be left is forgotten."""
    bucket = TokenBucket(RateLimit(4.0, 100), time.clock)
    bucket.drain()

    take(bucket)

    assert time.slept == [pytest.approx(0.25)]


def test_an_emptied_bucket_keeps_the_pause_that_was_asked_for(time: HandMovedTime) -> None:
    """A pause that the server asks for holds for whoever calls next, too."""
    bucket = TokenBucket(RateLimit(4.0, 100), time.clock)
    bucket.drain(10)

    take(bucket)

    assert time.slept == [pytest.approx(10.25)]


@given(per_second=st.floats(0.5, 10), burst=st.integers(1, 20), gaps=st.lists(st.floats(0, 5), max_size=60))
def test_no_stretch_of_time_holds_more_calls_than_allowed(per_second: float, burst: int, gaps: list[float]) -> None:
    """Between any two calls lie at most a burst and what was refilled meanwhile, whatever the pace of the caller."""
    time = HandMovedTime()
    bucket = TokenBucket(RateLimit(per_second, burst), time.clock)
    made = []
    for gap in gaps:
        time.seconds += gap
        take(bucket)
        made.append(time.seconds)

    for first, start in enumerate(made):
        for last in range(first, len(made)):
            assert last - first + 1 <= burst + (made[last] - start) * per_second + 1e-4  # as exact as a float of today


def test_threads_share_a_bucket() -> None:
    """Calls of many threads at the same moment are spread as those of one: each waits for its own turn."""
    waits: list[float] = []
    bucket = TokenBucket(RateLimit(1.0, 10), Clock(now=lambda: 0.0, sleep=waits.append))

    with ThreadPoolExecutor(8) as threads:
        for _ in range(50):
            threads.submit(take, bucket)

    assert sorted(waits) == [float(wait) for wait in range(1, 41)]


class ServersBucket:
    """The bucket of a server, and threads that call it as fast as ours lets them."""

    def __init__(self, rate: RateLimit, left: float) -> None:
        self.rate, self.left, self.at = rate, left, 0.0
        self.refused = self.passed = 0
        self.time = HandMovedTime(0.0)
        self.bucket = TokenBucket(rate, self.time.clock)
        self._lock = threading.Lock()

    def call(self) -> bool:
        """One call; whether it was let through."""
        with self.bucket.call() as outcome:
            with self._lock:
                now = self.time.seconds
                self.left = min(self.rate.burst, self.left + (now - self.at) * self.rate.per_second)
                self.at = now
                outcome.passed = self.left >= 1
                self.left -= outcome.passed
                self.passed += outcome.passed
                self.refused += not outcome.passed
            if not outcome.passed:
                outcome.refused_for = 0.0
        return outcome.passed

    def calls(self, count: int) -> None:
        """So many calls that are let through, by eight threads."""
        with ThreadPoolExecutor(8) as threads:
            for _ in range(count):
                threads.submit(lambda: self.call() or self.call())


def test_an_empty_burst_costs_one_refusal() -> None:
    """However many connections there are: the first call goes alone, and after it all keep to the rate."""
    server = ServersBucket(RateLimit(4.0, 1000), left=0.0)

    server.calls(100)

    assert server.passed == 100
    assert server.refused == 1
    assert server.time.seconds <= 1.1 * 100 / 4.0


def test_a_full_burst_is_used_without_a_refusal() -> None:
    """Soon by all connections at once."""
    server = ServersBucket(RateLimit(4.0, 60), left=60.0)

    server.calls(100)

    assert (server.passed, server.refused) == (100, 0)
    assert server.time.seconds <= 1.1 * 40 / 4.0


def test_the_first_calls_go_alone() -> None:
    """One, then two at once, then four, as long as they are let through."""
    bucket = TokenBucket(RateLimit(1.0, 100), Clock(now=lambda: 0.0))
    under_way, most, lock = 0, [], threading.Lock()
    ready = threading.Event()

    def call() -> None:
        nonlocal under_way
        with bucket.call() as outcome:
            with lock:
                under_way += 1
                most.append(under_way)
            ready.wait(0.02)
            with lock:
                under_way -= 1
            outcome.passed = True

    with ThreadPoolExecutor(8) as threads:
        for _ in range(16):
            threads.submit(call)

    assert most[:2] == [1, 1]
    assert max(most[:3]) <= 2
    assert max(most) > 2


def test_every_name_has_its_own_bucket(time: HandMovedTime) -> None:
    """One endpoint's calls leave another's alone."""
    buckets = Buckets(time.clock)
    take(buckets.of("/batches/sync", RateLimit(1.0, 1)))

    take(buckets.of("/supply-lines/sync", RateLimit(1.0, 1)))
    assert time.slept == []

    take(buckets.of("/batches/sync", RateLimit(1.0, 1)))
    assert time.slept == [pytest.approx(1.0)]


def test_patience_ends_after_its_attempts(time: HandMovedTime) -> None:
    """Eight attempts, with waits that grow and end at a minute, and the last error tells how many there were."""

    def fail() -> None:
        raise BusyError("busy")

    with pytest.raises(BusyError, match=r"busy \(gave up after 8 attempts\)"):
        RetryPolicy().call(fail, time.clock)

    assert len(time.slept) == 7
    assert all(0.5 * 2**n <= wait <= 0.5 * 2**n + 0.5 for n, wait in enumerate(time.slept))


def test_patience_ends_after_its_time(time: HandMovedTime) -> None:
    """Slow failures end after five minutes, however few they were."""

    def fail_slowly() -> None:
        time.seconds += 100
        raise BusyError("busy")

    with pytest.raises(BusyError, match="gave up after 3 attempts"):
        RetryPolicy().call(fail_slowly, time.clock)


def test_a_wait_beyond_patience_is_not_begun(time: HandMovedTime) -> None:
    """When the server asks for an hour, the call ends at once and says so."""

    def fail() -> None:
        raise BusyError("busy", retry_after=3600)

    with pytest.raises(BusyError, match="gave up after 1 attempt, asked to wait 3600 s"):
        RetryPolicy().call(fail, time.clock)

    assert time.slept == []


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"Retry-After": "7"}, 7.0),
        ({"Retry-After": "0"}, 0.0),
        ({"Retry-After": "-7"}, None),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "NaN"}, None),
        ({"Retry-After": "Infinity"}, None),
        ({"Retry-After": "86400"}, 86400.0),
        ({"Retry-After": "86401"}, None),
        ({"Retry-After": "9" * 400}, None),
        ({"Retry-After": "\u0665"}, None),
        ({"Retry-After": "Fri, 31 Dec 9999 23:59:59 GMT"}, None),
        ({"Retry-After": "Fri, 31 Dec 99999 23:59:59 GMT"}, None),
        ({"Retry-After": "Mon, 01 Jan 2026 00:00:00 +99999999999999"}, None),
        ({"Retry-After": "Mon, 01 Jan 99999999999999999999 00:00:00 GMT"}, None),
        (
            {"Retry-After": "Thu, 01 Jan 1970 00:01:40 GMT", "Date": "Mon, 01 Jan 99999999999999999999 00:00:00 GMT"},
            40.0,
        ),
        ({"Retry-After": "Tue, 24 Nov 2026 12:00:30 GMT", "Date": "Tue, 24 Nov 2026 12:00:00 GMT"}, 30.0),
        ({"Retry-After": "Thu, 01 Jan 1970 00:01:40 GMT"}, 40.0),
        ({"Retry-After": "Thu, 01 Jan 1970 00:00:10 GMT"}, 0.0),
    ],
)
def test_retry_after_is_read_in_both_forms(headers: dict[str, str], seconds: float | None) -> None:
    """Seconds, or a date by the server's own clock where it tells the time; nonsense and over a day ask for nothing."""
    assert retry_after(headers, now=60.0) == seconds


@pytest.mark.parametrize(
    ("body", "line"),
    [
        (
            b'{"title":"Unauthorized","detail":"It is missing.","status":"401","domainErrorCode":"invalid-token"}',
            "400 Unauthorized. It is missing (invalid-token)",
        ),
        (b'{"message":"The specified api key is invalid."}', "400 The specified api key is invalid"),
        (b'{"title":"Invalid","errors":{"limit":["too many"]}}', "400 Invalid. limit: too many"),
        (b'{"title":"Inva', "400 Bad Request"),
        (b"<html>Sorry</html>", "400 Bad Request"),
        (b"", "400 Bad Request"),
        (b"[" * 100_000, "400 Bad Request"),
        (b'{"title":"a\\nkey-1\\u001b[31m"}', "400 a … [31m"),
    ],
    ids=["problem", "message", "fields", "cut", "html", "empty", "nested", "unruly"],
)
def test_what_an_error_says_is_one_line(body: bytes, line: str) -> None:
    """Whatever the body is, one printable line comes of it, and no secret that the server echoes."""
    assert described(400, body, secrets=("key-1",)) == line
