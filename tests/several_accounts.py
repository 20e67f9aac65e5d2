"""Sync many accounts into one warehouse, some of them with a wrong API key."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from pipelines.catalogue.tables import tables_of
from pipelines.sandbox import Sandbox
from tests.expected_rows import assert_holds
from tests.integration.syncing import Syncing
from tests.records import valid_records

FEEDS = ("fulfillment.inbound_fulfillment_orders",)
RECORDS = 3


@dataclass(frozen=True)
class AccountResults:
    """Counts of one sync of many accounts.

    Args:
        done: accounts for which every feed is current.
        refused: accounts for which every feed failed because of the API key.
        tokens: number of requested access tokens.
        mixed: rows with the name of an unknown account.
    """

    done: int
    refused: int
    tokens: int
    mixed: int


def sync_accounts(good: int, bad: int) -> AccountResults:
    """Sync all accounts once.

    Args:
        good: number of accounts with a valid API key.
        bad: number of accounts with a wrong API key.

    Raises:
        AssertionError: a table of an account differs from what its own API key could read.
    """
    names = [f"grower {place}" for place in range(good)]
    with TemporaryDirectory() as folder, Sandbox(empty=True, accounts=names) as sandbox:
        syncing = Syncing(sandbox, Path(folder) / "w.duckdb", only=FEEDS)
        for place, name in enumerate(names):
            for feed in syncing.catalogue.feeds:
                # The same ids for all: an account is part of every key.
                for record in valid_records(feed, seed=place % 3, count=RECORDS):
                    sandbox.book(feed.name, name).put(
                        {**record, "creationDateTime": f"2026-01-01T00:00:{place % 60:02}Z"}
                    )
        keys = {**sandbox.api_keys, **{f"refused {place}": f"no-key-{place}" for place in range(bad)}}
        outcomes = syncing.sync(FLORIDAY_API_KEYS=json.dumps(keys)).values()
        strays = 0
        with syncing.reading() as connection:
            for feed in syncing.catalogue.feeds:
                for name in names:
                    assert_holds(connection, feed, name, sandbox.truth(feed.name, name))
                for part in tables_of(feed).walk():
                    sql = f"SELECT count(*) FROM {part.qualified_name} WHERE NOT list_contains(?, account)"
                    strays += connection.execute(sql, [names]).fetchall()[0][0]
        done = {outcome.account for outcome in outcomes if outcome.current}
        refused = {outcome.account for outcome in outcomes if "api key is invalid" in (outcome.error or "")}
        tokens = len(sandbox.calls.to("/v1/token"))
    return AccountResults(len(done), len(refused), tokens, strays)
