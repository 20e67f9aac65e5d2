"""The tables of one API with their sources, their relations, and links to their sections."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from pipelines.catalogue import Catalogue
from pipelines.catalogue.relations import Relation, relations
from pipelines.catalogue.tables import Table, tables_of
from pipelines.catalogue.types import Source


class Api:
    """The tables of the catalogue of one API."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self.roots = {source.name: (source, tables_of(source)) for source in catalogue.sources}

    @cached_property
    def tables(self) -> dict[str, Table]:
        """All tables by name, child tables after their parents."""
        return {table.qualified_name: table for _, root in self.roots.values() for table in root.walk()}

    @cached_property
    def relations(self) -> tuple[Relation, ...]:
        """The relations between tables, except those of child tables to their parents."""
        return relations(self.tables.values())

    @property
    def schemas(self) -> tuple[str, ...]:
        """The schemas, in the order of the catalogue."""
        return tuple(dict.fromkeys(table.schema for table in self.tables.values()))

    def families(self, schema: str) -> Iterator[tuple[Source, Table]]:
        """The feeds and snapshots of a schema, with their tables."""
        return (each for each in self.roots.values() if each[0].schema == schema)

    def link(self, table: Table, *, here: str | None = None) -> str:
        """A link to a table's section, from the page of the schema ``here``, or of the whole API if None."""
        place = "" if table.schema == here else f"{table.schema}.md"
        return f"[{table.qualified_name}]({place}#{table.name})"
