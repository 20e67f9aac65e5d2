"""Accounts and cells: each account with an API key stands in one, and those without a key are named."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from pipelines.errors import SettingError
from pipelines.settings.variables import PREFIX

if TYPE_CHECKING:
    from pipelines.settings.model import Settings

_LOG = logging.getLogger(__name__)
_named: set[tuple[str, str]] = set()  # cells and accounts that were warned about


def check_cell_accounts(settings: Settings, cell: str | None) -> None:
    """Refuse accounts without a cell; warn once in a process about accounts of ``cell``, or of all, without a key.

    Workers may have the keys of some cells each, so that it is no error unless nothing of the chosen cell is left.

    Raises:
        SettingError: an account stands in no cell, or no account of the chosen cell has a key.
    """
    cells = settings.cells or {}
    if not cells:
        return
    members = {account for accounts in cells.values() for account in accounts}
    if without_cell := [account for account in settings.accounts if account not in members]:
        raise SettingError(
            f"{PREFIX}CELLS names no cell for {', '.join(without_cell)}: each account stands in one cell"
        )
    chosen = cells if cell is None else {cell: cells.get(cell, ())}
    without_key = _without_key(chosen, settings.accounts)
    if cell is not None and chosen[cell] and len(without_key) == len(chosen[cell]):
        raise SettingError(
            f"{PREFIX}API_KEYS has no key of an account of cell {cell} ({', '.join(chosen[cell])}): add their keys, or"
            " choose another cell"
        )
    _warn(without_key)


def _without_key(cells: Mapping[str, Collection[str]], keys: Collection[str]) -> list[tuple[str, str]]:
    return [(cell, account) for cell, accounts in cells.items() for account in accounts if account not in keys]


def _warn(without_key: Collection[tuple[str, str]]) -> None:
    new = [each for each in without_key if each not in _named]
    _named.update(new)
    if new:
        names = ", ".join(f"{account} (cell {cell})" for cell, account in new)
        _LOG.warning("%sAPI_KEYS has no key of %s: not synced from here", PREFIX, names)
