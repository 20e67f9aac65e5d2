"""The sensor that renews the reports and the dashboard a few minutes after the feeds that they read."""

from __future__ import annotations

import dagster as dg

from pipelines.orchestration.automation.triggers import READS_ONLY, SWITCH, Automation

EVERY = 180  # seconds between two ticks: feeds that change all the time renew the reports this often
EVERY_OF_CELLS = 3600  # the same where the reports read the lakes of all cells


def reports_sensor(automation: Automation, assets: dg.AssetSelection) -> dg.AutomationConditionSensorDefinition:
    """Starts a run of the assets whose automation condition is met. Syncs do not wait for it, nor it for them."""
    return dg.AutomationConditionSensorDefinition(
        "reports_follow_feeds",
        target=assets,
        minimum_interval_seconds=EVERY_OF_CELLS if automation.cells else EVERY,
        default_status=automation.sensor_status,
        run_tags={READS_ONLY: "true"},
        description=f"Renews the reports whose feeds changed, and then the dashboard. {SWITCH}",
    )
