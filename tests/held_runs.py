"""A code location whose runs wait for a file, and whose sensor starts the runs that another file names.

Both are in the folder of the variable ``HELD_RUNS``. `requests` has a line with a cell for each run to start. A run of
the cell ``a`` ends when there is a file `go_a`.
"""

# No `from __future__ import annotations` here: Dagster reads the annotations of an op's function at run time.

import os
import time
from collections.abc import Iterator
from pathlib import Path

import dagster as dg

LONGEST = 300.0  # seconds after which a run ends without its file


def folder() -> Path:
    """Return the folder of the files."""
    return Path(os.environ["HELD_RUNS"])


@dg.op(out=dg.Out(dg.Nothing))
def hold(context: dg.OpExecutionContext) -> None:
    """Wait for the file."""
    path, ends = folder() / f"go_{context.run.tags['floriday/cell']}", time.monotonic() + LONGEST
    while not path.exists() and time.monotonic() < ends:
        time.sleep(0.1)


@dg.job(executor_def=dg.in_process_executor)
def held() -> None:
    """One run."""
    hold()


@dg.sensor(job=held, minimum_interval_seconds=1, default_status=dg.DefaultSensorStatus.RUNNING)
def requested() -> Iterator[dg.RunRequest]:
    """Start a run for each line of the file."""
    path = folder() / "requests"
    lines = path.read_text("utf-8").split() if path.exists() else []
    for number, cell in enumerate(lines):
        yield dg.RunRequest(run_key=str(number), tags={"floriday/cell": cell})


defs = dg.Definitions(jobs=[held], sensors=[requested])
