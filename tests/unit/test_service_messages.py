"""Messages to systemd arrive on a real datagram socket, by a path or an abstract name."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pipelines.cli.follow.service import LONGEST_SILENCE, ServiceManager


@contextmanager
def listening(name: str) -> Iterator[socket.socket]:
    """Yield a bound socket, as systemd's; a name that begins with ``@`` is abstract."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(f"\0{name[1:]}" if name.startswith("@") else name)
        receiver.settimeout(10)
        yield receiver


def received(receiver: socket.socket) -> list[str]:
    """Return the messages that have arrived."""
    receiver.settimeout(0)
    messages = []
    try:
        while True:
            messages.append(receiver.recv(4096).decode())
    except BlockingIOError:
        return messages


@pytest.fixture(params=["path", "abstract"])
def name(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The value of NOTIFY_SOCKET."""
    return str(tmp_path / "notify") if request.param == "path" else f"@floriday-test-{os.getpid()}"


def test_messages_arrive_in_their_order(name: str) -> None:
    """The end of the start is reported once, a status in one line, and the end."""
    with listening(name) as receiver:
        service = ServiceManager({"NOTIFY_SOCKET": name})
        service.ready()
        service.ready()
        service.status("reading\norders")
        with service.running():
            pass

        assert received(receiver) == ["READY=1", "STATUS=reading orders", "STOPPING=1"]


def test_a_thread_sends_signs_by_itself(name: str) -> None:
    """While the work runs, a sign is sent again and again, at half of the watchdog's time."""
    with listening(name) as receiver:
        service = ServiceManager({"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "100000"})
        service.ready()
        assert service.interval == 0.05
        with service.running():
            assert [receiver.recv(4096) for _ in range(4)] == [b"READY=1", *[b"WATCHDOG=1"] * 3]


def test_without_progress_the_watchdog_gets_no_sign(name: str) -> None:
    """A process that hangs is not kept alive, and one that waits for its next round is."""
    now = [0.0]
    with listening(name) as receiver:
        variables = {"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "60000000", "WATCHDOG_PID": str(os.getpid())}
        service = ServiceManager(variables, now=lambda: now[0])
        service.ready()
        for pause, later, expected in ((0.0, 1.0, ["WATCHDOG=1"]), (0.0, 2.0, []), (7200.0, 8.0, ["WATCHDOG=1"])):
            received(receiver)
            service.progress(pause)
            now[0] += later * LONGEST_SILENCE - 1.0
            service.send_sign()
            assert received(receiver) == expected


def test_a_long_start_asks_for_more_time(name: str) -> None:
    """Before the start is complete, systemd is asked for three more intervals each time."""
    with listening(name) as receiver:
        ServiceManager({"NOTIFY_SOCKET": name}).send_sign()

        assert received(receiver) == ["EXTEND_TIMEOUT_USEC=60000000"]


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"NOTIFY_SOCKET": "/nonexistent/notify"},
        {"NOTIFY_SOCKET": "@floriday-nobody-listens"},
        {"NOTIFY_SOCKET": "vsock:2:1234", "WATCHDOG_USEC": "many"},
        {"WATCHDOG_USEC": "1000000", "WATCHDOG_PID": "1"},
    ],
)
def test_without_a_service_manager_nothing_fails(variables: dict[str, str]) -> None:
    """Without a socket, or with one that nobody reads, messages are dropped."""
    service = ServiceManager(variables)

    with service.running():
        service.ready()
        service.status("following")
        service.send_sign()
    assert service.interval == 20.0
