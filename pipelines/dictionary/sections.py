"""The section of a page about one table."""

from __future__ import annotations

from collections.abc import Iterator

from pipelines.catalogue.relations import Relation
from pipelines.catalogue.tables import Column, Table
from pipelines.catalogue.types import Feed, Snapshot, Source
from pipelines.dictionary.api import Api
from pipelines.dictionary.markdown import NOTHING, bullets, code, codes, grid, page, prose

_COLUMNS = ("column", "type", "in the JSON", "meaning")


def section(api: Api, source: Source, table: Table) -> str:
    """A table's description, facts and columns."""
    rows = [_row(api, table, column) for column in table.columns]
    return page(
        f"### {table.name}", prose(table.description), bullets(_facts(api, source, table)), grid(_COLUMNS, rows)
    )


def _facts(api: Api, source: Source, table: Table) -> Iterator[str]:
    yield f"key: {codes(table.key)}"
    if table.array:
        parent = next(each for each in api.tables.values() if table in each.children)
        joined = codes(name for name in table.key[:-1])
        yield f"the array {code('.'.join(table.array))} of {api.link(parent, here=table.schema)}; join on {joined}"
    else:
        yield _origin(source)
        yield f"tier: {source.tier}"
    if table.children:
        yield f"children: {', '.join(api.link(child, here=table.schema) for child in table.children)}"
    if leading := [each for each in api.relations if each.target is table]:
        links = (f"{api.link(each.table, here=table.schema)} by {code(each.column.name)}" for each in leading)
        yield f"referenced by: {', '.join(links)}"


def _origin(source: Source) -> str:
    scope = code(source.scope)
    if isinstance(source, Snapshot):
        return f"read completely from {code(source.path)}, for one {source.asked_by} at a time; scope {scope}"
    assert isinstance(source, Feed)
    part = f", for one {code(source.endpoint.part_parameter)} at a time" if source.endpoint.part_parameter else ""
    return f"read from {code(source.endpoint.sync)}{part}; scope {scope}"


def _row(api: Api, table: Table, column: Column) -> tuple[str, ...]:
    path = code(".".join(column.path)) if column.path else NOTHING
    texts = [prose(column.description)]
    texts += [_target(api, each) for each in api.relations if each.table is table and each.column is column]
    if column.personal:
        texts.append("**Personal data**, or may be")
    if column.values:
        texts.append(f"Known values: {codes(column.values)}")
    return code(column.name), column.type, path, ". ".join(texts)


def _target(api: Api, relation: Relation) -> str:
    target = f"{api.link(relation.target, here=relation.table.schema)}.{code(relation.target_column.name)}"
    if not relation.types_match:
        return f"→ {target}, which is {relation.target_column.type}: compare as text, `CAST(… AS VARCHAR)`"
    if relation.column.repeated:
        return f"→ {target}, one for each value: `unnest` first"
    return f"→ {target}" if relation.is_to_one else f"→ {target}, where several rows may have it"
