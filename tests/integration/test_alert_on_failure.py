"""The sensor that tells of failed runs: what of them, how often, and what works again."""

# No `from __future__ import annotations` here: Dagster reads the annotations of an asset's function as they stand.

import datetime as dt
from collections.abc import Callable, Iterator
from pathlib import Path

import dagster as dg
import msgspec
import pytest

from pipelines.orchestration.alerting import failed_runs
from pipelines.sandbox import Sandbox, status
from tests.integration.alert_listening import TOKEN, UI, Listening
from tests.integration.answering_server import answering_server
from tests.integration.dagster_project import Project, fill
from tests.moments import NOW

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
"""Dagster uses deprecated features of its own and of pydantic."""

AUTOMATIC = {"dagster/schedule_name": "hourly_sync"}
ORDERS, BATCHES = "orders.sales_orders", "supply.batches"
SKIPPED, SURPRISE = object(), object()

Run = Callable[..., str]
"""Runs two assets, each of which does what it is told to; returns the run's id."""


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    """Where the runs are; in memory, which is quicker than SQLite's files."""
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


@pytest.fixture
def listening(instance: dg.DagsterInstance, tmp_path: Path) -> Iterator[Listening]:
    """Somebody who listens from now on."""
    with answering_server() as receiver:
        listening = Listening(instance, receiver, tmp_path)
        assert listening.failures() == "watching runs from now on"
        yield listening


@pytest.fixture
def run(instance: dg.DagsterInstance) -> Run:
    """A run of which the test says how each asset fares: None is well, text a failure."""

    def run(orders: object = None, batches: object = None, *, by_hand: bool = False, job: str = "sync") -> str:
        assets = [an_asset(ORDERS, orders), an_asset(BATCHES, batches)]
        definitions = dg.Definitions(assets, jobs=[dg.define_asset_job(job)], executor=dg.in_process_executor)
        result = definitions.resolve_job_def(job).execute_in_process(
            {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
            instance,
            raise_on_error=False,
            tags={} if by_hand else AUTOMATIC,
        )
        return result.run_id

    return run


def an_asset(name: str, fate: object) -> dg.AssetsDefinition:
    """An asset of a feed that is stored, skipped, or fails in one way or another."""

    @dg.asset(key=name.split("."), output_required=False)
    def asset(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[None]]:
        if isinstance(fate, str):
            raise dg.Failure(fate, allow_retries=False)
        if fate is SURPRISE:
            raise RuntimeError(f"something with {TOKEN} in it")
        if fate is SKIPPED:
            context.log_event(dg.AssetObservation(context.asset_key))
            return
        yield dg.MaterializeResult()

    return asset


class TestFailure:
    """What fails."""

    def test_it_is_told_where_why_when_and_where_to_look(self, listening: Listening, run: Run) -> None:
        """One message a run, with each feed and its reason; feeds with the same one share a line."""
        run_id = run("main: Floriday is gone", "main: Floriday is gone")

        assert listening.failures() == "sent: Floriday: 2 feeds failed"
        ((title, lines),) = listening.told()
        assert title == "Floriday: 2 feeds failed"
        assert lines[0].startswith(f"Run {run_id} (job sync) failed at 20")
        assert lines[1:] == [f"{ORDERS}, {BATCHES}: main: Floriday is gone", f"Look at {UI}/runs/{run_id}"]

    def test_the_same_again_is_no_news(self, listening: Listening, run: Run) -> None:
        """Neither where the reason differs in numbers and ids alone, nor where another feed fails alone."""
        run("main: 503 after 8 attempts at number 590252428, trace 0af7651916cd43dd8448eb211c80319c", "gone")
        listening.failures()
        assert listening.titles() == ["Floriday: 2 feeds failed"]

        run("main: 503 after 5 attempts at number 590252999, trace b7ad6b7169203331b7ad6b7169203331", "gone")
        run(None, "gone")

        assert listening.failures() == f"sent: Floriday: {ORDERS} works again"

    def test_a_new_reason_is_news_once(self, listening: Listening, run: Run) -> None:
        """Reasons that take turns are told once each; a status that changes is a new reason."""
        for reason in ("main: answered 404", "main: answered 403", "main: answered 404", "main: answered 403"):
            run(reason)

        listening.failures()

        assert [lines[1] for _, lines in listening.told()] == [
            f"{ORDERS}: main: answered 404",
            f"{ORDERS}: main: answered 403",
        ]

    def test_reasons_without_end_are_not(self, listening: Listening, run: Run) -> None:
        """After some, that it fails is known."""
        for letter in "abcdefghij":
            run(f"reason {letter}")

        listening.failures()

        assert len(listening.told()) == failed_runs.REASONS

    def test_a_run_by_hand_is_always_told(self, listening: Listening, run: Run) -> None:
        """Somebody waits for it."""
        runs = [run("gone", by_hand=True), run("gone", by_hand=True)]

        listening.failures()

        assert [lines[0].split()[1] for _, lines in listening.told()] == runs

    def test_the_text_of_a_surprise_stays_in_the_house(self, listening: Listening, run: Run) -> None:
        """It may hold anything; the kind of the fault is told."""
        run(SURPRISE)

        listening.failures()

        ((_, lines),) = listening.told()
        assert lines[1] == f"{ORDERS}: unexpected RuntimeError, see the run's log in Dagster"

    def test_a_run_that_failed_before_its_first_step(self, listening: Listening, instance: dg.DagsterInstance) -> None:
        """Is told in Dagster's own words."""
        definitions = dg.Definitions([an_asset(ORDERS, None)], jobs=[dg.define_asset_job("sync")])
        started = instance.create_run_for_job(definitions.resolve_job_def("sync"))
        instance.report_run_failed(started, "Run timed out due to taking longer than 60 seconds to start.")

        listening.failures()

        ((title, lines),) = listening.told()
        assert title == "Floriday: job sync failed"
        assert lines[1] == "job sync: Run timed out due to taking longer than 60 seconds to start."

    def test_a_long_reason_is_cut(self, listening: Listening, run: Run) -> None:
        """To one line that leaves room for others."""
        run("\n".join(["very", *["long"] * 400]))

        listening.failures()

        ((_, lines),) = listening.told()
        assert lines[1].startswith(f"{ORDERS}: very long")
        assert lines[1].endswith("…")
        assert len(lines[1]) < 200


class TestRecovery:
    """What works again."""

    def test_it_is_told_once(self, listening: Listening, run: Run) -> None:
        """With since when it failed; after that the next failure is news."""
        run("gone")
        listening.failures()
        listening.told()

        run()
        run()
        listening.failures()
        ((title, lines),) = listening.told()
        assert title == f"Floriday: {ORDERS} works again"
        assert lines[0].startswith(f"{ORDERS}, which failed since 20")

        run("gone")
        listening.failures()
        assert listening.titles() == [f"Floriday: {ORDERS} failed"]

    def test_a_run_may_bring_one_feed_back_and_lose_another(self, listening: Listening, run: Run) -> None:
        """Both are told."""
        run("gone", None)
        run(None, "gone")

        listening.failures()

        assert listening.titles() == [
            f"Floriday: {ORDERS} failed",
            f"Floriday: {ORDERS} works again",
            f"Floriday: {BATCHES} failed",
        ]

    def test_a_skipped_feed_has_not_recovered(self, listening: Listening, run: Run) -> None:
        """Nor has it failed: it is as it was."""
        run("gone")
        run(SKIPPED)
        run("gone")

        listening.failures()

        assert listening.titles() == [f"Floriday: {ORDERS} failed"]

    def test_a_run_that_is_well_again_as_a_whole(
        self, listening: Listening, instance: dg.DagsterInstance, run: Run
    ) -> None:
        """A run that did not even start is made good by the next one of its job alone."""
        definitions = dg.Definitions([an_asset(ORDERS, None)], jobs=[dg.define_asset_job("sync")])
        started = instance.create_run_for_job(definitions.resolve_job_def("sync"))
        instance.report_run_failed(started, "gone")
        run(job="another")
        run(job="sync")

        listening.failures()

        assert listening.titles() == ["Floriday: job sync failed", "Floriday: job sync works again"]


class TestSilence:
    """When nobody is told, or nobody takes it."""

    def test_a_receiver_that_is_down(self, listening: Listening, run: Run) -> None:
        """Does not fail the tick, which names it; what happened is told by a later one, in its order."""
        listening.answer(500)
        run("gone")
        run()

        for _ in range(2):
            assert listening.failures() == (
                f"not sent, the next tick tries again: Floriday: {ORDERS} failed;"
                " address 1 (JSON) answered 500 (FLORIDAY_ALERTS)"
            )
        listening.receiver.questions.clear()

        listening.answer(200)
        listening.failures()
        assert listening.titles() == [f"Floriday: {ORDERS} failed", f"Floriday: {ORDERS} works again"]

    def test_one_receiver_of_two_is_enough(self, listening: Listening, run: Run) -> None:
        """The tick names the other one, and goes on."""
        listening.variables["FLORIDAY_ALERTS"] = f"json://127.0.0.1:9/{TOKEN}, {listening.address}"
        run("gone")

        assert listening.failures() == (
            f"sent: Floriday: {ORDERS} failed; address 1 (JSON) cannot be connected to (FLORIDAY_ALERTS)"
        )
        assert listening.failures() == "nothing new to send"

    def test_without_alerts_nobody_is_told(self, listening: Listening, run: Run) -> None:
        """The tick says why."""
        listening.variables["FLORIDAY_ALERTS"] = ""
        run("gone")

        assert listening.failures() == "FLORIDAY_ALERTS is not set: no alerts are sent"

    def test_a_malformed_setting_is_the_tick_s_reason(self, listening: Listening) -> None:
        """Told without the address."""
        listening.variables["FLORIDAY_ALERTS"] = f"tulips://{TOKEN}"

        assert listening.failures().startswith("FLORIDAY_ALERTS expects addresses such as")
        assert TOKEN not in listening.ticks

    def test_another_malformed_setting_does_not_silence_it(self, listening: Listening, run: Run) -> None:
        """It is what runs fail over."""
        listening.variables["FLORIDAY_PUBLISH_EVERY"] = "never"
        run("FLORIDAY_PUBLISH_EVERY expects a duration such as 90s, 15m or 1h")

        listening.failures()

        assert listening.titles() == [f"Floriday: {ORDERS} failed"]

    def test_what_is_long_past_is_passed_over(
        self, listening: Listening, run: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Nobody was listening then."""
        monkeypatch.setattr(failed_runs, "NEWS", dt.timedelta(0))
        run("gone")

        assert listening.failures() == "nothing new to send"

    def test_a_cursor_of_somebody_else_is_begun_anew(self, listening: Listening, run: Run) -> None:
        """A person can reset it in the UI."""
        run("gone")
        listening.cursors["alert_on_failure"] = "anything"

        assert listening.failures() == "watching runs from now on"

    def test_the_cursor_holds_no_reason(self, listening: Listening, run: Run) -> None:
        """It is shown in the UI, and stays small."""
        run("gone")
        listening.failures()

        cursor = listening.cursors["alert_on_failure"] or ""
        assert "gone" not in cursor
        assert msgspec.json.decode(cursor)["failing"].keys() == {ORDERS}


def test_a_real_sync_is_told_and_nothing_leaks(tmp_path: Path) -> None:
    """A feed that Floriday refuses is told with its line; no secret stands in an alert, a tick, a file or an event."""
    with Sandbox(now=NOW, empty=True) as sandbox, answering_server() as receiver:
        fill(sandbox)
        project = Project(sandbox, tmp_path, {"FLORIDAY_FEEDS": "sales_orders, batches"})
        sandbox.faults.add(status(404, where="/sales-orders/sync/*", times=None))
        with project.instance() as instance:
            listening = Listening(instance, receiver, tmp_path, project.environment)
            project.settings["FLORIDAY_ALERTS"] = listening.address
            listening.failures()
            project.sync()
            said = listening.failures()
            sandbox.faults.clear()
            project.sync()
            listening.failures()
            told = listening.told()
            events = repr([instance.all_logs(each.run_id) for each in instance.get_runs()])

    (failed, lines), (recovered, _) = told
    assert said == f"sent: Floriday: {ORDERS} failed"
    assert (failed, recovered) == (f"Floriday: {ORDERS} failed", f"Floriday: {ORDERS} works again")
    assert lines[1].startswith(f"{ORDERS}: main: 127.0.0.1 refuses /sales-orders/sync/0: 404")
    left = f"{told} {events} {listening.ticks} {listening.cursors}".encode() + b"".join(project.files().values())
    assert [secret for secret in (TOKEN, *project.secrets) if secret.encode() in left] == []
