"""Notice a query of the past that asks for a time before the first sync, of which nothing is known.

``history.<table>_as_of`` has no rows then, which looks like a table that was empty.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from pipelines.errors import PipelineError
from pipelines.text_format import moment
from pipelines.warehouse.schema.history_views import MOMENT
from pipelines.warehouse.sql import literal

_CALL = re.compile(r'\b(\w+)_as_of"?\s*\(', re.IGNORECASE)
_NAME_OF_ARGUMENT = re.compile(r"\s*moment\s*(:=|=>)", re.IGNORECASE)
_PARAMETER = re.compile(r"\$(\w+)")
_TEXT_OR_PARENTHESIS = re.compile(r"'(?:[^']|'')*'|[()]")
_FIRST_SYNC = """
    SELECT first FROM (SELECT {argument} AS moment), (
        SELECT coalesce(min(started_at) FILTER (split_part(feed, '.', 2) = {table}), min(started_at)) AS first
        FROM sync.windows
    ) WHERE {moment} < first
"""


def before_first_sync(
    rows: Callable[[str], list[tuple[Any, ...]]], sql: str, params: Mapping[str, object] | None = None
) -> str | None:
    """What to tell about the result of a statement, if it asks for a time before the first sync; else None.

    Args:
        rows: returns all rows of a query of the same warehouse.
        sql: the statement, which was executed without an error.
        params: values of its parameters by their names.
    """
    for table, argument in _calls(sql):
        value = _PARAMETER.sub(lambda found: _text((params or {}).get(found[1])), argument)
        query = _FIRST_SYNC.format(argument=f"({value})", table=literal(table.lower()), moment=MOMENT)
        try:
            found = rows(query)
        except PipelineError:  # the argument is a column of the statement, for example
            continue
        if found:
            name, first = f"history.{table}_as_of", moment(found[0][0])
            return f"{name} has no rows: the first sync was at {first}, and nothing is known of the time before it"
    return None


def _calls(sql: str) -> Iterator[tuple[str, str]]:
    """The table and the argument of each call of a macro of the history."""
    for call in _CALL.finditer(sql):
        depth = 1
        for found in _TEXT_OR_PARENTHESIS.finditer(sql, call.end()):
            depth += {"(": 1, ")": -1}.get(found[0], 0)
            if not depth:
                yield call[1], _NAME_OF_ARGUMENT.sub("", sql[call.end() : found.start()], count=1)
                break


def _text(value: object) -> str:
    return "NULL" if value is None else literal(str(value))
