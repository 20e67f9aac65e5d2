"""Alerts: what a receiver gets over real HTTP and SMTP, and that one that fails costs a line and nothing else."""

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
    """A receiver that takes what comes."""
    with answering_server() as server:
        server.will_answer(HOOK, Reply(200))
        yield server


def address(server: AnsweringServer, path: str = HOOK) -> SecretStr:
    """Where the receiver is, in the library's words."""
    return SecretStr(server.address.replace("http://", "json://") + path)


def test_a_receiver_gets_title_and_text_as_they_stand(server: AnsweringServer) -> None:
    """As plain text: nothing is escaped, swapped or left out."""
    assert send([address(server)], ALERT) == []

    (question,) = server.asked(HOOK)
    told = json.loads(question.body)
    assert (told["title"], told["message"], told["type"]) == (ALERT.title, ALERT.text, "failure")


def test_a_mail_is_sent_to_each_recipient() -> None:
    """With the title as its subject and the text readable as such."""
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


def test_a_receiver_that_fails_leaves_the_others_told(server: AnsweringServer) -> None:
    """It is told in one line with its place, its service and its status, and nothing of its address."""
    server.will_answer(f"{HOOK}/gone", Reply(410))
    with socket.create_server(("127.0.0.1", 0)) as closed:
        nobody = f"127.0.0.1:{closed.getsockname()[1]}"

    failures = send(
        [address(server, f"{HOOK}/gone"), SecretStr(f"json://{nobody}{HOOK}"), address(server), SecretStr(TOKEN)], ALERT
    )

    assert failures == [
        "address 1 (JSON) answered 410",
        "address 2 (JSON) cannot be connected to",
        "address 4 (unreadable) did not take the alert",
    ]
    assert len(server.asked(HOOK)) == 1


def test_a_receiver_that_never_answers_is_left_behind(server: AnsweringServer) -> None:
    """After the given patience, while the others are told."""
    server.will_answer(f"{HOOK}/slow", Reply(stalled=True))
    began = time.monotonic()

    failures = send([address(server, f"{HOOK}/slow"), address(server)], ALERT, seconds=0.5)

    assert failures == ["address 1 (JSON) did not take the alert in time"]
    assert time.monotonic() - began < 3
    assert len(server.asked(HOOK)) == 1


def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    """Before anything is sent."""
    with answering_server(self_signed(tmp_path)) as server:
        failures = send([SecretStr(server.address.replace("http://127.0.0.1", "jsons://localhost") + HOOK)], ALERT)

    assert failures == ["address 1 (JSON) cannot be connected to"]
    assert server.questions == []


def test_no_log_hears_of_an_address(
    server: AnsweringServer, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """Neither the library nor the transport below it, whatever the level."""
    server.will_answer(f"{HOOK}/gone", Reply(410))
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
    """Texts that every service takes whole."""

    def test_what_fits_stands_as_it_is(self) -> None:
        """Line by line, with the last one at the end."""
        assert bounded(["one", "two"], last="end") == "one\ntwo\nend"
        assert bounded(["one"]) == "one"

    @pytest.mark.parametrize("length", [1, 30, 320, MAX_CHARACTERS // 2])
    def test_what_does_not_fit_is_counted(self, length: int) -> None:
        """Only whole lines are left out, never the last one."""
        text = bounded(["x" * length] * 2_000, last="end")

        *kept, more, end = text.split("\n")
        assert len(text) <= MAX_CHARACTERS
        assert len(text) > MAX_CHARACTERS - length - 40
        assert set(kept) == {"x" * length}
        assert (more, end) == (f"… and {2_000 - len(kept):,} more", "end")


class TestTestMessage:
    """``floriday check --alert``."""

    def test_it_reaches_every_address(self, server: AnsweringServer, tmp_path: Path) -> None:
        """Without any credentials, and without a call to Floriday."""
        ended = floriday("check", "--alert", folder=tmp_path, FLORIDAY_ALERTS=address(server).get_secret_value())

        assert (ended.code, ended.err) == (0, "")
        assert ended.out == "1 of 1 addresses accepted the test message\n"
        (question,) = server.questions
        assert json.loads(question.body)["title"] == "Floriday: a test"

    def test_an_address_that_fails_is_named_by_its_place(self, server: AnsweringServer, tmp_path: Path) -> None:
        """The others are told; exit code 1."""
        server.will_answer(f"{HOOK}/gone", Reply(404))
        both = f"{address(server).get_secret_value()}, {address(server, f'{HOOK}/gone').get_secret_value()}"

        ended = floriday("check", "--alert", folder=tmp_path, FLORIDAY_ALERTS=both)

        assert (ended.code, ended.out) == (1, "1 of 2 addresses accepted the test message\n")
        assert ended.complaint == "FLORIDAY_ALERTS: address 2 (JSON) answered 404"

    @pytest.mark.parametrize(
        ("alerts", "told"),
        [("", "FLORIDAY_ALERTS is missing: it expects"), (f"tulips://{TOKEN}", "FLORIDAY_ALERTS expects addresses")],
    )
    def test_a_setting_that_is_missing_or_malformed(self, alerts: str, told: str, tmp_path: Path) -> None:
        """Is one line, without the address; exit code 2."""
        ended = floriday("check", "--alert", folder=tmp_path, FLORIDAY_ALERTS=alerts)

        assert (ended.code, ended.out) == (2, "")
        assert ended.complaint.startswith(told)
        assert TOKEN not in ended.err
