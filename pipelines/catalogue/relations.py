"""Finds the joins between tables. Floriday's specification has no foreign keys, so they come from the descriptions.

A description contains ``(supply.batches)`` if the column is the identifier of a row of that table, and ``as in
supply.batches`` if it has the same values as a column there. The column follows from the names.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from pipelines.catalogue.tables import Column, Table, singular

_NAME = r"[a-z]+\.[a-z_]+"
_REFERENCES = re.compile(rf"\([^()]*\b{_NAME}[^()]*\)|\bas in {_NAME}")


@dataclass(frozen=True)
class Relation:
    """A column that refers to another table; it is joined within an account.

    Args:
        table: table that has the column.
        column: column that refers to the target; each value of a list refers to a row.
        target: table that is referred to.
        target_column: column of the target with the same values.
    """

    table: Table
    column: Column
    target: Table
    target_column: Column

    @property
    def types_match(self) -> bool:
        """Whether both columns have the same type; otherwise a join has to cast both to text."""
        return self.column.kind is self.target_column.kind

    @property
    def is_to_one(self) -> bool:
        """Whether a value identifies at most one row of an account, according to the keys."""
        return self.target.key == ("account", self.target_column.name) or _is_own_identifier(self)


def relations(tables: Iterable[Table]) -> tuple[Relation, ...]:
    """The relations of an API's tables, in the order of tables and columns.

    The join of a child to its parent is not included: its leading columns are the parent's key.

    Args:
        tables: all tables of the API, children included.
    """
    known = {table.qualified_name: table for table in tables}
    return tuple(
        relation for table in known.values() for column in table.own_columns for relation in _of(table, column, known)
    )


def referred(description: str) -> tuple[str, ...]:
    """The tables that the last phrase of a column's description refers to: ``schema.table``, each once.

    The phrases before it describe the outer records. They count too if the field is the identifier of such a record.
    """
    *outer, phrase = description.split(": ")
    text = " ".join((*outer, phrase)) if phrase.startswith("Floriday's identifier") else phrase
    return tuple(dict.fromkeys(name for group in _REFERENCES.findall(text) for name in re.findall(_NAME, group)))


def _of(table: Table, column: Column, known: Mapping[str, Table]) -> Iterator[Relation]:
    for name in referred(column.description):
        if target := known.get(name):
            yield Relation(table, column, target, _target_column(column, target))


def _target_column(column: Column, target: Table) -> Column:
    """The target's column with which the name ends, else its only key column beside ``account``.

    Raises:
        ValueError: the target has no such column.
    """
    name = singular(column.name) if column.repeated else column.name
    others = [other for other in target.columns if other is not column]
    fitting = [other for other in others if name == other.name or name.endswith(f"_{other.name}")]
    if fitting:
        return max(fitting, key=lambda other: len(other.name))
    if len(target.key) != 2:
        raise ValueError(f"{column.name} leads to {target.qualified_name}, which has no column for it")
    return target.by_name[target.key[1]]


def _is_own_identifier(relation: Relation) -> bool:
    """Whether the target column is a child row's own identifier, such as ``contract_line_id``."""
    return relation.target_column.name == f"{singular(relation.target.name)}_id"
