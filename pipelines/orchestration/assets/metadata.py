"""What Dagster shows of a feed and of its syncs."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from itertools import islice
from typing import Any

import dagster as dg
import duckdb

from pipelines.catalogue.relations import Relation
from pipelines.catalogue.tables import Table
from pipelines.catalogue.types import Feed, Kind, Snapshot, Source
from pipelines.orchestration.assets.floriday_text import first_visible, visible
from pipelines.sync.outcome import FeedOutcome, united

ACCOUNTS = "accounts"
"""The key under which every sync, failed and skipped ones too, tells how it went for each account."""

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
_UNKNOWN = 50
"""Unknown fields of a feed, and unknown values of an enumeration, that a run stores."""

_CARDINALITY = {True: "at most one", False: "any number"}
_IN_SHORT = {Kind.DATE_TIME.value: "TIMESTAMPTZ"}
"""DuckDB's short names of types that would leave a column's description no room."""

_ACCOUNT_SCHEMA = dg.TableSchema(columns=[dg.TableColumn(name, type) for name, type in _ACCOUNT_COLUMNS.items()])


def of_feed(source: Source, table: Table, relations: Iterable[Relation]) -> dict[str, Any]:
    """A feed's table and the tables of the arrays in its records, their columns described, and the code behind it.

    Args:
        source: the feed or snapshot.
        table: its table.
        relations: of all tables; those that begin or end here are told.
    """
    children = list(table.walk())[1:]
    return {
        "dagster/table_name": table.qualified_name,
        "dagster/column_schema": column_schema(table),
        "dagster/code_references": _source(source),
        "operation": _operation(source),
        **{f"columns of {child.name}": column_schema(child) for child in children},
        **_relations(table, relations),
    }


def _operation(source: Source) -> str:
    if isinstance(source, Feed):
        return f"GET {source.endpoint.sync}"
    assert isinstance(source, Snapshot)
    return f"GET {source.path}"


def _relations(table: Table, relations: Iterable[Relation]) -> dict[str, Any]:
    """How the feed's tables join to others, and others to them: a page of its own, for there may be many."""
    own = {part.qualified_name for part in table.walk()}
    ours = [each for each in relations if {each.table.qualified_name, each.target.qualified_name} & own]
    lines = ["| column | leads to | rows there |", "| --- | --- | --- |", *map(_join, ours)]
    return {"relations": dg.MetadataValue.md("\n".join(lines))} if ours else {}


def _join(relation: Relation) -> str:
    column = f"{relation.table.qualified_name}.{relation.column.name}"
    leads_to = f"{relation.target.qualified_name}.{relation.target_column.name}"
    return f"| `{column}` | `{leads_to}` | {_CARDINALITY[relation.is_to_one]} |"


def column_schema(table: Table) -> dg.TableSchema:
    """The columns of a table, with their types and descriptions."""
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                column.name,
                _IN_SHORT.get(column.type, column.type),
                column.description,
                dg.TableColumnConstraints(nullable=column.name not in table.key),
                {"personal": ""} if column.personal else {},
            )
            for column in table.columns
        ]
    )


def _source(source: Source) -> dg.CodeReferencesMetadataValue:
    path, line = inspect.getsourcefile(source.record), inspect.getsourcelines(source.record)[1]
    assert path is not None
    return dg.CodeReferencesMetadataValue(code_references=[dg.LocalFileCodeReference(file_path=path, line_number=line)])


def of_sync(outcomes: Sequence[FeedOutcome]) -> dict[str, Any]:
    """What a feed's sync came to, in all and for each account.

    Sequence numbers of two accounts have nothing to do with each other, so cursor and maximum are told for one alone.
    """
    totals: dict[str, Any] = {name: sum(getattr(outcome, name) for outcome in outcomes) for name in _COUNTS}
    distances = [_distance(outcome) for outcome in outcomes]
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


def _distance(outcome: FeedOutcome) -> int | None:
    return None if outcome.maximum is None else max(0, outcome.maximum - outcome.cursor)


def _row(outcome: FeedOutcome) -> dict[str, Any]:
    known = {name: getattr(outcome, name) for name in _ACCOUNT_COLUMNS if name != "distance"}
    return {**known, "distance": _distance(outcome), "seconds": round(outcome.seconds, 3)}


def _unknown(outcomes: Sequence[FeedOutcome]) -> dict[str, Any]:
    """What Floriday served that the catalogue does not know, where it did."""
    fields = {visible(name): visible(kind) for one in outcomes for name, kind in sorted(one.unknown_fields.items())}
    values = united(*(outcome.unknown_values for outcome in outcomes))
    told: dict[str, dict[str, Any]] = {
        "unknown fields": dict(islice(fields.items(), _UNKNOWN)),
        "unknown values": {name: first_visible(sorted(served), _UNKNOWN) for name, served in values.items()},
    }
    return {name: content for name, content in told.items() if content}


def of_rows(connection: duckdb.DuckDBPyConnection, table: Table) -> dict[str, int]:
    """How many rows the feed's table and its children have, all accounts together."""
    rows = {each: connection.table(each.qualified_name).shape[0] for each in table.walk()}
    return {"dagster/row_count" if each is table else f"rows in {each.name}": count for each, count in rows.items()}


def outcomes_in(source: Source, metadata: Mapping[str, dg.MetadataValue[Any]]) -> list[FeedOutcome]:
    """The outcomes that :func:`of_sync` told, read back from an event's metadata; none where it tells of no account."""
    table = metadata.get(ACCOUNTS)
    if not isinstance(table, dg.TableMetadataValue):
        return []
    names = {field.name for field in fields(FeedOutcome)}
    return [
        FeedOutcome(feed=source.name, **{name: value for name, value in record.data.items() if name in names})  # type: ignore[arg-type]
        for record in table.records
    ]
