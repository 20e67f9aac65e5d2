"""The alerts' sensors in ``dagster dev``: they tick by themselves, and no address is left anywhere."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.end_to_end.dagster_dev import REPOSITORY, dagster_dev, project_folder, until
from tests.integration.alert_sensors import HOOK, TOKEN
from tests.integration.answering_server import Reply, answering_server
from tests.written_files import settings_apart, written_below

WORKSPACE = "load_from: [{python_file: {relative_path: failing.py, location_name: pipelines.definitions}}]"

FAILING = '''
"""A feed that fails, and the sensors, which look more often than they would."""

import dagster as dg
from pipelines.orchestration.alerting import alert_on_failure, alert_on_staleness
from pipelines.orchestration.resources import SettingsResource


@dg.asset(key=["orders", "sales_orders"])
def sales_orders() -> None:
    raise dg.Failure("main: Floriday is gone", allow_retries=False)


def hasty(sensor: dg.SensorDefinition) -> dg.SensorDefinition:
    @dg.sensor(name=sensor.name, minimum_interval_seconds=1, default_status=sensor.default_status)
    def look(context: dg.SensorEvaluationContext):
        return sensor(context)

    return look


settings = SettingsResource()
definitions = dg.Definitions(
    assets=[sales_orders],
    jobs=[dg.define_asset_job("sync")],
    sensors=[hasty(alert_on_failure(settings)), hasty(alert_on_staleness(settings))],
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
def test_a_failed_run_is_told_by_the_daemon(tmp_path: Path) -> None:
    """Both sensors run without being switched on; a failing receiver is named in the tick, and told later.

    Neither an answer of the server, nor the output, nor a file that Dagster wrote holds the receiver's address.
    """
    folder = project_folder(tmp_path)
    (folder / "workspace.yaml").write_text(WORKSPACE)
    (folder / "failing.py").write_text(FAILING)
    with answering_server() as receiver:
        receiver.will_answer(HOOK, Reply(500))
        alerts = receiver.address.replace("http://", "json://") + HOOK
        (folder / ".env").write_text(f"FLORIDAY_ALERTS={alerts}\nFLORIDAY_AUTOMATION=on\n")

        with dagster_dev(folder) as server:

            def reasons(name: str) -> list[str]:
                state = server.ask(TICKS, selector={"sensorName": name, **REPOSITORY})["sensorOrError"]["sensorState"]
                assert state["status"] == "RUNNING"
                return [tick["skipReason"] or tick["status"] for tick in state["ticks"]]

            until(lambda: "watching runs from now on" in reasons("alert_on_failure"))
            run_id = server.run()
            until(lambda: any("answered 500" in reason for reason in reasons("alert_on_failure")))
            receiver.will_answer(HOOK, Reply(200))
            until(lambda: "sent: Floriday: orders.sales_orders failed" in reasons("alert_on_failure"))
            until(lambda: any("there is no warehouse" in reason for reason in reasons("alert_on_staleness")))

    told = json.loads(receiver.asked(HOOK)[-1].body)
    assert told["title"] == "Floriday: orders.sales_orders failed"
    assert told["message"].split("\n")[0].startswith(f"Run {run_id} (job sync) failed at ")
    assert told["message"].split("\n")[1] == "orders.sales_orders: main: Floriday is gone"
    left = server.heard.encode() + b"".join(settings_apart(written_below(folder)).values())
    assert TOKEN.encode() not in left
