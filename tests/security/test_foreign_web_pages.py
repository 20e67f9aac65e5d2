"""A foreign web page in a browser on this machine cannot command, read or subscribe to Dagster or the sandbox."""

from __future__ import annotations

import json
from collections.abc import Iterator
from urllib.parse import quote, urlsplit

import pytest
import requests
from playwright.sync_api import Browser, Page, sync_playwright

from pipelines.orchestration.serving.dagster_dev import refuses_foreign_names
from pipelines.sandbox import Sandbox
from tests.chromium import CHROMIUM, launch_chromium
from tests.moments import NOW
from tests.security.foreign_page import ATTACKS, OWN, foreign_server
from tests.security.guarded_dagster import LAUNCH, PROXY, RUNS, GuardedDagster, guarded_dagster, send

EVIL = "evil.example"
"""The attacker's host name, which resolves to the loopback in the browser, as after DNS rebinding."""

HANDSHAKE = (
    "Connection: Upgrade\nUpgrade: websocket\nSec-WebSocket-Version: 13\n"
    "Sec-WebSocket-Protocol: graphql-ws\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\n"
)
LAUNCH_REQUEST = json.dumps({"query": LAUNCH})

ROUTES = (
    *("GET /", "GET /runs", "GET /favicon.ico", "GET /_next/unknown.js", "GET /server_info", "GET /dagit_info"),
    *("GET /graphql", "HEAD /graphql", "POST /graphql", "OPTIONS /graphql", "PUT /graphql"),
    *("GET /logs/a.out", "GET /notebook", "GET /dagit/notebook", "GET /download_debug/a", "GET //graphql"),
    *("POST /report_asset_materialization/a", "POST /report_asset_check/a", "POST /report_asset_observation/a"),
)
"""The routes of `dagster_webserver` (`DagsterWebserver.build_routes`), and methods that they do not support."""

FOREIGN = (
    f"Host: {EVIL}\n",
    f"Host: 127.0.0.1\nOrigin: http://{EVIL}\n",
    "Host: 127.0.0.1\nSec-Fetch-Site: cross-site\n",
)


@pytest.fixture(scope="module")
def dagster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GuardedDagster]:
    """Dagster's web server with one job."""
    with guarded_dagster(tmp_path_factory.mktemp("guarded")) as server:
        yield server


@pytest.fixture
def idle_dagster(dagster: GuardedDagster) -> Iterator[GuardedDagster]:
    """Dagster, with an assertion that the test launches no run."""
    before = dagster.runs()
    yield dagster
    assert dagster.runs() == before


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """A sandbox whose clock does not move."""
    with Sandbox(now=NOW, empty=True) as sandbox:
        yield sandbox


class TestRequestsToDagster:
    """The guard refuses foreign requests to Dagster."""

    @pytest.mark.parametrize("headers", FOREIGN, ids=["host", "origin", "site"])
    @pytest.mark.parametrize("route", ROUTES)
    def test_every_route_is_guarded(self, route: str, headers: str, dagster: GuardedDagster) -> None:
        """A foreign Host, Origin or site is refused for every path and method, without CORS headers."""
        answer = dagster.send(f"{route} HTTP/1.1\n{headers}Content-Type: application/json\n\n")

        assert answer.status == 403
        assert answer.is_refused or route.startswith("HEAD")
        assert "access-control-" not in answer.head

    @pytest.mark.parametrize(
        "host",
        [
            *(EVIL, "127.0.0.1.evil.example", "localhost.evil.example", "evil.localhost", "localhost.", "127.0.0.1."),
            *("user@127.0.0.1", "127.0.0.1@evil.example", "127.0.0.1:80:80", "127.0.0.1:evil", "127.0.0.1/", "[::1"),
            *(
                "[::1].evil.example",
                "::1",
                "[::ffff:127.0.0.1]",
                "0.0.0.0",  # noqa: S104 - a header
                "127.1",
                "2130706433",
                "",
                "*",
                "a,127.0.0.1",
            ),
        ],
    )
    def test_other_host_names_are_refused(self, host: str, dagster: GuardedDagster) -> None:
        """Only the loopback's names and the allowed names are accepted, in any spelling of others."""
        assert dagster.send(f"GET /server_info HTTP/1.1\nHost: {host}\n\n").is_refused

    @pytest.mark.parametrize(
        "request_head",
        [
            "GET /server_info HTTP/1.0\n\n",
            "GET /server_info HTTP/1.1\n\n",
            f"GET /server_info HTTP/1.1\nHost: 127.0.0.1\nHost: {EVIL}\n\n",
            f"GET /server_info HTTP/1.1\nHost: {EVIL}\nHost: 127.0.0.1\n\n",
            f"GET http://127.0.0.1/server_info HTTP/1.1\nHost: {EVIL}\n\n",
            f"GET http://{EVIL}/server_info HTTP/1.1\nHost: {EVIL}\n\n",
            f"GET /server_info HTTP/1.1\nHost: {EVIL}\nX-Forwarded-Host: 127.0.0.1\n\n",
            "GET /server_info HTTP/1.1\nHost: 127.0.0.1\nOrigin: http://127.0.0.1\nOrigin: http://evil.example\n\n",
        ],
    )
    def test_requests_without_one_host_are_refused(self, request_head: str, dagster: GuardedDagster) -> None:
        """A request with no or several hosts, an absolute target or a second Origin is refused."""
        assert dagster.send(request_head).is_refused

    @pytest.mark.parametrize(
        "origin",
        [
            "null",
            "http://127.0.0.1",
            "http://127.0.0.1:1",
            "https://127.0.0.1:{0}",
            "http://localhost:{0}",
            "file://",
            "",
        ],
    )
    def test_other_origins_are_refused(self, origin: str, idle_dagster: GuardedDagster) -> None:
        """Another port, scheme or name is another origin, and so is `null`."""
        port = idle_dagster.port
        answer = idle_dagster.send(
            f"POST /graphql HTTP/1.1\nHost: 127.0.0.1:{port}\nOrigin: {origin.format(port)}\n"
            f"Content-Type: application/json\nContent-Length: {len(LAUNCH_REQUEST)}\n\n{LAUNCH_REQUEST}"
        )

        assert answer.is_refused

    @pytest.mark.parametrize("site", ["cross-site", "same-site", "SAME-ORIGIN", "", "none, cross-site"])
    def test_other_sites_are_refused(self, site: str, dagster: GuardedDagster) -> None:
        """Only requests of the server's own pages and of the user's own navigation are accepted."""
        assert dagster.send(f"GET / HTTP/1.1\nHost: 127.0.0.1\nSec-Fetch-Site: {site}\n\n").is_refused

    @pytest.mark.parametrize("path", ["/graphql", "/graphql%0A", "/%67raphql", "http://127.0.0.1/graphql"])
    @pytest.mark.parametrize("accept", ["image/avif,*/*", "text/html"])
    def test_graphql_by_get_is_refused(self, path: str, accept: str, idle_dagster: GuardedDagster) -> None:
        """GraphQL by GET is refused with any spelling of the path, because an image of a foreign page can send it."""
        answer = idle_dagster.send(f"GET {path}?query={quote(LAUNCH)} HTTP/1.1\nHost: 127.0.0.1\nAccept: {accept}\n\n")

        assert answer.is_refused

    @pytest.mark.parametrize(
        "kind",
        [
            *("", "Content-Type: text/plain\n", "Content-Type: text/plain;charset=application/json\n"),
            *(
                "Content-Type: multipart/form-data; boundary=application/json\n",
                "Content-Type: text/plain, application/json\n",
            ),
            "Content-Type: application/x-www-form-urlencoded\n",
        ],
    )
    def test_a_form_cannot_post_graphql(self, kind: str, idle_dagster: GuardedDagster) -> None:
        """A POST with a content type that needs no preflight is refused, also without an Origin."""
        answer = idle_dagster.send(
            f"POST /graphql?query={quote(LAUNCH)} HTTP/1.1\nHost: 127.0.0.1\n"
            f"{kind}Content-Length: {len(LAUNCH_REQUEST)}\n\n{LAUNCH_REQUEST}"
        )

        assert answer.is_refused

    @pytest.mark.parametrize(
        "headers", [*FOREIGN, "Host: 127.0.0.1\nOrigin: null\n", "Host: 127.0.0.1\nOrigin: ws://127.0.0.1\n"]
    )
    def test_websockets_are_refused_at_the_handshake(self, headers: str, dagster: GuardedDagster) -> None:
        """A foreign websocket is refused during the handshake."""
        assert dagster.send(f"GET /graphql HTTP/1.1\n{headers}{HANDSHAKE}\n").status == 403

    @pytest.mark.parametrize(
        ("host", "origin", "scheme"),
        [
            *(("127.0.0.1:{0}", "http://127.0.0.1:{0}", ""), ("LocalHost:{0}", "http://localhost:{0}", "")),
            *(("[::1]:8080", "http://[::1]:8080", ""), ("127.0.0.1", "http://127.0.0.1", ""), ("127.0.0.1", "", "")),
            *((PROXY, f"https://{PROXY}", "https"), (f"{PROXY}:8443", f"https://{PROXY}:8443", "https")),
        ],
    )
    def test_own_pages_are_answered(self, host: str, origin: str, scheme: str, dagster: GuardedDagster) -> None:
        """The server's own pages can query and subscribe under each of its names, also through a tunnel or proxy."""
        headers = f"Host: {host}\n" + (f"Origin: {origin}\nSec-Fetch-Site: same-origin\n" if origin else "")
        headers = headers.format(dagster.port) + (f"X-Forwarded-Proto: {scheme}\n" if scheme else "")
        query = json.dumps({"query": RUNS})
        posted = f"Content-Type: application/json;charset=utf-8\nContent-Length: {len(query)}\n\n{query}"

        answer = dagster.send(f"POST /graphql HTTP/1.1\n{headers}{posted}")

        assert (answer.status, "results" in answer.body) == (200, True)
        assert "x-frame-options: sameorigin" in answer.head
        assert dagster.send(f"GET /graphql HTTP/1.1\n{headers}{HANDSHAKE}\n").status == 101
        assert dagster.send(f"GET /graphql HTTP/1.1\n{headers}Accept: text/html\n\n").status == 200

    def test_a_proxy_that_hides_its_scheme_is_refused(self, dagster: GuardedDagster) -> None:
        """A proxy that does not forward its scheme is refused, and the answer names the missing header."""
        answer = dagster.send(f"GET / HTTP/1.1\nHost: {PROXY}\nOrigin: https://{PROXY}\n\n")

        assert answer.is_refused
        assert "X-Forwarded-Proto" in answer.body

    def test_floriday_up_notices_a_missing_guard(self, dagster: GuardedDagster) -> None:
        """`floriday up` checks with a foreign host name whether the guard works."""
        with foreign_server() as bare:
            assert not refuses_foreign_names(bare)
        assert refuses_foreign_names(dagster.port)


class TestRequestsToTheSandbox:
    """The sandbox applies the same rules."""

    @pytest.mark.parametrize("headers", FOREIGN, ids=["host", "origin", "site"])
    @pytest.mark.parametrize(
        "route", ["POST /sandbox/advance", "GET /sandbox", "GET /sandbox%0A", "DELETE /sandbox/tokens"]
    )
    def test_the_control_is_guarded(self, route: str, headers: str, sandbox: Sandbox) -> None:
        """A foreign page can neither move the sandbox's clock nor read its credentials."""
        answer = send(urlsplit(sandbox.url).port or 0, f"{route} HTTP/1.1\n{headers}\n")

        assert answer.is_refused
        assert sandbox.now == NOW

    def test_programs_can_use_the_control(self, sandbox: Sandbox) -> None:
        """A request without a browser's headers is answered."""
        assert requests.get(f"{sandbox.url}/sandbox", timeout=10).status_code == 200


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A Chromium of this machine that resolves the attacker's host name to the loopback.

    Its own protection of the local network is turned off, because other browsers do not have it.
    """
    switches = [f"--host-resolver-rules=MAP {EVIL} 127.0.0.1", "--disable-features=LocalNetworkAccessChecks"]
    with sync_playwright() as driver, launch_chromium(driver, *switches) as started:
        yield started


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A new tab."""
    with browser.new_page() as page:
        yield page


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium: apt-get install chromium")
class TestBrowser:
    """A real Chromium on this machine cannot be used for attacks."""

    @pytest.mark.parametrize("name", [EVIL, "127.0.0.1", "localhost"])
    def test_a_foreign_page_is_refused(
        self, name: str, page: Page, idle_dagster: GuardedDagster, sandbox: Sandbox
    ) -> None:
        """A page of another site or port can launch, read, subscribe to and frame nothing."""
        with foreign_server() as port:
            page.goto(f"http://{name}:{port}/")
            attempts = page.evaluate(ATTACKS, [idle_dagster.address, sandbox.url, LAUNCH, RUNS])
            framed = next(frame for frame in page.frames if frame.name == "framed")
            shown = framed.content()

        results = attempts.pop("subscription"), attempts.pop("image"), attempts.pop("script")
        assert results == ("closed", "error", "error")
        assert "Refused" in shown
        assert {text for text in attempts.values() if "runId" in text or "dagster_version" in text} == set()
        assert attempts["control"].startswith("TypeError")
        assert sandbox.now == NOW

    def test_a_rebound_name_is_refused(self, page: Page, idle_dagster: GuardedDagster, sandbox: Sandbox) -> None:
        """A page whose host name now resolves to Dagster's address receives only refusals."""
        start = f"http://{EVIL}:{idle_dagster.port}"
        page.route(f"{start}/start", lambda route: route.fulfill(body="<body>", content_type="text/html"))

        direct = page.goto(f"{start}/")
        page.goto(f"{start}/start")
        attempts = page.evaluate(ATTACKS, [start, sandbox.url.replace("127.0.0.1", EVIL), LAUNCH, RUNS])

        assert direct is not None
        assert direct.status == 403
        assert attempts["subscription"] == "closed"
        assert attempts["read"].startswith("403 Refused")
        assert attempts["preflight"].startswith("403 Refused")
        assert sandbox.now == NOW

    @pytest.mark.slow
    def test_own_pages_work(self, page: Page, dagster: GuardedDagster) -> None:
        """Dagster's own pages load, launch a run and subscribe without a refusal."""
        refused: list[str] = []
        page.on("response", lambda answer: refused.append(answer.url) if answer.status == 403 else None)
        before = dagster.runs()

        page.goto(f"{dagster.address}/jobs")
        page.get_by_text("harmless").first.wait_for()
        launched, subscribed = page.evaluate(OWN, [LAUNCH])

        assert "LaunchRunSuccess" in launched
        assert json.loads(subscribed) == {"type": "connection_ack"}
        assert dagster.runs() == before + 1
        assert refused == []
