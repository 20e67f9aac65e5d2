"""Alerts about failed runs and stale feeds: each problem is reported once, and once more when it is over."""
