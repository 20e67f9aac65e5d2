"""Every command prints in any encoding."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.cli.app import COMMANDS
from pipelines.cli.entry import run
from pipelines.cli.terminal.encoding import print_in_any_encoding
from pipelines.sandbox import Sandbox
from tests.command_line import floriday
from tests.examples import cases
from tests.integration.syncing import Syncing
from tests.moments import NOW

NAMES = [command.__name__ for command in COMMANDS]
READING = (
    ("status", "--offline"),
    ("tables",),
    ("tables", "sales_orders"),
    ("catalogue",),
    ("report",),
    ("report", "sync_health"),
    ("report", "revenue_by_week", "--customer", "ë"),
    ("query", "SELECT 'ë – … € 花' AS \"ï\""),
    ("query", "SELECT 'ë' FROM ë"),
    ("rejected",),
    ("rebuild",),
    ("dashboard",),
    ("sync", "ë"),
    ("check",),
)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A warehouse with the data of one sync of three feeds."""
    path = tmp_path_factory.mktemp("encoding") / "nursery.duckdb"
    feeds = ("orders.sales_orders", "catalog.trade_items", "organizations.organizations")
    with Sandbox(now=NOW, scale=0.02) as sandbox:
        Syncing(sandbox, path, only=feeds).sync()
    return path


def stream(encoding: str) -> io.TextIOWrapper:
    """Return a text stream that raises an error for characters that its encoding lacks."""
    return io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="strict")


def content(written: io.TextIOWrapper) -> bytes:
    """Return what was written to a stream."""
    written.flush()
    assert isinstance(written.buffer, io.BytesIO)
    return written.buffer.getvalue()


@cases("encoding", ["ascii", "iso-8859-1"], quick=1)
@pytest.mark.parametrize("arguments", [*READING, *((name, "--help") for name in NAMES), ("--help",), ("ë",)])
def test_no_command_fails_for_its_encoding(
    arguments: tuple[str, ...], encoding: str, filled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever a command prints, it does not fail for a character that the encoding lacks."""
    monkeypatch.setenv("FLORIDAY_WAREHOUSE", str(filled))
    monkeypatch.chdir(tmp_path)
    out, err = stream(encoding), stream(encoding)
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", err)
    print_in_any_encoding()

    run(arguments)

    written = b"".join(content(each) for each in (out, err))
    assert written
    assert b"Unicode" not in written


def test_a_process_in_ascii(filled: Path, tmp_path: Path) -> None:
    """With LC_ALL=C and without Python's UTF-8 mode, a process prints similar characters."""
    variables = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "FLORIDAY_WAREHOUSE": str(filled)}
    ended = floriday("status", "--offline", folder=tmp_path, **variables)

    assert (ended.code, ended.err) == (0, "")
    assert ended.out.isascii()


@given(st.text(), st.sampled_from(["ascii", "iso-8859-1", "cp437", "utf-8"]))
def test_any_text_is_printed(text: str, encoding: str) -> None:
    """Each text is written in each encoding, and characters that the encoding has do not change."""
    written = stream(encoding)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(sys, "stdout", written)
        print_in_any_encoding()
        sys.stdout.write(text)
        sys.stdout.flush()
    text_in_stream = content(written).decode(encoding)
    kept = [letter for letter in text if letter.encode(encoding, "ignore") and letter not in "\r\n"]
    remaining = iter(text_in_stream)
    assert all(letter in remaining for letter in kept)
