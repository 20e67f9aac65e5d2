"""What joins to what: a column's description names the table that it leads to, and the column there follows.

Floriday's specification has no foreign keys. A description says ``stock that is offered (supply.batches)`` where the
column holds the identifier of a row of that table, and ``reference of the batch, as in supply.batches`` where it holds
the same value as a column there.
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
    """A column that leads to another table.

    Args:
        table: the table that has the column.
        column: the column; a list leads to a row for each of its values.
        target: the table that it leads to; of an account's rows, only those of the same account are meant.
        target_column: the column there that holds the same values.
    """

    table: Table
    column: Column
    target: Table
    target_column: Column

    @property
    def types_match(self) -> bool:
        """Whether the two can be compared as they are; otherwise both are to be cast to text."""
        return self.column.kind is self.target_column.kind

    @property
    def is_to_one(self) -> bool:
        """Whether a value identifies at most one row of an account there, as far as the keys tell."""
        return self.target.key == ("account", self.target_column.name) or _is_own_identifier(self)


def relations(tables: Iterable[Table]) -> tuple[Relation, ...]:
    """Where the columns of an API's tables lead, in the tables' and columns' order.

    A child's join to its parent is not among them: its leading columns are the parent's key.

    Args:
        tables: all of the API, children too.
    """
    known = {table.qualified_name: table for table in tables}
    return tuple(
        relation for table in known.values() for column in table.own_columns for relation in _of(table, column, known)
    )


def referred(description: str) -> tuple[str, ...]:
    """The tables that the last phrase of a column's description refers to: ``schema.table``, each once.

    The phrases before it tell of the records around the field; they count too where it is such a record's identifier.
    """
    *around, phrase = description.split(": ")
    told = " ".join((*around, phrase)) if phrase.startswith("Floriday's identifier") else phrase
    return tuple(dict.fromkeys(name for group in _REFERENCES.findall(told) for name in re.findall(_NAME, group)))


def _of(table: Table, column: Column, known: Mapping[str, Table]) -> Iterator[Relation]:
    for name in referred(column.description):
        if target := known.get(name):
            yield Relation(table, column, target, _target_column(column, target))


def _target_column(column: Column, target: Table) -> Column:
    """The column that the name ends in, else the only one of the key.

    Raises:
        ValueError: neither is there.
    """
    name = singular(column.name) if column.repeated else column.name
    others = [one for one in target.columns if one is not column]
    fitting = [one for one in others if name == one.name or name.endswith(f"_{one.name}")]
    if fitting:
        return max(fitting, key=lambda one: len(one.name))
    if len(target.key) != 2:
        raise ValueError(f"{column.name} leads to {target.qualified_name}, which has no column for it")
    return target.by_name[target.key[1]]


def _is_own_identifier(relation: Relation) -> bool:
    """Whether the column is the identifier that a member of an array has of its own: ``contract_line_id``."""
    return relation.target_column.name == f"{singular(relation.target.name)}_id"
