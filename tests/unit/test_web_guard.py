"""The rules of the web guard on requests that no server has to be started for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Scope

from pipelines.errors import UsageError
from pipelines.orchestration.serving.guarded_dev import with_guarded_webserver
from pipelines.web_guard import LOOPBACK_NAMES, WRONG_HOST, host_name, refusal


def request(host: str, scheme: str = "http", **headers: str) -> Scope:
    """A request to a host, with further headers."""
    named = {"host": host, **headers}
    kind = "websocket" if scheme.startswith("ws") else "http"
    return {
        "type": kind,
        "scheme": scheme,
        "headers": [(name.encode(), text.encode("latin-1")) for name, text in named.items()],
    }


@given(st.text(st.characters(max_codepoint=255)))
def test_only_known_names_are_answered(host: str) -> None:
    """Whatever stands in the Host header."""
    name = host.lower().rpartition(":")[0] if host.rpartition(":")[2].isdecimal() else host.lower()

    if name not in LOOPBACK_NAMES:
        assert refusal(request(host), LOOPBACK_NAMES) == WRONG_HOST


@pytest.mark.parametrize(
    ("host", "scheme", "origin"),
    [
        ("127.0.0.1:80", "http", "http://127.0.0.1"),
        ("127.0.0.1:80", "ws", "http://127.0.0.1"),
        ("localhost:443", "https", "https://localhost"),
        ("localhost:443", "wss", "https://localhost"),
        ("localhost:443", "http", "http://localhost:443"),
    ],
)
def test_default_ports_are_left_out_of_an_origin(host: str, scheme: str, origin: str) -> None:
    """As browsers leave them out; a websocket has the origin of the page that opened it."""
    assert refusal(request(host, scheme, origin=origin), LOOPBACK_NAMES) is None
    assert refusal(request(host, scheme, origin=f"{origin}0"), LOOPBACK_NAMES) is not None


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Floriday.Example.com", "floriday.example.com"),
        ("192.168.1.5", "192.168.1.5"),
        ("FE80::0:1", "[fe80::1]"),
        ("[::1]", "[::1]"),
    ],
)
def test_names_are_kept_as_browsers_write_them(text: str, name: str) -> None:
    """In lower case, IPv6 addresses short and in brackets."""
    assert host_name(text) == name


@pytest.mark.parametrize(
    "text", ["", "*", "*.example.com", "a.", "a/b", "a b", "user@a", "http://a", "a:80", "[::1]:80"]
)
def test_what_is_no_host_name_is_refused(text: str) -> None:
    """A wildcard, a port or a scheme would allow something else than was meant."""
    with pytest.raises(UsageError, match="is no host name"):
        host_name(text)


def test_dagster_dev_starts_the_guarded_web_server() -> None:
    """In place of Dagster's own, with the names that are allowed; the daemon is started as it is."""
    started: list[list[str]] = []
    start = with_guarded_webserver(started.append, ["a.example"])

    start(["python", "-m", "dagster_webserver", "--port", "1"])
    start(["python", "-m", "dagster._daemon", "run"])

    guarded = "pipelines.orchestration.serving.guarded_webserver"
    assert started == [
        ["python", "-m", guarded, "--allow-host", "a.example", "--port", "1"],
        ["python", "-m", "dagster._daemon", "run"],
    ]
