"""The alert sensors run in ``dagster dev`` by default, and no alert address is stored or shown."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.end_to_end.dagster_dev import REPOSITORY, dagster_dev, project_folder, wait_for
from tests.integration.alert_sensors import HOOK, TOKEN
from tests.integration.answering_server import Reply, answering_server
from tests.written_files import settings_apart, written_below

WORKSPACE = "load_from: [{python_file: {relative_path: failing.py, location_name: floriday}}]"

FAILING = '''
"""A feed that fails, and the alert sensors with short intervals."""

import dagster as dg
from pipelines.orchestration.alerting.sensors import alert_on_failure, alert_on_staleness
from pipelines.orchestration.resources import SettingsResource


@dg.asset(key=["orders", "sales_orders"])
def sales_orders() -> None:
    raise dg.Failure("main: Floriday is gone", allow_retries=False)


def frequent(sensor: dg.SensorDefinition) -> dg.SensorDefinition:
    @dg.sensor(name=sensor.name, minimum_interval_seconds=1, default_status=sensor.default_status)
    def tick(context: dg.SensorEvaluationContext):
        return sensor(context)

    return tick


settings = SettingsResource()
definitions = dg.Definitions(
    assets=[sales_orders],
    jobs=[dg.define_asset_job("sync")],
    sensors=[frequent(alert_on_failure(settings)), frequent(alert_on_staleness(settings))],
    executor=dg.in_process_executor,
)
'''

TICKS = """
query($selector: SensorSelector!) {
  sensorOrError(sensorSelector: $selector) {
    ... on Sensor {sensorState {status typeSpecificData {... on SensorData {lastCursor}} ticks {
      status skipReason cursor error {message stack} logEvents {events {message}}
    }}}
  }
}
"""


@pytest.mark.slow
def test_the_daemon_sends_an_alert_of_a_failed_run(tmp_path: Path) -> None:
    """The tick names a receiver that fails, and a later tick sends the alert.

    No answer of the server, no output and no file of Dagster contains the receiver's address.
    """
    folder = project_folder(tmp_path)
    (folder / "workspace.yaml").write_text(WORKSPACE)
    (folder / "failing.py").write_text(FAILING)
    with answering_server() as receiver:
        receiver.respond(HOOK, Reply(500))
        alerts = receiver.address.replace("http://", "json://") + HOOK
        (folder / ".env").write_text(f"FLORIDAY_ALERTS={alerts}\nFLORIDAY_AUTOMATION=on\n")

        with dagster_dev(folder) as server:

            def reasons(name: str) -> list[str]:
                state = server.query(TICKS, selector={"sensorName": name, **REPOSITORY})["sensorOrError"]["sensorState"]
                assert state["status"] == "RUNNING"
                return [tick["skipReason"] or tick["status"] for tick in state["ticks"]]

            wait_for(lambda: "watching runs from now on" in reasons("alert_on_failure"))
            run_id = server.run()
            wait_for(lambda: any("answered 500" in reason for reason in reasons("alert_on_failure")))
            receiver.respond(HOOK, Reply(200))
            wait_for(lambda: "sent: Floriday: orders.sales_orders failed" in reasons("alert_on_failure"))
            wait_for(lambda: any("there is no warehouse" in reason for reason in reasons("alert_on_staleness")))

    alert = json.loads(receiver.requests_to(HOOK)[-1].body)
    assert alert["title"] == "Floriday: orders.sales_orders failed"
    assert alert["message"].split("\n")[0].startswith(f"Run {run_id} (job sync) failed at ")
    assert alert["message"].split("\n")[1] == "orders.sales_orders: main: Floriday is gone"
    stored = server.answers.encode() + b"".join(settings_apart(written_below(folder)).values())
    assert TOKEN.encode() not in stored
