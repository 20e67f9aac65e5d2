"""Whatever Floriday sends ends no more than the record, the feed or the account that it concerns."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.catalogue.tables import tables_of
from tests.integration.answering_server import Reply, Request
from tests.integration.scripted_floriday import ORGANIZATIONS, Corruption, ScriptedFloriday, ScriptedSync
from tests.integration.syncing import SUPPLIERS
from tests.records import NASTY, JsonObject, in_json, page_of, valid_records

SPOILT = SUPPLIERS.feed("supply.batches")
OTHERS = (SUPPLIERS.feed("fulfillment.inbound_fulfillment_orders"),)
LISTED = next(one for one in SUPPLIERS.snapshots if one.name == "supply.batch_base_supply")
LISTED_BESIDE = "organizations.connections"
"""A feed that the server does not have, beside the snapshot."""

FEEDS = (SPOILT, *OTHERS)
RECORDS = 4

VALUES = (
    *NASTY,
    *("1e99999999999999999999", "-1e99999999999999999999", "1e-99999999999999999999", "0e99999999999999999999"),
    *("9" * 400, "9" * 5000, "1" + "0" * 40 + ".5", "223372036854775807", "-0e-0", r'"\ud83d"', r'{"\ud800":1}'),
    *('"2026-01-01T00Z"', '"\\u0000"', "[" * 300 + "]" * 300, '{"a":{"b":[{"c":null}]}}', '"' + "x" * 70_000 + '"'),
)
NO_NUMBERS = (
    *("9223372036854775808", "-9223372036854775809", "1e400", "1e99999999999999999999", "9" * 5000, "-1", "5.5"),
    *("null", "true", '"5x"', "{}", "[]", "NaN", "-Infinity", "01", '"\\ud800"', "", "\udcff"),
)
NO_ORGANIZATIONS = (
    *("null", "5", '""', '"x"', '"\\ud800"', "{}", "1e400", '"8bb25702-90f6-4123-8ccc-08dc1b2a061"', "\udcff", "NaN"),
)
WAITS = (
    *("-1", "NaN", "Infinity", "9" * 400, "1e999", "", "soon", "99999999999", "0x10", "\u00e9"),
    *("Fri, 31 Dec 9999 23:59:59 GMT", "Fri, 31 Dec 99999 23:59:59 GMT", "Mon, 99 Jan 2026 25:61:61 GMT"),
    *("Mon, 01 Jan 2026 00:00:00 +99999999999999", "Mon, 01 Jan 99999999999999999999 00:00:00 GMT"),
)
HEADERS = (
    *({"Content-Encoding": "gzip"}, {"Content-Encoding": "br, zstd"}, {"Content-Type": "\u00e9"}),
    *({"Location": "http://[::1"}, {"Date": "x" * 2000}, {"Set-Cookie": "a=b; c"}),
)


@pytest.fixture(scope="module")
def server() -> Iterator[ScriptedFloriday]:
    """Three feeds with a few records each."""
    records = {
        feed: [(one["sequenceNumber"], in_json(one)) for one in valid_records(feed, 7, RECORDS)] for feed in FEEDS
    }
    made = ScriptedFloriday(records)
    made.start()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def syncs(server: ScriptedFloriday, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScriptedSync]:
    """A new warehouse for each example."""
    folder = tmp_path_factory.mktemp("spoilt")
    return (fresh(server, folder / f"{number}.duckdb") for number in count())


def fresh(server: ScriptedFloriday, path: Path) -> ScriptedSync:
    """An empty warehouse."""
    return ScriptedSync(server, path, tuple(feed.name for feed in FEEDS))


def is_done(sync: ScriptedSync, corrupt: Corruption) -> bool:
    """Sync while answers are spoilt: the other feeds must be current and whole; whether the spoilt one is current."""
    run = sync.sync(corrupt)
    for feed in OTHERS:
        outcome = run.outcomes["north", feed.name]
        assert outcome.error is None
        assert outcome.current
        assert sync.rows(f"SELECT count(*) FROM {tables_of(feed).qualified_name}") == [(RECORDS,)]
    spoilt = run.outcomes["north", SPOILT.name]
    assert spoilt.error is None or "a bug" not in spoilt.error
    assert spoilt.current != (spoilt.error is not None)
    assert run.is_well == (spoilt.error is None)
    return spoilt.current


@settings(max_examples=8)
@given(seed=st.integers(0, 10**6))
def test_a_bad_value_costs_its_record_alone(syncs: Iterator[ScriptedSync], seed: int) -> None:
    """Whatever stands in any field of a record, or in one that nobody knows; all others of its page are stored."""
    random, sync = Random(seed), next(syncs)
    fine, spoilt = valid_records(SPOILT, 7, RECORDS), valid_records(SPOILT, 8, len(VALUES), first_number=10_000)
    bad = [with_value(record, value, random) for record, value in zip(spoilt, VALUES, strict=True)]
    page = page_of([*map(in_json, fine[:2]), *bad, *map(in_json, fine[2:])], spoilt[-1]["sequenceNumber"])
    path = f"{SPOILT.endpoint.path}/sync/0"

    assert is_done(sync, lambda request, reply: replace(reply, body=page) if path in request.path else reply)

    stored = sync.rows(f"SELECT sequence_number FROM {tables_of(SPOILT).qualified_name}")
    rejected = sync.rows("SELECT sequence_number FROM sync.rejected_records")
    assert sorted(stored + rejected) == [(one["sequenceNumber"],) for one in (*fine, *spoilt)]
    assert not {(one["sequenceNumber"],) for one in fine} & set(rejected)


def with_value(record: JsonObject, value: str, random: Random) -> bytes:
    """The record with a text of JSON, or none of it, in the place of some field but the sequence number."""
    name = random.choice([*sorted(record.keys() - {"sequenceNumber"}), "fieldOfTomorrow"])
    members = {known: in_json(inner).decode() for known, inner in record.items()} | {name: value}
    return ("{" + ",".join(f"{json.dumps(known)}:{inner}" for known, inner in members.items()) + "}").encode()


@settings(max_examples=12)
@given(
    value=st.sampled_from(NO_NUMBERS),
    text=st.sampled_from(['"maximumSequenceNumber"', '"results"', "{", "[", "]", "}", ","]),
    cut=st.booleans(),
)
def test_a_bad_page_costs_its_feed_alone(
    syncs: Iterator[ScriptedSync],
    value: str,
    text: str,
    cut: bool,  # noqa: FBT001 - of hypothesis
) -> None:
    """Whatever stands in place of its maximum or its results, or of any part of it; the next good page heals it."""
    sync = next(syncs)
    instead = value.encode("utf-8", "surrogateescape")

    def corrupt(request: Request, reply: Reply) -> Reply:
        if f"{SPOILT.endpoint.path}/sync/" not in request.path:
            return reply
        before, found, after = reply.content.partition(text.encode())
        kept = (
            (before + found + b":" + instead + b"," + after.partition(b",")[2])
            if text.startswith('"')
            else (before + instead + after)
        )
        return replace(reply, body=kept[: len(kept) // 2] if cut else kept)

    is_done(sync, corrupt)

    assert is_done(sync, lambda _, reply: reply)


@settings(max_examples=6)
@given(value=st.sampled_from([one for one in NO_NUMBERS if one != "5"]))
def test_a_bad_maximum_costs_its_feed_alone(syncs: Iterator[ScriptedSync], value: str) -> None:
    """It is asked for again; the next good answer heals the feed."""
    sync = next(syncs)
    instead = Reply(200, value.encode("utf-8", "surrogateescape"))
    path = SPOILT.endpoint.max_sequence or ""

    assert not is_done(sync, lambda request, reply: instead if request.path.endswith(path) else reply)
    assert is_done(sync, lambda _, reply: reply)


@settings(max_examples=6)
@given(value=st.sampled_from(NO_ORGANIZATIONS), name=st.sampled_from(["null", '"\\ud800"', '"' + "x" * 5000 + '"']))
def test_a_bad_identity_costs_its_account_alone(
    server: ScriptedFloriday, tmp_path_factory: pytest.TempPathFactory, value: str, name: str
) -> None:
    """The other account's feeds are current."""
    path = tmp_path_factory.mktemp("accounts") / "w.duckdb"
    sync = ScriptedSync(server, path, tuple(feed.name for feed in FEEDS), accounts=("north", "south"))
    body = f'{{"organization":{{"organizationId":{value},"name":{name}}}}}'.encode("utf-8", "surrogateescape")

    def corrupt(request: Request, reply: Reply) -> Reply:
        is_south = request.headers.get("X-Api-Key") == "south" and request.path.endswith("/identities")
        return Reply(200, body) if is_south else reply

    run = sync.sync(corrupt)

    assert list(run.failures) == ["south"]
    assert "a bug" not in run.failures["south"]
    assert all(outcome.current for outcome in run.outcomes.values())
    assert {account for account, _ in run.outcomes} == {"north"}


@settings(max_examples=12)
@given(
    status=st.sampled_from([200, 204, 206, 304, 308, 400, 404, 408, 418, 423, 429, 500, 502, 503, 504, 599]),
    headers=st.builds(
        lambda wait, more: {"Retry-After": wait} | more, st.sampled_from(WAITS), st.sampled_from(HEADERS)
    ),
    body=st.sampled_from(
        [b"", b"[", b'{"title":"\\ud800"}', b'{"title":1e99999999999999999999}', b"\xff\xfe", b"null"]
    ),
    path=st.sampled_from(["/sync/", "current-max-sequence"]),
)
def test_a_bad_answer_costs_its_feed_alone(
    syncs: Iterator[ScriptedSync], status: int, headers: dict[str, str], body: bytes, path: str
) -> None:
    """Whatever its status, its headers, how long it asks to wait, and what it says."""
    sync = next(syncs)

    def corrupt(request: Request, reply: Reply) -> Reply:
        if SPOILT.endpoint.path not in request.path or path not in request.path:
            return reply
        return replace(reply, status=status, headers=headers, body=reply.content if status == 200 else body)

    run = sync.sync(corrupt)

    for feed in OTHERS:
        assert run.outcomes["north", feed.name].current
    spoilt = run.outcomes["north", SPOILT.name]
    assert spoilt.error is None or "a bug" not in spoilt.error
    assert spoilt.current or spoilt.error or spoilt.skipped
    assert is_done(sync, lambda _, reply: reply)


@pytest.fixture
def listing(tmp_path: Path) -> Iterator[ScriptedSync]:
    """A snapshot of three orders."""
    server = ScriptedFloriday({})
    server.start()
    yield ScriptedSync(server, tmp_path / "w.duckdb", (LISTED_BESIDE,), snapshots=(LISTED.name,))
    server.stop()


def listed(place: int, more: str = "") -> bytes:
    """A record of the snapshot."""
    return f'{{"batchId":"8bb25702-90f6-4123-8ccc-08dc1b2a061{place}"{more}}}'.encode()


def deleted(sync: ScriptedSync) -> list[tuple[str, bool]]:
    """The last digit of each stored record's id, and whether it is gone."""
    return sync.rows(f"SELECT right(CAST(batch_id AS VARCHAR), 1), is_deleted FROM {LISTED.name} ORDER BY 1")


def test_half_a_surrogate_pair_costs_its_record_of_a_list_alone(listing: ScriptedSync) -> None:
    """In a field that is known; the list around it is stored, and nothing is taken for gone."""
    listing.server.lists[LISTED.path] = [listed(place) for place in range(3)]
    listing.sync()
    listing.server.lists[LISTED.path] = [listed(0), rb'{"batchId":"\ud800"}', listed(2), listed(3)]

    outcome = listing.sync().outcomes["north", LISTED.name]

    assert (outcome.new, outcome.rejected, outcome.error, outcome.current) == (1, 1, None, True)
    assert deleted(listing) == [("0", False), ("1", False), ("2", False), ("3", False)]


def test_a_stored_record_with_half_a_surrogate_pair_can_be_gone(listing: ScriptedSync) -> None:
    """In a field that nobody knows it is stored; its last version is the record as it was, but deleted."""
    listing.server.lists[LISTED.path] = [listed(0), listed(1, r',"fieldOfTomorrow":"\ud800"')]
    assert listing.sync().outcomes["north", LISTED.name].new == 2
    listing.server.lists[LISTED.path] = [listed(0)]

    outcome = listing.sync().outcomes["north", LISTED.name]

    assert (outcome.changed, outcome.error, outcome.current) == (1, None, True)
    assert deleted(listing) == [("0", False), ("1", True)]
    ((payload,),) = listing.rows("SELECT payload FROM raw.batch_base_supply ORDER BY rowid DESC LIMIT 1")
    assert payload == listed(1, r',"fieldOfTomorrow":"\ud800","isDeleted":true').decode()


def test_the_accounts_of_the_script_differ() -> None:
    """Else the tests of several accounts would be refused."""
    assert len(set(ORGANIZATIONS.values())) == len(ORGANIZATIONS)
