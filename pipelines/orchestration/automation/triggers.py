"""What schedules and sensors have in common: where their settings are, whether they run by themselves, and when."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import dagster as dg

from pipelines.errors import PipelineError
from pipelines.orchestration.resources import SettingsResource


@dataclass(frozen=True)
class Automation:
    """What all schedules and sensors need.

    Args:
        settings: where they get their settings.
        runs_by_itself: whether they run without being switched on in the UI first.
    """

    settings: SettingsResource
    runs_by_itself: bool

    @property
    def minute(self) -> int:
        """The minute of the hour at which this installation syncs: not all of them at once."""
        try:
            local = self.settings.load_local()
        except PipelineError:
            return 0
        name = f"{local.base_url} {local.warehouse}"
        return hashlib.sha256(name.encode()).digest()[0] % 60

    @property
    def schedule_status(self) -> dg.DefaultScheduleStatus:
        """The state in which schedules start."""
        status = dg.DefaultScheduleStatus
        return status.RUNNING if self.runs_by_itself else status.STOPPED

    @property
    def sensor_status(self) -> dg.DefaultSensorStatus:
        """The state in which sensors start."""
        status = dg.DefaultSensorStatus
        return status.RUNNING if self.runs_by_itself else status.STOPPED
