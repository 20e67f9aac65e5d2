"""Alerts are delivered over HTTP and SMTP, and a receiver that fails does not affect the others."""

from __future__ import annotations

import json
import logging
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from pipelines.alerts import MAX_CHARACTERS, Alert, bounded, send
from tests.command_line import floriday
from tests.integration.answering_server import AnsweringServer, Reply, answering_server, self_signed
from tests.integration.mail_server import mail_server

TOKEN = "t0k3n-7hat-must-not-show"
HOOK = f"/hook/{TOKEN}"
ALERT = Alert("Floriday: orders.sales_orders failed", "main: <404> & *nothing* :smile:\nLook at it.", "failure")


@pytest.fixture
def server() -> Iterator[AnsweringServer]:
    """A receiver that accepts every alert."""
    with answering_server() as server:
        server.respond(HOOK, Reply(200))
        yield server


def address(server: AnsweringServer, path: str = HOOK) -> SecretStr:
    """Return the receiver's address in the format of the alert library."""
    return SecretStr(server.address.replace("http://", "json://") + path)


def test_title_and_text_are_sent_unchanged(server: AnsweringServer) -> None:
    """Title and text are sent as plain text, without escaping."""
    assert send([address(server)], ALERT) == []

    (request,) = server.requests_to(HOOK)
    message = json.loads(request.body)
    assert (message["title"], message["message"], message["type"]) == (ALERT.title, ALERT.text, "failure")


def test_a_mail_is_sent_to_each_recipient() -> None:
    """A mail has the alert's title as its subject and the text as plain text."""
    with mail_server() as server:
        port = server.server_address[1]
        receiver = f"mailto://127.0.0.1:{port}?from=floriday@nursery.nl&to=a@nursery.nl,b@nursery.nl"
        failures = send([SecretStr(receiver)], ALERT)

    assert failures == []
    assert [message["Subject"] for message in server.messages] == [ALERT.title] * 2
    assert sorted(message["To"] for message in server.messages) == ["a@nursery.nl", "b@nursery.nl"]
    body = server.messages[0].get_body(("plain",))
    assert body is not None
    assert body.get_content().split() == ALERT.text.split()


def test_a_failing_receiver_does_not_stop_others(server: AnsweringServer) -> None:
    """A failure is returned as one line with place, service and status, without the address."""
    server.respond(f"{HOOK}/gone", Reply(410))
    with socket.create_server(("127.0.0.1", 0)) as closed:
        unused = f"127.0.0.1:{closed.getsockname()[1]}"

    failures = send(
        [address(server, f"{HOOK}/gone"), SecretStr(f"json://{unused}{HOOK}"), address(server), SecretStr(TOKEN)], ALERT
    )

    assert failures == [
        "address 1 (JSON) answered 410",
        "address 2 (JSON) cannot be connected to",
        "address 4 (unreadable) did not take the alert",
    ]
    assert len(server.requests_to(HOOK)) == 1


def test_a_receiver_that_never_answers_times_out(server: AnsweringServer) -> None:
    """A receiver that never answers fails after the time-out, and the others get the alert."""
    server.respond(f"{HOOK}/slow", Reply(stalled=True))
    started_at = time.monotonic()

    failures = send([address(server, f"{HOOK}/slow"), address(server)], ALERT, seconds=0.5)

    assert failures == ["address 1 (JSON) did not take the alert in time"]
    assert time.monotonic() - started_at < 3
    assert len(server.requests_to(HOOK)) == 1


def test_a_self_signed_certificate_is_refused(tmp_path: Path) -> None:
    """A receiver with a self-signed certificate gets no request."""
    with answering_server(self_signed(tmp_path)) as server:
        failures = send([SecretStr(server.address.replace("http://127.0.0.1", "jsons://localhost") + HOOK)], ALERT)

    assert failures == ["address 1 (JSON) cannot be connected to"]
    assert server.requests == []


def test_no_log_contains_an_address(
    server: AnsweringServer, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """No log of the library or its transport contains an address, at any level."""
    server.respond(f"{HOOK}/gone", Reply(410))
    loggers = [logging.getLogger(name) for name in ("", "apprise", "urllib3", "urllib3.connectionpool")]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(1)
    try:
        send([address(server), address(server, f"{HOOK}/gone"), SecretStr(f"json://127.0.0.1:9{HOOK}")], ALERT)
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)

    assert TOKEN not in caplog.text
    assert TOKEN not in "".join(capfd.readouterr())


class TestBounded:
    """The length of texts is limited to what every service accepts."""

    def test_a_short_text_is_unchanged(self) -> None:
        """All lines of a short text are kept, followed by the last line."""
        assert bounded(["one", "two"], last="end") == "one\ntwo\nend"
        assert bounded(["one"]) == "one"

    @pytest.mark.parametrize("length", [1, 30, 320, MAX_CHARACTERS // 2])
    def test_lines_that_do_not_fit_are_counted(self, length: int) -> None:
        """Only whole lines are left out, never the last one, and their number is added."""
        text = bounded(["x" * length] * 2_000, last="end")

        *kept, more, end = text.split("\n")
        assert len(text) <= MAX_CHARACTERS
        assert len(text) > MAX_CHARACTERS - length - 40
        assert set(kept) == {"x" * length}
        assert (more, end) == (f"… and {2_000 - len(kept):,} more", "end")


class TestTestMessage:
    """The command ``floriday check --alert``."""

    def test_it_is_sent_to_every_address(self, server: AnsweringServer, tmp_path: Path) -> None:
        """The command sends a test message without credentials and without a call to Floriday."""
        ended = floriday("check", "--alert", folder=tmp_path, FLORIDAY_ALERTS=address(server).get_secret_value())

        assert (ended.code, ended.err) == (0, "")
        assert ended.out == "1 of 1 addresses accepted the test message\n"
        (request,) = server.requests
        assert json.loads(request.body)["title"] == "Floriday: a test"

    def test_a_failing_address_is_reported_by_its_place(self, server: AnsweringServer, tmp_path: Path) -> None:
        """If one address fails, the others get the message and the exit code is 1."""
        server.respond(f"{HOOK}/gone", Reply(404))
        both = f"{address(server).get_secret_value()}, {address(server, f'{HOOK}/gone').get_secret_value()}"

        ended = floriday("check", "--alert", folder=tmp_path, FLORIDAY_ALERTS=both)

        assert (ended.code, ended.out) == (1, "1 of 2 addresses accepted the test message\n")
        assert ended.error_line == "FLORIDAY_ALERTS: address 2 (JSON) answered 404"

    @pytest.mark.parametrize(
        ("alerts", "error_line"),
        [("", "FLORIDAY_ALERTS is missing: it expects"), (f"tulips://{TOKEN}", "FLORIDAY_ALERTS expects addresses")],
    )
    def test_a_setting_that_is_missing_or_malformed(self, alerts: str, error_line: str, tmp_path: Path) -> None:
        """A missing or malformed setting is one line without the address, and the exit code is 2."""
        ended = floriday("check", "--alert", folder=tmp_path, FLORIDAY_ALERTS=alerts)

        assert (ended.code, ended.out) == (2, "")
        assert ended.error_line.startswith(error_line)
        assert TOKEN not in ended.err
