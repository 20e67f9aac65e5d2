"""The definitions that `dagster dev` loads (`workspace.yaml`). A run reads the settings when it starts."""

from __future__ import annotations

import gc
import os

import dagster as dg

from pipelines.private_files import protect_process
from pipelines.settings import forget_secrets


def _load() -> dg.Definitions:
    """Load everything without garbage collection, which would search what stays: a tenth of the time of loading."""
    gc.disable()
    try:
        from pipelines.orchestration.code_location import build_definitions
        from pipelines.orchestration.resources import SettingsResource

        return build_definitions(SettingsResource())
    finally:
        gc.freeze()  # the collections during a run do not search it either
        gc.enable()


protect_process()  # code servers and runs, also if `dagster dev` is started without `floriday up`
forget_secrets(os.environ)  # before this process starts a run's process
definitions = _load()
