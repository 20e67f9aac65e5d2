"""The sensor of failed runs sends one alert for each new failure and one for its end."""

# No `from __future__ import annotations` here: Dagster reads the annotations of an asset's function at run time.

import datetime as dt
from collections.abc import Callable, Iterator
from pathlib import Path

import dagster as dg
import msgspec
import pytest

from pipelines.orchestration.alerting import failed_runs
from pipelines.sandbox import Sandbox, status
from tests.integration.alert_sensors import TOKEN, UI, AlertSensors
from tests.integration.answering_server import answering_server
from tests.integration.dagster_project import Project, fill
from tests.moments import NOW

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
"""Dagster uses deprecated features of its own and of pydantic."""

AUTOMATIC = {"dagster/schedule_name": "hourly_sync"}
ORDERS, BATCHES = "orders.sales_orders", "supply.batches"
SKIPPED, UNEXPECTED = object(), object()

Run = Callable[..., str]
"""Runs two assets with the given results; returns the run's id."""


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    """An instance in memory, which is faster than SQLite's files."""
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


@pytest.fixture
def sensors(instance: dg.DagsterInstance, tmp_path: Path) -> Iterator[AlertSensors]:
    """The alert sensors, after the first tick of the sensor of failed runs."""
    with answering_server() as receiver:
        sensors = AlertSensors(instance, receiver, tmp_path)
        assert sensors.tick_failure() == "watching runs from now on"
        yield sensors


@pytest.fixture
def run(instance: dg.DagsterInstance) -> Run:
    """Run the assets with a result each: None succeeds, text is the reason of a failure."""

    def run(orders: object = None, batches: object = None, *, by_hand: bool = False, job: str = "sync") -> str:
        assets = [asset_with(ORDERS, orders), asset_with(BATCHES, batches)]
        definitions = dg.Definitions(assets, jobs=[dg.define_asset_job(job)], executor=dg.in_process_executor)
        result = definitions.resolve_job_def(job).execute_in_process(
            {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
            instance,
            raise_on_error=False,
            tags={} if by_hand else AUTOMATIC,
        )
        return result.run_id

    return run


def asset_with(name: str, result: object) -> dg.AssetsDefinition:
    """Return the asset of a feed that is stored, is skipped or fails."""

    @dg.asset(key=name.split("."), output_required=False)
    def asset(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[None]]:
        if isinstance(result, str):
            raise dg.Failure(result, allow_retries=False)
        if result is UNEXPECTED:
            raise RuntimeError(f"something with {TOKEN} in it")
        if result is SKIPPED:
            context.log_event(dg.AssetObservation(context.asset_key))
            return
        yield dg.MaterializeResult()

    return asset


class TestFailure:
    """Alerts of failed runs."""

    def test_an_alert_has_feeds_reason_time_and_link(self, sensors: AlertSensors, run: Run) -> None:
        """A failed run causes one alert with its feeds and reasons; feeds with the same reason share a line."""
        run_id = run("main: Floriday is gone", "main: Floriday is gone")

        assert sensors.tick_failure() == "sent: Floriday: 2 feeds failed"
        ((title, lines),) = sensors.alerts()
        assert title == "Floriday: 2 feeds failed"
        assert lines[0].startswith(f"Run {run_id} (job sync) failed at 20")
        assert lines[1:] == [f"{ORDERS}, {BATCHES}: main: Floriday is gone", f"Look at {UI}/runs/{run_id}"]

    def test_a_repeated_failure_causes_no_alert(self, sensors: AlertSensors, run: Run) -> None:
        """A reason that differs only in numbers and ids, or for fewer feeds, is not sent again."""
        run("main: 503 after 8 attempts at number 590252428, trace 0af7651916cd43dd8448eb211c80319c", "gone")
        sensors.tick_failure()
        assert sensors.titles() == ["Floriday: 2 feeds failed"]

        run("main: 503 after 5 attempts at number 590252999, trace b7ad6b7169203331b7ad6b7169203331", "gone")
        run(None, "gone")

        assert sensors.tick_failure() == f"sent: Floriday: {ORDERS} works again"

    def test_each_reason_is_sent_once(self, sensors: AlertSensors, run: Run) -> None:
        """Reasons that alternate are sent once each; a different status is a new reason."""
        for reason in ("main: answered 404", "main: answered 403", "main: answered 404", "main: answered 403"):
            run(reason)

        sensors.tick_failure()

        assert [lines[1] for _, lines in sensors.alerts()] == [
            f"{ORDERS}: main: answered 404",
            f"{ORDERS}: main: answered 403",
        ]

    def test_the_number_of_reasons_is_limited(self, sensors: AlertSensors, run: Run) -> None:
        """After a number of different reasons, further ones of the same feed are not sent."""
        for letter in "abcdefghij":
            run(f"reason {letter}")

        sensors.tick_failure()

        assert len(sensors.alerts()) == failed_runs.REASONS

    def test_failed_runs_by_hand_are_always_sent(self, sensors: AlertSensors, run: Run) -> None:
        """Each failure of a run that a person started is sent."""
        runs = [run("gone", by_hand=True), run("gone", by_hand=True)]

        sensors.tick_failure()

        assert [lines[0].split()[1] for _, lines in sensors.alerts()] == runs

    def test_the_message_of_an_unexpected_error_is_not_sent(self, sensors: AlertSensors, run: Run) -> None:
        """The alert of an unexpected error has its type but not its message, which may quote data."""
        run(UNEXPECTED)

        sensors.tick_failure()

        ((_, lines),) = sensors.alerts()
        assert lines[1] == f"{ORDERS}: unexpected RuntimeError, see the run's log in Dagster"

    def test_a_run_that_failed_before_its_first_step(self, sensors: AlertSensors, instance: dg.DagsterInstance) -> None:
        """The alert of a run that failed before its first step has Dagster's own message."""
        definitions = dg.Definitions([asset_with(ORDERS, None)], jobs=[dg.define_asset_job("sync")])
        started = instance.create_run_for_job(definitions.resolve_job_def("sync"))
        instance.report_run_failed(started, "Run timed out due to taking longer than 60 seconds to start.")

        sensors.tick_failure()

        ((title, lines),) = sensors.alerts()
        assert title == "Floriday: job sync failed"
        assert lines[1] == "job sync: Run timed out due to taking longer than 60 seconds to start."

    def test_a_long_reason_is_cut(self, sensors: AlertSensors, run: Run) -> None:
        """A long reason is cut to one line that leaves space for others."""
        run("\n".join(["very", *["long"] * 400]))

        sensors.tick_failure()

        ((_, lines),) = sensors.alerts()
        assert lines[1].startswith(f"{ORDERS}: very long")
        assert lines[1].endswith("…")
        assert len(lines[1]) < 200


class TestRecovery:
    """Alerts of feeds that work again."""

    def test_a_recovery_is_sent_once(self, sensors: AlertSensors, run: Run) -> None:
        """A recovery is sent once with the time of the first failure, and the next failure is sent again."""
        run("gone")
        sensors.tick_failure()
        sensors.alerts()

        run()
        run()
        sensors.tick_failure()
        ((title, lines),) = sensors.alerts()
        assert title == f"Floriday: {ORDERS} works again"
        assert lines[0].startswith(f"{ORDERS}, which failed since 20")

        run("gone")
        sensors.tick_failure()
        assert sensors.titles() == [f"Floriday: {ORDERS} failed"]

    def test_recovery_and_failure_in_one_run(self, sensors: AlertSensors, run: Run) -> None:
        """A run in which one feed recovers and another fails causes an alert of each."""
        run("gone", None)
        run(None, "gone")

        sensors.tick_failure()

        assert sensors.titles() == [
            f"Floriday: {ORDERS} failed",
            f"Floriday: {ORDERS} works again",
            f"Floriday: {BATCHES} failed",
        ]

    def test_a_skipped_feed_has_not_recovered(self, sensors: AlertSensors, run: Run) -> None:
        """A skipped feed has neither recovered nor failed."""
        run("gone")
        run(SKIPPED)
        run("gone")

        sensors.tick_failure()

        assert sensors.titles() == [f"Floriday: {ORDERS} failed"]

    def test_a_job_that_works_again(self, sensors: AlertSensors, instance: dg.DagsterInstance, run: Run) -> None:
        """A run that did not start is followed by a recovery when its own job succeeds."""
        definitions = dg.Definitions([asset_with(ORDERS, None)], jobs=[dg.define_asset_job("sync")])
        started = instance.create_run_for_job(definitions.resolve_job_def("sync"))
        instance.report_run_failed(started, "gone")
        run(job="another")
        run(job="sync")

        sensors.tick_failure()

        assert sensors.titles() == ["Floriday: job sync failed", "Floriday: job sync works again"]


class TestNotSent:
    """Ticks that send no alert."""

    def test_a_receiver_that_is_down(self, sensors: AlertSensors, run: Run) -> None:
        """A receiver that is down does not fail the tick; a later tick sends the alerts in order."""
        sensors.answer_with(500)
        run("gone")
        run()

        for _ in range(2):
            assert sensors.tick_failure() == (
                f"not sent, the next tick tries again: Floriday: {ORDERS} failed;"
                " address 1 (JSON) answered 500 (FLORIDAY_ALERTS)"
            )
        sensors.receiver.requests.clear()

        sensors.answer_with(200)
        sensors.tick_failure()
        assert sensors.titles() == [f"Floriday: {ORDERS} failed", f"Floriday: {ORDERS} works again"]

    def test_one_receiver_of_two_is_enough(self, sensors: AlertSensors, run: Run) -> None:
        """If one of two receivers fails, the tick names it and the alert counts as sent."""
        sensors.variables["FLORIDAY_ALERTS"] = f"json://127.0.0.1:9/{TOKEN}, {sensors.address}"
        run("gone")

        assert sensors.tick_failure() == (
            f"sent: Floriday: {ORDERS} failed; address 1 (JSON) cannot be connected to (FLORIDAY_ALERTS)"
        )
        assert sensors.tick_failure() == "nothing new to send"

    def test_without_receivers_nothing_is_sent(self, sensors: AlertSensors, run: Run) -> None:
        """Without FLORIDAY_ALERTS the tick states that no alerts are sent."""
        sensors.variables["FLORIDAY_ALERTS"] = ""
        run("gone")

        assert sensors.tick_failure() == "FLORIDAY_ALERTS is not set: no alerts are sent"

    def test_a_malformed_setting_is_reported(self, sensors: AlertSensors) -> None:
        """A malformed FLORIDAY_ALERTS is reported by the tick, without the address."""
        sensors.variables["FLORIDAY_ALERTS"] = f"tulips://{TOKEN}"

        assert sensors.tick_failure().startswith("FLORIDAY_ALERTS expects addresses such as")
        assert TOKEN not in sensors.ticks

    def test_another_malformed_setting_does_not_stop_alerts(self, sensors: AlertSensors, run: Run) -> None:
        """Another malformed setting makes runs fail, and its alert is sent."""
        sensors.variables["FLORIDAY_PUBLISH_EVERY"] = "never"
        run("FLORIDAY_PUBLISH_EVERY expects a duration such as 90s, 15m or 1h")

        sensors.tick_failure()

        assert sensors.titles() == [f"Floriday: {ORDERS} failed"]

    def test_old_failures_are_not_sent(self, sensors: AlertSensors, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        """Failures older than the limit cause no alert."""
        monkeypatch.setattr(failed_runs, "NEWS", dt.timedelta(0))
        run("gone")

        assert sensors.tick_failure() == "nothing new to send"

    def test_an_unreadable_cursor_is_reset(self, sensors: AlertSensors, run: Run) -> None:
        """A cursor that cannot be read, which a person can set in the UI, is reset."""
        run("gone")
        sensors.cursors["alert_on_failure"] = "anything"

        assert sensors.tick_failure() == "watching runs from now on"

    def test_the_cursor_contains_no_reason(self, sensors: AlertSensors, run: Run) -> None:
        """The cursor, which the UI shows, contains feeds but no reasons."""
        run("gone")
        sensors.tick_failure()

        cursor = sensors.cursors["alert_on_failure"] or ""
        assert "gone" not in cursor
        assert msgspec.json.decode(cursor)["failing"].keys() == {ORDERS}


def test_a_failed_sync_is_sent_without_secrets(tmp_path: Path) -> None:
    """A sync that Floriday refuses causes an alert, and no alert, tick, file or event contains a secret."""
    with Sandbox(now=NOW, empty=True) as sandbox, answering_server() as receiver:
        fill(sandbox)
        project = Project(sandbox, tmp_path, {"FLORIDAY_FEEDS": "sales_orders, batches"})
        sandbox.faults.add(status(404, where="/sales-orders/sync/*", times=None))
        with project.instance() as instance:
            sensors = AlertSensors(instance, receiver, tmp_path, project.environment)
            project.settings["FLORIDAY_ALERTS"] = sensors.address
            sensors.tick_failure()
            project.sync()
            message = sensors.tick_failure()
            sandbox.faults.clear()
            project.sync()
            sensors.tick_failure()
            alerts = sensors.alerts()
            events = repr([instance.all_logs(run.run_id) for run in instance.get_runs()])

    (failed, lines), (recovered, _) = alerts
    assert message == f"sent: Floriday: {ORDERS} failed"
    assert (failed, recovered) == (f"Floriday: {ORDERS} failed", f"Floriday: {ORDERS} works again")
    assert lines[1].startswith(f"{ORDERS}: main: 127.0.0.1 refuses /sales-orders/sync/0: 404")
    stored = f"{alerts} {events} {sensors.ticks} {sensors.cursors}".encode() + b"".join(project.files().values())
    assert [secret for secret in (TOKEN, *project.secrets) if secret.encode() in stored] == []
