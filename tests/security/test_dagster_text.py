"""Text of Floriday is never markup on Dagster's pages, and Dagster does not store personal values."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from pipelines.catalogue.types import Kind
from pipelines.normalize.exact import Number, UnreadableError, read
from pipelines.normalize.rejected import without_value
from pipelines.orchestration.assets.floriday_text import LONGEST, as_code, visible
from pipelines.orchestration.code_location import build_definitions
from pipelines.orchestration.resources import given_settings
from pipelines.orchestration.run_in_process import STORAGE
from pipelines.sandbox import Sandbox
from tests.every_kind import TABLE
from tests.integration.dagster_project import SUPPLIERS, Project
from tests.integration.personal_orders import all_values
from tests.personal_marks import FEW, MARK, fill, found_in, marked, marked_feeds
from tests.records import in_json, valid_records

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

HOSTILE = (
    "[click](https://evil.example/a)",
    "![seen](https://evil.example/b.png)",
    "<img src=https://evil.example/c onerror=alert(1)>",
    "`` ` ``` https://evil.example/d `",
    "x\n\n# evil heading\n\n| evil | table |\n| --- | --- |\n",
    "evil\u202egnp.exe \u2066hidden\u2069 \x1b[31m\x9bred",
    "evil " + "a" * 10_000,
    "``` evil\nfence",
    "\\` evil | https://evil.example/e | `",
    "<!-- evil",
)
"""Texts that could become links, images, markup, reversed text or very long text."""

MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable("table")
FEEDS = ("orders.sales_orders", "organizations.organizations", "catalog.trade_items")


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A project that was synced from a sandbox with these texts in all places, with its reports."""
    with Sandbox(empty=True) as sandbox:
        for name in FEEDS:
            feed = SUPPLIERS.feed(name)
            for record, text in zip(valid_records(feed, 1, len(HOSTILE)), HOSTILE, strict=True):
                strange = {text: "a value", "status": text, "salesChannel": text, "name": text, "tradeItemName": text}
                if name == "orders.sales_orders":
                    strange["status"] = "COMMITTED"
                sandbox.book(name).put(in_json({**record, **strange}), number=record["sequenceNumber"])
            for number, text in enumerate(HOSTILE, 5000):
                wrong = {**valid_records(feed, 2, 1)[0], "sequenceNumber": number, "isDeleted": text}
                sandbox.book(name).put(in_json(wrong), key=(text,), number=number)
        settings = {"FLORIDAY_FEEDS": ",".join(FEEDS)}
        project = Project(sandbox, tmp_path_factory.mktemp("hostile"), settings)
        project.sync()
        show_reports(project)
        yield project


def show_reports(project: Project) -> dg.ExecuteInProcessResult:
    """Materialize all reports that the project's feeds fill."""
    repository = build_definitions(given_settings(project.environment, project.root)).get_repository_def()
    job = repository.get_implicit_global_asset_job_def()
    keys = [key for key in repository.assets_defs_by_key if key.path[0] == "reports"]
    with project.instance() as instance:
        return job.execute_in_process(instance=instance, asset_selection=keys, raise_on_error=False)


def stored_events(project: Project) -> list[Any]:
    """All events that Dagster stored, parsed from JSON."""
    events = []
    for path in (project.root / STORAGE).rglob("*.db"):
        with sqlite3.connect(path) as connection:
            tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            if "event_logs" in tables:
                events += [json.loads(event) for (event,) in connection.execute("SELECT event FROM event_logs")]
        connection.close()
    return events


def rendered_texts(value: Any) -> Iterator[str]:
    """All texts that Dagster's pages render as Markdown: descriptions and Markdown metadata."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if name in ("description", "md_str") and isinstance(inner, str):
                yield inner
            yield from rendered_texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from rendered_texts(inner)


def all_tokens(tokens: list[Token]) -> Iterator[Token]:
    """The tokens and all tokens within them."""
    for token in tokens:
        yield token
        yield from all_tokens(token.children or [])


@pytest.mark.slow
def test_rendered_text_is_code(hostile: Project) -> None:
    """Rendered as Markdown, text of Floriday is code, and never a link, image, heading or tag."""
    texts = [text for text in rendered_texts(stored_events(hostile)) if "evil" in text]
    assert any(text.startswith("unknown: ") for text in texts)
    assert any(text.startswith("| account |") for text in texts)
    for text in texts:
        for token in all_tokens(MARKDOWN.parse(text)):
            assert token.type not in ("link_open", "image", "html_inline", "html_block", "heading_open", "fence"), text
            assert token.type != "text" or "evil" not in token.content, text


@pytest.mark.slow
def test_stored_text_is_short_and_visible(hostile: Project) -> None:
    """In tables and JSON too, text of Floriday is short and contains no control or direction characters."""
    events = json.dumps(stored_events(hostile), ensure_ascii=False)

    assert visible(HOSTILE[6])[:-1] in events
    assert "a" * (LONGEST + 1) not in events
    assert not {"\u202e", "\u2066", "\x1b", "\x9b"} & set(events)
    assert "\\u001b" not in events


@given(st.text() | st.text("`|\\ \n[]<>!x", max_size=30))
def test_any_text_becomes_one_code_span(text: str) -> None:
    """A text becomes one code span, in a line and in a cell of a table."""
    line = [token for token in all_tokens(MARKDOWN.parse(f"a {as_code(text)} z")) if token.type != "inline"]
    cell = list(all_tokens(MARKDOWN.parse(f"| a |\n| - |\n| {as_code(text, in_table=True)} |")))

    assert [token.type for token in line] == ["paragraph_open", "text", "code_inline", "text", "paragraph_close"]
    assert [token.content.strip() for token in line if token.type == "code_inline"] == [visible(text)]
    assert [token.content.strip() for token in cell if token.type == "code_inline"] == [visible(text)]


@pytest.mark.parametrize("value", [f"{MARK}: expected text, got", {MARK: MARK}, [MARK], f"9{'9' * 50}", 1e300, True])
def test_reasons_without_the_value(value: object) -> None:
    """A reason without the value still names the field and the kind of error."""
    raw = json.dumps(value)
    for column in (column for part in TABLE.walk() for column in part.own_columns):
        try:
            read(column, json.loads(raw, parse_float=Number, parse_int=Number))
        except UnreadableError as error:
            reason = f"path.{column.name}[0].field: {error}"
            reason_without_value = without_value(reason)
            assert reason_without_value.startswith(f"path.{column.name}[0].field: "), reason
            assert MARK not in reason_without_value
            assert "999" not in reason_without_value
            assert "e+300" not in reason_without_value
            assert column.kind is not Kind.TEXT or reason_without_value.endswith(("expected text", "expected an array"))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("api", "only"),
    [
        pytest.param("suppliers", (), marks=pytest.mark.slow),
        pytest.param("customers", (), marks=pytest.mark.slow),
        ("suppliers", FEW),
    ],
    ids=["suppliers", "customers", "few feeds"],
)
def test_dagster_stores_no_personal_values(
    api: str, only: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Dagster stores no personal value after syncs, changes, rejected records, reports and an unexpected error."""
    with marked(api, only) as (sandbox, marks):
        names = ",".join(feed.name for feed in marked_feeds(api, only))
        project = Project(sandbox, tmp_path, {"FLORIDAY_FEEDS": names})
        first = project.sync()
        fill(sandbox, marks, only)
        second = project.sync(full=True)
        assert show_reports(project).success

        def fail(*_: object) -> None:
            raise duckdb.ConversionException(f"Conversion Error: Could not convert string '{marks.made[0]}' to INT32")

        monkeypatch.setattr("pipelines.warehouse.read.integrity.open_rejections", fail)
        failed = project.sync()

    assert all(outcome.rejected and outcome.new for outcome in first.values())
    assert all(outcome.changed for outcome in second.values())
    assert {outcome.error for outcome in failed.values()} != {None}
    assert MARK in all_values(project.warehouse.path)
    assert found_in(project.files()) == []
