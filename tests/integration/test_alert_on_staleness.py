"""The sensor of stale feeds sends one alert when feeds are stale or may lose changes, and one when that ends."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import pytest

from pipelines.orchestration.alerting import stale_feeds
from pipelines.orchestration.alerting.sensors import alert_on_failure, alert_on_staleness
from pipelines.orchestration.resources import given_settings
from pipelines.sandbox import Sandbox
from pipelines.warehouse.file.connection import Warehouse
from tests.integration.alert_sensors import TOKEN, AlertSensors
from tests.integration.answering_server import answering_server
from tests.integration.syncing import Syncing
from tests.moments import real_now

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
"""Dagster uses deprecated features of its own and of pydantic."""

ORDERS, LINES = "orders.sales_orders", "supply.supply_lines"
HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)
QUIET = "nothing new to send"


@dataclass
class Synced:
    """A warehouse in which every feed is current, and the alert sensors."""

    sensors: AlertSensors
    warehouse: Warehouse

    def age(self, feed: str, by: dt.timedelta) -> None:
        """Let a feed have been current for the last time this long ago."""
        self._write("UPDATE sync.cursors SET current_at = $when WHERE feed = $feed", feed, by)

    def forget(self, feed: str, since: dt.timedelta) -> None:
        """Let a feed have been selected this long ago and never read."""
        self._write("DELETE FROM sync.cursors WHERE feed = $feed AND $when IS NOT NULL", feed, since)
        self._write("UPDATE sync.views SET since = $when WHERE feed = $feed", feed, since)

    def refuse(self, feed: str) -> None:
        """Let the feed's scope be refused."""
        self._write("UPDATE sync.views SET granted = false WHERE feed = $feed AND $when IS NOT NULL", feed, DAY)

    def _write(self, sql: str, feed: str, ago: dt.timedelta) -> None:
        with self.warehouse.writing() as connection:
            connection.execute(sql, {"feed": feed, "when": real_now() - ago})

    def tick(self) -> str:
        """Evaluate the sensor of stale feeds; return the message of the tick."""
        return self.sensors.tick_staleness()

    def titles(self) -> list[str]:
        """Return and forget the title of each alert received so far."""
        return self.sensors.titles()


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, dict[str, str]]:
    """A warehouse file with two synced feeds of two accounts, and the settings of the sync."""
    path = tmp_path_factory.mktemp("template") / "w.duckdb"
    with Sandbox(empty=True, accounts=("north", "south")) as sandbox:
        Syncing(sandbox, path).sync("sales_orders", "supply_lines", FLORIDAY_FEEDS="sales_orders, supply_lines")
        return path.read_bytes(), sandbox.environment()


@pytest.fixture
def synced(template: tuple[bytes, dict[str, str]], tmp_path: Path) -> Iterator[Synced]:
    """A copy of the template in which every feed is current now."""
    content, environment = template
    warehouse = Warehouse(tmp_path / "w.duckdb")
    warehouse.path.write_bytes(content)
    variables = {
        **environment,
        "FLORIDAY_WAREHOUSE": str(warehouse.path),
        "FLORIDAY_FEEDS": "sales_orders, supply_lines",
    }
    with answering_server() as receiver, dg.DagsterInstance.ephemeral() as instance:
        synced = Synced(AlertSensors(instance, receiver, tmp_path, variables), warehouse)
        for feed in (ORDERS, LINES):
            synced.age(feed, dt.timedelta(0))
        yield synced


class TestStaleness:
    """Alerts of feeds that are not current."""

    def test_staleness_and_its_end_are_sent_once(self, synced: Synced) -> None:
        """An alert lists account, feed and time of each stale feed; its end is sent once as well."""
        assert synced.tick() == QUIET

        synced.age(ORDERS, 4 * HOUR)
        assert synced.tick() == "sent: Floriday: 2 feeds stale"
        assert synced.tick() == QUIET
        ((title, lines),) = synced.sensors.alerts()
        assert title == "Floriday: 2 feeds stale"
        assert [line.split(":")[0] for line in lines[:2]] == [f"north {ORDERS}", f"south {ORDERS}"]
        assert lines[0].endswith("4 h ago; stale after 3 h")
        assert lines[2:] == ["`floriday status` shows all feeds."]

        synced.age(ORDERS, dt.timedelta(0))
        assert synced.tick() == "sent: Floriday: 2 feeds are current again"
        assert synced.tick() == QUIET
        ((_, lines),) = synced.sensors.alerts()
        assert lines[:2] == [f"north {ORDERS}", f"south {ORDERS}"]

    def test_only_new_stale_feeds_are_sent(self, synced: Synced) -> None:
        """A feed that becomes stale later is sent alone."""
        synced.age(ORDERS, 4 * HOUR)
        synced.tick()
        synced.age(LINES, 4 * HOUR)
        synced.tick()

        assert [[line.split(":")[0] for line in lines[:-1]] for _, lines in synced.sensors.alerts()] == [
            [f"north {ORDERS}", f"south {ORDERS}"],
            [f"north {LINES}", f"south {LINES}"],
        ]

    def test_a_feed_that_was_never_read(self, synced: Synced) -> None:
        """A feed that was never read is stale after the time that its tier allows."""
        synced.forget(ORDERS, HOUR)
        assert synced.tick() == QUIET

        synced.forget(ORDERS, 4 * HOUR)
        assert synced.tick() == "sent: Floriday: 2 feeds stale"

    @pytest.mark.slow
    def test_feeds_that_are_not_synced_do_not_count(self, synced: Synced) -> None:
        """Feeds without scope, feeds that are not selected and accounts without a key are removed without an alert."""
        synced.age(ORDERS, 4 * HOUR)
        synced.age(LINES, 4 * HOUR)
        synced.tick()

        synced.refuse(ORDERS)
        synced.sensors.variables |= {
            "FLORIDAY_FEEDS": "sales_orders, batches",
            "FLORIDAY_API_KEYS": json.dumps({"north": "key"}),
        }

        assert synced.tick() == QUIET
        assert json.loads(synced.sensors.cursors["alert_on_staleness"] or "") == {"told": []}

    def test_without_credentials_every_account_counts(self, synced: Synced) -> None:
        """Without credentials, with which no sync can run, the feeds of every account count."""
        synced.sensors.variables["FLORIDAY_CLIENT_SECRET"] = ""
        synced.age(ORDERS, 4 * HOUR)

        assert synced.tick() == "sent: Floriday: 2 feeds stale"


class TestRetention:
    """Alerts of changes that Floriday may delete before they were read."""

    @pytest.mark.slow
    def test_warning_loss_and_recovery_are_sent_once(self, synced: Synced) -> None:
        """Supply lines, which are served for 14 days, cause a warning three and a half days before a possible loss."""
        synced.age(LINES, 10 * DAY)
        synced.tick()
        synced.age(LINES, 11 * DAY)
        synced.tick()
        synced.tick()
        synced.age(LINES, 15 * DAY)
        synced.tick()
        synced.tick()
        synced.age(LINES, dt.timedelta(0))
        synced.tick()

        assert synced.titles() == [
            "Floriday: 2 feeds stale",
            "Floriday: 2 feeds about to lose changes",
            "Floriday: 2 feeds may have lost changes",
            "Floriday: 2 feeds are current again",
        ]

    def test_the_worst_comes_first(self, synced: Synced) -> None:
        """Losses come before stale feeds in title and text."""
        synced.age(LINES, 15 * DAY)
        synced.tick()

        ((title, lines),) = synced.sensors.alerts()
        assert title == "Floriday: 2 feeds may have lost changes, 2 feeds stale"
        assert "the first unread changes may be gone since 24 h" in lines[0]


class TestNotSent:
    """Ticks that send no alert."""

    @pytest.mark.slow
    def test_a_receiver_that_is_down(self, synced: Synced) -> None:
        """A receiver that is down does not fail the tick; a later tick sends the alert or the recovery."""
        synced.sensors.answer_with(500)
        synced.age(ORDERS, 4 * HOUR)
        assert synced.tick() == (
            "not sent, the next tick tries again: Floriday: 2 feeds stale;"
            " address 1 (JSON) answered 500 (FLORIDAY_ALERTS)"
        )
        synced.titles()
        synced.sensors.answer_with(200)
        synced.tick()
        assert synced.titles() == ["Floriday: 2 feeds stale"]

        synced.sensors.answer_with(500)
        synced.age(ORDERS, dt.timedelta(0))
        synced.tick()
        synced.titles()
        synced.sensors.answer_with(200)
        synced.tick()
        assert synced.titles() == ["Floriday: 2 feeds are current again"]

    def test_a_problem_that_ends_before_it_was_sent_is_not_sent(self, synced: Synced) -> None:
        """A problem that ends before its alert was sent causes none."""
        synced.sensors.answer_with(500)
        synced.age(ORDERS, 4 * HOUR)
        synced.tick()
        synced.age(ORDERS, dt.timedelta(0))

        assert synced.tick() == QUIET

    def test_without_a_warehouse_nothing_is_sent(self, synced: Synced) -> None:
        """The tick states that the warehouse is missing or empty."""
        synced.warehouse.path.unlink()
        assert synced.tick().startswith(f"there is no warehouse at {synced.warehouse.path} yet")

        with synced.warehouse.writing():
            pass
        assert synced.tick() == f"{synced.warehouse.path} contains no data of Floriday yet"
        assert synced.titles() == []

    def test_a_warehouse_that_is_being_written_is_skipped(
        self, synced: Synced, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A tick during a write skips, and the next tick sends the alert."""
        monkeypatch.setattr(stale_feeds, "WAIT_SECONDS", 0.0)
        synced.age(ORDERS, 4 * HOUR)

        with synced.warehouse.writing():
            assert "is open in another process" in synced.tick()

        assert synced.tick() == "sent: Floriday: 2 feeds stale"

    def test_without_receivers_nothing_is_sent(self, synced: Synced) -> None:
        """Without FLORIDAY_ALERTS the tick states that no alerts are sent."""
        synced.sensors.variables["FLORIDAY_ALERTS"] = ""

        assert synced.tick() == "FLORIDAY_ALERTS is not set: no alerts are sent"

    def test_no_tick_contains_the_address(self, synced: Synced) -> None:
        """Neither a tick nor its cursor contains the receiver's address."""
        synced.sensors.answer_with(500)
        synced.age(ORDERS, 4 * HOUR)
        synced.tick()

        assert TOKEN not in synced.sensors.ticks


@pytest.mark.parametrize(
    ("variables", "status"),
    [
        ({"FLORIDAY_ALERTS": "ntfys://one", "FLORIDAY_AUTOMATION": "on"}, dg.DefaultSensorStatus.RUNNING),
        ({"FLORIDAY_ALERTS": "ntfys://one"}, dg.DefaultSensorStatus.STOPPED),
        ({"FLORIDAY_AUTOMATION": "on"}, dg.DefaultSensorStatus.STOPPED),
        ({"FLORIDAY_ALERTS": "tulips", "FLORIDAY_AUTOMATION": "on"}, dg.DefaultSensorStatus.STOPPED),
    ],
)
def test_the_sensors_start_with_automation_and_receivers(
    variables: dict[str, str], status: dg.DefaultSensorStatus, tmp_path: Path
) -> None:
    """By default the sensors run if automation is on and receivers are set; a malformed setting stops them."""
    settings = given_settings(variables, tmp_path)

    assert {each(settings).default_status for each in (alert_on_failure, alert_on_staleness)} == {status}
