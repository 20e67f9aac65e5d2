"""The page ``docs/mcp.md``: ``python -m pipelines.mcp_server.reference`` prints it, with the tools as they are."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from importlib import resources
from pathlib import Path
from typing import Any

import anyio
from mcp.types import Tool

from pipelines.dictionary.markdown import code, grid, page, prose
from pipelines.mcp_server.limits import (
    ANSWER_BYTES,
    CONCURRENT_QUERIES,
    DEFAULT_ROWS,
    MEMORY,
    MOST_CHARACTERS,
    MOST_ROWS,
    RESULT_BYTES,
    ROWS_AS_TEXT,
    ServerLimits,
)
from pipelines.mcp_server.prompts import QUESTIONS
from pipelines.mcp_server.server import Served, build_server
from pipelines.text_format import file_size

_READERS = {"suppliers": "grower", "customers": "buyer"}
_NOWHERE = Path("/nonexistent/floriday.duckdb")


def mcp_page() -> str:
    """The whole page."""
    template = (resources.files(__package__) / "page.md").read_text(encoding="utf-8")
    for name, text in {"tools": _tools(), "prompts": _prompts(), "limits": _limits()}.items():
        template = template.replace(f"{{{name}}}", text.strip("\n"))
    return template


def _tools() -> str:
    tools = anyio.run(build_server(Served(_NOWHERE)).list_tools)
    return page(*map(_tool, tools))


def _tool(tool: Tool) -> str:
    arguments = {name: _given(schema) for name, schema in tool.input_schema["properties"].items()}
    required = tool.input_schema.get("required", [])
    rows = [
        (code(name), _type(schema), _default(name, schema, required), prose(schema.get("description", "")))
        for name, schema in arguments.items()
    ]
    result: Mapping[str, Any] = tool.output_schema or {}
    return page(
        f"### {tool.name}",
        prose(tool.description or ""),
        grid(("argument", "type", "default", "meaning"), rows) if rows else "It takes no arguments.",
        "It returns:",
        "\n".join(_fields(result, result.get("$defs", {}))),
    )


def _given(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema of an argument, without the null that stands for leaving it out."""
    kinds = [each for each in schema.get("anyOf", [{}]) if each.get("type") != "null"]
    return {**schema, **kinds[0], "anyOf": [{**schema, **kinds[0]}]}


def _fields(schema: Mapping[str, Any], others: Mapping[str, Any], depth: int = 0) -> Iterator[str]:
    """A line for each field of an answer, and below it those of its members."""
    for name, field in schema.get("properties", {}).items():
        about = f": {prose(field['description'])}" if "description" in field else ""
        yield f"{'  ' * depth}- {code(name)}, {_type(field)}{about}"
        member = field.get("items", {}).get("$ref", "").rpartition("/")[2]
        if member:
            yield from _fields(others[member], others, depth + 1)


def _type(schema: Mapping[str, Any]) -> str:
    kinds = [each["type"] for each in schema.get("anyOf", [schema])]
    bounds = " to ".join(f"{schema[key]:,}" for key in ("minimum", "maximum") if key in schema)
    return " or ".join(kinds) + (f" ({bounds})" if bounds else "")


def _default(name: str, schema: Mapping[str, Any], required: list[str]) -> str:
    if name in required:
        return "required"
    return code(str(schema["default"])) if schema.get("default") is not None else "none"


def _prompts() -> str:
    rows = [
        (
            code(each.name),
            prose(each.title),
            " and ".join(_READERS[api] for api in each.apis),
            ", ".join(f"[{name}](reports/{name}.md)" for name in each.reports),
        )
        for each in QUESTIONS
    ]
    return grid(("prompt", "question", "for", "reports"), rows)


def _limits() -> str:
    limits = ServerLimits()
    rows = [
        ("rows of a call", f"{DEFAULT_ROWS}; up to {MOST_ROWS:,} with `limit`"),
        ("rows in the text, beside the structured content", str(ROWS_AS_TEXT)),
        ("characters of a value", f"{MOST_CHARACTERS:,}; a longer one is cut, with its length"),
        ("size of a result", file_size(RESULT_BYTES)),
        ("size of an answer as JSON", file_size(ANSWER_BYTES)),
        ("memory of a query", f"{MEMORY} for DuckDB, and on Linux 2 GB for the whole process"),
        ("time of a query", f"{limits.seconds:g} s; `--timeout` changes it"),
        (
            "time of a call, with waiting",
            f"{limits.deadline:g} s: {limits.deadline - limits.seconds:g} s more",
        ),
        ("queries at the same time", f"{CONCURRENT_QUERIES}; others wait"),
    ]
    return grid(("of", "limit"), rows)


if __name__ == "__main__":
    sys.stdout.write(mcp_page())
