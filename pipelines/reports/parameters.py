"""Check the parameters of a report: days, numbers, a currency, organizations and trade items by id or name.

They come from options of the command line, arguments of the Python API or of a tool. Errors use the caller's names.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Protocol
from uuid import UUID

from pipelines.errors import UsageError
from pipelines.text_format import did_you_mean, nearest

_ORGANIZATIONS = """
    SELECT DISTINCT CAST(organization_id AS VARCHAR) AS id, name, coalesce(physical_address_city, mailing_address_city)
    FROM organizations.organizations WHERE name IS NOT NULL ORDER BY name, id
"""
_TRADE_ITEMS = """
    SELECT DISTINCT CAST(i.trade_item_id AS VARCHAR) AS id, i.name, NULL
    FROM (SELECT trade_item_id, COLUMNS('^(trade_item_name_nl|name)$') AS name FROM catalog.trade_items) i
    WHERE i.name IS NOT NULL ORDER BY i.name, id
"""
Parameters = dict[str, date | int | str | UUID]
"""The values by the name of the parameter; ids may be names."""

Label = Callable[[str], str]
"""Returns the caller's own name of a parameter, such as ``--from`` for ``from_date``."""

NAMED = {"customer": _ORGANIZATIONS, "grower": _ORGANIZATIONS, "trade_item": _TRADE_ITEMS}
"""For each parameter that is an id, a query of the ids, names and towns (NULL where there is none)."""

_DAYS = ("from_date", "to_date")
_MOST_SHOWN = 3


class Rows(Protocol):
    """Something that returns the rows of our own queries, such as a query session."""

    def rows(self, sql: str, /) -> list[tuple[Any, ...]]:
        """All rows of a query, as Python values."""
        ...


@dataclass(frozen=True)
class _Named:
    """An organization or a trade item."""

    id: str
    name: str
    town: str | None

    def __str__(self) -> str:
        return f"{self.name} ({', '.join(filter(None, (self.town, self.id)))})"


def given_parameters(values: Mapping[str, date | int | str | UUID | None], label: Label = str) -> Parameters:
    """The values that are given, with days as dates, and the currency in capitals.

    A day may be text, such as ``2026-11-20``, and a moment counts as its day.

    Raises:
        UsageError: a day is malformed, the last day is before the first one, or the currency does not consist of three
            letters.
    """
    given = {name: _checked(name, value, label) for name, value in values.items() if value is not None}
    first, last = given.get("from_date"), given.get("to_date")
    if isinstance(first, date) and isinstance(last, date) and last < first:
        raise UsageError(f"{label('to_date')} {last} is before {label('from_date')} {first}")
    return given


def _checked(name: str, value: date | int | str | UUID, label: Label) -> date | int | str | UUID:
    if isinstance(value, datetime):
        return value.date()
    if name in _DAYS:
        return value if isinstance(value, date) else _day(str(value), label(name))
    return _currency_code(str(value), label(name)) if name == "currency" else value


def _day(text: str, called: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{called} expects a day such as 2026-11-20, not {text!r}") from None


def _currency_code(text: str, called: str) -> str:
    if not re.fullmatch("[A-Za-z]{3}", text):
        raise UsageError(f"{called} expects a code of three letters, such as EUR, not {text!r}")
    return text.upper()


def with_ids(session: Rows, parameters: Parameters, label: Label = str) -> Parameters:
    """The parameters with the id of each organization and trade item that is given by its name.

    Raises:
        UsageError: none or several have the name; the message lists the nearest three.
    """
    return {name: _id(session, name, value, label) if name in NAMED else value for name, value in parameters.items()}


def check_account(session: Rows, account: str, label: Label = str) -> None:
    """Raise a UsageError if the warehouse has no account of that name."""
    known = [name for (name,) in session.rows("SELECT account FROM sync.accounts ORDER BY account")]
    if account not in known:
        every = f"it has {', '.join(known)}" if known else "it has none yet"
        raise UsageError(
            f"{label('account')} {account!r} is not in the warehouse: {did_you_mean(account, known, every)}"
        )


def _id(session: Rows, parameter: str, value: date | int | str | UUID, label: Label) -> UUID:
    text = str(value)
    try:
        return UUID(text)
    except ValueError:
        known = [_Named(*row) for row in session.rows(NAMED[parameter])]
        return UUID(_only_one(f"{label(parameter)} {text!r}", text, known).id)


def _only_one(option: str, text: str, known: Sequence[_Named]) -> _Named:
    found = _matches(text, known)
    if len(found) == 1:
        return found[0]
    names = nearest(text.strip(), (each.name for each in found or known), _MOST_SHOWN)
    near = [each for name in names for each in found or known if each.name == name][:_MOST_SHOWN]
    listed = ", ".join(map(str, near))
    if found:
        raise UsageError(f"{option} is in {len(found):,} names: give a whole name or an id, such as {listed}")
    reason = f"the nearest are {listed}" if listed else "no name in the warehouse is similar"
    raise UsageError(f"{option} is neither an id nor part of a name: {reason}")


def _matches(text: str, known: Sequence[_Named]) -> list[_Named]:
    """Those of exactly that name, else those of that name in any case, else those with it as a part of their name."""
    part = text.strip().casefold()
    exact = [each for each in known if each.name == text]
    whole = exact or [each for each in known if each.name.casefold() == part]
    return whole or [each for each in known if part and part in each.name.casefold()]
