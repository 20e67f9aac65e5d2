"""The two sensors that send alerts. They start no runs."""

from __future__ import annotations

from collections.abc import Callable

import dagster as dg

from pipelines.errors import PipelineError, SettingError
from pipelines.orchestration.alerting.failed_runs import RunAlerts
from pipelines.orchestration.alerting.sender import AlertSender
from pipelines.orchestration.alerting.stale_feeds import send_staleness_alerts
from pipelines.orchestration.resources import SettingsResource


def alert_on_failure(settings: SettingsResource) -> dg.SensorDefinition:
    """Sends an alert for each run that failed, and for what works again.

    While automatic runs go on failing for the same reason, one alert is sent; a failed run that a person started
    always gets one.

    Args:
        settings: FLORIDAY_ALERTS contains the addresses; without it no alerts are sent.
    """

    @dg.sensor(
        name="alert_on_failure",
        minimum_interval_seconds=30,
        default_status=_status(settings),
        description="Sends alerts to the addresses of FLORIDAY_ALERTS: which runs failed and why, what works again.",
    )
    def sensor(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        return _tick(settings, context, lambda sender: RunAlerts(context, settings, sender).send())

    return sensor


def alert_on_staleness(settings: SettingsResource) -> dg.SensorDefinition:
    """Sends an alert for feeds that are stale or may lose changes, and for feeds that are current again.

    Args:
        settings: FLORIDAY_ALERTS contains the addresses; without it no alerts are sent.
    """

    @dg.sensor(
        name="alert_on_staleness",
        minimum_interval_seconds=300,
        default_status=_status(settings),
        description="Sends alerts to the addresses of FLORIDAY_ALERTS: which feeds are stale or may lose changes to"
        " Floriday's retention, and which are current again.",
    )
    def sensor(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        return _tick(settings, context, lambda sender: send_staleness_alerts(context, settings, sender))

    return sensor


def _status(settings: SettingsResource) -> dg.DefaultSensorStatus:
    """RUNNING if the settings enable automation and alerts; a person can switch the sensor on or off in the UI."""
    try:
        local = settings.load_local()
        is_running = bool(local.automation) and bool(local.alerts)
    except SettingError:
        is_running = False
    return dg.DefaultSensorStatus.RUNNING if is_running else dg.DefaultSensorStatus.STOPPED


def _tick(
    settings: SettingsResource, context: dg.SensorEvaluationContext, send: Callable[[AlertSender], None]
) -> dg.SkipReason:
    """One tick, which expected errors do not fail; its result is the reason why it starts no run."""
    try:
        addresses = settings.load_alerts()
        if not addresses:
            return dg.SkipReason("FLORIDAY_ALERTS is not set: no alerts are sent")
        sender = AlertSender(addresses, context.log)
        send(sender)
    except PipelineError as error:
        return dg.SkipReason(str(error))
    return dg.SkipReason("; ".join(sender.report) or "nothing new to send")
