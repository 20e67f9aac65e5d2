"""The alert sensors with a receiver of their alerts, for tests of what they send."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

import dagster as dg

from pipelines.orchestration.alerting.sensors import alert_on_failure, alert_on_staleness
from pipelines.orchestration.resources import SettingsResource, given_settings
from tests.integration.answering_server import AnsweringServer, Reply

TOKEN = "t0k3n-7hat-must-not-show"
HOOK = f"/hook/{TOKEN}"
UI = "http://dagster.nursery.nl:3000"


@dataclass
class AlertSensors:
    """The alert sensors and the server that receives their alerts.

    Args:
        instance: the instance that stores the runs.
        receiver: the server that accepts alerts, unless `answer_with` changes it.
        root: folder of the project.
        variables: FLORIDAY_ variables beside FLORIDAY_ALERTS, which names the receiver.
        cursors: cursor of each sensor, kept from tick to tick.
        ticks: text of all ticks so far.
    """

    instance: dg.DagsterInstance
    receiver: AnsweringServer
    root: Path
    variables: dict[str, str] = field(default_factory=dict)
    cursors: dict[str, str | None] = field(default_factory=dict)
    ticks: str = ""

    def __post_init__(self) -> None:
        self.answer_with(200)

    @property
    def address(self) -> str:
        """The receiver's address, with a token in it."""
        return self.receiver.address.replace("http://", "json://") + HOOK

    @property
    def settings(self) -> SettingsResource:
        """The settings as Dagster reads them."""
        variables = {"FLORIDAY_ALERTS": self.address, "DAGSTER_WEBSERVER_URL": UI, **self.variables}
        return given_settings(variables, self.root)

    def answer_with(self, status: int) -> None:
        """Let the receiver answer with this status from now on."""
        self.receiver.respond(HOOK, Reply(status))

    def tick_failure(self) -> str:
        """Evaluate the sensor of failed runs; return the message of the tick."""
        return self._tick(alert_on_failure(self.settings))

    def tick_staleness(self) -> str:
        """Evaluate the sensor of stale feeds; return the message of the tick."""
        return self._tick(alert_on_staleness(self.settings))

    def _tick(self, sensor: dg.SensorDefinition) -> str:
        with dg.build_sensor_context(self.instance, self.cursors.get(sensor.name)) as context:
            tick = sensor.evaluate_tick(context)
        self.cursors[sensor.name] = tick.cursor
        self.ticks += repr(tick)
        assert not tick.run_requests
        assert tick.skip_message
        return tick.skip_message

    def alerts(self) -> list[tuple[str, list[str]]]:
        """Return and forget title and lines of each alert received so far."""
        messages = [json.loads(request.body) for request in self.receiver.requests_to(HOOK)]
        self.receiver.requests.clear()
        return [(message["title"], message["message"].split("\n")) for message in messages]

    def titles(self) -> list[str]:
        """Return and forget the title of each alert received so far."""
        return [title for title, _ in self.alerts()]
