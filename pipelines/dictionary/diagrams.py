"""What joins to what, drawn: entity diagrams in Mermaid, which GitHub shows.

A schema gets one for itself and one for its ways to other schemas, so that both can be read. What nearly every table
leads to is not drawn outside its own schema.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pipelines.catalogue.relations import Relation
from pipelines.catalogue.tables import Table
from pipelines.dictionary.api import Api

EVERYWHERE = (
    "organizations.organizations",
    "organizations.warehouses",
    "catalog.trade_items",
    "catalog.custom_packages",
)
"""Tables that so many others lead to that lines to them would hide the rest."""

TO_ONE, TO_MANY, PART = "|o--o{", "}o--o{", "||--o{"


def inside(api: Api, schema: str) -> str:
    """The tables of a schema that belong or lead to each other; empty where none does."""
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


def outside(api: Api, schema: str) -> str:
    """Where a schema's tables lead in other schemas, but for what nearly all lead to; empty where nowhere."""
    return _drawing(
        list(
            _lines(
                each
                for each in api.relations
                if each.table.schema == schema != each.target.schema and each.target.qualified_name not in EVERYWHERE
            )
        )
    )


def _drawing(lines: list[str]) -> str:
    if not lines:
        return ""
    return "\n".join(("```mermaid", "erDiagram", *(f"    {line}" for line in lines), "```"))


def _lines(found: Iterable[Relation]) -> Iterator[str]:
    """One line for each pair of tables, with the columns that join them best: those that find one row."""
    pairs: dict[tuple[str, str], list[Relation]] = {}
    for each in found:
        target = each.target
        name = target.name if target.schema == each.table.schema else f'"{target.qualified_name}"'
        pairs.setdefault((name, each.table.name), []).append(each)
    for (target_name, name), each_of in pairs.items():
        best = [each for each in each_of if each.is_to_one and not each.column.repeated]
        columns = ", ".join(each.column.name for each in best or each_of)
        yield f'{target_name} {TO_ONE if best else TO_MANY} {name} : "{columns}"'


def drawn_nowhere(table: Table) -> bool:
    """Whether ways from other schemas to a table are left out."""
    return table.qualified_name in EVERYWHERE
