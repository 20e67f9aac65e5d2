"""The command line in this process, for tests that look at what it prints."""

from __future__ import annotations

import pytest

from pipelines.cli.entry import run
from tests.command_line import Printed


@pytest.fixture
def printed(capsys: pytest.CaptureFixture[str]) -> Printed:
    """Runs a command; gives its exit code and what stood on standard output and on standard error."""

    def run_it(*arguments: str) -> tuple[int, str, str]:
        code = run(arguments)
        out, err = capsys.readouterr()
        return code, out, err

    return run_it
