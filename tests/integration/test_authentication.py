"""Tokens over real HTTP: how they are requested, shared, renewed and refused."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Barrier, Event, Lock

import pytest
from pydantic import SecretStr

from pipelines.errors import AuthenticationError, BusyError, PipelineError, SettingError, UnreachableError
from pipelines.floriday.http.auth import TokenSession
from pipelines.floriday.http.retry import RetryPolicy
from tests.integration.answering_server import AnsweringServer, Reply, answering_server
from tests.manual_clock import ManualClock

SECRET = "s3cr3t&7hat=must+not/show"
TOKEN = "/oauth2/id/v1/token"
METADATA = "/oauth2/id/.well-known/oauth-authorization-server"
RFC_METADATA = "/.well-known/oauth-authorization-server/oauth2/id"
SCOPES = ("role:app", "organization:read", "supply:read")


@pytest.fixture
def server() -> Iterator[AnsweringServer]:
    """An authorization server with responses that a test defines."""
    with answering_server() as answering:
        yield answering


@pytest.fixture
def time() -> ManualClock:
    """A simulated clock."""
    return ManualClock()


def grant(token: str = "token-1", **more: object) -> Reply:
    """Return a response with a token."""
    return Reply(200, {"access_token": token, "token_type": "Bearer", "expires_in": 3600} | more)


def refusal(error: str, status: int = 400) -> Reply:
    """Return an OAuth error that echoes the secret."""
    return Reply(status, {"error": error, "error_description": f"no {SECRET}"})


def session_at(address: str, time: ManualClock, **options: object) -> TokenSession:
    """Return a token session for an address."""
    return TokenSession(address, "client-1", SecretStr(SECRET), SCOPES, clock=time.clock, **options)  # type: ignore[arg-type]


def failure(session: TokenSession, kind: type[PipelineError] = AuthenticationError) -> str:
    """Return the error of a token request, which is one line without a secret or a cause."""
    with pytest.raises(kind) as caught:
        session.token()
    line = str(caught.value)
    assert "\n" not in line
    assert caught.value.__cause__ is None
    assert SECRET not in f"{line} {caught.value!r} {caught.value.__dict__}"
    return line


def test_credentials_are_sent_in_the_body(server: AnsweringServer, time: ManualClock) -> None:
    """The token request is a form without an Authorization header, and http to the loopback needs no variable."""
    server.respond(TOKEN, grant())
    before = dict(os.environ)

    assert session_at(server.address + TOKEN, time).token() == "token-1"

    [request] = server.requests_to(TOKEN)
    assert request.method == "POST"
    assert request.form == {
        "grant_type": ["client_credentials"],
        "client_id": ["client-1"],
        "client_secret": [SECRET],
        "scope": [" ".join(SCOPES)],
    }
    assert "Authorization" not in request.headers
    assert request.headers["Accept"] == "application/json"
    assert request.headers["User-Agent"].startswith("floriday-warehouse")
    assert dict(os.environ) == before


def test_plain_http_beyond_the_loopback_is_refused(time: ManualClock) -> None:
    """A session for a plain http address beyond the loopback cannot be created."""
    with pytest.raises(SettingError, match="FLORIDAY_AUTH_URL uses plain http"):
        session_at("http://idm.floriday.io/v1/token", time)


def test_no_secret_is_logged(server: AnsweringServer, time: ManualClock, caplog: pytest.LogCaptureFixture) -> None:
    """Debug logs and the representation of the session contain no secret."""
    server.respond(TOKEN, grant("t0ken-that-must-not-show"))
    with caplog.at_level(logging.DEBUG), caplog.at_level(logging.DEBUG, "requests_oauthlib.oauth2_session"):
        session = session_at(server.address + TOKEN, time)
        session.token()

    shown = f"{caplog.text} {session!r} {vars(session)}"
    assert "s3cr3t" not in shown
    assert "t0ken" not in shown


def test_a_token_is_used_until_shortly_before_its_expiry(server: AnsweringServer, time: ManualClock) -> None:
    """A token is renewed 60 seconds before its expiry."""
    server.respond(TOKEN, grant("token-1"), grant("token-2"))
    session = session_at(server.address + TOKEN, time)
    assert session.token() == "token-1"
    assert session.expires_at == datetime.fromtimestamp(time.seconds + 3600, UTC)

    time.seconds += 3539
    assert session.token() == "token-1"
    time.seconds += 1
    assert session.token() == "token-2"


def test_a_short_lived_token_is_used_for_half_its_lifetime(server: AnsweringServer, time: ManualClock) -> None:
    """A token of 40 seconds is renewed after 20."""
    server.respond(TOKEN, grant("token-1", expires_in=40), grant("token-2"))
    session = session_at(server.address + TOKEN, time)
    session.token()

    time.seconds += 19
    assert session.token() == "token-1"
    time.seconds += 1
    assert session.token() == "token-2"


@pytest.mark.parametrize("more", [{}, {"expires_in": None}, {"expires_in": "3600"}, {"expires_in": 3600.0}])
def test_a_token_lives_an_hour_by_default(server: AnsweringServer, time: ManualClock, more: dict[str, object]) -> None:
    """A token without a valid lifetime is valid for an hour."""
    server.respond(TOKEN, Reply(200, {"access_token": "token-1"} | more))

    assert session_at(server.address + TOKEN, time).expires_at == datetime.fromtimestamp(time.seconds + 3600, UTC)


def test_many_threads_make_one_token_request(server: AnsweringServer, time: ManualClock) -> None:
    """Concurrent threads share one token request."""
    server.respond(TOKEN, grant("token-1"), grant("token-2"))
    session = session_at(server.address + TOKEN, time)
    barrier = Barrier(12)

    def request_token() -> str:
        barrier.wait()
        return session.token()

    with ThreadPoolExecutor(12) as threads:
        tokens = [future.result() for future in [threads.submit(request_token) for _ in range(12)]]

    assert tokens == ["token-1"] * 12
    assert len(server.requests_to(TOKEN)) == 1


def test_a_refused_token_is_renewed_once_for_all(server: AnsweringServer, time: ManualClock) -> None:
    """Several threads that renew the same expired token get one new token."""
    server.respond(TOKEN, grant("token-1"), grant("token-2"), grant("token-3"))
    session = session_at(server.address + TOKEN, time)
    stale = session.token()

    with ThreadPoolExecutor(8) as threads:
        fresh = [future.result() for future in [threads.submit(session.renew, stale) for _ in range(8)]]

    assert fresh == ["token-2"] * 8
    assert len(server.requests_to(TOKEN)) == 2


class CountingLock:
    """A lock that sets an event when four threads wait for it."""

    def __init__(self) -> None:
        self.all_waiting = Event()
        self._coming = 0
        self._counting = Lock()
        self._lock = Lock()

    def __enter__(self) -> None:
        with self._counting:
            self._coming += 1
            if self._coming == 4:
                self.all_waiting.set()
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()


def test_waiting_threads_share_a_failure(server: AnsweringServer, time: ManualClock) -> None:
    """A wrong secret is tried once, and each waiting thread gets its own exception, to which it adds its account."""
    session = session_at(server.address + TOKEN, time)
    lock = CountingLock()
    session._lock = lock  # type: ignore[assignment]  # noqa: SLF001 - the only way to know who waits
    server.respond(TOKEN, Reply(401, {"error": "invalid_client"}, after=lock.all_waiting))

    with ThreadPoolExecutor(4) as threads:
        errors = [future.exception() for future in [threads.submit(session.token) for _ in range(4)]]

    assert all(isinstance(error, AuthenticationError) for error in errors)
    assert len({id(error) for error in errors}) == 4
    assert len(server.requests_to(TOKEN)) == 1


def test_wrong_credentials_are_reported_in_one_line(server: AnsweringServer, time: ManualClock) -> None:
    """The error has both variables and the host, and not the text of the server; it is not retried."""
    server.respond(TOKEN, refusal("invalid_client", 401))

    line = failure(session_at(server.address + TOKEN, time))

    assert line.startswith("127.0.0.1 refuses FLORIDAY_CLIENT_ID and FLORIDAY_CLIENT_SECRET (invalid_client): ")
    assert len(server.requests_to(TOKEN)) == 1


def test_a_response_without_scope_grants_all_scopes(server: AnsweringServer, time: ManualClock) -> None:
    """If the response has no scope, all requested scopes are granted."""
    server.respond(TOKEN, grant())
    session = session_at(server.address + TOKEN, time)

    assert session.granted is None
    assert session.refused == ()


@pytest.mark.parametrize("scope", ["supply:read role:app", ["supply:read", "role:app"]], ids=["text", "list"])
def test_missing_scopes_are_no_error(server: AnsweringServer, time: ManualClock, scope: object) -> None:
    """Scopes that are not granted are listed as refused."""
    server.respond(TOKEN, grant(scope=scope))
    session = session_at(server.address + TOKEN, time)

    assert session.granted == frozenset(("supply:read", "role:app"))
    assert session.refused == ("organization:read",)


@pytest.mark.parametrize("error", ["invalid_scope", "access_denied"])
def test_scopes_that_are_refused_together_are_requested_one_by_one(
    server: AnsweringServer, time: ManualClock, error: str
) -> None:
    """The scopes that are granted alone are requested barrier, and the others are listed as refused."""
    replies = [refusal(error), grant(), grant(), refusal(error), grant("token-2")]
    server.respond(TOKEN, *replies, *replies)
    session = session_at(server.address + TOKEN, time)

    assert session.token() == "token-2"
    assert session.granted == frozenset(("role:app", "organization:read"))
    assert session.refused == ("supply:read",)
    requested = [request.form["scope"][0] for request in server.requests_to(TOKEN)]
    assert requested == [" ".join(SCOPES), *SCOPES, "role:app organization:read"]


@pytest.mark.parametrize(
    "replies", [[refusal("invalid_scope")], [refusal("invalid_scope"), *[grant()] * 3, refusal("invalid_scope")]]
)
def test_without_any_scope_the_session_fails(server: AnsweringServer, time: ManualClock, replies: list[Reply]) -> None:
    """If no scope is granted, or not all of the granted ones barrier, the session fails."""
    server.respond(TOKEN, *replies)

    assert "grants none of the scopes role:app" in failure(session_at(server.address + TOKEN, time))


def test_a_busy_token_server_is_retried(server: AnsweringServer, time: ManualClock) -> None:
    """Status 429 and 503, a closed connection and an incomplete response are retried, after ``Retry-After``."""
    server.respond(
        TOKEN,
        Reply(429, headers={"Retry-After": "30"}),
        Reply(503),
        Reply(dropped=True),
        Reply(200, b"{", missing=10),
        grant(),
    )

    assert session_at(server.address + TOKEN, time).token() == "token-1"
    assert len(server.requests_to(TOKEN)) == 5
    assert time.slept[0] == 30


def test_a_token_server_that_stays_busy_is_an_error(server: AnsweringServer, time: ManualClock) -> None:
    """After the last attempt the error has the status and the number of attempts."""
    server.respond(TOKEN, Reply(503))

    line = failure(session_at(server.address + TOKEN, time), BusyError)

    assert line == "127.0.0.1 answered 503 to the request for a token (gave up after 5 attempts)"


def test_an_unreachable_token_server_is_reported(time: ManualClock) -> None:
    """The error for an unreachable token server has its host and the setting."""
    with answering_server() as stopped:
        address = stopped.address

    assert failure(session_at(address + TOKEN, time), UnreachableError).startswith(
        f"127.0.0.1 cannot be reached: port {address.rpartition(':')[2]} refuses the connection;"
        " check FLORIDAY_AUTH_URL and the network"
    )


def test_a_silent_token_server_is_reported(server: AnsweringServer, time: ManualClock) -> None:
    """A token server that does not respond is an error after the timeout."""
    server.respond(TOKEN, Reply(stalled=True))
    session = session_at(server.address + TOKEN, time, retry=RetryPolicy(attempts=1), timeout=(1.0, 0.05))

    assert failure(session, UnreachableError).startswith("127.0.0.1 did not answer in time")


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        (Reply(200, b"<html>Welcome</html>"), "something not JSON"),
        (Reply(200, b""), "something not JSON"),
        (Reply(200, b'{"access_token": "to'), "something not JSON"),
        (Reply(200, b"[" * 50_000), "without an access token"),
        (Reply(200, {}), "without an access token"),
        (Reply(200, []), "without an access token"),
        (Reply(200, {"access_token": None}), "without an access token"),
        (Reply(200, {"access_token": ""}), "a token of an unknown kind"),
        (Reply(200, {"access_token": "a\r\nX-Evil: b"}), "a token of an unknown kind"),
        (Reply(200, {"access_token": "a", "token_type": "mac"}), "a token of an unknown kind"),
        (Reply(200, {"access_token": "a", "expires_in": "soon"}), "no usable token"),
        (Reply(200, {"error": "server_confused"}), "answered 200 server_confused"),
        (Reply(400, {"error": "unsupported_grant_type"}), "answered 400 unsupported_grant_type"),
        (Reply(404), "answered 404"),
        (Reply(405, b"<html>"), "answered 405"),
    ],
)
def test_a_response_without_a_token_is_reported(
    server: AnsweringServer, time: ManualClock, reply: Reply, message: str
) -> None:
    """The error has the variable and what the server sent instead of a token."""
    server.respond(TOKEN, reply)

    line = failure(session_at(server.address + TOKEN, time))

    assert line.startswith("FLORIDAY_AUTH_URL: 127.0.0.1 answered")
    assert message in line


def test_an_endless_token_response_is_refused(server: AnsweringServer, time: ManualClock) -> None:
    """A token response is limited to one megabyte."""
    server.respond(TOKEN, grant(padding="x" * 2**21))

    assert "more than 1 MB" in failure(session_at(server.address + TOKEN, time), PipelineError)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_credentials_are_not_sent_to_a_redirect(server: AnsweringServer, time: ManualClock, status: int) -> None:
    """The target of a redirect of the token endpoint is never called."""
    with answering_server() as other:
        other.respond("/token", grant())
        server.respond(TOKEN, Reply(status, headers={"Location": f"{other.address}/token"}))

        assert "redirects the call to 127.0.0.1: redirects are not followed" in failure(
            session_at(server.address + TOKEN, time)
        )
        assert other.requests == []


def metadata(server: AnsweringServer, **changes: object) -> Reply:
    """Return the metadata of the server, with some changes."""
    correct = {"issuer": f"{server.address}/oauth2/id", "token_endpoint": server.address + TOKEN}
    return Reply(200, correct | changes)


@pytest.mark.parametrize("place", [METADATA, RFC_METADATA])
@pytest.mark.parametrize("slash", ["", "/"])
def test_the_token_endpoint_is_discovered(server: AnsweringServer, time: ManualClock, place: str, slash: str) -> None:
    """The token endpoint is read once from the metadata, below the address or as in RFC 8414, without credentials."""
    server.respond(place, metadata(server))
    server.respond(TOKEN, grant(expires_in=60))
    session = session_at(f"{server.address}/oauth2/id{slash}", time)
    session.token()
    time.seconds += 60

    assert session.token() == "token-1"
    assert len(server.requests_to(place)) == 1
    assert server.requests[0].path == METADATA
    assert all("Authorization" not in request.headers and not request.form for request in server.requests_to(place))


def test_the_endpoint_of_a_server_without_a_path_is_discovered(server: AnsweringServer, time: ManualClock) -> None:
    """Without a path there is one place for the metadata, and the issuer is optional."""
    server.respond("/.well-known/oauth-authorization-server", Reply(200, {"token_endpoint": server.address + TOKEN}))
    server.respond(TOKEN, grant())

    assert session_at(server.address, time).token() == "token-1"


def test_discovery_is_retried(server: AnsweringServer, time: ManualClock) -> None:
    """A request for the metadata that fails temporarily is retried at the same place."""
    server.respond(METADATA, Reply(503), Reply(dropped=True), metadata(server))
    server.respond(TOKEN, grant())

    assert session_at(f"{server.address}/oauth2/id", time).token() == "token-1"
    assert server.requests_to(RFC_METADATA) == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"token_endpoint": "https://evil.example/token"}, "is on another host, which is refused"),
        ({"token_endpoint": "http://127.0.0.1:1/token"}, "is on another host, which is refused"),
        ({"token_endpoint": "http://evil.example/token"}, "uses plain http"),
        ({"token_endpoint": "javascript:alert(1)"}, "does not start with https://"),
        ({"issuer": "https://evil.example/oauth2/id"}, "name another issuer"),
        ({"issuer": "nonsense"}, "name another issuer"),
    ],
)
def test_metadata_of_another_host_are_refused(
    server: AnsweringServer, time: ManualClock, changes: dict[str, object], message: str
) -> None:
    """Metadata with another host or issuer are an error, and no credentials are sent."""
    server.respond(METADATA, metadata(server, **changes))

    assert message in failure(session_at(f"{server.address}/oauth2/id", time))
    assert server.requests_to(TOKEN) == []


@pytest.mark.parametrize(
    "reply",
    [
        Reply(404),
        Reply(200, b"<html>"),
        Reply(200, {"issuer": "x"}),
        Reply(200, []),
        Reply(302, headers={"Location": "https://evil.example/"}),
        Reply(302, headers={"Location": "http://[bad"}),
    ],
    ids=["missing", "html", "incomplete", "list", "redirect", "bad redirect"],
)
def test_an_address_without_metadata_is_reported(server: AnsweringServer, time: ManualClock, reply: Reply) -> None:
    """The error has what the variable expects."""
    server.respond(METADATA, reply)

    line = failure(session_at(f"{server.address}/oauth2/id", time))

    assert line.startswith("FLORIDAY_AUTH_URL: 127.0.0.1 serves no metadata for that address; it expects")
