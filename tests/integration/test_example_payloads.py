"""Payloads as Floriday writes them land in the tables with every field in its column."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipelines.catalogue.tables import Table, tables_of
from pipelines.catalogue.types import Feed
from pipelines.sandbox import Sandbox
from tests.integration.syncing import SUPPLIERS, Syncing
from tests.records import in_json

EXAMPLES = Path(__file__).parents[2].parent / "shared" / "floriday" / "examples"


def payloads(feed: Feed) -> list[dict[str, Any]]:
    """The example records of a feed, taken out of their page where they came in one."""
    found: list[dict[str, Any]] = []
    for name, (api, model) in json.loads((EXAMPLES / "_index.json").read_text()).items():
        if api == "suppliers" and model.removeprefix("SyncResultOf") == feed.record.__name__:
            example = json.loads((EXAMPLES / f"{name}.json").read_text())
            found += example.get("results", [example])
    return found


def leaves(table: Table, value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The table and path of every value in a record, arrays of objects followed into their tables."""
    children = {child.array: child for child in table.children}
    if path in children:
        for member in value or ():
            yield from leaves(children[path], member)
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from leaves(table, inner, (*path, name))
    else:
        yield table.qualified_name, path


@pytest.mark.skipif(not EXAMPLES.exists(), reason=f"the example payloads are not at {EXAMPLES}")
@pytest.mark.parametrize("feed", SUPPLIERS.feeds, ids=lambda feed: str(feed.name))
def test_every_field_lands_in_its_column(feed: Feed, tmp_path: Path) -> None:
    """Served as a page and synced, each example stands in the tables, and no field of it is without a column."""
    examples = payloads(feed)
    if not examples:
        pytest.skip(f"there is no example of {feed.name}")
    with Sandbox(empty=True) as sandbox:
        for example in examples:
            sandbox.book(feed.name).put(in_json(example), number=example["sequenceNumber"])
        syncing = Syncing(sandbox, tmp_path / "w.duckdb")

        outcome = syncing.sync_one(feed.name)

        assert (outcome.new, outcome.rejected, outcome.unknown_fields) == (len(examples), 0, {})
        syncing.assert_equal(feed.name)
    columns = {(table.qualified_name, column.path) for table in tables_of(feed).walk() for column in table.columns}
    for example in examples:
        assert set(leaves(tables_of(feed), example)) <= columns
