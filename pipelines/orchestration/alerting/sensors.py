"""The two sensors, which ask for no run: they look, and tell."""

from __future__ import annotations

from collections.abc import Callable

import dagster as dg

from pipelines.errors import PipelineError, SettingError
from pipelines.orchestration.alerting.failed_runs import Failures
from pipelines.orchestration.alerting.sent_alerts import Teller
from pipelines.orchestration.alerting.stale_feeds import tell_staleness
from pipelines.orchestration.resources import SettingsResource


def alert_on_failure(settings: SettingsResource) -> dg.SensorDefinition:
    """Tells of each run that failed, and of what works again.

    What automatic runs fail over is told once for as long as it goes on; a run that somebody asked for is always told.

    Args:
        settings: FLORIDAY_ALERTS says who is told; without it nobody is.
    """

    @dg.sensor(
        name="alert_on_failure",
        minimum_interval_seconds=30,
        default_status=_status(settings),
        description="Tells the addresses of FLORIDAY_ALERTS which runs failed and why, and what works again.",
    )
    def sensor(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        return _look(settings, context, lambda teller: Failures(context, settings, teller).tell())

    return sensor


def alert_on_staleness(settings: SettingsResource) -> dg.SensorDefinition:
    """Tells which feeds are stale or may lose changes, and which are current again.

    Args:
        settings: FLORIDAY_ALERTS says who is told; without it nobody is.
    """

    @dg.sensor(
        name="alert_on_staleness",
        minimum_interval_seconds=300,
        default_status=_status(settings),
        description="Tells the addresses of FLORIDAY_ALERTS which feeds are stale or may lose changes to Floriday's"
        " retention, and which are current again.",
    )
    def sensor(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        return _look(settings, context, lambda teller: tell_staleness(context, settings, teller))

    return sensor


def _status(settings: SettingsResource) -> dg.DefaultSensorStatus:
    """Whether a sensor runs without being switched on in the UI first."""
    try:
        local = settings.load_local()
        running = bool(local.automation) and bool(local.alerts)
    except SettingError:
        running = False
    return dg.DefaultSensorStatus.RUNNING if running else dg.DefaultSensorStatus.STOPPED


def _look(
    settings: SettingsResource, context: dg.SensorEvaluationContext, tell: Callable[[Teller], None]
) -> dg.SkipReason:
    """One tick, which nothing that can be expected makes fail; what it came to is its reason for asking for no run."""
    try:
        addresses = settings.load_alerts()
        if not addresses:
            return dg.SkipReason("FLORIDAY_ALERTS is not set: nobody is told anything")
        teller = Teller(addresses, context.log)
        tell(teller)
    except PipelineError as error:
        return dg.SkipReason(str(error))
    return dg.SkipReason("; ".join(teller.said) or "nothing new to tell")
