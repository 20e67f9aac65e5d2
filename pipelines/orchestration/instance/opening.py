"""Opens the Dagster instance, which stores runs, events and logs."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dagster as dg

from pipelines.errors import SettingError
from pipelines.private_files import private_files


def open_instance(root: Path, storage: Path, *, captures_output: bool = True) -> dg.DagsterInstance:
    """The instance that `dagster dev`, started in ``root``, also uses. Close it, or use it as a context manager.

    Runs, events and logs are stored in ``storage``, unless DAGSTER_HOME is set, or ``root`` is the working directory
    and contains a `dagster.yaml`. To capture the output of steps, Dagster starts processes in the process group of this
    one: Ctrl-C on the terminal ends them with a traceback.

    Raises:
        SettingError: DAGSTER_HOME is set to something other than a folder.
    """
    overrides = {} if captures_output else {"compute_logs": _NO_OUTPUT}
    if home := dagster_home(os.environ):
        return dg.DagsterInstance.local_temp(str(home), overrides)
    with private_files():
        storage.mkdir(parents=True, exist_ok=True)
    if root.resolve() == Path.cwd() and (root / "dagster.yaml").is_file():
        return dg.DagsterInstance.local_temp(str(root), overrides)
    return dg.DagsterInstance.local_temp(str(storage), {**instance_settings(storage.absolute()), **overrides})


def open_instance_apart(storage: Path) -> dg.DagsterInstance:
    """The instance that stores everything in this folder, whatever DAGSTER_HOME and a `dagster.yaml` name."""
    with private_files():
        storage.mkdir(parents=True, exist_ok=True)
    overrides = {**instance_settings(storage.absolute()), "compute_logs": _NO_OUTPUT}
    return dg.DagsterInstance.local_temp(str(storage), overrides)


def dagster_home(environ: Mapping[str, str]) -> Path | None:
    """The folder that DAGSTER_HOME names; None if it is not set. Raises a SettingError if it is no folder."""
    if not environ.get("DAGSTER_HOME"):
        return None
    home = Path(environ["DAGSTER_HOME"]).expanduser()
    if not home.is_dir() or not home.is_absolute():
        raise SettingError("DAGSTER_HOME expects the absolute path of a folder that exists")
    return home


def instance_settings(storage: Path) -> dict[str, Any]:
    """The content of the project's `dagster.yaml`, with ``storage`` in place of `data/dagster`; it has the reasons."""
    folder, logs = {"base_dir": str(storage)}, {"base_dir": str(storage / "storage")}
    interval = {"dequeue_interval_seconds": 1}
    return {
        "storage": {"custom": _class("pipelines.orchestration.instance.storage", "KeepingSqliteStorage", folder)},
        "local_artifact_storage": _class("dagster.core.storage.root", "LocalArtifactStorage", folder),
        "compute_logs": _class("dagster.core.storage.local_compute_log_manager", "LocalComputeLogManager", logs),
        "run_launcher": _class("pipelines.orchestration.instance.launcher", "CheckedRunLauncher", {}),
        "run_coordinator": _class("dagster.core.run_coordinator", "QueuedRunCoordinator", interval),
        "concurrency": {
            "runs": {"max_concurrent_runs": 4, "tag_concurrency_limits": [_ONE_RUN_OF_EACH_CELL]},
            "pools": {"default_limit": 1, "granularity": "run"},
        },
        "backfills": {"use_threads": True, "num_workers": 2, "num_submit_workers": 2},
        "run_monitoring": {
            "enabled": True,
            "start_timeout_seconds": 60,
            "cancel_timeout_seconds": 60,
            "poll_interval_seconds": 20,
            "free_slots_after_run_end_seconds": 30,
        },
        "retention": {
            instigator: {"purge_after_days": {"skipped": 1, "started": 7, "success": 7, "failure": 30}}
            for instigator in ("schedule", "sensor")
        },
        "telemetry": {"enabled": False},
        "nux": {"enabled": False},
    }


def _class(module: str, name: str, config: dict[str, Any]) -> dict[str, Any]:
    return {"module": module, "class": name, "config": config}


_ONE_RUN_OF_EACH_CELL = {"key": "floriday/cell", "value": {"applyLimitPerUniqueValue": True}, "limit": 1}
_NO_OUTPUT = _class("dagster.core.storage.noop_compute_log_manager", "NoOpComputeLogManager", {})
