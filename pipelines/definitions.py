"""The definitions that `dagster dev` loads (`workspace.yaml`). A run reads the settings when it starts."""

from __future__ import annotations

import os

from pipelines.orchestration.code_location import build_definitions
from pipelines.orchestration.resources import SettingsResource
from pipelines.private_files import protect_process
from pipelines.settings import forget_secrets

protect_process()  # code servers and runs, also if `dagster dev` is started without `floriday up`
forget_secrets(os.environ)  # before this process starts a run's process
definitions = build_definitions(SettingsResource())
