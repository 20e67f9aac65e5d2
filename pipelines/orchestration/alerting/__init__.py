"""Alerts about failed runs and stale feeds: each problem is reported once, and once more when it is over."""

from __future__ import annotations

from pipelines.orchestration.alerting.sensors import alert_on_failure, alert_on_staleness

__all__ = ["alert_on_failure", "alert_on_staleness"]
