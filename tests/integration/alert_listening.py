"""Somebody who listens to the alerts' sensors, for tests of what they tell."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

import dagster as dg

from pipelines.orchestration.alerting import alert_on_failure, alert_on_staleness
from pipelines.orchestration.resources import SettingsResource, given_settings
from tests.integration.answering_server import AnsweringServer, Reply

TOKEN = "t0k3n-7hat-must-not-show"
HOOK = f"/hook/{TOKEN}"
UI = "http://dagster.nursery.nl:3000"


@dataclass
class Listening:
    """A receiver of alerts, and the sensors that tell it.

    Args:
        instance: where the runs are.
        receiver: takes alerts, unless it is told otherwise.
        root: the project's folder.
        variables: FLORIDAY_ variables beside FLORIDAY_ALERTS, which names the receiver.
        cursors: of the sensors, as Dagster keeps them from tick to tick.
        ticks: all that the ticks left behind.
    """

    instance: dg.DagsterInstance
    receiver: AnsweringServer
    root: Path
    variables: dict[str, str] = field(default_factory=dict)
    cursors: dict[str, str | None] = field(default_factory=dict)
    ticks: str = ""

    def __post_init__(self) -> None:
        self.answer(200)

    @property
    def address(self) -> str:
        """The receiver's, with a token in it."""
        return self.receiver.address.replace("http://", "json://") + HOOK

    @property
    def settings(self) -> SettingsResource:
        """As Dagster gets them."""
        variables = {"FLORIDAY_ALERTS": self.address, "DAGSTER_WEBSERVER_URL": UI, **self.variables}
        return given_settings(variables, self.root)

    def answer(self, status: int) -> None:
        """Have the receiver answer like that from now on."""
        self.receiver.will_answer(HOOK, Reply(status))

    def failures(self) -> str:
        """A look at the runs; returns what the tick says."""
        return self._tick(alert_on_failure(self.settings))

    def staleness(self) -> str:
        """A look at the feeds; returns what the tick says."""
        return self._tick(alert_on_staleness(self.settings))

    def _tick(self, sensor: dg.SensorDefinition) -> str:
        with dg.build_sensor_context(self.instance, self.cursors.get(sensor.name)) as context:
            came = sensor.evaluate_tick(context)
        self.cursors[sensor.name] = came.cursor
        self.ticks += repr(came)
        assert not came.run_requests
        assert came.skip_message
        return came.skip_message

    def told(self) -> list[tuple[str, list[str]]]:
        """Title and lines of each alert since the last look."""
        messages = [json.loads(question.body) for question in self.receiver.asked(HOOK)]
        self.receiver.questions.clear()
        return [(message["title"], message["message"].split("\n")) for message in messages]

    def titles(self) -> list[str]:
        """The title of each alert since the last look."""
        return [title for title, _ in self.told()]
