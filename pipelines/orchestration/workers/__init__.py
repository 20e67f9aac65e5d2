"""Runs on several machines: the tasks of Celery's workers, their launcher, and the sign that a run is alive."""
