"""What all schedules and sensors share."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import dagster as dg

from pipelines.errors import PipelineError
from pipelines.orchestration.assets.partitions import TIME_ZONE
from pipelines.orchestration.dagster_private import AssetJob
from pipelines.orchestration.resources import SettingsResource

SWITCH = "FLORIDAY_AUTOMATION defines whether it is switched on at first."


@dataclass(frozen=True)
class Automation:
    """What all schedules and sensors share; ``is_on`` is whether they are switched on until a person changes that."""

    settings: SettingsResource
    is_on: bool

    @property
    def minute(self) -> int:
        """The minute of the hour at which this installation syncs; it differs between installations."""
        try:
            local = self.settings.load_local()
        except PipelineError:
            return 0
        return hashlib.sha256(f"{local.base_url} {local.warehouse}".encode()).digest()[0] % 60

    @property
    def schedule_status(self) -> dg.DefaultScheduleStatus:
        """The status of new schedules."""
        return dg.DefaultScheduleStatus.RUNNING if self.is_on else dg.DefaultScheduleStatus.STOPPED

    @property
    def sensor_status(self) -> dg.DefaultSensorStatus:
        """The status of new sensors."""
        return dg.DefaultSensorStatus.RUNNING if self.is_on else dg.DefaultSensorStatus.STOPPED

    def schedule(
        self, name: str, job: AssetJob | dg.JobDefinition, cron: str, description: str
    ) -> dg.ScheduleDefinition:
        """A schedule that starts a job with its default config, whatever else runs."""
        return dg.ScheduleDefinition(
            name=name,
            job=job,
            cron_schedule=cron,
            execution_timezone=TIME_ZONE,
            default_status=self.schedule_status,
            description=f"{description} {SWITCH}",
        )
