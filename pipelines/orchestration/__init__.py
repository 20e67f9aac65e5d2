"""Dagster: one asset for each feed, the resources that they share, jobs, schedules and sensors, and the instance.

This package contains what Dagster runs and shows; ``sync`` contains how a feed is read. ``code_location`` assembles
``assets``, ``automation``, ``maintenance`` and ``alerting``; ``instance`` and ``serving`` configure and start Dagster.
"""
