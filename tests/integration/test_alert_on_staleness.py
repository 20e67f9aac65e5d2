"""The sensor that tells of feeds that are stale or may lose changes, and when that is over."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import pytest

from pipelines.orchestration.alerting import alert_on_failure, alert_on_staleness, stale_feeds
from pipelines.orchestration.resources import given_settings
from pipelines.sandbox import Sandbox
from pipelines.warehouse.file.connection import Warehouse
from tests.integration.alert_listening import TOKEN, Listening
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
    """A warehouse in which every feed is current, and somebody who listens."""

    listening: Listening
    warehouse: Warehouse

    def age(self, feed: str, by: dt.timedelta) -> None:
        """Have a feed been current so long ago for the last time."""
        self._write("UPDATE sync.cursors SET current_at = $when WHERE feed = $feed", feed, by)

    def forget(self, feed: str, since: dt.timedelta) -> None:
        """Have a feed never been read, although it was to be synced for so long."""
        self._write("DELETE FROM sync.cursors WHERE feed = $feed AND $when IS NOT NULL", feed, since)
        self._write("UPDATE sync.views SET since = $when WHERE feed = $feed", feed, since)

    def refuse(self, feed: str) -> None:
        """Have the feed's scope not been granted."""
        self._write("UPDATE sync.views SET granted = false WHERE feed = $feed AND $when IS NOT NULL", feed, DAY)

    def _write(self, sql: str, feed: str, ago: dt.timedelta) -> None:
        with self.warehouse.writing() as connection:
            connection.execute(sql, {"feed": feed, "when": real_now() - ago})

    def look(self) -> str:
        """One tick."""
        return self.listening.staleness()

    def titles(self) -> list[str]:
        """The title of each alert since the last look."""
        return self.listening.titles()


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, dict[str, str]]:
    """A warehouse file with two feeds of two accounts that were synced, and the settings it was synced with."""
    path = tmp_path_factory.mktemp("template") / "w.duckdb"
    with Sandbox(empty=True, accounts=("north", "south")) as sandbox:
        Syncing(sandbox, path).sync("sales_orders", "supply_lines", FLORIDAY_FEEDS="sales_orders, supply_lines")
        return path.read_bytes(), sandbox.environment()


@pytest.fixture
def synced(template: tuple[bytes, dict[str, str]], tmp_path: Path) -> Iterator[Synced]:
    """That warehouse, just now: nothing is stale."""
    content, environment = template
    warehouse = Warehouse(tmp_path / "w.duckdb")
    warehouse.path.write_bytes(content)
    variables = {
        **environment,
        "FLORIDAY_WAREHOUSE": str(warehouse.path),
        "FLORIDAY_FEEDS": "sales_orders, supply_lines",
    }
    with answering_server() as receiver, dg.DagsterInstance.ephemeral() as instance:
        listening = Synced(Listening(instance, receiver, tmp_path, variables), warehouse)
        for feed in (ORDERS, LINES):
            listening.age(feed, dt.timedelta(0))
        yield listening


class TestStaleness:
    """Feeds that are not current."""

    def test_it_is_told_once_and_so_is_its_end(self, synced: Synced) -> None:
        """With each account and feed, until when it was current, and where to look."""
        assert synced.look() == QUIET

        synced.age(ORDERS, 4 * HOUR)
        assert synced.look() == "sent: Floriday: 2 feeds stale"
        assert synced.look() == QUIET
        ((title, lines),) = synced.listening.told()
        assert title == "Floriday: 2 feeds stale"
        assert [line.split(":")[0] for line in lines[:2]] == [f"north {ORDERS}", f"south {ORDERS}"]
        assert lines[0].endswith("4 h ago; stale after 3 h")
        assert lines[2:] == ["`floriday status` shows all feeds."]

        synced.age(ORDERS, dt.timedelta(0))
        assert synced.look() == "sent: Floriday: 2 feeds are current again"
        assert synced.look() == QUIET
        ((_, lines),) = synced.listening.told()
        assert lines[:2] == [f"north {ORDERS}", f"south {ORDERS}"]

    def test_only_what_is_new_is_told(self, synced: Synced) -> None:
        """A feed that follows is told alone."""
        synced.age(ORDERS, 4 * HOUR)
        synced.look()
        synced.age(LINES, 4 * HOUR)
        synced.look()

        assert [[line.split(":")[0] for line in lines[:-1]] for _, lines in synced.listening.told()] == [
            [f"north {ORDERS}", f"south {ORDERS}"],
            [f"north {LINES}", f"south {LINES}"],
        ]

    def test_a_feed_that_was_never_read(self, synced: Synced) -> None:
        """Is stale once it should have been read for longer than its tier allows."""
        synced.forget(ORDERS, HOUR)
        assert synced.look() == QUIET

        synced.forget(ORDERS, 4 * HOUR)
        assert synced.look() == "sent: Floriday: 2 feeds stale"

    def test_what_is_skipped_on_purpose_does_not_count(self, synced: Synced) -> None:
        """A feed whose scope is not granted, one that is no longer chosen, an account that is gone from the settings.

        What was told of them is forgotten without a word.
        """
        synced.age(ORDERS, 4 * HOUR)
        synced.age(LINES, 4 * HOUR)
        synced.look()

        synced.refuse(ORDERS)
        synced.listening.variables |= {
            "FLORIDAY_FEEDS": "sales_orders, batches",
            "FLORIDAY_API_KEYS": json.dumps({"north": "key"}),
        }

        assert synced.look() == QUIET
        assert json.loads(synced.listening.cursors["alert_on_staleness"] or "") == {"told": []}

    def test_without_credentials_every_account_counts(self, synced: Synced) -> None:
        """A sync cannot run then, which is what staleness tells."""
        synced.listening.variables["FLORIDAY_CLIENT_SECRET"] = ""
        synced.age(ORDERS, 4 * HOUR)

        assert synced.look() == "sent: Floriday: 2 feeds stale"


class TestRetention:
    """Changes that Floriday may stop serving before they were read."""

    def test_a_warning_then_the_loss_then_the_end(self, synced: Synced) -> None:
        """Each told once; supply lines are served for 14 days, so the warning comes three and a half before."""
        synced.age(LINES, 10 * DAY)
        synced.look()
        synced.age(LINES, 11 * DAY)
        synced.look()
        synced.look()
        synced.age(LINES, 15 * DAY)
        synced.look()
        synced.look()
        synced.age(LINES, dt.timedelta(0))
        synced.look()

        assert synced.titles() == [
            "Floriday: 2 feeds stale",
            "Floriday: 2 feeds about to lose changes",
            "Floriday: 2 feeds may have lost changes",
            "Floriday: 2 feeds are current again",
        ]

    def test_the_worst_comes_first(self, synced: Synced) -> None:
        """In the title as in the text."""
        synced.age(LINES, 15 * DAY)
        synced.look()

        ((title, lines),) = synced.listening.told()
        assert title == "Floriday: 2 feeds may have lost changes, 2 feeds stale"
        assert "the first unread changes may be gone since 24 h" in lines[0]


class TestSilence:
    """When there is nothing to look at, or nobody takes an alert."""

    def test_a_receiver_that_is_down(self, synced: Synced) -> None:
        """Does not fail the tick; what begins and what ends is told once it is back."""
        synced.listening.answer(500)
        synced.age(ORDERS, 4 * HOUR)
        assert synced.look() == (
            "not sent, the next tick tries again: Floriday: 2 feeds stale;"
            " address 1 (JSON) answered 500 (FLORIDAY_ALERTS)"
        )
        synced.titles()
        synced.listening.answer(200)
        synced.look()
        assert synced.titles() == ["Floriday: 2 feeds stale"]

        synced.listening.answer(500)
        synced.age(ORDERS, dt.timedelta(0))
        synced.look()
        synced.titles()
        synced.listening.answer(200)
        synced.look()
        assert synced.titles() == ["Floriday: 2 feeds are current again"]

    def test_what_ends_untold_is_never_told(self, synced: Synced) -> None:
        """Nobody knows of it."""
        synced.listening.answer(500)
        synced.age(ORDERS, 4 * HOUR)
        synced.look()
        synced.age(ORDERS, dt.timedelta(0))

        assert synced.look() == QUIET

    def test_without_a_warehouse_there_is_nothing_to_tell(self, synced: Synced) -> None:
        """Nor with an empty one; the tick says so."""
        synced.warehouse.path.unlink()
        assert synced.look().startswith(f"there is no warehouse at {synced.warehouse.path} yet")

        with synced.warehouse.writing():
            pass
        assert synced.look() == f"{synced.warehouse.path} holds nothing of Floriday yet"
        assert synced.titles() == []

    def test_a_warehouse_that_is_being_written_is_left_alone(
        self, synced: Synced, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The next look is a few minutes away."""
        monkeypatch.setattr(stale_feeds, "WAIT_SECONDS", 0.0)
        synced.age(ORDERS, 4 * HOUR)

        with synced.warehouse.writing():
            assert "is open in another process" in synced.look()

        assert synced.look() == "sent: Floriday: 2 feeds stale"

    def test_without_alerts_nobody_is_told(self, synced: Synced) -> None:
        """The tick says why."""
        synced.listening.variables["FLORIDAY_ALERTS"] = ""

        assert synced.look() == "FLORIDAY_ALERTS is not set: no alerts are sent"

    def test_no_tick_holds_the_address(self, synced: Synced) -> None:
        """Nor does the cursor."""
        synced.listening.answer(500)
        synced.age(ORDERS, 4 * HOUR)
        synced.look()

        assert TOKEN not in synced.listening.ticks


@pytest.mark.parametrize(
    ("variables", "status"),
    [
        ({"FLORIDAY_ALERTS": "ntfys://one", "FLORIDAY_AUTOMATION": "on"}, dg.DefaultSensorStatus.RUNNING),
        ({"FLORIDAY_ALERTS": "ntfys://one"}, dg.DefaultSensorStatus.STOPPED),
        ({"FLORIDAY_AUTOMATION": "on"}, dg.DefaultSensorStatus.STOPPED),
        ({"FLORIDAY_ALERTS": "tulips", "FLORIDAY_AUTOMATION": "on"}, dg.DefaultSensorStatus.STOPPED),
    ],
)
def test_the_sensors_run_by_themselves_where_somebody_listens(
    variables: dict[str, str], status: dg.DefaultSensorStatus, tmp_path: Path
) -> None:
    """And automation is on; a malformed setting keeps nothing from loading."""
    settings = given_settings(variables, tmp_path)

    assert {each(settings).default_status for each in (alert_on_failure, alert_on_staleness)} == {status}
