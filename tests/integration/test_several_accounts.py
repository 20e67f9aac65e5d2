"""Fifty accounts in one warehouse have separate rows, and a refused API key does not affect the others."""

from __future__ import annotations

from tests.several_accounts import AccountResults, sync_accounts


def test_fifty_accounts_with_two_wrong_keys() -> None:
    """The accounts share one token, 48 are current, two are refused, and no row has another account's name."""
    assert sync_accounts(good=48, bad=2) == AccountResults(done=48, refused=2, tokens=1, mixed=0)
