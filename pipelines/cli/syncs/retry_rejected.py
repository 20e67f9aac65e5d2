"""Read rejected records again from Floriday, and print the result of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pipelines.cli.console import print_line, print_table
from pipelines.cli.terminal.layout import Heading, by_schema, omitted, same, titled
from pipelines.text_format import one_line

if TYPE_CHECKING:
    from pipelines.settings import Settings
    from pipelines.sync.outcome import FeedOutcome
    from pipelines.warehouse.file.connection import Warehouse
    from pipelines.warehouse.load.rejected_records import OpenRecord

HEALED, VACANT, REJECTED, NOT_REQUESTED = "healed", "gone", "still rejected", "not requested"
_HEADINGS = (
    *(Heading("account"), Heading("feed"), Heading("key"), Heading("number", is_number=True)),
    *(Heading("result"), Heading("reason", is_text=True)),
)
_STEPS = (  # on a narrow terminal, in this order
    *(same("account"), same("result"), by_schema("feed"), titled("account"), omitted("number")),
)

Outcomes = dict[tuple[str, str], "FeedOutcome"]  # the outcomes by account and feed


def retry_and_print(warehouse: Warehouse, feeds: Sequence[str], accounts: Sequence[str]) -> bool:
    """Request the rejected records of these feeds and accounts (empty: all); returns whether nothing failed."""
    before = _open(warehouse, feeds, accounts)
    if not before:
        print_line("No record is rejected.")
        return True
    outcomes, is_well = _retry(before)
    after = {record.identity: record for record in _open(warehouse, feeds, accounts)}
    results = [_result(one, after.get(one.identity), outcomes.get((one.account, one.feed))) for one in before]
    rows = [_row(one, after.get(one.identity), result) for one, result in zip(before, results, strict=True)]
    print_table(_HEADINGS, rows, _STEPS)
    print_line(", ".join(f"{count:,} {result}" for result, count in Counter(results).items()))
    return is_well


def _open(warehouse: Warehouse, feeds: Sequence[str], accounts: Sequence[str]) -> list[OpenRecord]:
    from pipelines.warehouse.load.rejected_records import open_records

    with warehouse.reading() as connection:
        return open_records(connection, feeds, accounts)


def _retry(records: Sequence[OpenRecord]) -> tuple[Outcomes, bool]:
    """Read the records again, feed by feed; returns the outcomes, and whether nothing failed."""
    from pipelines.cli.cells import in_cells_of_accounts
    from pipelines.settings import load_settings

    settings = load_settings()
    wanted = sorted({(record.account, record.feed) for record in records if record.account in settings.accounts})
    outcomes = Outcomes()
    if not wanted:
        return outcomes, True
    settings = settings.model_copy(update={"feeds": tuple(sorted({feed for _, feed in wanted}))})

    def retry(cell: Settings, accounts: list[str] | None) -> bool:
        return _retry_in_cell(cell, [each for each in wanted if each[0] in (accounts or ())], outcomes)

    return outcomes, in_cells_of_accounts(settings, sorted({account for account, _ in wanted}), retry)


def _retry_in_cell(settings: Settings, wanted: Sequence[tuple[str, str]], outcomes: Outcomes) -> bool:
    """Read the records of accounts and feeds again, and add the outcomes; returns whether nothing failed."""
    from pipelines.cli.syncs.outcomes import print_failures, print_unidentified_accounts, publish
    from pipelines.sync.selection import RejectedOnly
    from pipelines.sync.session import new_run_id, open_clients
    from pipelines.warehouse.opening import hold_sync_lock

    run_id, done = new_run_id(), Outcomes()
    with open_clients(settings, accounts=sorted({account for account, _ in wanted})) as connected:
        with hold_sync_lock(settings.warehouse, "floriday rejected --retry"):
            session = connected.prepare()
            sources = {source.name: source for source in session.sources}
            for account, feed in wanted:
                if account in session.identities:
                    done[account, feed] = session.sync(sources[feed], account, run_id=run_id, what=RejectedOnly())
            session.save_positions()
        publish(connected)
    outcomes.update(done)
    print_unidentified_accounts(session.unidentified)
    print_failures(done.values(), reads_to_end=False)
    return not session.unidentified and not any(outcome.error for outcome in done.values())


def _result(record: OpenRecord, now: OpenRecord | None, outcome: FeedOutcome | None) -> str:
    if now is None:
        return VACANT if outcome is not None and record.number in outcome.vacant_numbers else HEALED
    if outcome is None or outcome.error or outcome.skipped:
        return NOT_REQUESTED
    return NOT_REQUESTED if record.number is None and not outcome.whole else REJECTED


def _row(before: OpenRecord, now: OpenRecord | None, result: str) -> tuple[str, ...]:
    record = before if now is None else now
    number = "" if record.number is None else str(record.number)
    reason = "" if now is None else one_line(now.reason)
    return (record.account, record.feed, one_line(record.key or ""), number, result, reason)
