"""The diagrams of the data dictionary as tables.

Markdown viewers draw Mermaid; on the site that would need a script of three megabytes, and a table can be searched.
"""

from __future__ import annotations

import re

_DIAGRAM = re.compile(r"^```mermaid\nerDiagram\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_LINE = re.compile(r'^ *"?([\w.]+)"? (\S+)--o\{ (\w+) : "?([^"\n]+)"?$', re.MULTILINE)
_KINDS = {"||": "belongs to one", "|o": "refers to one", "}o": "refers to several"}


def with_tables(text: str) -> str:
    """The page with a table instead of each diagram of relations."""
    return _DIAGRAM.sub(lambda found: _table(found[1]), text)


def _table(lines: str) -> str:
    rows = [
        f"| {table} | {_KINDS[kind]} | {target} | {'' if columns == 'has' else f'`{columns}`'} |"
        for target, kind, table, columns in _LINE.findall(lines)
    ]
    return "\n".join(("| table | | table | by |", "| --- | --- | --- | --- |", *rows))
