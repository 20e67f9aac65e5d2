"""Hostile servers and deceptive addresses receive no secret, and every error is one line."""

from __future__ import annotations

import gzip
import json
import traceback
import zlib
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import SecretStr

from pipelines.errors import FatalError, PipelineError, RefusedError, SettingError
from pipelines.floriday.client import FloridayClient
from pipelines.floriday.endpoints import Endpoint
from pipelines.floriday.http.auth import TokenSession
from pipelines.settings import load_settings
from pipelines.settings.addresses import checked_address
from tests.integration.answering_server import AnsweringServer, Reply, answering_server
from tests.manual_clock import ManualClock

SECRET, KEY, TOKEN = "s3cr3t-of-the-client", "k3y-of-the-account", "t0ken-of-the-server"
BASE = "/suppliers-api-2026v1"
BATCHES = Endpoint("/batches", page_parameter="limitResult", page_maximum=500)
PAGE = f"{BASE}/batches/sync/0"
LOOPBACK = ("localhost", "127.0.0.1", "[::1]", "127.9.9.9")
HOSTS = ("evil.example", "10.0.0.1", "169.254.169.254", "0x7f000001", "2130706433", "[::ffff:8.8.8.8]", "127.1.evil")
LOOKALIKES = (
    "{loopback}.{name}",
    "{name}.{loopback}",
    "{loopback}-{name}",
    "{loopback}{name}",
    "{loopback}@{name}",
    "{name}",
    "{loopback}%2e{name}",
    "{loopback}.",
    "{loopback}\\@{name}",
    "{loopback}#{name}",
    "{loopback}:80@{name}",
    "{loopback}:80:{name}",
)

SETTINGS = {
    "FLORIDAY_AUTH_URL": "https://idm.example/token",
    "FLORIDAY_BASE_URL": f"https://api.example{BASE}",
    "FLORIDAY_CLIENT_ID": "client-1",
    "FLORIDAY_CLIENT_SECRET": SECRET,
    "FLORIDAY_API_KEY": KEY,
}


@pytest.fixture
def server() -> Iterator[AnsweringServer]:
    """A server that grants tokens; tests add its pages."""
    with answering_server() as answering:
        answering.respond("/token", Reply(200, {"access_token": TOKEN, "expires_in": 3600}))
        yield answering


@pytest.fixture
def client(server: AnsweringServer) -> Iterator[FloridayClient]:
    """A client of that server with an answer limit of 2 MB."""
    clock = ManualClock().clock
    session = TokenSession(f"{server.address}/token", "client-1", SecretStr(SECRET), clock=clock)
    with FloridayClient(
        server.address + BASE, session, SecretStr(KEY), account="north", clock=clock, answer_limit=2**21
    ) as client:
        yield client
    session.close()


def refusal(client: FloridayClient, kind: type[PipelineError] = PipelineError) -> str:
    """The one-line error of reading a page; neither the error nor its traceback contains a secret."""
    with pytest.raises(kind) as caught:
        client.page(BATCHES, 0)
    shown = f"{caught.value!r} {''.join(traceback.format_exception(caught.value))}"
    assert not [secret for secret in (SECRET, KEY, TOKEN) if secret in shown]
    line = str(caught.value)
    assert line.isprintable()
    return line


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    "place", ["{other}/steal", "//{host}/steal", "/other", "http://evil.example/", "file:///etc/passwd"]
)
def test_a_redirect_is_not_followed(server: AnsweringServer, client: FloridayClient, status: int, place: str) -> None:
    """A redirect to another host, scheme or path is not followed, so that no key or token is sent on."""
    with answering_server() as other:
        location = place.format(other=other.address, host=urlsplit(other.address).netloc)
        server.respond(PAGE, Reply(status, headers={"Location": location}))

        assert "redirects are not followed" in refusal(client, RefusedError)

        assert other.requests == []
    assert server.requests_to("/other") == []


@pytest.mark.parametrize("status", [300, 304])
def test_an_answer_that_redirects_to_no_place(server: AnsweringServer, client: FloridayClient, status: int) -> None:
    """It is named as it is: a cache may say that nothing was modified."""
    server.respond(PAGE, Reply(status))

    assert f"answered {status} " in refusal(client, RefusedError)


@given(st.sampled_from(LOOPBACK), st.sampled_from(LOOKALIKES), st.sampled_from(HOSTS))
def test_plain_http_is_for_the_loopback_only(loopback: str, form: str, name: str) -> None:
    """Plain http is allowed for the loopback only, and not for a host that resembles it."""
    address = f"http://{form.format(loopback=loopback, name=name)}/suppliers-api-2026v1"
    assume(not address.startswith(tuple(f"http://{each}/" for each in LOOPBACK)))

    with pytest.raises(ValueError, match=r"^[a-z]"):
        checked_address(address)


BOMBS = {
    "gzip": (gzip.compress(b"[" + b" " * 30_000_000 + b"]"), "gzip"),
    "deflate": (zlib.compress(b"[" + b" " * 30_000_000 + b"]"), "deflate"),
    "gzip within gzip": (gzip.compress(gzip.compress(b"[" + b" " * 100_000_000 + b"]")), "gzip, gzip"),
    "plain": (b"[" + b" " * 3_000_000 + b"]", "identity"),
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_large_answer_is_refused(server: AnsweringServer, client: FloridayClient, bomb: str) -> None:
    """An answer that exceeds the limit once it is decompressed is refused, and not requested again."""
    body, encoding = BOMBS[bomb]
    server.respond(PAGE, Reply(200, body, {"Content-Encoding": encoding}))

    assert "answered with more than 2 MB, which is refused" in refusal(client, FatalError)
    assert len(server.requests_to(PAGE)) == 1


@pytest.mark.parametrize(
    "text", ["\x1b]0;owned\x07", "line\nbreak\r\nX-Injected: 1", f"{KEY} {TOKEN}", "\u202egnirts", "x" * 100_000]
)
def test_text_of_a_server_is_one_line_without_secrets(
    server: AnsweringServer, client: FloridayClient, text: str
) -> None:
    """Text and headers of a server are shown in one line, without control characters and secrets."""
    body = {"title": text, "detail": text, "domainErrorCode": text}
    identifier = "".join(letter for letter in text if letter.isascii() and letter.isprintable())[:200]
    server.respond(PAGE, Reply(400, body, {"X-Request-Id": identifier}))

    assert len(refusal(client, RefusedError)) < 1_000


@pytest.mark.parametrize("text", ["k3y\r\nX-Admin: 1", "k3y\x00", "k3y with space", "k3yé"])
@pytest.mark.parametrize("name", ["FLORIDAY_API_KEY", "FLORIDAY_CLIENT_ID", "FLORIDAY_CLIENT_SECRET"])
def test_a_secret_that_would_break_a_header_is_refused(
    text: str, name: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A secret with characters that are not allowed in a header is refused before any request, and is not shown."""
    environment = {**SETTINGS, name: text}

    with pytest.raises(SettingError, match=name) as refused:
        load_settings(environment, tmp_path_factory.mktemp("settings"))

    assert "k3y" not in str(refused.value)


def test_one_key_for_two_accounts_is_refused(tmp_path_factory: pytest.TempPathFactory) -> None:
    """One API key for two accounts is refused without showing the key, because each record would be stored twice."""
    keys = json.dumps({"one": KEY, "two": KEY})
    environment = {**SETTINGS, "FLORIDAY_API_KEYS": keys}
    del environment["FLORIDAY_API_KEY"]

    with pytest.raises(SettingError, match="gives one key to two accounts") as refused:
        load_settings(environment, tmp_path_factory.mktemp("two names"))

    assert KEY not in str(refused.value)
