"""Dagster: an asset a feed, the resources that they share, jobs and schedules, and the instance that remembers them.

Here belongs what Dagster is told and shown. How a feed is read is known to ``sync`` and ``pipeline`` alone.
``code_location`` puts together what stands in ``assets``, ``automation``, ``upkeep`` and ``alerting``; ``instance``
and ``serving`` are about the Dagster that loads it.
"""
