"""The two sensors that send alerts. They start no runs.

An alert counts as sent when one address has accepted it; until then each tick tries again.
"""

from __future__ import annotations

from collections.abc import Callable

import dagster as dg

from pipelines.errors import PipelineError, SettingError
from pipelines.orchestration.alerting.failed_runs import send_run_alerts
from pipelines.orchestration.alerting.sender import AlertSender
from pipelines.orchestration.alerting.stale_feeds import send_staleness_alerts
from pipelines.orchestration.resources import SettingsResource

Send = Callable[[dg.SensorEvaluationContext, SettingsResource, AlertSender], None]  # sends what is new in one tick


def alert_on_failure(settings: SettingsResource) -> dg.SensorDefinition:
    """Sends an alert for each run that failed (of automatic runs one for each reason), and for what works again."""
    what = "which runs failed and why, and what works again"
    return _sensor("alert_on_failure", 30, what, settings, send_run_alerts)


def alert_on_staleness(settings: SettingsResource) -> dg.SensorDefinition:
    """Sends an alert for feeds that are stale or may lose changes, and for feeds that are current again."""
    what = "which feeds are stale or may lose changes to Floriday's retention, and which are current again"
    return _sensor("alert_on_staleness", 300, what, settings, send_staleness_alerts)


def _sensor(name: str, seconds: int, what: str, settings: SettingsResource, send: Send) -> dg.SensorDefinition:
    @dg.sensor(
        name=name,
        minimum_interval_seconds=seconds,
        default_status=_status(settings),
        description=f"Sends alerts to the addresses of FLORIDAY_ALERTS: {what}.",
    )
    def tick(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        try:
            addresses = settings.load_alerts()
            if not addresses:
                return dg.SkipReason("FLORIDAY_ALERTS is not set: no alerts are sent")
            sender = AlertSender(addresses, context.log)
            send(context, settings, sender)
        except PipelineError as error:
            return dg.SkipReason(str(error))
        return dg.SkipReason("; ".join(sender.report) or "nothing new to send")

    return tick


def _status(settings: SettingsResource) -> dg.DefaultSensorStatus:
    try:
        local = settings.load_local()
        is_running = bool(local.automation) and bool(local.alerts)
    except SettingError:
        is_running = False
    return dg.DefaultSensorStatus.RUNNING if is_running else dg.DefaultSensorStatus.STOPPED
