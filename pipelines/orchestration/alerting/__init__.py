"""Telling whom it concerns what went wrong, each thing once, and once when it is over.

An alert counts as told when one address took it; as long as none does, it is tried again at each tick. What was told
is remembered in a sensor's cursor: names, times and fingerprints, no reasons.
"""

from __future__ import annotations

from pipelines.orchestration.alerting.sensors import alert_on_failure, alert_on_staleness

__all__ = ["alert_on_failure", "alert_on_staleness"]
