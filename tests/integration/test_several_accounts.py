"""Fifty accounts in one warehouse have separate rows, and a refused API key does not affect the others."""

from __future__ import annotations

import pytest

from tests.several_accounts import AccountResults, sync_accounts

pytestmark = pytest.mark.both_kinds


@pytest.mark.parametrize("good", [8, pytest.param(48, marks=pytest.mark.slow)])
def test_many_accounts_with_two_wrong_keys(good: int) -> None:
    """The accounts share one token, the good ones are current, two are refused, and no row has another's name."""
    assert sync_accounts(good=good, bad=2) == AccountResults(done=good, refused=2, tokens=1, mixed=0)
