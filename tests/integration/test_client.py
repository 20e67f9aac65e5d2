"""Calls over real HTTP: what is sent, which failures are retried, and what each response means."""

from __future__ import annotations

import errno
import gzip
import logging
import re
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import msgspec
import pytest
from pydantic import SecretStr

from pipelines.errors import (
    AuthenticationError,
    BusyError,
    FatalError,
    GarbledAnswerError,
    PipelineError,
    RebuildingError,
    RefusedError,
    SettingError,
    UnreachableError,
)
from pipelines.floriday.client import FloridayClient
from pipelines.floriday.endpoints import Endpoint, RateLimit
from pipelines.floriday.http.auth import TokenSession
from pipelines.floriday.http.decoding import decoded
from pipelines.floriday.http.retry import RetryPolicy
from pipelines.floriday.identity import Identity
from pipelines.floriday.pages import Page
from tests.integration.answering_server import AnsweringServer, Reply, answering_server, self_signed
from tests.manual_clock import ManualClock

KEY = "k3y-7hat-must-not-show"
BATCHES = Endpoint("/batches", page_parameter="limitResult", page_maximum=500)
ORGANIZATION = "8bb25702-90f6-4123-8ccc-08dc1b2a061a"
BASE = "/suppliers-api-2026v1"
PAGE = f"{BASE}/batches/sync/0"
MAXIMUM = f"{BASE}/batches/current-max-sequence"
TOKEN = "/oauth2/id/v1/token"

UNAUTHORIZED = Reply(
    401, {"title": "Unauthorized", "status": "401", "detail": "Expired.", "domainErrorCode": "invalid-access-token"}
)


@pytest.fixture
def server() -> Iterator[AnsweringServer]:
    """A server for tokens and API calls that grants a new token for each request."""
    with answering_server() as answering:
        tokens = [Reply(200, {"access_token": f"t0ken-{n}", "expires_in": 3600}) for n in range(1, 10)]
        answering.respond(TOKEN, *tokens)
        yield answering


@pytest.fixture
def time() -> ManualClock:
    """A simulated clock."""
    return ManualClock()


@pytest.fixture
def client(server: AnsweringServer, time: ManualClock) -> Iterator[FloridayClient]:
    """A client of that server."""
    session = TokenSession(server.address + TOKEN, "client-1", SecretStr("s3cr3t"), clock=time.clock)
    with FloridayClient(
        server.address + BASE, session, SecretStr(KEY), account="north", clock=time.clock, timeout=(1.0, 0.2)
    ) as connected:
        yield connected
    session.close()


def page(client: FloridayClient) -> bytes:
    """Request the first page of batches, with any JSON as its body."""
    return client.get(BATCHES.page(0), any_json, bucket=BATCHES.sync, rate=BATCHES.rate)


def any_json(body: bytes) -> bytes:
    """Return a body that is JSON."""
    decoded(body, msgspec.Raw, "the answer is not JSON")
    return body


def failure(client: FloridayClient, kind: type[PipelineError]) -> str:
    """Return the error of a page request: one line with the account and without secrets, also in its traceback."""
    with pytest.raises(kind) as caught:
        page(client)
    line = str(caught.value)
    assert line.startswith("north: ")
    assert "\n" not in line
    shown = f"{line} {caught.value!r} {''.join(traceback.format_exception(caught.value))}"
    assert not [secret for secret in (KEY, "s3cr3t", "t0ken") if secret in shown]
    return line


def test_a_page_is_requested_with_the_endpoint_s_parameters(server: AnsweringServer, client: FloridayClient) -> None:
    """A page request has path, page size, credentials and user agent, and records are returned byte for byte."""
    body = b'{"maximumSequenceNumber": 4, "results":  [{"sequenceNumber":  4}]}'
    server.respond(PAGE, Reply(200, body))

    assert client.page(BATCHES, 0) == Page(4, (b'{"sequenceNumber":  4}',), (4,))

    [request] = server.requests_to(PAGE)
    assert request.method == "GET"
    assert request.query == {"limitResult": ["500"]}
    assert request.headers["Authorization"] == "Bearer t0ken-1"
    assert request.headers["X-Api-Key"] == KEY
    assert request.headers["Accept"] == "application/json"
    assert request.headers["User-Agent"].startswith("floriday-warehouse")


def test_a_smaller_page_can_be_requested(server: AnsweringServer, client: FloridayClient) -> None:
    """A smaller limit is sent in the page parameter of the endpoint."""
    server.respond(f"{BASE}/batches/sync/7", Reply(200, {"maximumSequenceNumber": 7, "results": []}))

    assert client.page(BATCHES, 7, limit=3).limit == 3

    assert server.requests[-1].query == {"limitResult": ["3"]}


def test_connections_are_reused(server: AnsweringServer, client: FloridayClient) -> None:
    """Twenty pages use one connection besides that of the token, also after an error."""
    server.respond(PAGE, Reply(200, {}), Reply(503), Reply(200, {}))

    for _ in range(20):
        page(client)

    assert server.connections == 2
    assert client.calls == 21


def test_gzip_responses_are_decompressed(server: AnsweringServer, client: FloridayClient) -> None:
    """The client accepts gzip and decompresses the body."""
    server.respond(PAGE, Reply(200, gzip.compress(b"[1]"), {"Content-Encoding": "gzip"}))

    assert page(client) == b"[1]"
    assert "gzip" in server.requests[-1].headers["Accept-Encoding"]


@pytest.mark.parametrize(
    "fault",
    [
        Reply(429),
        Reply(500, b"<html>Oops</html>"),
        Reply(502),
        Reply(503),
        Reply(504),
        Reply(dropped=True),
        Reply(stalled=True),
        Reply(200, b'{"results": [', missing=100),
        Reply(200, b"{}", missing=1),
        Reply(200, b"<html>Maintenance</html>"),
        Reply(200, b'{"results": ['),
        Reply(200, b""),
        Reply(200, b"[" * 100_000 + b"]" * 100_000),
        Reply(200, b"not gzip", {"Content-Encoding": "gzip"}),
        Reply(204),
    ],
    ids=lambda reply: f"{reply.status} {reply.content[:12]!r} {reply.missing}{reply.dropped}{reply.stalled}",
)
def test_temporary_failures_are_retried(
    server: AnsweringServer, client: FloridayClient, time: ManualClock, fault: Reply
) -> None:
    """A call with a temporary failure is retried after a back-off."""
    server.respond(PAGE, fault, fault, Reply(200, {"fine": True}))

    assert page(client) == b'{"fine": true}'
    assert client.calls == 3
    assert len([wait for wait in time.slept if wait >= 0.5]) >= 2


@pytest.mark.parametrize(
    ("fault", "kind", "message"),
    [
        (Reply(503, {"title": "Out for lunch"}), BusyError, "127.0.0.1 answered 503 Out for lunch to /batches/sync/0"),
        (Reply(dropped=True), UnreachableError, "the connection to 127.0.0.1 was cut"),
        (Reply(200, b"<html>"), GarbledAnswerError, "not JSON"),
        (Reply(200, b"junk", {"Content-Encoding": "gzip"}), GarbledAnswerError, "cannot be unpacked"),
    ],
)
def test_a_permanent_failure_is_reported_with_its_attempts(
    server: AnsweringServer, client: FloridayClient, fault: Reply, kind: type[PipelineError], message: str
) -> None:
    """After eight attempts the last error is raised with the number of attempts."""
    server.respond(PAGE, fault)

    line = failure(client, kind)

    assert message in line
    assert line.endswith("(gave up after 8 attempts)")
    assert client.calls == 8


def test_an_unreachable_server_is_reported(time: ManualClock, server: AnsweringServer) -> None:
    """The error for an unreachable server has its host and the setting."""
    with answering_server() as stopped:
        address = stopped.address + BASE
    session = TokenSession(server.address + TOKEN, "client-1", SecretStr("s3cr3t"), clock=time.clock)

    with FloridayClient(address, session, SecretStr(KEY), account="north", clock=time.clock) as client:
        port = stopped.address.rpartition(":")[2]
        line = failure(client, UnreachableError)
        assert f"127.0.0.1 cannot be reached: port {port} refuses the connection;" in line
        assert line.endswith("; check FLORIDAY_BASE_URL and the network (gave up after 8 attempts)")


def test_retry_after_is_respected(server: AnsweringServer, client: FloridayClient, time: ManualClock) -> None:
    """``Retry-After`` sets the wait, also for other calls of the endpoint."""
    server.respond(PAGE, Reply(429, headers={"Retry-After": "45"}), Reply(200, {}))

    page(client)

    assert max(time.slept) == 45


def test_a_too_long_retry_after_is_not_waited_for(server: AnsweringServer, client: FloridayClient) -> None:
    """A ``Retry-After`` beyond the five minutes of a call ends it at once."""
    server.respond(PAGE, Reply(429, headers={"Retry-After": "86400"}))

    assert "(gave up after 1 attempt, asked to wait 86400 s)" in failure(client, BusyError)


def test_after_a_429_the_burst_is_used_up(server: AnsweringServer, client: FloridayClient, time: ManualClock) -> None:
    """After a status 429 the rate limiter assumes that no token is left."""
    slow = RateLimit(0.01, 1000)
    server.respond(f"{BASE}/slow", Reply(429), Reply(200, {}))
    client.get("/slow", any_json, rate=slow)
    time.slept.clear()

    client.get("/slow", any_json, rate=slow)

    assert time.slept == [pytest.approx(100)]


def test_a_response_that_cannot_be_parsed_is_retried(server: AnsweringServer, client: FloridayClient) -> None:
    """The parser runs inside the retries, and its result is returned."""
    server.respond(PAGE, Reply(200, {"maximumSequenceNumber": None}), Reply(200, {"maximumSequenceNumber": 1}))

    def number(body: bytes) -> bytes:
        if b"null" in body:
            raise GarbledAnswerError("no number")
        return body.split(b":")[1]

    assert client.get("/batches/sync/0", number, rate=BATCHES.rate) == b" 1}"


def test_an_expired_token_is_renewed_once(server: AnsweringServer, client: FloridayClient) -> None:
    """After a status 401 the token is renewed once, and the call is repeated with it."""
    server.respond(PAGE, UNAUTHORIZED, Reply(200, {}))

    page(client)

    used = [request.headers["Authorization"] for request in server.requests_to(PAGE)]
    assert used == ["Bearer t0ken-1", "Bearer t0ken-2"]


def test_a_new_token_that_is_refused_is_an_error(server: AnsweringServer, client: FloridayClient) -> None:
    """The error has the hosts that issued and refused the token, and there is no third attempt."""
    server.respond(PAGE, UNAUTHORIZED)

    line = failure(client, AuthenticationError)

    assert "127.0.0.1 refuses a token that 127.0.0.1 has just issued: 401 Unauthorized. Expired" in line
    assert "FLORIDAY_BASE_URL and FLORIDAY_AUTH_URL must belong to one environment" in line
    assert len(server.requests_to(PAGE)) == 2
    assert len(server.requests_to(TOKEN)) == 2


def test_threads_with_one_expired_token_renew_it_once(server: AnsweringServer, client: FloridayClient) -> None:
    """Several threads that are refused with the same token renew it once."""
    server.respond(PAGE, Reply(200, {}))
    page(client)
    server.revoked.add("t0ken-1")
    barrier = Barrier(6)

    def request_page() -> bytes:
        barrier.wait()
        return page(client)

    with ThreadPoolExecutor(6) as threads:
        bodies = [future.result() for future in [threads.submit(request_page) for _ in range(6)]]

    assert bodies == [b"{}"] * 6
    assert len(server.requests_to(TOKEN)) == 2


def test_a_failed_token_request_is_not_repeated_by_the_call(server: AnsweringServer, client: FloridayClient) -> None:
    """If the token session gives up, the call fails without a request to the API."""
    server.respond(TOKEN, Reply(503))

    assert "answered 503 to the request for a token (gave up after 5 attempts)" in failure(client, BusyError)
    assert len(server.requests_to(TOKEN)) == 5
    assert client.calls == 0


def test_a_refusal_has_the_request_id(server: AnsweringServer, client: FloridayClient) -> None:
    """The error has the request id of the gateway and Floriday's error code, for which the support asks."""
    problem = {"title": "Gone", "domainErrorCode": "feed-not-found"}
    server.respond(PAGE, Reply(404, problem, {"x-amzn-RequestId": "c6af9ac6-7b61-11e6"}))

    assert failure(client, RefusedError).endswith(": 404 Gone (feed-not-found, request c6af9ac6-7b61-11e6)")


@pytest.mark.parametrize("status", [400, 403, 404, 405, 414, 415, 501])
def test_a_refusal_is_final_and_has_a_reason(server: AnsweringServer, client: FloridayClient, status: int) -> None:
    """A refused call is not retried, and the error has status, title and error code."""
    problem = {"title": "There are no connected suppliers.", "status": str(status), "domainErrorCode": "no-connections"}
    server.respond(PAGE, Reply(status, problem))

    line = failure(client, RefusedError)

    assert line == (
        f"north: 127.0.0.1 refuses /batches/sync/0: {status} There are no connected suppliers (no-connections)"
    )
    assert client.calls == 1


def test_a_refusal_has_its_status(server: AnsweringServer, client: FloridayClient) -> None:
    """The exception has the status, for callers that handle a 404."""
    server.respond(PAGE, Reply(404))

    with pytest.raises(RefusedError) as caught:
        page(client)

    assert caught.value.status == 404


def test_a_wrong_api_key_is_reported_with_its_variable(server: AnsweringServer, client: FloridayClient) -> None:
    """The error for a wrong API key has the name of the variable, and not the key that the server echoes."""
    server.respond(PAGE, Reply(403, {"message": f"The specified api key is invalid. {KEY}"}))

    line = failure(client, RefusedError)

    assert "403 The specified api key is invalid. … – is FLORIDAY_API_KEY this application's?" in line


def test_a_feed_that_is_being_rebuilt_can_be_skipped(server: AnsweringServer, client: FloridayClient) -> None:
    """A status 423 raises an error of its own and is not retried."""
    server.respond(PAGE, Reply(423, {"title": "Locked"}))

    assert "Floriday is rebuilding /batches/sync/0: 423 Locked" in failure(client, RebuildingError)
    assert client.calls == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_the_api_key_is_not_sent_to_a_redirect(server: AnsweringServer, client: FloridayClient, status: int) -> None:
    """The target of a redirect is never called."""
    with answering_server() as other:
        server.respond(PAGE, Reply(status, headers={"Location": f"{other.address}/steal"}))

        assert "redirects the call to 127.0.0.1: redirects are not followed" in failure(client, RefusedError)
        assert other.requests == []
    assert client.calls == 1


def test_the_size_of_a_response_is_limited(server: AnsweringServer, time: ManualClock) -> None:
    """A response that is too large, before or after decompression, is an error; the body of an error is cut."""
    session = TokenSession(server.address + TOKEN, "client-1", SecretStr("s3cr3t"), clock=time.clock)
    bomb = Reply(200, gzip.compress(b"[" + b" " * 50_000_000 + b"]"), {"Content-Encoding": "gzip"})
    flood = Reply(200, b"[" + b" " * 3_000_000 + b"]")
    long_error = Reply(404, b" " * 3_000_000)
    with FloridayClient(
        server.address + BASE, session, SecretStr(KEY), account="north", clock=time.clock, answer_limit=2**21
    ) as client:
        for reply in (bomb, flood):
            server.respond(PAGE, reply)
            assert "answered with more than 2 MB, which is refused" in failure(client, FatalError)
        server.respond(PAGE, long_error)
        assert "404 Not Found" in failure(client, RefusedError)
    assert client.calls == 3


def test_the_maximum_is_a_bare_number(server: AnsweringServer, client: FloridayClient) -> None:
    """The response of the max-sequence operation is a number without an object."""
    server.respond(MAXIMUM, Reply(200, b"9007199254740993"))

    assert client.maximum(BATCHES) == 9007199254740993


@pytest.mark.parametrize(
    "body",
    [
        *(b'"12"', b"null", b"true", b"{}", b"-1", b"<html>", b"1.5", b"NaN", b"\xff", b""),
        *(b"9223372036854775808", b"1e99999999999999999999"),
    ],
)
def test_an_invalid_maximum_is_requested_again(server: AnsweringServer, client: FloridayClient, body: bytes) -> None:
    """A response that is not a valid number is requested again."""
    server.respond(MAXIMUM, Reply(200, body), Reply(200, b"5"))

    assert client.maximum(BATCHES) == 5


def test_a_maximum_without_permission_is_unknown(server: AnsweringServer, client: FloridayClient) -> None:
    """A status 403 makes the maximum unknown without an error, and without the operation no call is made."""
    server.respond(MAXIMUM, Reply(403))
    assert client.maximum(BATCHES) is None
    assert client.calls == 1

    assert client.maximum(Endpoint("/batches", max_sequence=None)) is None
    assert client.calls == 1


def test_other_failures_of_the_maximum_are_errors(server: AnsweringServer, client: FloridayClient) -> None:
    """A status 404 of the max-sequence operation is an error."""
    server.respond(MAXIMUM, Reply(404))

    with pytest.raises(RefusedError):
        client.maximum(BATCHES)


@pytest.mark.parametrize("field", ["organization", "customerOrganization"])
def test_the_identity_has_the_key_s_organization(server: AnsweringServer, client: FloridayClient, field: str) -> None:
    """The identity of both APIs has the organization id in lower case."""
    answer = {
        field: {"organizationId": ORGANIZATION.upper(), "name": "Nursery"},
        "clientId": "c",
        "apiVersion": "2026v1",
    }
    server.respond(f"{BASE}/identities", Reply(200, answer))

    assert client.identity() == Identity(ORGANIZATION, "Nursery", "c", "2026v1")


@pytest.mark.parametrize(
    "answer",
    [
        b'{"clientId": "c"}',
        b'{"organization": {"organizationId": "o-1"}}',
        b'{"organization": {"organizationId": ""}}',
        b'{"organization": {"organizationId": 5}}',
        b'{"organization": {"organizationId": "8bb25702-90f6-4123-8ccc-08dc1b2a061a", "name": "\\ud800"}}',
        b'{"organization": {"organizationId": "\xff"}}',
        b"[" * 100_000,
    ],
    ids=["none", "malformed", "empty", "number", "half a surrogate", "no text", "deep"],
)
def test_an_identity_without_an_organization_is_an_error(
    server: AnsweringServer, client: FloridayClient, answer: bytes
) -> None:
    """An identity without a valid organization is requested again, and then is an error of the account."""
    server.respond(f"{BASE}/identities", Reply(200, answer))

    with pytest.raises(GarbledAnswerError, match="organization") as caught:
        client.identity()

    assert caught.value.account == "north"


def test_environment_and_netrc_do_not_interfere(
    server: AnsweringServer, client: FloridayClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proxy variables do not apply to the loopback, and a ``.netrc`` does not replace the token."""
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login a password b\n", encoding="utf-8")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    server.respond(PAGE, Reply(200, {}, {"Set-Cookie": "a=b"}))

    page(client)
    page(client)

    assert server.requests[-1].headers["Authorization"] == "Bearer t0ken-1"
    assert "Cookie" not in server.requests[-1].headers


def test_plain_http_beyond_the_loopback_is_refused(server: AnsweringServer) -> None:
    """A client for a plain http address beyond the loopback cannot be created."""
    session = TokenSession(server.address + TOKEN, "client-1", SecretStr("s3cr3t"))

    with pytest.raises(SettingError, match="FLORIDAY_BASE_URL uses plain http"):
        FloridayClient("http://api.floriday.io/suppliers-api-2026v1", session, SecretStr(KEY), account="north")

    assert server.requests == []


def test_no_secret_is_logged(server: AnsweringServer, client: FloridayClient, caplog: pytest.LogCaptureFixture) -> None:
    """Debug logs and the representation of the client contain no secret."""
    server.respond(PAGE, Reply(200, {}))
    with caplog.at_level(logging.DEBUG):
        page(client)

    shown = f"{caplog.text} {client!r} {vars(client)}"
    assert KEY not in shown
    assert "t0ken" not in shown


def test_an_untrusted_certificate_is_refused(tmp_path: Path, time: ManualClock) -> None:
    """An untrusted certificate is an error before a secret is sent, and is not retried."""
    with answering_server(self_signed(tmp_path)) as server:
        address = server.address.replace("http://127.0.0.1", "https://localhost") + TOKEN
        session = TokenSession(address, "client-1", SecretStr("s3cr3t"), clock=time.clock)

        with pytest.raises(FatalError, match="the TLS certificate of localhost cannot be verified"):
            session.token()

    assert server.requests == []
    assert time.slept == []


class TestUnreachableHosts:
    """The error says the host, the port and the cause."""

    def message(self, address: str, time: ManualClock) -> str:
        """Return the error of a call to a token server at this address."""
        session = TokenSession(address, "c", SecretStr("s"), clock=time.clock, retry=RetryPolicy(attempts=1))
        with pytest.raises(PipelineError) as error:
            session.token()
        return str(error.value)

    def test_an_unknown_name(self, time: ManualClock) -> None:
        """A host name that does not exist."""
        message = self.message("https://no-such-host.invalid/token", time)

        assert message.startswith("no-such-host.invalid cannot be reached: there is no such host name")

    def test_the_reason_of_an_invalid_certificate(self, time: ManualClock, tmp_path: Path) -> None:
        """The reason of TLS, such as an unknown issuer."""
        with answering_server(self_signed(tmp_path)) as server:
            message = self.message(server.address.replace("http://127.0.0.1", "https://localhost") + TOKEN, time)

        assert re.search(r"localhost cannot be verified: .*certificate", message)

    def test_no_answer_to_a_connection(self, time: ManualClock, monkeypatch: pytest.MonkeyPatch) -> None:
        """A firewall that drops connections."""

        def connect(*_: object) -> None:
            raise TimeoutError

        monkeypatch.setattr("pipelines.floriday.http.deadlines.Call.connect", connect)

        message = self.message("https://127.0.0.1:4443/token", time)
        assert message.startswith("127.0.0.1 cannot be reached: port 4443 did not answer in time")

    def test_no_route(self, time: ManualClock, monkeypatch: pytest.MonkeyPatch) -> None:
        """Another reason of the operating system."""

        def connect(*_: object) -> None:
            raise OSError(errno.ENETUNREACH, "Network is unreachable")

        monkeypatch.setattr("pipelines.floriday.http.deadlines.Call.connect", connect)

        message = self.message("https://127.0.0.1:4443/token", time)
        assert message.startswith("127.0.0.1 cannot be reached at port 4443: Network is unreachable")
