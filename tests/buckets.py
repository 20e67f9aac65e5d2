"""A server of S3 for tests of lakes, in this process, and the keys for it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from typing import Any

import pytest

KEY_ID, SECRET_KEY, SESSION = "QXZWKEYID", "QxzwSecretKey", "QxzwSessionToken"
"""The keys; they are in no text that the program prints or stores."""
BUCKET = "flowers"


@dataclass
class BucketServer:
    """A server with one bucket, which can be stopped and started again with its content."""

    port: int = 0
    _running: list[Any] = field(default_factory=list)

    @property
    def address(self) -> str:
        """The address of the server."""
        return f"http://127.0.0.1:{self.port}"

    def environment(self) -> dict[str, str]:
        """The variables with which AWS's tools would use it."""
        return {
            "AWS_ENDPOINT_URL": self.address,
            "AWS_ACCESS_KEY_ID": KEY_ID,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_SESSION_TOKEN": SESSION,
            "AWS_REGION": "eu-central-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def start(self) -> None:
        """Start it."""
        from moto.server import ThreadedMotoServer  # noqa: PLC0415 - only with the packages of .ci/scale.lock

        server = ThreadedMotoServer("127.0.0.1", self.port, verbose=False)
        server.start()
        self._running.append(server)
        self.port = server.get_host_and_port()[1]

    def stop(self) -> None:
        """Stop it; nobody answers at its address then."""
        self._running.pop().stop()

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Stop it during the block."""
        self.stop()
        try:
            yield
        finally:
            self.start()


@contextmanager
def bucket_server() -> Iterator[BucketServer]:
    """Run a server, with its keys in the environment; skip the test where there is none."""
    pytest.importorskip("moto", reason="moto is not installed: .ci/scale.lock has it")
    pytest.importorskip("flask_cors", reason="moto's server is not installed: .ci/scale.lock has it")
    server = BucketServer()
    server.start()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in server.environment().items():
            patch.setenv(name, value)
        connection = HTTPConnection("127.0.0.1", server.port)
        connection.request("PUT", f"/{BUCKET}")
        assert connection.getresponse().status == 200
        connection.close()
        try:
            yield server
        finally:
            server.stop()
