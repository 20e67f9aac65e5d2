"""Reads a specification of Floriday: the Swagger 2.0 file of one version of an API, as far as feeds need it.

``comparison`` compares it with the catalogue.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import msgspec

from pipelines.errors import UsageError
from pipelines.floriday.endpoints import USUAL, RateLimit

_BASE = re.compile(r".*/(suppliers|customers)-api-([^/]+)/?")
_RATE = re.compile(r"rate limit: ([\d.]+) per second - burst limit: (\d+)", re.IGNORECASE)
_SCOPE = re.compile(r"[a-z-]+:[a-z]+")
_PARAMETER = re.compile(r"{\w+}")

_UNFORMATTED = {"duration": "", "double": "decimal", "float": "decimal"}
"""Formats that are stored as another one."""


class Schema(msgspec.Struct, frozen=True):
    """A type: that of a scalar, the fields of an object, or a reference to a definition."""

    type: str | None = None
    format: str | None = None
    ref: str | None = msgspec.field(default=None, name="$ref")
    items: Schema | None = None
    enum: list[Any] | None = None
    all_of: list[Schema] = msgspec.field(default_factory=list, name="allOf")
    properties: dict[str, Schema] = msgspec.field(default_factory=dict)
    required: list[str] = msgspec.field(default_factory=list)


class Parameter(msgspec.Struct, frozen=True):
    """A parameter of an operation."""

    name: str = ""
    place: str = msgspec.field(default="", name="in")
    required: bool | None = None
    maximum: float | None = None


class Response(msgspec.Struct, frozen=True):
    """An answer of an operation."""

    schema: Schema | None = None


class Operation(msgspec.Struct, frozen=True):
    """The GET operation of a path."""

    summary: str = ""
    parameters: list[Parameter] = msgspec.field(default_factory=list)
    responses: dict[str, Response] = msgspec.field(default_factory=dict)

    @property
    def answer(self) -> Schema:
        """The schema of the answer with status 200."""
        return (self.responses.get("200") or Response()).schema or Schema()

    @property
    def scope(self) -> str:
        """The required scope, with which the summary begins; empty if it does not."""
        first, *_ = self.summary.split() or [""]
        return first if _SCOPE.fullmatch(first) else ""

    @property
    def rate(self) -> RateLimit:
        """The rate limit in the summary, else the usual one."""
        found = _RATE.search(self.summary)
        return RateLimit(float(found[1]), int(found[2])) if found else USUAL

    @property
    def query(self) -> dict[str, Parameter]:
        """The query parameters by name."""
        return {parameter.name: parameter for parameter in self.parameters if parameter.place == "query"}


class _Path(msgspec.Struct, frozen=True):
    get: Operation | None = None


class _Info(msgspec.Struct, frozen=True):
    description: str = ""


class _Document(msgspec.Struct, frozen=True):
    swagger: str
    base_path: str = msgspec.field(name="basePath")
    paths: dict[str, _Path]
    definitions: dict[str, Schema]
    info: _Info = msgspec.field(default_factory=_Info)


@dataclass(frozen=True)
class Specification:
    """One API in one version.

    Args:
        api: name of the API, ``suppliers`` or ``customers``.
        version: version of the API, such as ``2026v1``.
        description: text at the top of the specification.
        operations: GET operations by path; the number of a change feed is always called ``{sequenceNumber}``.
        definitions: objects and enumerations by name.
    """

    api: str
    version: str
    description: str
    operations: dict[str, Operation]
    definitions: dict[str, Schema]

    def record_of(self, operation: Operation) -> str | None:
        """The name of the record that a change feed serves, or None if the operation is not a change feed."""
        answer = self.properties(name) if (name := referred(operation.answer)) else {}
        results = answer.get("results")
        if results is None or results.items is None or "maximumSequenceNumber" not in answer:
            return None
        return referred(results.items)

    def properties(self, name: str) -> dict[str, Schema]:
        """The fields of an object, inherited ones included."""
        return {field: schema for part in self._parts(name, ()) for field, schema in part.properties.items()}

    def required(self, name: str) -> set[str]:
        """The required fields of an object."""
        return {field for part in self._parts(name, ()) for field in part.required}

    def enumeration(self, schema: Schema) -> tuple[str, tuple[str, ...]] | None:
        """The name and the values of an enumeration; the name is empty if the field itself lists the values."""
        name = referred(schema) or ""
        values = self.definitions.get(name, Schema()).enum if name else schema.enum
        return (name, tuple(str(value) for value in values)) if values else None

    def type_of(self, schema: Schema) -> str:
        """The name of a type, comparable with the catalogue's: ``uuid``, ``[uuid]``, ``→ Price``."""
        if schema.items is not None:
            return f"[{self.type_of(schema.items)}]"
        if self.enumeration(schema):
            return "enumeration"
        if name := referred(schema):
            target = self.definitions.get(name, Schema())
            is_another_name = target.type not in (None, "object") and not referred(target)
            return self.type_of(target) if is_another_name else f"→ {name}"
        form = schema.format or ""
        return _UNFORMATTED.get(form, form) or schema.type or "anything"

    def _parts(self, name: str, above: tuple[str, ...]) -> list[Schema]:
        """The schema of an object, and the schemas that it consists of."""
        whole = self.definitions.get(name)
        if whole is None or name in above:
            return []
        parts = [whole]
        for part in whole.all_of:
            parts += self._parts(inner, (*above, name)) if (inner := part.ref and _name(part.ref)) else [part]
        return parts


def read(content: bytes) -> Specification:
    """A specification from the content of its file.

    Raises:
        UsageError: it is not a Swagger 2.0 file of one of Floriday's APIs.
    """
    try:
        document = msgspec.json.decode(content.removeprefix(b"\xef\xbb\xbf"), type=_Document)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise UsageError(f"this is no Swagger 2.0 file: {error}") from None
    base = _BASE.fullmatch(document.base_path)
    if document.swagger != "2.0" or base is None:
        raise UsageError(
            "this is no specification of Floriday's: it has swagger 2.0 and a basePath that ends in"
            f" suppliers-api-<version> or customers-api-<version>, not {document.swagger} and {document.base_path}"
        )
    operations = {_with_number(path): methods.get for path, methods in document.paths.items() if methods.get}
    return Specification(base[1], base[2], document.info.description, operations, document.definitions)


def referred(schema: Schema) -> str | None:
    """The name of the definition that a schema refers to, itself or through ``allOf``."""
    if schema.ref:
        return _name(schema.ref)
    return next((name for part in schema.all_of if (name := referred(part))), None)


def unnamed(path: str) -> str:
    """A path without the names of its parameters, which do not matter to a caller."""
    return _PARAMETER.sub("{}", path)


def _name(reference: str) -> str:
    return reference.rpartition("/")[2]


def _with_number(path: str) -> str:
    """Rename the sequence number in the path of a change feed to the catalogue's name."""
    return re.sub(r"(/sync(?:/[\w-]+)*/){\w+}$", r"\1{sequenceNumber}", path)
