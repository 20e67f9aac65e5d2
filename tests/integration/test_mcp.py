"""Assistants read the warehouse by MCP: tools, resources, prompts, both transports, and the limits of a call."""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import duckdb
import httpx2
import pytest
from typer.main import get_command

from pipelines import extras
from pipelines.cli.app import app
from pipelines.cli.commands import mcp
from pipelines.cli.entry import run
from pipelines.dictionary.glossary import glossary_page
from pipelines.errors import UsageError
from pipelines.mcp_server.limits import MOST_CHARACTERS, MOST_ROWS, ServerLimits
from pipelines.mcp_server.prompts import QUESTIONS, questions_for
from pipelines.mcp_server.reference import mcp_page
from pipelines.mcp_server.server import Served, build_server
from pipelines.mcp_server.token import kept_token
from pipelines.mcp_server.transports import PATH
from pipelines.reports import find_report
from pipelines.reports.availability import apis_of
from pipelines.sandbox import Sandbox
from pipelines.warehouse.file.connection import Warehouse
from pipelines.warehouse.file.publish import publish
from tests.command_line import ROOT, command, floriday, process_environment
from tests.integration.syncing import Syncing, empty_warehouse
from tests.mcp_clients import (
    TOKEN,
    Connected,
    HttpServer,
    children,
    command_of,
    connected,
    connected_by_stdio,
    http_server,
)
from tests.moments import NOW

FEEDS = ("catalog.trade_items", "orders.sales_orders", "organizations.organizations", "organizations.connections")
ENDLESS = "SELECT count(*) FROM range(1000000) a, range(1000000) b WHERE a.range + b.range < 0"
MISSPELT = {"FLORIDAY_WARHOUSE": "x"}  # a warning, which must not be written to standard output


@pytest.fixture(scope="module")
def synced(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A warehouse with orders."""
    path = tmp_path_factory.mktemp("mcp") / "floriday.duckdb"
    with Sandbox(now=NOW, scale=0.02) as sandbox:
        Syncing(sandbox, path, only=FEEDS).sync()
    return path


@pytest.fixture(scope="module")
def client(synced: Path) -> Iterator[Connected]:
    """A client of a server in this process."""
    chosen = Served(synced, chosen=lambda catalogue: tuple(each for each in catalogue.sources if each.name in FEEDS))
    with connected(build_server(chosen)) as client:
        yield client


@pytest.fixture(scope="module")
def stdio(synced: Path) -> Iterator[Connected]:
    """A client of a process that it started itself."""
    arguments = ("--warehouse", str(synced), "--timeout", "1s")
    with connected_by_stdio(synced.parent, *arguments, **MISSPELT) as client:
        yield client


@pytest.fixture(scope="module")
def http(synced: Path) -> Iterator[HttpServer]:
    """A process that listens on the loopback, with a token that it has generated."""
    with http_server(synced.parent, "--timeout", "1s", FLORIDAY_WAREHOUSE=str(synced)) as server:
        yield server


@pytest.fixture
def token(http: HttpServer, synced: Path) -> str:
    """The token of that process."""
    assert http.process.poll() is None
    return (synced.parent / "floriday.mcp-token").read_text(encoding="utf-8").strip()


@contextmanager
def rows_of(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """DuckDB's own connection."""
    with closing(duckdb.connect(str(path), read_only=True)) as connection:
        yield connection


class TestTools:
    """What the tools return."""

    def test_every_tool_is_documented(self, client: Connected) -> None:
        """Each tool, argument and field of an answer has a description or a name that stands for itself."""
        tools = client.run("list_tools").tools

        assert [each.name for each in tools] == [
            *("list_tables", "describe_table", "list_reports", "run_report", "query", "freshness")
        ]
        for each in tools:
            assert each.description
            assert each.annotations.read_only_hint
            assert all("description" in argument for argument in each.input_schema["properties"].values())
            kinds = [each.output_schema, *each.output_schema.get("$defs", {}).values()]
            assert all(kind["description"] and kind["properties"] for kind in kinds)

    def test_tables(self, client: Connected, synced: Path) -> None:
        """Tables are listed with their rows."""
        listed = {each["name"]: each for each in client.call("list_tables").content["tables"]}

        with rows_of(synced) as connection:
            expected = connection.execute("SELECT count(*) FROM orders.sales_orders").fetchone()
        assert (listed["orders.sales_orders"]["rows"],) == expected
        assert listed["orders.sales_orders"]["description"]

    @pytest.mark.parametrize(
        "name", ["sales_orders", "history.sales_orders", "reports.revenue_by_week", "raw.sales_orders"]
    )
    def test_columns(self, client: Connected, synced: Path, name: str) -> None:
        """A table, a history view or a report is described with all its columns."""
        described = client.call("describe_table", name=name).content

        with rows_of(synced) as connection:
            expected = connection.execute(f"DESCRIBE {described['name']}").fetchall()
        assert [(each["name"], each["type"]) for each in described["columns"]] == [row[:2] for row in expected]

    def test_joins_and_personal_data(self, client: Connected) -> None:
        """A column names the columns that it joins, and whether it is personal."""
        columns = {each["name"]: each for each in client.call("describe_table", name="sales_orders").content["columns"]}

        assert "catalog.trade_items.trade_item_id" in columns["trade_item_id"]["joins"]
        assert {name for name, each in columns.items() if each["is_personal"]} >= {"delivery_remarks"} & columns.keys()
        assert any(each["is_personal"] for each in columns.values())
        raw = client.call("describe_table", name="raw.sales_orders").content["columns"]
        assert [each["name"] for each in raw if each["is_personal"] and each["name"] == "payload"] == ["payload"]

    def test_reports(self, client: Connected, synced: Path) -> None:
        """The reports of the warehouse are listed with their parameters, and have the rows of their views."""
        reports = {each["name"]: each for each in client.call("list_reports").content["reports"]}
        assert set(reports["revenue_by_week"]["parameters"]) == {
            *("account", *find_report("revenue_by_week").parameters)
        }
        answer = client.call("run_report", name="revenue_by_week", currency="eur", limit=5)

        with rows_of(synced) as connection:
            count = connection.execute("SELECT count(*) FROM reports.revenue_by_week(currency := 'EUR')").fetchone()
        assert count is not None
        assert answer.content["row_count"] == 5
        assert answer.content["is_truncated"] == (count[0] > 5)
        assert "more rows exist" in answer.text

    def test_a_time_before_the_first_sync_is_noticed(self, client: Connected) -> None:
        """A query of a time before the first sync says that nothing is known of it, as a field and in the text."""
        answer = client.call("query", sql="SELECT count(*) FROM history.sales_orders_as_of('2020-01-01')")

        assert answer.content["notice"].startswith("history.sales_orders_as_of has no rows: the first sync was at 20")
        assert answer.content["notice"] in answer.text
        assert client.call("query", sql="SELECT 1").content["notice"] is None

    @pytest.mark.parametrize(
        ("tool", "arguments", "message"),
        [
            ("run_report", {"name": "revenue"}, "there is no report 'revenue': did you mean"),
            ("run_report", {"name": "revenue_by_week", "grower": "x"}, "revenue_by_week takes account, from_date"),
            ("run_report", {"name": "revenue_by_week", "from_date": "soon"}, "from_date expects a day"),
            ("run_report", {"name": "revenue_by_week", "customer": "zzzz"}, "customer 'zzzz' is neither an id nor"),
            ("describe_table", {"name": "sale_orders"}, "the warehouse has no table 'sale_orders'"),
            ("describe_table", {"name": "zzzz"}, "the warehouse has no table 'zzzz': list_tables lists all tables"),
            ("query", {"sql": "FROM zzzz"}, "list_tables lists all tables"),
            ("query", {"sql": "SELECT zzzz FROM orders.sales_orders"}, "describe_table lists the columns of a table"),
            ("run_report", {"name": "zzzz"}, "there is no report 'zzzz': list_reports lists the reports"),
            ("query", {"sql": "SELECT nothing"}, 'Referenced column "nothing" was not found'),
            ("query", {"sql": "DROP TABLE orders.sales_orders"}, "DROP is refused, and nothing was changed"),
            ("query", {"sql": "SELECT 1", "limit": MOST_ROWS + 1}, "less than or equal to 1000"),
        ],
    )
    def test_errors_are_answers(self, client: Connected, tool: str, arguments: dict[str, Any], message: str) -> None:
        """A wrong call gets an answer that says what is wrong, so that the assistant can correct it."""
        answer = client.call(tool, **arguments)

        assert answer.is_error
        assert message in answer.text

    def test_values(self, client: Connected) -> None:
        """Every value is one that JSON has: whole numbers and decimals as numbers, huge ones and times as text."""
        (row,) = client.rows(
            "SELECT 1.50::DECIMAL(18, 6), 3::DECIMAL(18, 6), 2::HUGEINT << 80, 9007199254740993, 'nan'::DOUBLE, NULL,"
            " TIMESTAMPTZ '2026-11-24 10:00:00+01', DATE '2026-11-24', [0.5::DECIMAL(3, 1)], {'a': 1}, 'x'::BLOB, true,"
            " 'a'::ENUM ('a', 'b')"
        )

        assert row == [
            *(1.5, 3, str(2 << 80), "9007199254740993", "nan", None, "2026-11-24T09:00:00Z", "2026-11-24"),
            *([0.5], {"a": 1}, "78", True, "a"),
        ]

    def test_long_values_and_tables_are_cut(self, client: Connected) -> None:
        """A long value is cut and says how long it is; the text has only the first rows, on one line each."""
        answer = client.call("query", sql="SELECT repeat('x', 5000) || '|' AS x, E'a\\nb' AS y FROM range(50)")

        assert answer.content["rows"][0][0] == f"{'x' * MOST_CHARACTERS}… (5,001 characters)"
        assert answer.content["row_count"] == 50
        assert len(answer.text.splitlines()) == 23
        assert answer.text.endswith("(50 rows, the first 20 of them are shown here)")

    def test_a_large_result_is_refused(self, client: Connected) -> None:
        """A result that is too large for an assistant, or for the memory, is refused without being sent."""
        answer = client.call("query", sql="SELECT repeat('x', 1000000) FROM range(9)")
        assert answer.text == "the result has more than 8.0 MB: select fewer columns or shorter values"

    def test_a_large_answer_is_refused(self, client: Connected) -> None:
        """A result that is small for DuckDB and large as JSON, in which a control character takes six, is refused."""
        answer = client.call("query", sql="SELECT repeat(chr(1), 2000) FROM range(1000)", limit=1000)
        assert answer.is_error
        assert answer.text.startswith("the answer has more than 8.0 MB: select fewer columns or shorter values")

    def test_freshness(self, client: Connected, synced: Path) -> None:
        """The time until which all feeds are complete is that of the oldest one."""
        content = client.call("freshness").content

        with rows_of(synced) as connection:
            (oldest,) = connection.execute("SELECT min(current_at) FROM sync.cursors").fetchall()
        assert content["current_at"] == oldest[0].astimezone(NOW.tzinfo).isoformat(timespec="seconds")
        assert content["minutes_since"] is not None
        assert sorted(each["feed"] for each in content["feeds"]) == sorted(FEEDS)
        assert not content["is_published_copy"]

    def test_no_warehouse(self, tmp_path: Path) -> None:
        """Without a warehouse the server starts, and each tool says what to do."""
        with connected(build_server(Served(tmp_path / "w.duckdb"))) as client:
            answers = [client.call("list_tables"), client.call("query", sql="SELECT 1"), client.call("freshness")]

        assert all(each.is_error and "run `floriday sync` first" in each.text for each in answers)

    def test_a_buyers_warehouse(self, tmp_path: Path) -> None:
        """A buyer's warehouse has a buyer's questions and pages, and no tables of growers."""
        path = tmp_path / "w.duckdb"
        path.write_bytes(empty_warehouse("customers", ("organizations.organizations",)))
        with Warehouse(path).writing() as connection:
            values = "'customers' AS api, 'host' AS environment, 1 AS layout_version"
            connection.execute(f"INSERT INTO sync.settings BY NAME SELECT {values}")
        with connected(build_server(Served(path))) as client:
            names = [each.name for each in client.run("list_prompts").prompts]
            uris = [str(each.uri) for each in client.run("list_resources").resources]

        assert "spend" in names
        assert "to_deliver" not in names
        assert "floriday://dictionary/customers/orders" in uris
        assert not any("suppliers" in uri for uri in uris)


class TestResourcesAndPrompts:
    """What an assistant can read beside the data."""

    def test_every_resource_is_readable(self, client: Connected) -> None:
        """The glossary, each page of the dictionary and each report of the API can be read."""
        resources = client.run("list_resources").resources
        texts = {str(each.uri): client.run("read_resource", str(each.uri)).contents[0].text for each in resources}

        assert texts["floriday://glossary"] == glossary_page()
        assert "### sales_orders" in texts["floriday://dictionary/suppliers/orders"]
        assert find_report("fill_rate").sql in texts["floriday://reports/fill_rate"]
        assert all(each.description for each in resources)
        assert not any("customers" in uri for uri in texts)

    def test_prompts(self, client: Connected) -> None:
        """There are ten questions of a nursery, each with the reports that answer it."""
        prompts = client.run("list_prompts").prompts

        assert len(prompts) == 10
        text = client.run("get_prompt", "revenue", {"period": "week 47"}).messages[0].content.text
        assert "in week 47" in text
        assert "the first and the last day of the period" in text
        assert (
            "the period" not in client.run("get_prompt", "to_deliver").messages[0].content.text.partition(" Never")[0]
        )
        assert "revenue_by_week" in text

    def test_the_prompt_about_customers_asks_what_its_report_answers(self, client: Connected) -> None:
        """The question compares the same weeks of two years, by default as many as the report does."""
        text = client.run("get_prompt", "customers").messages[0].content.text

        assert text.startswith("Which customers buy more in the last 13 complete weeks than in the same weeks a year")
        assert "Without from_date, the last 13 weeks are compared" in find_report("customer_changes").description

    def test_questions_name_reports(self) -> None:
        """Every report of a question exists for each API of the question."""
        lacking = [
            (each.name, api, name)
            for each in QUESTIONS
            for api in each.apis
            for name in each.reports
            if api not in apis_of(name)
        ]

        assert lacking == []
        assert questions_for(None) == QUESTIONS

    def test_the_page_is_up_to_date(self) -> None:
        """docs/mcp.md has the tools as they are; ``make docs`` updates it."""
        assert (ROOT / "docs" / "mcp.md").read_text(encoding="utf-8") == mcp_page()

    def test_the_configurations_on_the_page_are_valid(self) -> None:
        """Each JSON on the page is valid, and starts the command with options that it has."""
        page = (ROOT / "docs" / "mcp.md").read_text(encoding="utf-8")
        servers = [json.loads(each)["mcpServers"] for each in re.findall(r"```json\n(.*?)```", page, re.DOTALL)]
        starts = [each["args"] for server in servers for each in server.values() if "args" in each]
        addresses = [each["url"] for server in servers for each in server.values() if "url" in each]
        group: Any = get_command(app)

        assert starts
        for name, *arguments in starts:
            group.commands[name].make_context(name, arguments)
        assert [urlsplit(each).path for each in addresses] == [PATH]


class TestStdio:
    """Standard input and output."""

    @pytest.mark.slow
    def test_a_client_starts_the_server(self, stdio: Connected, synced: Path) -> None:
        """A client that starts the command gets answers."""
        with rows_of(synced) as connection:
            expected = connection.execute("SELECT count(*) FROM orders.sales_orders").fetchone()
        assert tuple(stdio.rows("SELECT count(*) FROM orders.sales_orders")[0]) == expected

    @pytest.mark.slow
    def test_a_query_is_ended_for_real(self, stdio: Connected) -> None:
        """At its time limit the process of the query is killed, and the server answers the next call."""
        answer = stdio.call("query", sql=ENDLESS)

        assert answer.text == "the query took longer than 1 s and was ended"
        (server,) = [each for each in children(os.getpid()) if b"mcp" in command_of(each)]
        assert children(server) == []
        assert stdio.rows("SELECT 1") == [[1]]

    def test_a_cancelled_call_ends_its_query(self, client: Connected) -> None:
        """When a client cancels a call, the process of its query is killed at once."""
        began = time.monotonic()
        client.give_up(0.5, "query", sql=ENDLESS)
        while any(b"query_process" in command_of(each) for each in children(os.getpid())):
            assert time.monotonic() - began < ServerLimits().seconds / 2

        assert client.rows("SELECT 1") == [[1]]

    def test_standard_output_carries_the_protocol_only(self, synced: Path, tmp_path: Path) -> None:
        """Every line of standard output is a message, also while the program warns; at the end of input it ends."""
        client = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
        messages: list[dict[str, Any]] = [
            {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": client},
            {"jsonrpc": "2.0", "method": "notifications/initialized"},
            {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": "list_tables", "arguments": {}}},
        ]
        with subprocess.Popen(
            command("mcp", "--warehouse", str(synced)),
            cwd=tmp_path,
            env=process_environment(**MISSPELT),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            assert process.stderr is not None
            process.stdin.write("".join(f"{json.dumps(each)}\n" for each in messages))
            process.stdin.flush()
            lines = [process.stdout.readline(), process.stdout.readline()]
            process.stdin.close()
            rest, warning = process.stdout.read(), process.stderr.read()

        assert [json.loads(line)["id"] for line in lines] == [1, 2]
        assert rest == ""
        assert "FLORIDAY_WARHOUSE" in warning
        assert process.returncode == 0

    def test_a_missing_file_is_named_at_the_start(self, tmp_path: Path) -> None:
        """A path without a file, such as a misspelt one, is named on standard error when the server starts."""
        missing = tmp_path / "nope.duckdb"

        ended = floriday("mcp", "--warehouse", str(missing), folder=tmp_path)

        assert (ended.code, ended.out) == (0, "")
        assert f"there is no warehouse at {missing} yet" in ended.err


class TestHttp:
    """HTTP on the loopback."""

    def test_a_client_with_the_token(self, http: HttpServer, token: str) -> None:
        """Clients with the token get answers, those of older protocols too, and their endless queries are ended."""
        with http.connected(token) as one, http.connected(token, "legacy") as two:
            assert one.rows("SELECT 1") == two.rows("SELECT 1") == [[1]]
            assert one.call("query", sql=ENDLESS).text == "the query took longer than 1 s and was ended"
            assert len(two.call("list_tables").content["tables"]) > 4

        assert children(http.process.pid) == []

    @pytest.mark.parametrize(
        ("headers", "status"),
        [
            ({}, 401),
            ({"Authorization": "TOKEN"}, 401),
            ({"Authorization": "Basic TOKEN"}, 401),
            ({"Authorization": "Bearer TOKENx"}, 401),
            ({"Authorization": "Bearer TOKE"}, 401),
            ({"Authorization": "Bearer ñ"}, 401),
            ({"Authorization": "Bearer TOKEN", "Host": "evil.example"}, 403),
            ({"Authorization": "Bearer TOKEN", "Origin": "http://evil.example"}, 403),
            ({"Authorization": "Bearer TOKEN", "Origin": "null"}, 403),
            ({"Authorization": "Bearer TOKEN", "Sec-Fetch-Site": "cross-site"}, 403),
            ({"Authorization": "Bearer TOKEN"}, 200),
        ],
    )
    def test_requests_without_the_token_or_of_web_pages(
        self, http: HttpServer, token: str, headers: dict[str, str], status: int
    ) -> None:
        """Only a request with the token, and not of a foreign web page, reaches the server."""
        call = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
        own = {"Accept": "application/json, text/event-stream"}
        raw = [(name.encode(), text.replace("TOKEN", token).encode()) for name, text in {**own, **headers}.items()]
        answer = httpx2.post(http.url, json=call, headers=raw)

        assert answer.status_code == status
        assert ("run_report" in answer.text) == (status == 200)
        assert not any(name.startswith("access-control") for name in answer.headers)

    def test_a_token_is_generated_once(self, http: HttpServer, token: str, synced: Path) -> None:
        """Without the setting, a token is kept in a private file beside the warehouse, and never printed."""
        path = synced.parent / "floriday.mcp-token"

        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert len(token) >= 32
        assert token not in http.printed
        assert path.name in http.printed
        assert kept_token(path) == token

    def test_a_token_file_of_somebody_else(self, tmp_path: Path) -> None:
        """A link in the place of the file is refused, and the error names the setting."""
        (tmp_path / "floriday.mcp-token").symlink_to(tmp_path / "elsewhere")

        with pytest.raises(UsageError, match="or set FLORIDAY_MCP_TOKEN"):
            kept_token(tmp_path / "floriday.mcp-token")


class TestCommand:
    """The command itself."""

    def test_the_package_is_missing(self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        """Without the package mcp, one line says what to install."""
        monkeypatch.setattr(extras, "find_spec", lambda _: None)

        assert run(["mcp"]) == 2
        assert capsys.readouterr().err == (
            "floriday: floriday mcp needs the extra mcp: pip install 'floriday-warehouse[mcp]'\n"
        )

    def test_a_port_in_use(
        self, http: HttpServer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A port that is in use is refused in one line."""
        monkeypatch.setenv("FLORIDAY_MCP_TOKEN", TOKEN)
        port = http.url.rpartition(":")[2].partition("/")[0]

        assert run(["mcp", "--http", port]) == 2
        assert f"--http {port} cannot be used" in capsys.readouterr().err

    def test_no_published_copy(self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        """Without a published copy, --published is refused."""
        monkeypatch.setenv("FLORIDAY_PUBLISHED", "off")

        assert run(["mcp", "--published"]) == 2
        assert "FLORIDAY_PUBLISHED is off" in capsys.readouterr().err


def test_the_published_copy(synced: Path, tmp_path: Path) -> None:
    """The copy is read as the warehouse is, and a renewed copy is read by the next call."""
    path, copy = tmp_path / "floriday.duckdb", tmp_path / "floriday.published.duckdb"
    path.write_bytes(synced.read_bytes())
    publish(Warehouse(path), copy)
    with connected(build_server(Served(copy, is_copy=True))) as client:
        before = client.rows("SELECT count(*) FROM sync.windows")
        with Warehouse(path).writing() as connection:
            connection.execute("DELETE FROM sync.windows")
        assert client.rows("SELECT count(*) FROM sync.windows") == before
        publish(Warehouse(path), copy)
        assert client.rows("SELECT count(*) FROM sync.windows") == [[0]]
        assert client.call("freshness").content["is_published_copy"]


@pytest.mark.slow
def test_a_busy_warehouse(synced: Path, tmp_path: Path) -> None:
    """While a process writes for longer than a call may take, the answer says so; afterwards calls work again."""
    path = tmp_path / "floriday.duckdb"
    path.write_bytes(synced.read_bytes())
    with connected(build_server(Served(path, limits=ServerLimits(seconds=1.0)))) as client:
        with Warehouse(path).writing():
            answers = [client.call("query", sql="SELECT 1"), client.call("list_tables")]
        assert client.rows("SELECT 1") == [[1]]

    assert all(each.is_error for each in answers)
    assert "another process" in answers[0].text or "was ended" in answers[0].text


@pytest.mark.slow
def test_calls_at_the_same_time(synced: Path) -> None:
    """Several calls at once are answered, or ended at the deadline; none waits longer."""
    with connected(build_server(Served(synced, limits=ServerLimits(seconds=1.0)))) as client:
        answers: list[str] = []
        threads = [
            threading.Thread(target=lambda: answers.append(client.call("query", sql=ENDLESS).text)) for _ in range(3)
        ]
        for each in threads:
            each.start()
        for each in threads:
            each.join(timeout=10)
        assert client.rows("SELECT 1") == [[1]]

    assert len(answers) == 3
    assert all("was ended" in each for each in answers)


@pytest.mark.slow
def test_a_person_at_a_terminal_learns_who_starts_it(
    synced: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """On a terminal, where no assistant writes, standard error shows what the command waits for, and not in a pipe."""
    monkeypatch.setattr("pipelines.mcp_server.transports.serve_stdio", lambda server: server)
    for is_terminal in (True, False):
        monkeypatch.setattr("sys.stdin.isatty", partial(bool, is_terminal), raising=False)
        mcp._stdio(Served(synced))  # noqa: SLF001 - the whole command would wait for an assistant

    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("an assistant starts this command") == 1
