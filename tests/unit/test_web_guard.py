"""The web guard refuses requests to other hosts and from other origins, tested without a server."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Scope

from pipelines.errors import UsageError
from pipelines.orchestration.serving.guarded_dev import with_guarded_webserver
from pipelines.web_guard import LOOPBACK_NAMES, WRONG_HOST, host_name, refusal


def request(host: str, scheme: str = "http", **headers: str) -> Scope:
    """Return a request to a host, with further headers."""
    all_headers = {"host": host, **headers}
    kind = "websocket" if scheme.startswith("ws") else "http"
    return {
        "type": kind,
        "scheme": scheme,
        "headers": [(name.encode(), text.encode("latin-1")) for name, text in all_headers.items()],
    }


@given(st.text(st.characters(max_codepoint=255)))
def test_unknown_hosts_are_refused(host: str) -> None:
    """A request with an unknown host in its Host header is refused."""
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
    """An origin matches its host without the default port; a websocket has the origin of its page."""
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
def test_host_names_are_normalized(text: str, name: str) -> None:
    """Host names become lower case, and IPv6 addresses short and in brackets, as browsers send them."""
    assert host_name(text) == name


@pytest.mark.parametrize(
    "text", ["", "*", "*.example.com", "a.", "a/b", "a b", "user@a", "http://a", "a:80", "[::1]:80"]
)
def test_invalid_host_names_are_refused(text: str) -> None:
    """A wildcard, port or scheme in a host name is refused, because it would allow other hosts."""
    with pytest.raises(UsageError, match="is no host name"):
        host_name(text)


def test_dagster_dev_starts_the_guarded_web_server() -> None:
    """`dagster dev` starts the guarded web server with the allowed names, and the daemon unchanged."""
    started: list[list[str]] = []
    start = with_guarded_webserver(started.append, ["a.example"])

    start(["python", "-m", "dagster_webserver", "--port", "1"])
    start(["python", "-m", "dagster._daemon", "run"])

    guarded = "pipelines.orchestration.serving.guarded_webserver"
    assert started == [
        ["python", "-m", guarded, "--allow-host", "a.example", "--port", "1"],
        ["python", "-m", "dagster._daemon", "run"],
    ]
