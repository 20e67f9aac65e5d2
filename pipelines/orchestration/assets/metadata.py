"""The metadata that Dagster shows for a feed and for its syncs."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb

from pipelines.catalogue.relations import Relation
from pipelines.catalogue.tables import Table
from pipelines.catalogue.types import Feed, Kind, Snapshot, Source
from pipelines.orchestration.assets.floriday_text import first_visible, visible
from pipelines.sync.outcome import FeedOutcome, united

ACCOUNTS = "accounts"  # the key of the table with the outcome of each account, which failed and skipped syncs have too
_COUNTS = ("records", "new", "changed", "rejected", "pages")
_ACCOUNT_COLUMNS = {
    "account": "string",
    **dict.fromkeys((*_COUNTS, "cursor", "maximum", "distance", "series"), "int"),
    "current": "bool",
    "restarted": "bool",
    "seconds": "float",
    "skipped": "string",
    "error": "string",
}
_MOST_UNKNOWN = 50  # most unknown fields of a feed, and unknown values of an enumeration, that a run stores
_SHORT_TYPES = {Kind.DATE_TIME.value: "TIMESTAMPTZ"}
"""DuckDB's short names of types whose long ones leave no room for a column's description."""

_ACCOUNT_SCHEMA = dg.TableSchema(columns=[dg.TableColumn(name, type) for name, type in _ACCOUNT_COLUMNS.items()])


def of_feed(source: Source, table: Table, relations: Iterable[Relation]) -> dict[str, Any]:
    """A feed's tables with their columns and their relations from and to other tables, and the code behind it."""
    assert isinstance(source, (Feed, Snapshot))
    return {
        "dagster/table_name": table.qualified_name,
        "dagster/column_schema": column_schema(table),
        "dagster/code_references": _code(source),
        "operation": f"GET {source.endpoint.sync if isinstance(source, Feed) else source.path}",
        **{f"columns of {child.name}": column_schema(child) for child in list(table.walk())[1:]},
        **_relations(table, relations),
    }


def _relations(table: Table, relations: Iterable[Relation]) -> dict[str, Any]:
    own = {part.qualified_name for part in table.walk()}
    ours = [each for each in relations if {each.table.qualified_name, each.target.qualified_name} & own]
    lines = ["| column | leads to | rows there |", "| --- | --- | --- |", *map(_join, ours)]
    return {"relations": dg.MetadataValue.md("\n".join(lines))} if ours else {}


def _join(relation: Relation) -> str:
    column = f"{relation.table.qualified_name}.{relation.column.name}"
    target = f"{relation.target.qualified_name}.{relation.target_column.name}"
    return f"| `{column}` | `{target}` | {'at most one' if relation.is_to_one else 'any number'} |"


def column_schema(table: Table) -> dg.TableSchema:
    """The columns of a table, with their types and descriptions."""
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                column.name,
                _SHORT_TYPES.get(column.type, column.type),
                column.description,
                dg.TableColumnConstraints(nullable=column.name not in table.key),
                {"personal": ""} if column.personal else {},
            )
            for column in table.columns
        ]
    )


def _code(source: Source) -> dg.CodeReferencesMetadataValue:
    path = inspect.getsourcefile(source.record)
    assert path is not None
    line = _lines_of_classes(path)[source.record.__name__]
    return dg.CodeReferencesMetadataValue(code_references=[dg.LocalFileCodeReference(file_path=path, line_number=line)])


@cache
def _lines_of_classes(path: str) -> Mapping[str, int]:
    """The line of each class in a file; ``inspect`` would parse the whole file for each class, a third of all."""
    lines = enumerate(Path(path).read_text(encoding="utf-8").splitlines(), 1)
    return {
        line.removeprefix("class ").partition("(")[0]: number for number, line in lines if line.startswith("class ")
    }


def of_sync(outcomes: Sequence[FeedOutcome]) -> dict[str, Any]:
    """The outcome of a feed's sync, in total and for each account.

    Sequence numbers of different accounts are unrelated, so cursor and maximum have a total only for a single account.
    """
    totals: dict[str, Any] = {name: sum(getattr(outcome, name) for outcome in outcomes) for name in _COUNTS}
    distances = [distance(outcome) for outcome in outcomes]
    if None not in distances:
        totals["distance"] = sum(filter(None, distances))
    if len(outcomes) == 1:
        totals["cursor"] = outcomes[0].cursor
        if outcomes[0].maximum is not None:
            totals["maximum"] = outcomes[0].maximum
    return {
        **totals,
        "current": all(outcome.current for outcome in outcomes),
        "seconds": round(sum(outcome.seconds for outcome in outcomes), 3),
        ACCOUNTS: dg.MetadataValue.table([dg.TableRecord(_row(each)) for each in outcomes], _ACCOUNT_SCHEMA),
        **_unknown(outcomes),
    }


def distance(outcome: FeedOutcome) -> int | None:
    """How far the cursor is behind the maximum, in sequence numbers; None if the maximum is not known."""
    return None if outcome.maximum is None else max(0, outcome.maximum - outcome.cursor)


def _row(outcome: FeedOutcome) -> dict[str, Any]:
    known = {name: getattr(outcome, name) for name in _ACCOUNT_COLUMNS if name != "distance"}
    return {**known, "distance": distance(outcome), "seconds": round(outcome.seconds, 3)}


def _unknown(outcomes: Sequence[FeedOutcome]) -> dict[str, Any]:
    kinds = {visible(name): visible(kind) for each in outcomes for name, kind in sorted(each.unknown_fields.items())}
    values = united(*(outcome.unknown_values for outcome in outcomes))
    shown: dict[str, dict[str, Any]] = {
        "unknown fields": dict(islice(kinds.items(), _MOST_UNKNOWN)),
        "unknown values": {name: first_visible(sorted(served), _MOST_UNKNOWN) for name, served in values.items()},
    }
    return {name: content for name, content in shown.items() if content}


def of_rows(connection: duckdb.DuckDBPyConnection, table: Table) -> dict[str, int]:
    """The number of rows in the feed's table and its children, for all accounts together."""
    rows = {each: connection.table(each.qualified_name).shape[0] for each in table.walk()}
    return {"dagster/row_count" if each is table else f"rows in {each.name}": count for each, count in rows.items()}


def outcomes_in(source: Source, metadata: Mapping[str, dg.MetadataValue[Any]]) -> list[FeedOutcome]:
    """The outcomes in metadata from :func:`of_sync`, read from an event; none if the metadata contain no accounts."""
    table = metadata.get(ACCOUNTS)
    if not isinstance(table, dg.TableMetadataValue):
        return []
    names = {field.name for field in fields(FeedOutcome)}
    return [
        FeedOutcome(feed=source.name, **{name: value for name, value in record.data.items() if name in names})  # type: ignore[arg-type]
        for record in table.records
    ]
