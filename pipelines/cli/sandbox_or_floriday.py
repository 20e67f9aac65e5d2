"""Which Floriday ``floriday up`` uses: the one in the settings, or the sandbox where they contain no credentials."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.cli.options import check_api

if TYPE_CHECKING:
    from pipelines.settings import Settings

WAREHOUSES = {"suppliers": Path("data") / "sandbox.duckdb", "customers": Path("data") / "sandbox-customers.duckdb"}
"""The sandbox's warehouse by API, relative to the project's folder; never the user's own warehouse."""

_CREDENTIALS = (  # what a call to Floriday needs: one variable of each row
    ("CLIENT_ID",),
    ("CLIENT_SECRET", "CLIENT_SECRET_FILE"),
    ("API_KEY", "API_KEY_FILE", "API_KEYS", "API_KEYS_FILE"),
    ("AUTH_URL",),
    ("BASE_URL",),
)
_FILES = {"FLORIDAY_WAREHOUSE", "FLORIDAY_PUBLISHED"}


def has_credentials(variables: Mapping[str, str]) -> bool:
    """Whether any credential is set. Without one, the sandbox is used."""
    return any(_are_set(variables))


def check(variables: Mapping[str, str], root: Path, api: str | None) -> None:
    """Check that the settings and the option ``--api`` (None: not given) fit together, before anything is changed.

    Raises:
        UsageError: the API does not exist, or credentials are set.
        SettingError: settings are missing or malformed; one line lists them.
    """
    from pipelines.errors import UsageError

    check_api(api)
    if has_credentials(variables):
        if api is not None:
            raise UsageError("--api is for the sandbox; credentials are set, so FLORIDAY_BASE_URL defines the API")
        checked_settings(variables, root)


def checked_settings(variables: Mapping[str, str], root: Path) -> Settings:
    """Load all settings and check the names of feeds. Raises a SettingError whose line lists what is wrong."""
    from pipelines.catalogue import catalogue_of
    from pipelines.errors import SettingError
    from pipelines.settings import load_settings
    from pipelines.sync.selection import chosen_sources

    try:
        settings = load_settings(variables, root, dotenv=False)
    except SettingError as error:
        if all(_are_set(variables)):
            raise
        raise SettingError(f"{error.message}. Without any credentials, `floriday up` uses the sandbox") from None
    chosen_sources(settings, catalogue_of(settings.api, settings.version))
    return settings


def _are_set(variables: Mapping[str, str]) -> list[bool]:
    return [any(f"FLORIDAY_{name}" in variables for name in names) for names in _CREDENTIALS]


@contextmanager
def dagster_variables(variables: Mapping[str, str], root: Path, api: str | None) -> Iterator[dict[str, str]]:
    """The variables for Dagster, with automation on unless they define it.

    Without credentials, a sandbox with an empty warehouse runs within the block, unless a sync holds that warehouse.
    """
    automated = {"FLORIDAY_AUTOMATION": "on", **variables}
    if has_credentials(variables):
        yield automated
        return
    from pipelines.sandbox import TWO_YEARS, Sandbox
    from pipelines.warehouse.file.removal import remove_warehouse

    api = api or "suppliers"
    warehouse = root / WAREHOUSES[api]
    remove_warehouse(warehouse, "floriday up")
    with Sandbox(api=api, history=TWO_YEARS) as server:
        server.keep_trading()
        yield with_sandbox(server.environment(), warehouse, automated)


def with_sandbox(credentials: Mapping[str, str], warehouse: Path, variables: Mapping[str, str]) -> dict[str, str]:
    """The variables with the sandbox's credentials and warehouse; its published copy has the default path."""
    kept = {name: text for name, text in variables.items() if name not in _FILES}
    return {**kept, **credentials, "FLORIDAY_WAREHOUSE": str(warehouse)}
