"""Records of other versions of the API, read with the names of this one.

A stored record keeps the names that its fields had when it was received. The tables are made again from it, so each
field that the catalogue says was called otherwise gets its present name first; values stay as they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from pipelines.catalogue.types import Record, fields_of
from pipelines.json_scan import elements, members


@dataclass(frozen=True)
class FormerNames:
    """The former names of a record's fields, and those within its nested records.

    Args:
        present: present JSON name of a field by each of its former ones, all quoted as in JSON.
        nested: former names of the fields of nested records, by the present name of the nested record.
    """

    present: Mapping[bytes, bytes]
    nested: Mapping[bytes, FormerNames]

    def __bool__(self) -> bool:
        return bool(self.present or self.nested)

    @cached_property
    def tokens(self) -> tuple[bytes, ...]:
        """All former names."""
        return (*self.present, *(token for each in self.nested.values() for token in each.tokens))


def former_names(record: type[Record]) -> FormerNames:
    """The former names of a record's fields."""
    fields = fields_of(record)
    present = {_quoted(former): _quoted(each.json) for each in fields for former in each.note.formerly}
    nested = {_quoted(each.json): former_names(each.record) for each in fields if each.record}
    return FormerNames(present, {name: names for name, names in nested.items() if names})


def _quoted(name: str) -> bytes:
    return f'"{name}"'.encode()


def with_present_names(raws: Sequence[bytes], names: FormerNames) -> list[bytes]:
    """The records with the present names of their fields; what is no JSON object stays as it is."""
    return [_record(raw, names) if any(token in raw for token in names.tokens) else raw for raw in raws]


def _record(raw: bytes, names: FormerNames) -> bytes:
    try:
        return _object(raw, names)
    except ValueError:
        return raw


def _object(text: bytes, names: FormerNames) -> bytes:
    found = list(members(text))
    own = {name for name, _ in found}
    return b"{" + b",".join(_member(name, value, own, names) for name, value in found) + b"}"


def _member(name: bytes, value: bytes, own: set[bytes], names: FormerNames) -> bytes:
    """A member under its present name, unless another member has that name already."""
    present = names.present.get(name, name)
    present = name if present in own else present
    inner = names.nested.get(present)
    return present + b":" + (value if inner is None else b"".join(_value(value, inner)))


def _value(value: bytes, names: FormerNames) -> Iterator[bytes]:
    if value.startswith(b"{"):
        yield _object(value, names)
    elif value.startswith(b"["):
        yield b"[" + b",".join(b"".join(_value(each, names)) for each in elements(value)) + b"]"
    else:
        yield value
