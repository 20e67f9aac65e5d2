"""A corrupt response affects only its record, its feed or its account."""

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
from tests.examples import examples
from tests.integration.answering_server import Reply, Request
from tests.integration.scripted_floriday import ORGANIZATIONS, Corruption, ScriptedFloriday, ScriptedSync
from tests.integration.syncing import SUPPLIERS
from tests.records import NASTY, JsonObject, in_json, page_of, valid_records

pytestmark = pytest.mark.both_kinds

CORRUPT = SUPPLIERS.feed("supply.batches")
OTHERS = (SUPPLIERS.feed("fulfillment.inbound_fulfillment_orders"),)
SNAPSHOT = next(each for each in SUPPLIERS.snapshots if each.name == "supply.batch_base_supply")
OTHER_FEED = "organizations.connections"
"""A feed that the server does not serve, besides the snapshot."""

FEEDS = (CORRUPT, *OTHERS)
RECORDS = 4

VALUES = (
    *NASTY,
    *("1e99999999999999999999", "-1e99999999999999999999", "1e-99999999999999999999", "0e99999999999999999999"),
    *("9" * 400, "9" * 5000, "1" + "0" * 40 + ".5", "223372036854775807", "-0e-0", r'"\ud83d"', r'{"\ud800":1}'),
    *('"2026-01-01T00Z"', '"\\u0000"', "[" * 300 + "]" * 300, '{"a":{"b":[{"c":null}]}}', '"' + "x" * 70_000 + '"'),
)
INVALID_NUMBERS = (
    *("9223372036854775808", "-9223372036854775809", "1e400", "1e99999999999999999999", "9" * 5000, "-1", "5.5"),
    *("null", "true", '"5x"', "{}", "[]", "NaN", "-Infinity", "01", '"\\ud800"', "", "\udcff"),
)
INVALID_ORGANIZATIONS = (
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
    """A server with two feeds and a few records each."""
    records = {
        feed: [(each["sequenceNumber"], in_json(each)) for each in valid_records(feed, 7, RECORDS)] for feed in FEEDS
    }
    scripted = ScriptedFloriday(records)
    scripted.start()
    yield scripted
    scripted.stop()


@pytest.fixture(scope="module")
def syncs(server: ScriptedFloriday, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScriptedSync]:
    """A new warehouse for each example."""
    folder = tmp_path_factory.mktemp("corrupted")
    return (fresh(server, folder / f"{number}.duckdb") for number in count())


def fresh(server: ScriptedFloriday, path: Path) -> ScriptedSync:
    """Return an empty warehouse."""
    return ScriptedSync(server, path, tuple(feed.name for feed in FEEDS))


def sync_with(sync: ScriptedSync, corrupt: Corruption) -> bool:
    """Sync with corrupt responses, and return whether the corrupt feed is current; the other feeds must be complete."""
    run = sync.sync(corrupt)
    for feed in OTHERS:
        outcome = run.outcomes["north", feed.name]
        assert outcome.error is None
        assert outcome.current
        assert sync.rows(f"SELECT count(*) FROM {tables_of(feed).qualified_name}") == [(RECORDS,)]
    corrupted = run.outcomes["north", CORRUPT.name]
    assert corrupted.error is None or "a bug" not in corrupted.error
    assert corrupted.current != (corrupted.error is not None)
    assert run.is_well == (corrupted.error is None)
    return corrupted.current


@settings(max_examples=examples(2))
@given(seed=st.integers(0, 10**6))
def test_an_invalid_value_affects_only_its_record(syncs: Iterator[ScriptedSync], seed: int) -> None:
    """A record with any invalid value is rejected, and the other records of its page are stored."""
    random, sync = Random(seed), next(syncs)
    valid, corrupted = valid_records(CORRUPT, 7, RECORDS), valid_records(CORRUPT, 8, len(VALUES), first_number=10_000)
    invalid = [with_value(record, value, random) for record, value in zip(corrupted, VALUES, strict=True)]
    page = page_of([*map(in_json, valid[:2]), *invalid, *map(in_json, valid[2:])], corrupted[-1]["sequenceNumber"])
    path = f"{CORRUPT.endpoint.path}/sync/0"

    assert sync_with(sync, lambda request, reply: replace(reply, body=page) if path in request.path else reply)

    stored = sync.rows(f"SELECT sequence_number FROM {tables_of(CORRUPT).qualified_name}")
    rejected = sync.rows("SELECT sequence_number FROM sync.rejected_records")
    assert sorted(stored + rejected) == [(record["sequenceNumber"],) for record in (*valid, *corrupted)]
    assert not {(record["sequenceNumber"],) for record in valid} & set(rejected)


def with_value(record: JsonObject, value: str, random: Random) -> bytes:
    """Return the record with a text in place of a field, which need not be valid JSON."""
    name = random.choice([*sorted(record.keys() - {"sequenceNumber"}), "fieldOfTomorrow"])
    members = {known: in_json(inner).decode() for known, inner in record.items()} | {name: value}
    return ("{" + ",".join(f"{json.dumps(known)}:{inner}" for known, inner in members.items()) + "}").encode()


@settings(max_examples=examples(2))
@given(
    value=st.sampled_from(INVALID_NUMBERS),
    text=st.sampled_from(['"maximumSequenceNumber"', '"results"', "{", "[", "]", "}", ","]),
    cut=st.booleans(),
)
def test_a_corrupt_page_affects_only_its_feed(
    syncs: Iterator[ScriptedSync],
    value: str,
    text: str,
    cut: bool,  # noqa: FBT001 - passed by hypothesis
) -> None:
    """A page with an invalid maximum, results or structure fails only its feed; the next valid page corrects it."""
    sync = next(syncs)
    replacement = value.encode("utf-8", "surrogateescape")

    def corrupt(request: Request, reply: Reply) -> Reply:
        if f"{CORRUPT.endpoint.path}/sync/" not in request.path:
            return reply
        before, found, after = reply.content.partition(text.encode())
        kept = (
            (before + found + b":" + replacement + b"," + after.partition(b",")[2])
            if text.startswith('"')
            else (before + replacement + after)
        )
        return replace(reply, body=kept[: len(kept) // 2] if cut else kept)

    sync_with(sync, corrupt)

    assert sync_with(sync, lambda _, reply: reply)


@pytest.mark.slow
@settings(max_examples=examples(2))
@given(value=st.sampled_from([value for value in INVALID_NUMBERS if value != "5"]))
def test_an_invalid_maximum_affects_only_its_feed(syncs: Iterator[ScriptedSync], value: str) -> None:
    """An invalid maximum fails only its feed, and the next valid one corrects it."""
    sync = next(syncs)
    replacement = Reply(200, value.encode("utf-8", "surrogateescape"))
    path = CORRUPT.endpoint.max_sequence or ""

    assert not sync_with(sync, lambda request, reply: replacement if request.path.endswith(path) else reply)
    assert sync_with(sync, lambda _, reply: reply)


@settings(max_examples=examples(2))
@given(
    value=st.sampled_from(INVALID_ORGANIZATIONS), name=st.sampled_from(["null", '"\\ud800"', '"' + "x" * 5000 + '"'])
)
def test_an_invalid_identity_affects_only_its_account(
    server: ScriptedFloriday, tmp_path_factory: pytest.TempPathFactory, value: str, name: str
) -> None:
    """An account with an invalid identity fails, and the feeds of the other account are current."""
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


@pytest.mark.slow
@settings(max_examples=examples(2))
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
def test_a_corrupt_response_affects_only_its_feed(
    syncs: Iterator[ScriptedSync], status: int, headers: dict[str, str], body: bytes, path: str
) -> None:
    """A response with any status, headers and body affects only its feed."""
    sync = next(syncs)

    def corrupt(request: Request, reply: Reply) -> Reply:
        if CORRUPT.endpoint.path not in request.path or path not in request.path:
            return reply
        return replace(reply, status=status, headers=headers, body=reply.content if status == 200 else body)

    run = sync.sync(corrupt)

    for feed in OTHERS:
        assert run.outcomes["north", feed.name].current
    corrupted = run.outcomes["north", CORRUPT.name]
    assert corrupted.error is None or "a bug" not in corrupted.error
    assert corrupted.current or corrupted.error or corrupted.skipped
    assert sync_with(sync, lambda _, reply: reply)


@pytest.fixture
def listing(tmp_path: Path) -> Iterator[ScriptedSync]:
    """A warehouse with one snapshot."""
    server = ScriptedFloriday({})
    server.start()
    yield ScriptedSync(server, tmp_path / "w.duckdb", (OTHER_FEED,), snapshots=(SNAPSHOT.name,))
    server.stop()


def listed(place: int, more: str = "") -> bytes:
    """Return a record of the snapshot."""
    return f'{{"batchId":"8bb25702-90f6-4123-8ccc-08dc1b2a061{place}"{more}}}'.encode()


def deleted(sync: ScriptedSync) -> list[tuple[str, bool]]:
    """Return the last digit of each record's id, and whether it is marked as deleted."""
    return sync.rows(f"SELECT right(CAST(batch_id AS VARCHAR), 1), is_deleted FROM {SNAPSHOT.name} ORDER BY 1")


def test_an_invalid_surrogate_affects_only_its_record_of_a_snapshot(listing: ScriptedSync) -> None:
    """A record with half a surrogate pair in a known field is rejected, and none is marked as deleted."""
    listing.server.lists[SNAPSHOT.path] = [listed(place) for place in range(3)]
    listing.sync()
    listing.server.lists[SNAPSHOT.path] = [listed(0), rb'{"batchId":"\ud800"}', listed(2), listed(3)]

    outcome = listing.sync().outcomes["north", SNAPSHOT.name]

    assert (outcome.new, outcome.rejected, outcome.error, outcome.current) == (1, 1, None, True)
    assert deleted(listing) == [("0", False), ("1", False), ("2", False), ("3", False)]


def test_a_record_with_an_invalid_surrogate_can_be_deleted(listing: ScriptedSync) -> None:
    """A record with half a surrogate pair in an unknown field keeps its content when it is marked as deleted."""
    listing.server.lists[SNAPSHOT.path] = [listed(0), listed(1, r',"fieldOfTomorrow":"\ud800"')]
    assert listing.sync().outcomes["north", SNAPSHOT.name].new == 2
    listing.server.lists[SNAPSHOT.path] = [listed(0)]

    outcome = listing.sync().outcomes["north", SNAPSHOT.name]

    assert (outcome.changed, outcome.error, outcome.current) == (1, None, True)
    assert deleted(listing) == [("0", False), ("1", True)]
    ((payload,),) = listing.rows("SELECT payload FROM raw.batch_base_supply ORDER BY rowid DESC LIMIT 1")
    assert payload == listed(1, r',"fieldOfTomorrow":"\ud800","isDeleted":true').decode()


def test_the_accounts_of_the_script_differ() -> None:
    """The scripted accounts belong to different organizations, because two accounts of one would be refused."""
    assert len(set(ORGANIZATIONS.values())) == len(ORGANIZATIONS)
