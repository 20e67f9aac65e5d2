"""Compares the records of a specification with those of the catalogue, field by field."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from pipelines.catalogue.types import Field, Kind, Record, fields_of
from pipelines.catalogue.version_comparison.differences import ABSENT, Difference, Topic
from pipelines.catalogue.version_comparison.swagger import Schema, Specification, referred

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
"""The names of the kinds in :meth:`Specification.type_of`."""

_SIMILAR = 0.6
"""Similarity of two names, from 0 to 1, from which a missing field may have been renamed to a new one."""


@dataclass(frozen=True)
class RecordComparison:
    """Compares records of the catalogue with those of a specification, each pair once.

    Args:
        specification: specification that is compared with the catalogue.
    """

    specification: Specification
    _seen: set[tuple[type[Record], str]] = field(default_factory=set)
    _values: dict[tuple[str, str, str], list[str]] = field(default_factory=dict)

    def compare(self, record: type[Record], name: str) -> Iterator[Difference]:
        """The differences of the fields of a record and of its nested records.

        Args:
            record: record of the catalogue.
            name: name of the record in the specification.
        """
        if (record, name) in self._seen:
            return
        self._seen.add((record, name))
        ours = {item.json: item for item in fields_of(record)}
        theirs = self.specification.properties(name)
        required = self.specification.required(name)
        yield from self._new_and_removed(record, ours, theirs, required)
        for json, item in ours.items():
            if json in theirs:
                yield from self._field(f"{record.__name__}.{json}", item, theirs[json], required=json in required)

    def values(self) -> Iterator[Difference]:
        """The new and the missing values of enumerations, for all fields that were compared so far."""
        for (change, enumeration, value), places in self._values.items():
            where = f"{enumeration} in {', '.join(places)}" if enumeration else ", ".join(places)
            new = change == "new"
            yield Difference(Topic.VALUES, change, where, ABSENT if new else value, value if new else ABSENT)

    def _new_and_removed(
        self, record: type[Record], ours: Mapping[str, Field], theirs: Mapping[str, Schema], required: set[str]
    ) -> Iterator[Difference]:
        new = {
            json: _optional(self.specification.type_of(schema), required=json in required)
            for json, schema in theirs.items()
            if json not in ours
        }
        for json in (json for json in ours if json not in theirs):
            where, type_ = f"{record.__name__}.{json}", _optional(_type(ours[json]), required=ours[json].required)
            if similar := difflib.get_close_matches(json, new, 1, _SIMILAR):
                became = f"{similar[0]}: {new.pop(similar[0])}"
                yield Difference(Topic.FIELDS, "renamed?", where, type_, became)
            else:
                yield Difference(Topic.FIELDS, "gone", where, type_, ABSENT)
        for json, type_ in new.items():
            yield Difference(Topic.FIELDS, "new", f"{record.__name__}.{json}", ABSENT, type_)

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
        """Collect the differences by enumeration, so that each is listed once, with all its fields."""
        new = [("new", value) for value in theirs if value not in ours]
        removed = [("gone", value) for value in ours if value not in theirs]
        for change, value in (*new, *removed):
            places = self._values.setdefault((change, enumeration, value), [])
            if where not in places:
                places.append(where)


def _type(item: Field) -> str:
    """A field's type in the form of :meth:`Specification.type_of`."""
    if item.record:
        name = f"→ {item.record.__name__}"
    elif item.values:
        name = "enumeration"
    else:
        assert item.kind
        name = _SWAGGER[item.kind]
    return f"[{name}]" if item.repeated else name


def _optional(name: str, *, required: bool) -> str:
    return name if required else f"{name}, optional"
