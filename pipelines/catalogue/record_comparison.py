"""How the records of a specification differ from the catalogue's, field by field."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from pipelines.catalogue.differences import ABSENT, Difference, Topic
from pipelines.catalogue.specification import Schema, Specification, referred
from pipelines.catalogue.types import Field, Kind, Record, fields_of

_SWAGGER = {
    Kind.UUID: "uuid",
    Kind.TEXT: "string",
    Kind.DATE_TIME: "date-time",
    Kind.DATE: "date",
    Kind.INT32: "int32",
    Kind.INT64: "int64",
    Kind.DECIMAL: "decimal",
    Kind.BOOLEAN: "boolean",
}
"""The kinds in the words of :meth:`Specification.type_of`."""

_ALIKE = 0.6
"""How alike the names of a field that is gone and a new one are, from 0 to 1, when one may have become the other."""


@dataclass(frozen=True)
class RecordComparison:
    """Compares records with what they are called in the specification, each pair once.

    Args:
        specification: what is compared with the catalogue.
    """

    specification: Specification
    _seen: set[tuple[type[Record], str]] = field(default_factory=set)
    _values: dict[tuple[str, str, str], list[str]] = field(default_factory=dict)

    def compare(self, record: type[Record], name: str) -> Iterator[Difference]:
        """The fields in which a record and those that it nests differ.

        Args:
            record: the catalogue's.
            name: what the specification calls it.
        """
        if (record, name) in self._seen:
            return
        self._seen.add((record, name))
        ours = {item.json: item for item in fields_of(record)}
        theirs = self.specification.properties(name)
        required = self.specification.required(name)
        yield from self._came_and_went(record, ours, theirs, required)
        for json, item in ours.items():
            if json in theirs:
                yield from self._field(f"{record.__name__}.{json}", item, theirs[json], required=json in required)

    def values(self) -> Iterator[Difference]:
        """The values that enumerations have gained and lost in the fields that were compared."""
        for (change, enumeration, value), places in self._values.items():
            where = f"{enumeration} in {', '.join(places)}" if enumeration else ", ".join(places)
            new = change == "new"
            yield Difference(Topic.VALUES, change, where, ABSENT if new else value, value if new else ABSENT)

    def _came_and_went(
        self, record: type[Record], ours: Mapping[str, Field], theirs: Mapping[str, Schema], required: set[str]
    ) -> Iterator[Difference]:
        new = {
            json: _optional(self.specification.type_of(schema), required=json in required)
            for json, schema in theirs.items()
            if json not in ours
        }
        for json in (json for json in ours if json not in theirs):
            where, told = f"{record.__name__}.{json}", _optional(_type(ours[json]), required=ours[json].required)
            if alike := difflib.get_close_matches(json, new, 1, _ALIKE):
                became = f"{alike[0]}: {new.pop(alike[0])}"
                yield Difference(Topic.FIELDS, "renamed?", where, told, became)
            else:
                yield Difference(Topic.FIELDS, "gone", where, told, ABSENT)
        for json, told in new.items():
            yield Difference(Topic.FIELDS, "new", f"{record.__name__}.{json}", ABSENT, told)

    def _field(self, where: str, item: Field, schema: Schema, *, required: bool) -> Iterator[Difference]:
        ours, theirs = _type(item), self.specification.type_of(schema)
        if ours != theirs:
            yield Difference(Topic.FIELDS, "retyped", where, ours, theirs)
        if item.required != required:
            change = "now optional" if item.required else "now required"
            words = {True: "required", False: "optional"}
            yield Difference(Topic.FIELDS, change, where, words[item.required], words[required])
        inner = schema.items or schema
        if item.values and (found := self.specification.enumeration(inner)):
            self._note_values(where, item.values, *found)
        name = referred(inner)
        if item.record and name and self.specification.properties(name):
            yield from self.compare(item.record, name)

    def _note_values(self, where: str, ours: tuple[str, ...], enumeration: str, theirs: tuple[str, ...]) -> None:
        """Keep what differs: an enumeration that many fields share is told once, with the fields."""
        gained, lost = (
            [("new", one) for one in theirs if one not in ours],
            [("gone", one) for one in ours if one not in theirs],
        )
        for change, value in (*gained, *lost):
            places = self._values.setdefault((change, enumeration, value), [])
            if where not in places:
                places.append(where)


def _type(item: Field) -> str:
    """A field's type in the words of :meth:`Specification.type_of`."""
    if item.record:
        told = f"→ {item.record.__name__}"
    elif item.values:
        told = "enumeration"
    else:
        assert item.kind
        told = _SWAGGER[item.kind]
    return f"[{told}]" if item.repeated else told


def _optional(told: str, *, required: bool) -> str:
    return told if required else f"{told}, optional"
