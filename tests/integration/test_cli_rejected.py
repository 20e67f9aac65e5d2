"""``floriday rejected`` lists rejected records with their reasons, requests them again and exports them."""

from __future__ import annotations

import csv
import io
import json
import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipelines.sandbox import Fault, Kind, Sandbox, status
from tests.command_line import Printed, run_on_terminal
from tests.examples import cases
from tests.integration.syncing import SUPPLIERS, Syncing, empty
from tests.records import JsonObject, in_json, valid_records

pytestmark = pytest.mark.both_kinds

BATCHES = "supply.batches"

WRONG: dict[int, tuple[JsonObject, str]] = {
    100: ({"numberOfPieces": "many"}, "numberOfPieces: expected a number, got 'many'"),
    200: ({"initialNumberOfPieces": 3_000_000_000}, "initialNumberOfPieces: 3000000000 does not fit 32 bits"),
    300: ({"batchDate": "2026-02-30T10:00:00Z"}, "batchDate: malformed date-time '2026-02-30T10:00:00Z'"),
    400: ({"isDeleted": "perhaps"}, "isDeleted: expected true or false, got 'perhaps'"),
    500: ({"tradeItemVersion": 1.5}, "tradeItemVersion: expected a whole number, got 1.5"),
    600: ({"packingConfiguration": [7]}, "packingConfiguration.piecesPerPackage: expected an object, got ['7']"),
    700: ({"batchId": "not-an-id"}, "batchId: malformed UUID 'not-an-id'"),
}
"""Changes that make a record invalid, by the record's place in the page, and the reason that is reported."""


@pytest.fixture
def syncing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Syncing]:
    """Two accounts without records and a warehouse for them, selected by the settings."""
    with Sandbox(accounts=("north", "south"), empty=True) as sandbox:
        syncing = Syncing(sandbox, tmp_path / "w.duckdb")
        for name, value in {**sandbox.environment(), **syncing.warehouse_settings}.items():
            monkeypatch.setenv(name, value)
        monkeypatch.chdir(tmp_path)
        yield syncing


def serve(syncing: Syncing, record: JsonObject, account: str = "north", **wrong: Any) -> int:
    """Serve a record, with wrong values in some members, under its sequence number."""
    number = record["sequenceNumber"]
    key = (str(record["batchId"]),)
    return syncing.sandbox.book(BATCHES, account).put(in_json({**record, **wrong}), key=key, number=number)


def batches(count: int, seed: int = 1) -> list[JsonObject]:
    """Valid batches, ordered by sequence number."""
    return list(valid_records(SUPPLIERS.feed(BATCHES), seed=seed, count=count))


def listed(out: str) -> list[dict[str, str]]:
    """The rows of CSV output."""
    return list(csv.DictReader(io.StringIO(out)))


def results(out: str) -> list[str]:
    """The result column of each record."""
    return [line.split()[4] for line in out.splitlines() if line.startswith(("north", "south", "main"))]


@pytest.mark.slow
def test_seven_rejected_records_of_a_thousand(syncing: Syncing, printed: Printed) -> None:
    """993 valid records are stored and 7 others listed with reasons; ``--retry`` stores them once corrected."""
    records = batches(1000)
    for place, record in enumerate(records):
        serve(syncing, record, **WRONG.get(place, ({}, ""))[0])

    outcome = syncing.sync(BATCHES)["north", BATCHES]

    assert (outcome.new, outcome.rejected, outcome.current) == (993, 7, True)
    assert syncing.rows(f"SELECT count(*) FROM {BATCHES}") == [(993,)]
    code, out, err = printed("rejected", "--format", "csv")
    assert (code, err) == (0, "")
    rows = listed(out)
    assert [row["reason"] for row in rows] == [reason for _, reason in WRONG.values()]
    assert [row["number"] for row in rows] == [str(records[place]["sequenceNumber"]) for place in WRONG]
    assert {(row["account"], row["feed"]) for row in rows} == {("north", BATCHES)}

    for place in WRONG:
        serve(syncing, records[place])
    cursors = syncing.rows("SELECT account, feed, cursor FROM sync.cursors ORDER BY ALL")
    syncing.sandbox.calls.clear()
    code, out, err = printed("rejected", "batches", "--retry")

    assert (code, err) == (0, "")
    assert out.splitlines()[-1] == "7 healed"
    assert len(syncing.sandbox.calls.to("/batches/sync/")) == 1
    assert syncing.rows("SELECT account, feed, cursor FROM sync.cursors ORDER BY ALL") == cursors
    syncing.assert_equal(BATCHES, account="north")
    assert printed("rejected") == (0, "No record is rejected.\n", "")


class TestRetry:
    """``--retry`` requests each rejected record again and prints its result."""

    def test_each_record_has_its_own_result(self, syncing: Syncing, printed: Printed) -> None:
        """A retry reports each record as healed, gone or still rejected, and rows keep their last valid version."""
        good = batches(4)
        for record in good:
            serve(syncing, record)
        syncing.sync(BATCHES)
        valid_rows = syncing.rows(f"SELECT * EXCLUDE (sequence_number) FROM {BATCHES} ORDER BY batch_id")
        newer = [{**record, "sequenceNumber": record["sequenceNumber"] + 10_000_000} for record in good[:3]]
        for record in newer:
            serve(syncing, record, numberOfPieces="many")
        syncing.sync(BATCHES)
        assert syncing.rows(f"SELECT * EXCLUDE (sequence_number) FROM {BATCHES} ORDER BY batch_id") == valid_rows

        serve(syncing, newer[0], numberOfPieces=12)
        syncing.sandbox.book(BATCHES, "north").remove(str(newer[1]["batchId"]))
        serve(syncing, newer[2], numberOfPieces="few")
        code, out, err = printed("rejected", "--retry")

        assert (code, err) == (0, "")
        assert results(out) == ["healed", "gone", "still"]
        assert "numberOfPieces: expected a number, got 'few'" in out
        assert out.splitlines()[-1] == "1 healed, 1 gone, 1 still rejected"
        after = {
            row[0]: row for row in syncing.rows(f"SELECT CAST(batch_id AS VARCHAR), number_of_pieces FROM {BATCHES}")
        }
        assert after[str(newer[0]["batchId"])][1] == 12
        assert len(after) == 4

    def test_an_empty_page_does_not_prove_that_records_are_deleted(self, syncing: Syncing, printed: Printed) -> None:
        """After an empty page, a retry also requests what lies beyond the maximum of that page."""
        good = batches(3)
        for record in good:
            serve(syncing, record, numberOfPieces="many")
        syncing.sync(BATCHES)
        serve(syncing, good[2])
        syncing.sandbox.book(BATCHES, "north").hide(str(good[0]["batchId"]))
        syncing.sandbox.faults.add(Fault(kind=Kind.EMPTY_PAGE, where="/batches/sync/*"))

        _, out, _ = printed("rejected", "--retry")

        assert results(out) == ["gone", "still", "healed"]
        assert syncing.rows(f"SELECT count(*) FROM {BATCHES}") == [(1,)]

    @pytest.mark.slow
    def test_a_number_after_the_end_does_not_stop_lower_ones(self, syncing: Syncing, printed: Printed) -> None:
        """If nothing is served from a rejected number on, lower numbers are requested all the same."""
        lower, last = batches(2)
        for record in (lower, last):
            serve(syncing, record, numberOfPieces="many")
        syncing.sync(BATCHES)
        syncing.sandbox.book(BATCHES, "north").remove(str(last["batchId"]))
        assert results(printed("rejected", "--retry")[1]) == ["still", "still"]
        serve(syncing, lower)

        _, out, _ = printed("rejected", "--retry")

        assert results(out) == ["healed", "still"]

    @pytest.mark.slow
    def test_a_record_without_a_number_is_not_requested(self, syncing: Syncing, printed: Printed) -> None:
        """A rejected record without a sequence number stays in the list, as not requested."""
        syncing.sandbox.book(BATCHES, "north").put(b'{"batchId":7,"sequenceNumber":"soon"}', number=5)
        syncing.sync(BATCHES)

        code, out, _ = printed("rejected", "--retry")

        assert code == 0
        assert out.splitlines()[-1] == "1 not requested"
        assert len(listed(printed("rejected", "-f", "csv")[1])) == 1

    @pytest.mark.slow
    def test_a_server_that_refuses(self, syncing: Syncing, printed: Printed) -> None:
        """A failed request of one account is one line and exit code 1; the other account's record is stored."""
        (record,) = batches(1)
        for account in ("north", "south"):
            serve(syncing, record, account, numberOfPieces="many")
        syncing.sync(BATCHES)
        serve(syncing, record, "south")
        syncing.sandbox.faults.add(Fault(kind=Kind.STATUS, status=400, where="/batches/sync/*", account="north"))

        code, out, err = printed("rejected", "--retry")

        assert code == 1
        assert err.startswith("floriday: north · supply.batches: ")
        assert err.count("\n") == 1
        assert out.splitlines()[-1] == "1 not requested, 1 healed"

    def test_a_feed_that_is_being_rebuilt(self, syncing: Syncing, printed: Printed) -> None:
        """A feed that Floriday is rebuilding is skipped, without an error."""
        serve(syncing, batches(1)[0], numberOfPieces="many")
        syncing.sync(BATCHES)
        syncing.sandbox.faults.add(status(423, where="/batches/*"))

        code, out, err = printed("rejected", "--retry")

        assert (code, err) == (0, "")
        assert "north · supply.batches: skipped: Floriday is rebuilding" in out
        assert out.splitlines()[-1] == "1 not requested"

    @pytest.mark.slow
    def test_personal_data_are_dropped_as_in_a_sync(
        self, syncing: Syncing, printed: Printed, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A retry stores a record without the personal data that the settings drop."""
        monkeypatch.setenv("FLORIDAY_PERSONAL_DATA", "drop")
        (record,) = valid_records(SUPPLIERS.feed("order_requests"), seed=1, count=1)
        personal = {**record, "deliveryRemarks": "ask for Jansen"}
        book = syncing.sandbox.book("orders.order_requests", "north")
        book.put(in_json({**personal, "added": "soon"}), number=record["sequenceNumber"])
        syncing.sync("order_requests", FLORIDAY_PERSONAL_DATA="drop")
        assert len(listed(printed("rejected", "-f", "csv")[1])) == 1
        book.put(in_json(personal), number=record["sequenceNumber"])

        _, out, _ = printed("rejected", "--retry")

        assert results(out) == ["healed"]
        ((payload, remarks),) = syncing.rows(
            "SELECT payload, delivery_remarks FROM raw.order_requests"
            " JOIN orders.order_requests USING (order_request_id)"
        )
        assert remarks is None
        assert "Jansen" not in payload

    def test_no_rejected_records(self, printed: Printed, syncing: Syncing) -> None:
        """Without rejected records, a retry sends no request."""
        syncing.sync(BATCHES)
        syncing.sandbox.calls.clear()

        assert printed("rejected", "--retry") == (0, "No record is rejected.\n", "")
        assert list(syncing.sandbox.calls) == []


class TestSubFeeds:
    """``--retry`` of a feed with sub-feeds."""

    @pytest.mark.slow
    def test_a_record_is_only_searched_in_its_own_sub_feed(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, printed: Printed
    ) -> None:
        """A rejected record of one sub-feed stays in the list when the other sub-feeds do not serve it."""
        groups, growers = (
            "orders.contract_trade_item_groups",
            [f"{i}1111111-1111-4111-8111-111111111111" for i in "123"],
        )
        with Sandbox(api="customers", empty=True) as sandbox:
            syncing = Syncing(sandbox, tmp_path / "c.duckdb", api="customers")
            for grower in growers:
                book = sandbox.book("organizations.connections")
                moment = "2026-11-24T10:00:00Z"
                book.put({"supplierOrganizationId": grower, "lastModified": moment, "isDeleted": False})
            (record,) = valid_records(syncing.catalogue.feed(groups), 1, 1)
            wrong = {**record, "supplierOrganizationId": growers[2], "lastModifiedDateTime": "soon"}
            sandbox.book(groups).put(in_json(wrong), number=record["sequenceNumber"])
            for _ in range(2):
                syncing.sync("organizations.connections", groups)
            assert syncing.rows("SELECT count(*) FROM sync.rejected_records WHERE resolved_at IS NULL") == [(1,)]
            for name, value in {**sandbox.environment(), **syncing.warehouse_settings}.items():
                monkeypatch.setenv(name, value)
            monkeypatch.chdir(tmp_path)

            assert results(printed("rejected", "--retry")[1]) == ["still"]


class TestList:
    """``floriday rejected`` lists and exports rejected records."""

    @pytest.fixture
    def rejected(self, syncing: Syncing) -> Syncing:
        """One rejected record of each account, in a warehouse for that feed only."""
        empty("suppliers", (BATCHES,)).restore(syncing.path)
        syncing = replace(syncing, only=(BATCHES,))
        for seed, account in enumerate(("north", "south")):
            serve(syncing, batches(1, seed)[0], account, numberOfPieces="a\x1b[2J\nb")
        syncing.sync(BATCHES)
        return syncing

    def test_feeds_and_accounts_can_be_chosen(self, rejected: Syncing, printed: Printed) -> None:
        """Arguments limit the list to one feed and one account."""
        assert [row["account"] for row in listed(printed("rejected", "-f", "csv")[1])] == ["north", "south"]
        assert [row["account"] for row in listed(printed("rejected", "--account", "south", "-f", "csv")[1])] == [
            "south"
        ]
        assert listed(printed("rejected", "sales_orders", "-f", "csv")[1]) == []
        (row,) = json.loads(printed("rejected", "batches", "--account", "north", "-f", "json")[1])
        times = "SELECT first_seen, last_seen FROM sync.rejected_records WHERE account = 'north'"
        ((first, last),) = rejected.rows(times)
        assert [*row] == ["account", "feed", "key", "number", "reason", "first_seen", "last_seen"]
        assert row["first_seen"] == f"{first:%Y-%m-%dT%H:%M:%S.%fZ}"
        assert first == last

    def test_the_table_contains_no_control_characters(self, rejected: Syncing, printed: Printed) -> None:
        """The table contains no control characters of the records, and needs no credentials."""
        _, out, _ = printed("rejected")
        drawn = run_on_terminal("rejected", columns=200, **rejected.warehouse_settings)

        assert out.splitlines()[0].split() == ["account", "feed", "key", "number", "reason", "first_seen", "last_seen"]
        assert "\x1b[2J" not in out + drawn
        assert "expected a number" in drawn

    @cases(
        ("arguments", "message"),
        [
            (["tulips"], "no feed 'tulips'"),
            (["--account", "east"], "the warehouse has no account east; there are: north, south"),
            (["--retry", "--format", "csv"], "--format and --output are for the list"),
            (["--format", "parquet"], "parquet needs a file"),
            pytest.param(
                ["--export", "w.duckdb"],
                "--export w.duckdb is the warehouse itself",
                marks=pytest.mark.file_only("its files have other names"),
            ),
            (["--export", "/dev/null/file"], "--export /dev/null/file cannot be written"),
        ],
        quick=2,
    )
    @pytest.mark.usefixtures("rejected")
    def test_wrong_usage(self, arguments: list[str], message: str, printed: Printed) -> None:
        """Wrong arguments exit with code 2 and one line."""
        code, out, err = printed("rejected", *arguments)

        assert (code, out, err.count("\n")) == (2, "", 1)
        assert message in err

    def test_an_export_contains_the_received_payload(self, rejected: Syncing, printed: Printed, tmp_path: Path) -> None:
        """An export has one JSON object a line with the payload exactly as received, in a private file."""
        code, out, err = printed("rejected", "--account", "south", "--export", "bad.jsonl")

        assert (code, out, err) == (0, "bad.jsonl: 1 rejected record\n", "")
        file = tmp_path / "bad.jsonl"
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        (line,) = file.read_text().splitlines()
        (entry,) = rejected.sandbox.book(BATCHES, "south").entries()
        exported = json.loads(line)
        assert exported["payload"] == entry.body.decode()
        assert exported["reason"].startswith("numberOfPieces: expected a number")
        assert (exported["account"], exported["feed"], exported["number"]) == ("south", BATCHES, entry.number)
