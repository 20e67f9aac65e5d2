"""The settings: one typed object from the environment and a ``.env`` file, or one line with all problems.

The names of variables and what they expect belong here. The effects of a setting belong to the packages that use it.
"""

from __future__ import annotations

from pipelines.settings.load import (
    child_environment,
    forget_secrets,
    given_variables,
    load_account_names,
    load_alerts,
    load_local_settings,
    load_settings,
    without_secrets,
)
from pipelines.settings.model import Api, LocalSettings, Settings
from pipelines.settings.variables import home_folder

__all__ = [
    "Api",
    "LocalSettings",
    "Settings",
    "child_environment",
    "forget_secrets",
    "given_variables",
    "home_folder",
    "load_account_names",
    "load_alerts",
    "load_local_settings",
    "load_settings",
    "without_secrets",
]
