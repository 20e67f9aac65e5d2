"""The rate limiter allows bursts, and never more calls than Floriday's limits."""

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
from tests.manual_clock import ManualClock


@pytest.fixture
def time() -> ManualClock:
    """A clock that the test controls."""
    return ManualClock()


def take(bucket: TokenBucket) -> None:
    """Make a call that the server accepts."""
    with bucket.call() as outcome:
        outcome.passed = True


def test_a_full_bucket_allows_a_burst(time: ManualClock) -> None:
    """As many calls as the burst allows are made without waiting, and the next one waits."""
    bucket = TokenBucket(RateLimit(2.0, 5), time.clock)

    for _ in range(5):
        take(bucket)
    assert time.slept == []

    take(bucket)
    assert time.slept == [pytest.approx(0.5)]


def test_a_bucket_never_holds_more_than_a_burst(time: ManualClock) -> None:
    """After a long pause the bucket allows one burst, and not the calls of the whole pause."""
    bucket = TokenBucket(RateLimit(2.0, 3), time.clock)
    time.seconds += 86_400

    for _ in range(4):
        take(bucket)

    assert time.slept == [pytest.approx(0.5)]


def test_a_drained_bucket_is_empty(time: ManualClock) -> None:
    """After a 429 the bucket is empty."""
    bucket = TokenBucket(RateLimit(4.0, 100), time.clock)
    bucket.drain()

    take(bucket)

    assert time.slept == [pytest.approx(0.25)]


def test_a_drained_bucket_keeps_the_servers_pause(time: ManualClock) -> None:
    """A pause that the server requests also applies to the next caller."""
    bucket = TokenBucket(RateLimit(4.0, 100), time.clock)
    bucket.drain(10)

    take(bucket)

    assert time.slept == [pytest.approx(10.25)]


@given(per_second=st.floats(0.5, 10), burst=st.integers(1, 20), gaps=st.lists(st.floats(0, 5), max_size=60))
def test_calls_never_exceed_the_rate(per_second: float, burst: int, gaps: list[float]) -> None:
    """In any period there are at most a burst and the refill of that period, whatever the caller's pace."""
    time = ManualClock()
    bucket = TokenBucket(RateLimit(per_second, burst), time.clock)
    times = []
    for gap in gaps:
        time.seconds += gap
        take(bucket)
        times.append(time.seconds)

    for first, start in enumerate(times):
        for last in range(first, len(times)):
            allowed = burst + (times[last] - start) * per_second
            assert last - first + 1 <= allowed + 1e-4  # timestamps are rounded


def test_threads_share_a_bucket() -> None:
    """Simultaneous calls of many threads are spread like those of one thread."""
    waits: list[float] = []
    bucket = TokenBucket(RateLimit(1.0, 10), Clock(now=lambda: 0.0, sleep=waits.append))

    with ThreadPoolExecutor(8) as threads:
        for _ in range(50):
            threads.submit(take, bucket)

    assert sorted(waits) == [float(wait) for wait in range(1, 41)]


class ServersBucket:
    """The server's bucket, and threads that call it as fast as the client's bucket allows."""

    def __init__(self, rate: RateLimit, left: float) -> None:
        self.rate, self.left, self.at = rate, left, 0.0
        self.refused = self.passed = 0
        self.time = ManualClock(0.0)
        self.bucket = TokenBucket(rate, self.time.clock)
        self._lock = threading.Lock()

    def call(self) -> bool:
        """Make one call, and return whether it was accepted."""
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
        """Make calls from eight threads until this number was accepted."""
        with ThreadPoolExecutor(8) as threads:
            for _ in range(count):
                threads.submit(lambda: self.call() or self.call())


def test_an_empty_server_bucket_costs_one_refusal() -> None:
    """If the server's bucket is empty, one call is refused and all others keep to the rate."""
    server = ServersBucket(RateLimit(4.0, 1000), left=0.0)

    server.calls(100)

    assert server.passed == 100
    assert server.refused == 1
    assert server.time.seconds <= 1.1 * 100 / 4.0


def test_a_full_server_bucket_is_used_without_a_refusal() -> None:
    """If the server's bucket is full, its burst is used by all connections without a refusal."""
    server = ServersBucket(RateLimit(4.0, 60), left=60.0)

    server.calls(100)

    assert (server.passed, server.refused) == (100, 0)
    assert server.time.seconds <= 1.1 * 40 / 4.0


def test_concurrency_grows_with_accepted_calls() -> None:
    """The first call is made alone, then two at once, then four, as long as they are accepted."""
    bucket = TokenBucket(RateLimit(1.0, 100), Clock(now=lambda: 0.0))
    active, concurrency, lock = 0, [], threading.Lock()
    ready = threading.Event()

    def call() -> None:
        nonlocal active
        with bucket.call() as outcome:
            with lock:
                active += 1
                concurrency.append(active)
            ready.wait(0.02)
            with lock:
                active -= 1
            outcome.passed = True

    with ThreadPoolExecutor(8) as threads:
        for _ in range(16):
            threads.submit(call)

    assert concurrency[:2] == [1, 1]
    assert max(concurrency[:3]) <= 2
    assert max(concurrency) > 2


def test_every_endpoint_has_its_own_bucket(time: ManualClock) -> None:
    """The calls of one endpoint do not use up another one's bucket."""
    buckets = Buckets(time.clock)
    take(buckets.of("/batches/sync", RateLimit(1.0, 1)))

    take(buckets.of("/supply-lines/sync", RateLimit(1.0, 1)))
    assert time.slept == []

    take(buckets.of("/batches/sync", RateLimit(1.0, 1)))
    assert time.slept == [pytest.approx(1.0)]


def test_retries_end_after_eight_attempts(time: ManualClock) -> None:
    """After eight attempts with growing waits the last error is raised, with the number of attempts."""

    def fail() -> None:
        raise BusyError("busy")

    with pytest.raises(BusyError, match=r"busy \(gave up after 8 attempts\)"):
        RetryPolicy().call(fail, time.clock)

    assert len(time.slept) == 7
    assert all(0.5 * 2**n <= wait <= 0.5 * 2**n + 0.5 for n, wait in enumerate(time.slept))


def test_retries_end_after_five_minutes(time: ManualClock) -> None:
    """After five minutes the last error is raised, however few attempts were made."""

    def fail_slowly() -> None:
        time.seconds += 100
        raise BusyError("busy")

    with pytest.raises(BusyError, match="gave up after 3 attempts"):
        RetryPolicy().call(fail_slowly, time.clock)


def test_a_too_long_wait_is_not_begun(time: ManualClock) -> None:
    """If the server requests a longer wait than five minutes, the call ends at once with an error that states it."""

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
    """Retry-After is read as seconds or as a date by the server's clock; invalid values and over a day are ignored."""
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
    ids=["problem", "message", "fields", "cut", "html", "empty", "nested", "control characters"],
)
def test_an_error_response_becomes_one_line(body: bytes, line: str) -> None:
    """Any body of an error response becomes one printable line without secrets."""
    assert described(400, body, secrets=("key-1",)) == line
