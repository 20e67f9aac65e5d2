"""Fifty accounts in one warehouse: each has its own rows, and a refused key is nobody else's problem."""

from __future__ import annotations

from tests.several_accounts import AccountResults, sync_accounts


def test_fifty_accounts_of_which_two_have_bad_keys() -> None:
    """They share one token; the other forty-eight are done, and no row stands under another account's name."""
    assert sync_accounts(good=48, bad=2) == AccountResults(done=48, refused=2, tokens=1, mixed=0)
