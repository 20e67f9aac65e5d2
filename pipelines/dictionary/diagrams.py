"""Diagrams of the relations between tables, in Mermaid, which GitHub renders.

Each schema has a diagram of its own tables and one of relations to other schemas, so that both stay readable. Tables to
which nearly all others refer are drawn only in their own schema.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pipelines.catalogue.relations import Relation
from pipelines.dictionary.api import Api

# Tables with so many references that lines to them would hide the rest.
COMMON = ("organizations.organizations", "organizations.warehouses", "catalog.trade_items", "catalog.custom_packages")

TO_ONE, TO_MANY, PART = "|o--o{", "}o--o{", "||--o{"


def within_schema(api: Api, schema: str) -> str:
    """The diagram of the relations within a schema; empty if there are none."""
    lines = [
        *(
            f"{parent.name} {PART} {child.name} : has"
            for parent in api.tables.values()
            if parent.schema == schema
            for child in parent.children
        ),
        *_lines(each for each in api.relations if each.table.schema == each.target.schema == schema),
    ]
    return _drawing(lines)


def to_other_schemas(api: Api, schema: str) -> str:
    """The diagram of relations to other schemas, without :data:`COMMON`; empty if there are none."""
    others = (
        each
        for each in api.relations
        if each.table.schema == schema != each.target.schema and each.target.qualified_name not in COMMON
    )
    return _drawing(list(_lines(others)))


def _drawing(lines: list[str]) -> str:
    if not lines:
        return ""
    return "\n".join(("```mermaid", "erDiagram", *(f"    {line}" for line in lines), "```"))


def _lines(relations: Iterable[Relation]) -> Iterator[str]:
    """One line for each pair of tables, with the columns that join to one row, or else all columns."""
    pairs: dict[tuple[str, str], list[Relation]] = {}
    for each in relations:
        target = each.target
        name = target.name if target.schema == each.table.schema else f'"{target.qualified_name}"'
        pairs.setdefault((name, each.table.name), []).append(each)
    for (target_name, name), each_of in pairs.items():
        best = [each for each in each_of if each.is_to_one and not each.column.repeated]
        columns = ", ".join(each.column.name for each in best or each_of)
        yield f'{target_name} {TO_ONE if best else TO_MANY} {name} : "{columns}"'
