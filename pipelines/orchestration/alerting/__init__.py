"""Alerts about failed runs and stale feeds: each problem is reported once, and once more when it is over.

An alert counts as sent when one address has accepted it; until then each tick tries again. A sensor's cursor stores
what was sent: names, times and fingerprints, no reasons.
"""

from __future__ import annotations

from pipelines.orchestration.alerting.sensors import alert_on_failure, alert_on_staleness

__all__ = ["alert_on_failure", "alert_on_staleness"]
