"""Hostile SQL of an assistant changes nothing, reads no file and ends, and the MCP server answers afterwards."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import pytest

from pipelines.mcp_server.limits import ServerLimits
from pipelines.mcp_server.server import Served, build_server
from pipelines.sandbox import Sandbox
from pipelines.warehouse.file.connection import Warehouse
from pipelines.warehouse.file.publish import publish
from tests.integration.syncing import Syncing, empty_warehouse
from tests.mcp_clients import LONGEST_CALL, TOKEN, Answer, Connected, connected, connected_by_stdio, http_server
from tests.moments import NOW
from tests.security.hostile_sql import CLASSES, ENDLESS, HUGE, LONG, refused_statements

SECRET = "hidden-in-a-file"
FEEDS = ("catalog.trade_items", "orders.sales_orders", "organizations.organizations", "organizations.connections")
LONGEST_ANSWER = 8_100_000  # bytes of an answer


@dataclass(frozen=True)
class Place:
    """A warehouse in a folder that must not change, and a file with a secret beside it.

    Args:
        folder: working directory, home and temporary folder of the server.
        path: path of the warehouse in the folder.
    """

    folder: Path
    path: Path

    def state(self) -> dict[str, tuple[int, str]]:
        """Mode and hash of every file."""
        return {
            str(each): (each.stat().st_mode, hashlib.sha256(each.read_bytes()).hexdigest() if each.is_file() else "")
            for each in sorted(self.folder.rglob("*"))
        }

    def filled(self, sql: str) -> str:
        """A statement with the paths of this place."""
        paths = {"folder": self.folder, "path": self.path, "secret": self.folder / "secret.csv"}
        for name, path in paths.items():
            sql = sql.replace(f"{{{name}}}", str(path))
        return sql


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A warehouse without rows."""
    return placed(tmp_path_factory.mktemp("place"))


def placed(folder: Path) -> Place:
    """Return a place in a folder."""
    path = folder / "floriday.duckdb"
    path.touch(mode=0o600)
    path.write_bytes(empty_warehouse("suppliers", FEEDS))
    with Warehouse(path).writing() as connection:
        values = "'suppliers' AS api, 'host' AS environment, 1 AS layout_version"
        connection.execute(f"INSERT INTO sync.settings BY NAME SELECT {values}")
    (folder / "secret.csv").write_text(f"a,b\n1,{SECRET}\n")
    return Place(folder, path)


def timed(client: Connected, sql: str) -> Answer:
    """Return the answer to a statement, which neither takes too long nor contains the content of a file."""
    began = time.monotonic()
    answer = client.call("query", sql=sql, limit=1000)
    taken, text = time.monotonic() - began, f"{answer.text}{json.dumps(answer.content, ensure_ascii=False)}"

    assert taken < LONGEST_CALL, sql
    assert SECRET not in text, sql
    assert "root:" not in text, sql
    assert len(text.encode()) < LONGEST_ANSWER, sql
    assert answer.is_error or answer.content["row_count"] <= 1000, sql
    return answer


def attack(client: Connected, place: Place) -> int:
    """Execute all hostile statements; return their number."""
    count = 0
    for name, sql in refused_statements():
        answer = timed(client, place.filled(sql))
        assert answer.is_error, (name, sql)
        assert "unexpected" not in answer.text, (name, sql)
        count += 1
    for sql in (*ENDLESS, *HUGE):
        answer = timed(client, sql)
        assert answer.is_error, sql
        count += 1
    for sql in LONG:
        assert timed(client, sql).content.get("is_truncated", True), sql
        count += 1
    assert client.rows("SELECT 1") == [[1]]
    return count


@pytest.mark.slow
def test_each_class_is_refused(place: Place) -> None:
    """One statement of each class, an endless one and a huge one are refused, and change nothing."""
    before = place.state()
    with connected(build_server(Served(place.path, limits=ServerLimits(seconds=1.0)))) as client:
        for name, statements in CLASSES.items():
            answer = timed(client, place.filled(statements[0]))
            assert answer.is_error, name
            assert "\n" not in answer.text
        assert timed(client, ENDLESS[0]).is_error
        assert timed(client, "SELECT repeat('x', 2000000000)").is_error
        assert client.rows("SELECT 1") == [[1]]

    assert place.state() == before


def test_the_classes_have_a_hundred_statements() -> None:
    """The classes have more than a hundred different statements."""
    assert len({sql for _, sql in refused_statements()}) > 100


@pytest.mark.slow
@pytest.mark.parametrize(
    ("transport", "is_copy"), [("stdio", False), ("http", True)], ids=["stdio, file", "http, published copy"]
)
def test_a_hundred_hostile_calls(tmp_path: Path, transport: str, is_copy: bool) -> None:  # noqa: FBT001
    """Over both transports, hostile calls change nothing, read no file and end in time; the server stays small."""
    place = placed(tmp_path)
    publish(Warehouse(place.path), tmp_path / "floriday.published.duckdb")
    before = place.state()
    arguments = ("--timeout", "2s", *(["--published"] if is_copy else []))
    variables = {"FLORIDAY_WAREHOUSE": str(place.path), "HOME": str(tmp_path), "TMPDIR": str(tmp_path)}
    with ExitStack() as stack:
        if transport == "stdio":
            client = stack.enter_context(connected_by_stdio(tmp_path, *arguments, **variables))
        else:
            server = stack.enter_context(http_server(tmp_path, *arguments, **variables, FLORIDAY_MCP_TOKEN=TOKEN))
            client = stack.enter_context(server.connected())
        assert attack(client, place) > 100

    assert place.state() == before


@pytest.mark.slow
def test_hostile_calls_while_a_sync_writes(tmp_path: Path) -> None:
    """While syncs write, hostile calls are refused, honest ones are answered, and no sync fails."""
    path = tmp_path / "floriday.duckdb"
    (tmp_path / "secret.csv").write_text(f"a,b\n1,{SECRET}\n")
    place = Place(tmp_path, path)
    with Sandbox(now=NOW, scale=0.02) as sandbox:
        syncing = Syncing(sandbox, path, only=FEEDS)
        syncing.sync()
        orders = sandbox.book("orders.sales_orders")
        entries = orders.entries()

        def change_and_sync(round_number: int) -> None:
            for entry in entries[:200]:
                orders.put({**entry.document, "numberOfPieces": round_number})
            syncing.sync(full=False)

        with Repeated(change_and_sync) as syncs, connected_by_stdio(tmp_path, "--warehouse", str(path)) as client:
            for _, sql in list(refused_statements())[::3]:
                assert timed(client, place.filled(sql)).is_error, sql
                assert client.call("list_tables").content["tables"]
            assert client.rows("SELECT count(*) FROM orders.sales_orders") == [[len(entries)]]
            assert not client.call("freshness").is_error

    assert syncs.count > 3
    assert syncs.error is None


class Repeated:
    """Calls a function with 1, 2, 3, … in a thread, until the end of the block."""

    def __init__(self, action: Callable[[int], None]) -> None:
        self.count = 0
        self.error: Exception | None = None
        self._action = action
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ended.is_set():
            try:
                self._action(self.count + 1)
            except Exception as error:  # noqa: BLE001 - the test shows it
                self.error = error
                return
            self.count += 1
