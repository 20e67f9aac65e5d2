"""Calls, over real HTTP: what is sent, what is tried again, and what each answer means."""

from __future__ import annotations

import gzip
import logging
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
    """Floriday in one: tokens and API, with a token for whoever asks."""
    with answering_server() as answering:
        tokens = [Reply(200, {"access_token": f"t0ken-{n}", "expires_in": 3600}) for n in range(1, 10)]
        answering.respond(TOKEN, *tokens)
        yield answering


@pytest.fixture
def time() -> ManualClock:
    """A time of the test's own."""
    return ManualClock()


@pytest.fixture
def client(server: AnsweringServer, time: ManualClock) -> Iterator[FloridayClient]:
    """A client of that server."""
    session = TokenSession(server.address + TOKEN, "client-1", SecretStr("s3cr3t"), clock=time.clock)
    with FloridayClient(
        server.address + BASE, session, SecretStr(KEY), account="north", clock=time.clock, timeout=(1.0, 0.2)
    ) as made:
        yield made
    session.close()


def page(client: FloridayClient) -> bytes:
    """The first page of batches, whose body is any JSON."""
    return client.get(BATCHES.page(0), whole_json, bucket=BATCHES.sync, rate=BATCHES.rate)


def whole_json(body: bytes) -> bytes:
    """The body, if it is JSON."""
    decoded(body, msgspec.Raw, "the answer is not JSON")
    return body


def failure(client: FloridayClient, kind: type[PipelineError]) -> str:
    """What reading a page ends with: one line that names the account and holds no secret, nor does its traceback."""
    with pytest.raises(kind) as caught:
        page(client)
    line = str(caught.value)
    assert line.startswith("north: ")
    assert "\n" not in line
    shown = f"{line} {caught.value!r} {''.join(traceback.format_exception(caught.value))}"
    assert not [secret for secret in (KEY, "s3cr3t", "t0ken") if secret in shown]
    return line


def test_a_page_is_asked_for_as_the_endpoint_says(server: AnsweringServer, client: FloridayClient) -> None:
    """Path, page parameter and its maximum, both credentials, JSON, our name; a record comes back as it was sent."""
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


def test_a_smaller_page_can_be_asked_for(server: AnsweringServer, client: FloridayClient) -> None:
    """With the endpoint's own parameter."""
    server.respond(f"{BASE}/batches/sync/7", Reply(200, {"maximumSequenceNumber": 7, "results": []}))

    assert client.page(BATCHES, 7, limit=3).limit == 3

    assert server.requests[-1].query == {"limitResult": ["3"]}


def test_connections_are_used_again(server: AnsweringServer, client: FloridayClient) -> None:
    """Twenty pages come over one, besides that of the token; errors do not cost one."""
    server.respond(PAGE, Reply(200, {}), Reply(503), Reply(200, {}))

    for _ in range(20):
        page(client)

    assert server.connections == 2
    assert client.calls == 21


def test_packed_answers_are_unpacked(server: AnsweringServer, client: FloridayClient) -> None:
    """Gzip is asked for and understood."""
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
def test_passing_trouble_is_sat_out(
    server: AnsweringServer, client: FloridayClient, time: ManualClock, fault: Reply
) -> None:
    """The call is made again, later."""
    server.respond(PAGE, fault, fault, Reply(200, {"fine": True}))

    assert page(client) == b'{"fine": true}'
    assert client.calls == 3
    assert len([wait for wait in time.slept if wait >= 0.5]) >= 2


@pytest.mark.parametrize(
    ("fault", "kind", "words"),
    [
        (Reply(503, {"title": "Out for lunch"}), BusyError, "127.0.0.1 answered 503 Out for lunch to /batches/sync/0"),
        (Reply(dropped=True), UnreachableError, "the connection to 127.0.0.1 was cut"),
        (Reply(200, b"<html>"), GarbledAnswerError, "not JSON"),
        (Reply(200, b"junk", {"Content-Encoding": "gzip"}), GarbledAnswerError, "cannot be unpacked"),
    ],
)
def test_trouble_that_stays_is_told_with_its_attempts(
    server: AnsweringServer, client: FloridayClient, fault: Reply, kind: type[PipelineError], words: str
) -> None:
    """Eight calls, then the last error."""
    server.respond(PAGE, fault)

    line = failure(client, kind)

    assert words in line
    assert line.endswith("(gave up after 8 attempts)")
    assert client.calls == 8


def test_an_unreachable_server_is_told(time: ManualClock, server: AnsweringServer) -> None:
    """With its host."""
    with answering_server() as gone:
        address = gone.address + BASE
    session = TokenSession(server.address + TOKEN, "client-1", SecretStr("s3cr3t"), clock=time.clock)

    with FloridayClient(address, session, SecretStr(KEY), account="north", clock=time.clock) as client:
        assert "127.0.0.1 cannot be reached (gave up after 8 attempts)" in failure(client, UnreachableError)


def test_a_server_is_given_the_time_it_asks_for(
    server: AnsweringServer, client: FloridayClient, time: ManualClock
) -> None:
    """``Retry-After`` makes the wait longer, and other calls of that endpoint wait as well."""
    server.respond(PAGE, Reply(429, headers={"Retry-After": "45"}), Reply(200, {}))

    page(client)

    assert max(time.slept) == 45


def test_a_server_that_asks_for_too_long_is_left(server: AnsweringServer, client: FloridayClient) -> None:
    """More than the five minutes of a call are not waited for."""
    server.respond(PAGE, Reply(429, headers={"Retry-After": "86400"}))

    assert "(gave up after 1 attempt, asked to wait 86400 s)" in failure(client, BusyError)


def test_a_limit_that_was_hit_is_kept_by_the_next_call(
    server: AnsweringServer, client: FloridayClient, time: ManualClock
) -> None:
    """After a 429 nothing is left of the burst."""
    slow = RateLimit(0.01, 1000)
    server.respond(f"{BASE}/slow", Reply(429), Reply(200, {}))
    client.get("/slow", whole_json, rate=slow)
    time.slept.clear()

    client.get("/slow", whole_json, rate=slow)

    assert time.slept == [pytest.approx(100)]


def test_a_call_is_retried_when_its_answer_cannot_be_parsed(server: AnsweringServer, client: FloridayClient) -> None:
    """The parser runs inside the retries, and its result is returned."""
    server.respond(PAGE, Reply(200, {"maximumSequenceNumber": None}), Reply(200, {"maximumSequenceNumber": 1}))

    def number(body: bytes) -> bytes:
        if b"null" in body:
            raise GarbledAnswerError("no number")
        return body.split(b":")[1]

    assert client.get("/batches/sync/0", number, rate=BATCHES.rate) == b" 1}"


def test_an_expired_token_is_renewed_once(server: AnsweringServer, client: FloridayClient) -> None:
    """The call goes on with another one."""
    server.respond(PAGE, UNAUTHORIZED, Reply(200, {}))

    page(client)

    used = [request.headers["Authorization"] for request in server.requests_to(PAGE)]
    assert used == ["Bearer t0ken-1", "Bearer t0ken-2"]


def test_a_token_that_is_refused_when_fresh_is_an_error(server: AnsweringServer, client: FloridayClient) -> None:
    """The line names who minted it and who refused it; nothing is tried a third time."""
    server.respond(PAGE, UNAUTHORIZED)

    line = failure(client, AuthenticationError)

    assert "127.0.0.1 refuses a token that 127.0.0.1 has just issued: 401 Unauthorized. Expired" in line
    assert "FLORIDAY_BASE_URL and FLORIDAY_AUTH_URL must belong to one environment" in line
    assert len(server.requests_to(PAGE)) == 2
    assert len(server.requests_to(TOKEN)) == 2


def test_threads_with_one_expired_token_renew_it_once(server: AnsweringServer, client: FloridayClient) -> None:
    """However many calls were refused."""
    server.respond(PAGE, Reply(200, {}))
    page(client)
    server.revoked.add("t0ken-1")
    together = Barrier(6)

    def ask() -> bytes:
        together.wait()
        return page(client)

    with ThreadPoolExecutor(6) as threads:
        bodies = [future.result() for future in [threads.submit(ask) for _ in range(6)]]

    assert bodies == [b"{}"] * 6
    assert len(server.requests_to(TOKEN)) == 2


def test_a_token_that_cannot_be_had_is_not_tried_twice_over(server: AnsweringServer, client: FloridayClient) -> None:
    """The token session has its own patience; the API is not called."""
    server.respond(TOKEN, Reply(503))

    assert "answered 503 to the request for a token (gave up after 5 attempts)" in failure(client, BusyError)
    assert len(server.requests_to(TOKEN)) == 5
    assert client.calls == 0


def test_a_refusal_names_the_request(server: AnsweringServer, client: FloridayClient) -> None:
    """By the id that the gateway gave it, beside Floriday's code: its support asks for it."""
    problem = {"title": "Gone", "domainErrorCode": "feed-not-found"}
    server.respond(PAGE, Reply(404, problem, {"x-amzn-RequestId": "c6af9ac6-7b61-11e6"}))

    assert failure(client, RefusedError).endswith(": 404 Gone (feed-not-found, request c6af9ac6-7b61-11e6)")


@pytest.mark.parametrize("status", [400, 403, 404, 405, 414, 415, 501])
def test_a_refusal_is_final_and_says_why(server: AnsweringServer, client: FloridayClient, status: int) -> None:
    """Floriday's title and code are told, with the status; nothing is tried again."""
    problem = {"title": "There are no connected suppliers.", "status": str(status), "domainErrorCode": "no-connections"}
    server.respond(PAGE, Reply(status, problem))

    line = failure(client, RefusedError)

    assert line == (
        f"north: 127.0.0.1 refuses /batches/sync/0: {status} There are no connected suppliers (no-connections)"
    )
    assert client.calls == 1


def test_a_refusal_carries_its_status(server: AnsweringServer, client: FloridayClient) -> None:
    """For whoever treats a 404 as an answer."""
    server.respond(PAGE, Reply(404))

    with pytest.raises(RefusedError) as caught:
        page(client)

    assert caught.value.status == 404


def test_a_wrong_key_is_told_by_its_variable(server: AnsweringServer, client: FloridayClient) -> None:
    """Also where the server echoes it."""
    server.respond(PAGE, Reply(403, {"message": f"The specified api key is invalid. {KEY}"}))

    line = failure(client, RefusedError)

    assert "403 The specified api key is invalid. … – is FLORIDAY_API_KEY this application's?" in line


def test_a_feed_that_is_being_rebuilt_is_skippable(server: AnsweringServer, client: FloridayClient) -> None:
    """423 is no failure and is not tried again."""
    server.respond(PAGE, Reply(423, {"title": "Locked"}))

    assert "Floriday is rebuilding /batches/sync/0: 423 Locked" in failure(client, RebuildingError)
    assert client.calls == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_the_key_does_not_follow_a_redirect(server: AnsweringServer, client: FloridayClient, status: int) -> None:
    """The other address is never called."""
    with answering_server() as elsewhere:
        server.respond(PAGE, Reply(status, headers={"Location": f"{elsewhere.address}/steal"}))

        assert "sends the call on to 127.0.0.1, which is refused" in failure(client, RefusedError)
        assert elsewhere.requests == []
    assert client.calls == 1


def test_an_answer_has_a_size(server: AnsweringServer, time: ManualClock) -> None:
    """Also one that is small until it is unpacked; it is not asked for again, and an error's body is just cut."""
    session = TokenSession(server.address + TOKEN, "client-1", SecretStr("s3cr3t"), clock=time.clock)
    bomb = Reply(200, gzip.compress(b"[" + b" " * 50_000_000 + b"]"), {"Content-Encoding": "gzip"})
    flood = Reply(200, b"[" + b" " * 3_000_000 + b"]")
    chatty = Reply(404, b" " * 3_000_000)
    with FloridayClient(
        server.address + BASE, session, SecretStr(KEY), account="north", clock=time.clock, answer_limit=2**21
    ) as client:
        for reply in (bomb, flood):
            server.respond(PAGE, reply)
            assert "answered with more than 2 MB, which is refused" in failure(client, FatalError)
        server.respond(PAGE, chatty)
        assert "404 Not Found" in failure(client, RefusedError)
    assert client.calls == 3


def test_maximum_is_a_bare_number(server: AnsweringServer, client: FloridayClient) -> None:
    """As Floriday sends it."""
    server.respond(MAXIMUM, Reply(200, b"9007199254740993"))

    assert client.maximum(BATCHES) == 9007199254740993


@pytest.mark.parametrize(
    "body",
    [
        *(b'"12"', b"null", b"true", b"{}", b"-1", b"<html>", b"1.5", b"NaN", b"\xff", b""),
        *(b"9223372036854775808", b"1e99999999999999999999"),
    ],
)
def test_another_maximum_is_asked_for_again(server: AnsweringServer, client: FloridayClient, body: bytes) -> None:
    """Nothing is guessed from it."""
    server.respond(MAXIMUM, Reply(200, body), Reply(200, b"5"))

    assert client.maximum(BATCHES) == 5


def test_a_maximum_that_is_not_ours_is_unknown(server: AnsweringServer, client: FloridayClient) -> None:
    """403 is no failure here, and where there is no such operation nothing is asked."""
    server.respond(MAXIMUM, Reply(403))
    assert client.maximum(BATCHES) is None
    assert client.calls == 1

    assert client.maximum(Endpoint("/batches", max_sequence=None)) is None
    assert client.calls == 1


def test_a_maximum_that_fails_otherwise_fails(server: AnsweringServer, client: FloridayClient) -> None:
    """A 404 is not taken for unknown."""
    server.respond(MAXIMUM, Reply(404))

    with pytest.raises(RefusedError):
        client.maximum(BATCHES)


@pytest.mark.parametrize("field", ["organization", "customerOrganization"])
def test_identity_tells_whose_key_it_is(server: AnsweringServer, client: FloridayClient, field: str) -> None:
    """In both APIs; the organization's id is written as the warehouse writes it."""
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
def test_an_identity_without_an_organization_is_none(
    server: AnsweringServer, client: FloridayClient, answer: bytes
) -> None:
    """The warehouse could not tell whom it belongs to; it is asked again, and then an error of that account."""
    server.respond(f"{BASE}/identities", Reply(200, answer))

    with pytest.raises(GarbledAnswerError, match="organization") as caught:
        client.identity()

    assert caught.value.account == "north"


def test_environment_and_netrc_do_not_interfere(
    server: AnsweringServer, client: FloridayClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy is not asked for the loopback, a `.netrc` does not replace the token."""
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login a password b\n", encoding="utf-8")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    server.respond(PAGE, Reply(200, {}, {"Set-Cookie": "a=b"}))

    page(client)
    page(client)

    assert server.requests[-1].headers["Authorization"] == "Bearer t0ken-1"
    assert "Cookie" not in server.requests[-1].headers


def test_http_beyond_the_loopback_is_refused_before_anything_is_sent(server: AnsweringServer) -> None:
    """A client for such an address cannot be made."""
    session = TokenSession(server.address + TOKEN, "client-1", SecretStr("s3cr3t"))

    with pytest.raises(SettingError, match="FLORIDAY_BASE_URL uses plain http"):
        FloridayClient("http://api.floriday.io/suppliers-api-2026v1", session, SecretStr(KEY), account="north")

    assert server.requests == []


def test_nothing_secret_is_logged(
    server: AnsweringServer, client: FloridayClient, caplog: pytest.LogCaptureFixture
) -> None:
    """Not with every debug log on either, nor shown by what a debugger prints."""
    server.respond(PAGE, Reply(200, {}))
    with caplog.at_level(logging.DEBUG):
        page(client)

    shown = f"{caplog.text} {client!r} {vars(client)}"
    assert KEY not in shown
    assert "t0ken" not in shown


def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path, time: ManualClock) -> None:
    """At once, before a secret is sent, and told as what it is."""
    with answering_server(self_signed(tmp_path)) as server:
        address = server.address.replace("http://127.0.0.1", "https://localhost") + TOKEN
        session = TokenSession(address, "client-1", SecretStr("s3cr3t"), clock=time.clock)

        with pytest.raises(FatalError, match="the TLS certificate of localhost cannot be verified"):
            session.token()

    assert server.requests == []
    assert time.slept == []
