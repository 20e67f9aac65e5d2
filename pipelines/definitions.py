"""What `dagster dev` loads (`workspace.yaml`). Nothing has to be set; a run reads the settings when it starts."""

from __future__ import annotations

from pipelines.orchestration.code_location import build_definitions
from pipelines.orchestration.resources import SettingsResource

definitions = build_definitions(SettingsResource())
