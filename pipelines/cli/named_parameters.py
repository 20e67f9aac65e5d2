"""Check the options of ``floriday report``: days, numbers, a currency, organizations and trade items by id or name."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING
from uuid import UUID

from pipelines.errors import UsageError
from pipelines.text_format import did_you_mean, nearest

if TYPE_CHECKING:
    from pipelines.warehouse.read.query_session import QuerySession

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
"""The options by the name of the parameter; ids may be names."""

NAMED = {"customer": _ORGANIZATIONS, "grower": _ORGANIZATIONS, "trade_item": _TRADE_ITEMS}
"""For each parameter that is an id, a query of the ids, names and towns (NULL where there is none)."""

_MOST_SHOWN = 3


@dataclass(frozen=True)
class _Named:
    """An organization or a trade item."""

    id: str
    name: str
    town: str | None

    def __str__(self) -> str:
        return f"{self.name} ({', '.join(filter(None, (self.town, self.id)))})"


def given_parameters(options: Mapping[str, datetime | int | str | None]) -> Parameters:
    """The options that are given, with dates, and the currency in capitals.

    Raises:
        UsageError: ``--to`` is before ``--from``, or the currency does not consist of three letters.
    """
    days = {name: value.date() for name, value in options.items() if isinstance(value, datetime)}
    first, last = days.get("from_date"), days.get("to_date")
    if first is not None and last is not None and last < first:
        raise UsageError(f"--to {last} is before --from {first}")
    texts = {name: value for name, value in options.items() if isinstance(value, str)}
    if "currency" in texts:
        texts["currency"] = _currency_code(texts["currency"])
    numbers = {name: value for name, value in options.items() if isinstance(value, int)}
    return {**days, **texts, **numbers}


def _currency_code(text: str) -> str:
    if not re.fullmatch("[A-Za-z]{3}", text):
        raise UsageError(f"--currency expects a code of three letters, such as EUR, not {text!r}")
    return text.upper()


def with_ids(session: QuerySession, parameters: dict[str, date | int | str | UUID]) -> Parameters:
    """The parameters with the id of each organization and trade item that is given by its name.

    Raises:
        UsageError: none or several have the name; the message lists the nearest three.
    """
    return {name: _id(session, name, value) if name in NAMED else value for name, value in parameters.items()}


def check_account(session: QuerySession, account: str) -> None:
    """Raise a UsageError if the warehouse has no account of that name."""
    known = [name for (name,) in session.rows("SELECT account FROM sync.accounts ORDER BY account")]
    if account not in known:
        raise UsageError(f"--account {account!r} is not in the warehouse: {did_you_mean(account, known)}")


def _id(session: QuerySession, parameter: str, value: date | int | str | UUID) -> UUID:
    text = str(value)
    try:
        return UUID(text)
    except ValueError:
        known = [_Named(*row) for row in session.rows(NAMED[parameter])]
        return UUID(_only_one(f"--{parameter.replace('_', '-')} {text!r}", text, known).id)


def _only_one(option: str, text: str, known: Sequence[_Named]) -> _Named:
    found = _matches(text, known)
    if len(found) == 1:
        return found[0]
    names = nearest(text, (each.name for each in found or known), _MOST_SHOWN)
    near = [each for name in names for each in found or known if each.name == name][:_MOST_SHOWN]
    listed = ", ".join(map(str, near))
    if found:
        raise UsageError(f"{option} is in {len(found):,} names: give a whole name or an id, such as {listed}")
    reason = f"the nearest are {listed}" if listed else "the warehouse has none"
    raise UsageError(f"{option} is neither an id nor part of a name: {reason}")


def _matches(text: str, known: Sequence[_Named]) -> list[_Named]:
    """Those of exactly that name, else those of that name in any case, else those with it as a part of their name."""
    part = text.strip().casefold()
    exact = [each for each in known if each.name == text]
    whole = exact or [each for each in known if each.name.casefold() == part]
    return whole or [each for each in known if part and part in each.name.casefold()]
