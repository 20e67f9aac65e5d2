"""The statements for tables of a warehouse: their current rows, or those of a time in the past."""

from __future__ import annotations

import datetime as dt

from pipelines.errors import UsageError
from pipelines.reports.parameters import Rows
from pipelines.settings.values import AMSTERDAM
from pipelines.warehouse.read.tables import ALL_NAMES, found_name
from pipelines.warehouse.sql import qualified, quoted

Moment = dt.date | dt.datetime | str
"""A time in the past: a day means its end in Amsterdam, a time without a zone is one in Amsterdam. Text is ISO 8601."""

_OTHERS = ("sync", "lookup", "reports", "raw")  # schemas without history


def table_query(session: Rows, name: str, as_of: Moment | None) -> tuple[str, dict[str, dt.date]]:
    """The statement for the rows of a table, with its parameters.

    Raises:
        UsageError: there is no such table, it has no history, or the time is malformed.
    """
    schema, table, _ = found_name(session.rows(ALL_NAMES), name)
    if as_of is None:
        return f"FROM {qualified(schema, table)}", {}
    if schema in _OTHERS:
        raise UsageError(f"{schema}.{table} has no history: leave out as_of")
    return f"FROM history.{quoted(f'{table}_as_of')}($as_of)", {"as_of": moment_of(as_of)}


def moment_of(value: Moment) -> dt.date:
    """A day, or a time with a zone. A UsageError if the text is neither."""
    if isinstance(value, str):
        value = _parsed(value)
    if isinstance(value, dt.datetime) and value.tzinfo is None:
        return value.replace(tzinfo=AMSTERDAM)
    return value


def _parsed(text: str) -> dt.date:
    for kind in (dt.date, dt.datetime):
        try:
            return kind.fromisoformat(text)
        except ValueError:
            continue
    raise UsageError(f"as_of expects a day or a time such as 2026-11-20 or 2026-11-20T08:00, not {text!r}")
