"""The diagrams of the data dictionary as tables.

Markdown viewers draw Mermaid; on the site that would need a script of three megabytes, and a table can be searched.
"""

from __future__ import annotations

import re

_DIAGRAM = re.compile(r"^```mermaid\nerDiagram\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_LINE = re.compile(r'^ *"?([\w.]+)"? (\S+)--o\{ (\w+) : "?([^"\n]+)"?$', re.MULTILINE)
_PART, _SEVERAL = "||", "}o"


def with_tables(text: str) -> str:
    """The page with a table instead of each diagram of relations."""
    return _DIAGRAM.sub(lambda found: _table(found[1]), text)


def _table(lines: str) -> str:
    rows = (f"| {table} | {target} | {_by(kind, columns)} |" for target, kind, table, columns in _LINE.findall(lines))
    return "\n".join(("| table | refers to | by |", "| --- | --- | --- |", *rows))


def _by(kind: str, columns: str) -> str:
    if kind == _PART:
        return "the key of its parent"
    names = ", ".join(f"`{name}`" for name in columns.split(", "))
    return f"{names}, to several rows" if kind == _SEVERAL else names
