"""A server that sends an answer slowly or without end cannot hold a call beyond its deadline."""

from __future__ import annotations

import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from threading import Event, Semaphore
from typing import Any

import pytest
from pydantic import SecretStr
from urllib3 import HTTPConnectionPool

from pipelines.cli.entry import run
from pipelines.errors import GarbledAnswerError, RetriableError, SettingError, UnreachableError
from pipelines.floriday.client import FloridayClient
from pipelines.floriday.http.auth import TokenSession
from pipelines.floriday.http.retry import RetryPolicy
from pipelines.floriday.http.transport import BoundedAdapter, new_session
from pipelines.warehouse.file.sync_lock import lock_holder
from tests.command_line import command, without_coverage
from tests.security.raw_server import Answers, Drip, raw_server, trusted_tls

BASE = "/suppliers-api-2026v1"
DEADLINE = 0.15
LONGER = 0.3
ONCE = RetryPolicy(attempts=1)
TIMEOUT = (3.0, 3.0)

OK = b"HTTP/1.1 200 OK\r\n"
GZIP = b"\x1f\x8b\x08\x08" + b"\0" * 6
TLS_RECORD = b"\x16\x03\x03\x40\x00"

IDENTITY = b'{"organization": {"organizationId": "5f0c1f4e-7b5a-4b5e-8a55-3c6d1c1f0a11"}}'

SLOW_ANSWERS = {
    "status line": Drip(b"HTTP/1.1 200 ", b"O"),
    "header name": Drip(OK, b"X"),
    "header value": Drip(OK + b"X: ", b"x"),
    "100 Continue": Drip(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "body": Drip(OK + b"Content-Length: 1000000\r\n\r\n", b" "),
    "body that is JSON at any moment": Drip(OK + b"\r\n{}", b" "),
    "body of an error": Drip(b"HTTP/1.1 404 Not Found\r\n\r\n", b" "),
    "gzip name": Drip(OK + b"Content-Encoding: gzip\r\n\r\n" + GZIP, b"n"),
    "chunk size": Drip(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"0"),
    "chunk extension": Drip(OK + b"Transfer-Encoding: chunked\r\n\r\n1;", b"x"),
    "trailers": Drip(OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n", b"X: x\r\n"),
}

FLOODS = {
    "100 Continue": Drip(b"", b"HTTP/1.1 100 Continue\r\n\r\n", pause=0, times=100_000),
    "100 Continue with headers": Drip(b"", b"HTTP/1.1 100 Continue\r\n" + b"X: x\r\n" * 90 + b"\r\n", pause=0),
    "headers": Drip(OK, b"X: " + b"x" * 60_000 + b"\r\n", pause=0, times=90),
}


def complete(body: bytes) -> Drip:
    """A complete answer."""
    return Drip(OK + b"Content-Length: %d\r\n\r\n" % len(body) + body)


TOKEN = complete(b'{"access_token": "t0ken-1", "expires_in": 3600}')


def api_answer(answer: Drip) -> Answers:
    """Answer requests for a token with a token, and all others with this answer."""
    return lambda line: TOKEN if line.startswith(b"POST") else answer


CallTo = Callable[..., Callable[[], object]]


@pytest.fixture
def call_to() -> Iterator[CallTo]:
    """Create a call to the API, with its token session."""
    with ExitStack() as opened:

        def made(address: str, auth_url: str, **options: Any) -> Callable[[], object]:
            options = {"retry": ONCE, "timeout": TIMEOUT, **options}
            session = TokenSession(auth_url, "client-1", SecretStr("s3cr3t"), **options)
            opened.callback(session.close)
            client = FloridayClient(address + BASE, session, SecretStr("k3y"), account="north", **options)
            return opened.enter_context(client).identity

        yield made


def assert_ends_in_time(call: Callable[[], object]) -> None:
    """Assert that the call fails at the deadline with a retriable one-line error."""
    began = time.monotonic()
    with pytest.raises(UnreachableError, match=r"took longer than 0\.15 s for one call") as failure:
        call()
    assert DEADLINE <= time.monotonic() - began < 2.0
    assert isinstance(failure.value, RetriableError)
    assert "\n" not in str(failure.value)


@pytest.mark.parametrize("drip", SLOW_ANSWERS.values(), ids=SLOW_ANSWERS)
def test_a_slow_answer_ends_at_the_deadline(call_to: CallTo, drip: Drip) -> None:
    """An answer of which any part is sent byte by byte ends at the deadline of the call."""
    with raw_server(api_answer(drip)) as server:
        assert_ends_in_time(call_to(server.address, f"{server.address}/token", seconds=DEADLINE))


@pytest.mark.parametrize("path", ["", "/token"], ids=["metadata", "token"])
def test_the_authorization_server_has_a_deadline_too(call_to: CallTo, path: str) -> None:
    """Calls to the authorization server, for metadata and for a token, end at their deadline."""
    with raw_server(lambda _: SLOW_ANSWERS["header name"]) as server:
        assert_ends_in_time(call_to(server.address, server.address + path, seconds=DEADLINE))


def test_connecting_ends_at_the_deadline(call_to: CallTo, monkeypatch: pytest.MonkeyPatch) -> None:
    """Connecting to a host with many unreachable addresses ends at the deadline."""
    resolve = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda *names, **options: resolve(*names, **options) * 50)
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full, ExitStack() as waiting:
        for _ in range(4):
            queued = waiting.enter_context(socket.socket())
            queued.settimeout(0)
            queued.connect_ex(full.getsockname())
        with raw_server(lambda _: TOKEN) as auth:
            address = f"http://127.0.0.1:{full.getsockname()[1]}"
            assert_ends_in_time(call_to(address, f"{auth.address}/token", seconds=DEADLINE, timeout=(0.04, 1.0)))


def test_a_slow_answer_over_tls_ends_at_the_deadline(
    call_to: CallTo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An encrypted answer that is sent byte by byte ends at the deadline."""
    tls, certificate = trusted_tls(tmp_path)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    with raw_server(lambda _: TOKEN) as auth, raw_server(lambda _: SLOW_ANSWERS["chunk extension"], tls=tls) as server:
        address = f"https://localhost:{server.port}"
        assert_ends_in_time(call_to(address, f"{auth.address}/token", seconds=DEADLINE))
        assert server.connections == 1


def test_a_slow_tls_handshake_ends_at_the_deadline(call_to: CallTo) -> None:
    """A TLS handshake that is sent byte by byte ends at the deadline."""
    with raw_server(lambda _: TOKEN) as auth, raw_server(lambda _: TOKEN, greeting=Drip(TLS_RECORD, b"\0")) as server:
        address = f"https://localhost:{server.port}"
        assert_ends_in_time(call_to(address, f"{auth.address}/token", seconds=DEADLINE))


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize(
    "drip",
    [Drip(b"", b"H"), Drip(OK, b"X: x\r\n"), Drip(OK + b"\r\n", b"\0", reply=TLS_RECORD)],
    ids=["status line", "headers", "TLS of the server behind it"],
)
def test_a_slow_proxy_ends_at_the_deadline(
    call_to: CallTo, drip: Drip, scheme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The deadline also holds for a proxy: for its TLS, its answer to CONNECT and the tunnel."""
    greeting = Drip(TLS_RECORD, b"\0") if scheme == "https" else None
    with raw_server(lambda _: TOKEN) as auth, raw_server(lambda _: drip, greeting=greeting) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"{scheme}://localhost:{proxy.port}")
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        assert_ends_in_time(call_to("https://floriday.invalid", f"{auth.address}/token", seconds=DEADLINE))
        assert proxy.connections == 1


def test_a_socks_proxy_is_refused(call_to: CallTo, monkeypatch: pytest.MonkeyPatch) -> None:
    """A SOCKS proxy is refused, because its library opens connections without a deadline."""
    monkeypatch.setenv("HTTPS_PROXY", "socks5://localhost:1")
    with raw_server(lambda _: TOKEN) as auth, pytest.raises(SettingError, match="HTTPS_PROXY"):
        call_to("https://floriday.invalid", f"{auth.address}/token")()


@pytest.mark.parametrize("flood", FLOODS.values(), ids=FLOODS)
def test_the_bytes_before_a_body_are_limited(call_to: CallTo, flood: Drip) -> None:
    """More than 256 KB before the body are refused before the deadline."""
    with (
        raw_server(api_answer(flood)) as server,
        pytest.raises(GarbledAnswerError, match="more than 256 KB before the body"),
    ):
        call_to(server.address, f"{server.address}/token")()


def test_an_incomplete_head_is_an_error(call_to: CallTo) -> None:
    """A connection that ends within the headers is an error, and not an answer without a body."""
    cut = Drip(OK + b"X: x\r\n", cut=True)
    with (
        raw_server(api_answer(cut)) as server,
        pytest.raises(UnreachableError, match="was cut"),
    ):
        call_to(server.address, f"{server.address}/token")()


def test_an_incomplete_answer_at_the_deadline_is_an_error(call_to: CallTo) -> None:
    """An answer that the deadline ends is an error, and not a complete answer."""
    endless = Drip(OK + b"\r\n" + IDENTITY, b" ")
    with raw_server(api_answer(endless)) as server:
        assert_ends_in_time(call_to(server.address, f"{server.address}/token", seconds=DEADLINE))


def test_a_connection_is_used_for_longer_than_one_deadline(call_to: CallTo) -> None:
    """Each call has a deadline of its own, so that a connection is used for longer than one deadline."""

    def answers(line: bytes) -> Drip:
        if line.startswith(b"POST"):
            return TOKEN
        pause.wait(LONGER / 5)
        return complete(IDENTITY)

    pause = Event()
    with raw_server(answers) as server:
        call = call_to(server.address, f"{server.address}/token", seconds=LONGER)
        began = time.monotonic()
        while time.monotonic() < began + 1.5 * LONGER:
            call()
        assert server.connections == 2, "one for the token, one for the API"


def test_a_deadline_does_not_close_the_connection_of_the_next_call(
    call_to: CallTo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A connection that another call can use is not closed at the deadline of the previous call."""
    connected: list[bool] = []
    put = HTTPConnectionPool._put_conn  # noqa: SLF001 - the moment between two calls

    def put_and_wait(pool: HTTPConnectionPool, connection: Any) -> None:
        put(pool, connection)
        Event().wait(1.5 * LONGER)
        connected.append(connection.is_connected)

    with raw_server(api_answer(complete(IDENTITY))) as server:
        call = call_to(server.address, f"{server.address}/token", seconds=LONGER)
        monkeypatch.setattr(HTTPConnectionPool, "_put_conn", put_and_wait)
        call()

    assert connected == [True, True]


def settings_for(address: str) -> dict[str, str]:
    """The settings of a sync from this server."""
    return {
        "FLORIDAY_BASE_URL": address + BASE,
        "FLORIDAY_AUTH_URL": f"{address}/token",
        "FLORIDAY_CLIENT_ID": "client-1",
        "FLORIDAY_CLIENT_SECRET": "s3cr3t",
        "FLORIDAY_API_KEY": "k3y",
    }


@pytest.mark.usefixtures("no_waits_between_retries")
def test_a_sync_ends_and_releases_the_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A sync from a server that never ends an answer fails in one line and releases the lock."""
    monkeypatch.setattr("pipelines.sync.session.FloridayClient", partial(FloridayClient, seconds=DEADLINE, retry=ONCE))
    monkeypatch.chdir(tmp_path)
    with raw_server(api_answer(SLOW_ANSWERS["header name"])) as server:
        for name, value in {**settings_for(server.address), "FLORIDAY_WAREHOUSE": "w.duckdb"}.items():
            monkeypatch.setenv(name, value)

        assert run(["sync"]) == 1

    err = capsys.readouterr().err
    assert "took longer than 0.15 s for one call" in err
    assert err.count("\n") == 1
    assert lock_holder(tmp_path / "w.duckdb") is None


def test_signals_interrupt_a_call(tmp_path: Path) -> None:
    """Ctrl-C and SIGTERM end a sync within five seconds during a call with minutes left."""
    requests = Semaphore(0)

    def answers(line: bytes) -> Drip:
        if line.startswith(b"POST"):
            return TOKEN
        requests.release()
        return replace(SLOW_ANSWERS["header name"], times=1_000_000)

    def sync(name: str) -> subprocess.Popen[bytes]:
        environment = without_coverage(**settings_for(server.address), FLORIDAY_WAREHOUSE=name)
        return subprocess.Popen(command("sync"), cwd=tmp_path, env=environment, stderr=subprocess.PIPE)

    with raw_server(answers) as server, sync("a.duckdb") as first, sync("b.duckdb") as second:
        assert requests.acquire(timeout=60)
        assert requests.acquire(timeout=60)
        first.send_signal(signal.SIGINT)
        second.send_signal(signal.SIGTERM)
        outputs = [process.communicate(timeout=5)[1] for process in (first, second)]

    assert (first.returncode, second.returncode) == (130, 143), outputs
    assert outputs == [b"floriday: stopped\n"] * 2


def test_every_connection_has_a_deadline() -> None:
    """A connection of the project's sessions cannot be used outside of a call."""
    with raw_server(lambda _: TOKEN) as server, new_session(BoundedAdapter(limit=1, timeout=TIMEOUT)) as session:
        wire = session.get_adapter(server.address)
        assert isinstance(wire, BoundedAdapter)
        pool = wire.poolmanager.connection_from_url(server.address)

        with pytest.raises(RuntimeError, match="outside of a call"):
            pool.urlopen("GET", "/")


INTERIM = (b"HTTP/1.1 103 Early Hints\r\nLink: </x>; rel=preload\r\n\r\n", b"HTTP/1.1 102 Processing\r\n\r\n")


@pytest.mark.parametrize("interim", [*INTERIM, INTERIM[0] * 3, b"HTTP/1.1 100 Continue\r\n\r\n" + INTERIM[1]])
def test_an_interim_answer_is_not_taken_for_the_answer(call_to: CallTo, interim: bytes) -> None:
    """The final answer is that of the call, and nothing is left on the connection for the next call."""
    final = complete(IDENTITY)
    with raw_server(api_answer(Drip(interim, reply=b"", again=final.beginning, times=1, pause=0.05))) as server:
        call = call_to(server.address, f"{server.address}/token")

        assert call()
        assert call()


def test_another_protocol_is_refused(call_to: CallTo) -> None:
    """An answer that switches the protocol is an error that is tried again, on another connection."""
    switching = Drip(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n")
    with raw_server(api_answer(switching)) as server, pytest.raises(RetriableError):
        call_to(server.address, f"{server.address}/token")()
