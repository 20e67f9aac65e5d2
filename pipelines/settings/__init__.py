"""The settings: one typed object from the environment and a ``.env`` file, or one line that says what is wrong.

Here belongs what a user may set and what each variable expects. What a feed or an account is called on the
server is not known here; what a setting leads to happens further down.
"""

from __future__ import annotations

from pipelines.settings.load import (
    forget_secrets,
    given_variables,
    handed,
    load_account_names,
    load_alerts,
    load_local_settings,
    load_settings,
    without_secrets,
)
from pipelines.settings.model import Api, LocalSettings, Settings

__all__ = [
    "Api",
    "LocalSettings",
    "Settings",
    "forget_secrets",
    "given_variables",
    "handed",
    "load_account_names",
    "load_alerts",
    "load_local_settings",
    "load_settings",
    "without_secrets",
]
