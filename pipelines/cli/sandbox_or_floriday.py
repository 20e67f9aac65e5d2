"""Which Floriday `floriday up` works on: the one that the settings name, or the sandbox where they name none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipelines.settings import Settings

WAREHOUSES = {"suppliers": Path("data") / "sandbox.duckdb", "customers": Path("data") / "sandbox-customers.duckdb"}
"""Where the sandbox's records go, from the project's folder: never into the user's own warehouse."""

_CREDENTIALS = (
    ("CLIENT_ID",),
    ("CLIENT_SECRET", "CLIENT_SECRET_FILE"),
    ("API_KEY", "API_KEY_FILE", "API_KEYS", "API_KEYS_FILE"),
    ("AUTH_URL",),
    ("BASE_URL",),
)
"""What calling Floriday takes: one of each."""
_FILES = {"FLORIDAY_WAREHOUSE", "FLORIDAY_PUBLISHED"}


def is_named(variables: Mapping[str, str]) -> bool:
    """Whether anything is set of what calling Floriday takes; without it, the sandbox stands in."""
    return any(_there(variables))


def check(variables: Mapping[str, str], root: Path, api: str | None) -> None:
    """See to it that the settings and the option --api go together, before anything is touched.

    Args:
        variables: the FLORIDAY_ variables.
        root: the folder that relative paths in them count from.
        api: the sandbox's, where one is asked for.

    Raises:
        UsageError: there is no such API, or no sandbox for which to ask.
        SettingError: one line that tells what is missing and what is malformed.
    """
    from pipelines.errors import UsageError

    if api not in (None, *WAREHOUSES):
        raise UsageError(f"--api is suppliers or customers, not {api!r}")
    if is_named(variables):
        if api is not None:
            raise UsageError(
                "--api is for the sandbox, but credentials are set: there, FLORIDAY_BASE_URL names the API"
            )
        checked(variables, root)


def checked(variables: Mapping[str, str], root: Path) -> Settings:
    """All settings, with the feeds that they name known.

    Raises:
        SettingError: one line that tells what is missing and what is malformed.
    """
    from pipelines.catalogue import catalogue_of
    from pipelines.errors import SettingError
    from pipelines.settings import load_settings
    from pipelines.sync.selection import chosen_sources

    try:
        settings = load_settings(variables, root, dotenv=False)
    except SettingError as error:
        if all(_there(variables)):
            raise
        raise SettingError(f"{error.message}. Where nothing is set for Floriday, the sandbox stands in") from None
    chosen_sources(settings, catalogue_of(settings.api))
    return settings


def _there(variables: Mapping[str, str]) -> list[bool]:
    return [any(f"FLORIDAY_{name}" in variables for name in names) for names in _CREDENTIALS]


@contextmanager
def reached(variables: Mapping[str, str], root: Path, api: str | None) -> Iterator[dict[str, str]]:
    """The variables for Dagster; within the block a sandbox trades, where they point at none.

    Automation is on unless they say otherwise. A sandbox's warehouse begins anew.

    Raises:
        WarehouseBusyError: a sync is under way in the sandbox's warehouse.
    """
    automated = {"FLORIDAY_AUTOMATION": "on", **variables}
    if is_named(variables):
        yield automated
        return
    from pipelines.sandbox import Sandbox
    from pipelines.warehouse.file.removal import remove_warehouse

    api = api or "suppliers"
    warehouse = root / WAREHOUSES[api]
    remove_warehouse(warehouse, "floriday up")
    with Sandbox(api=api) as server:
        server.keep_trading()
        yield pointed_at(server.environment(), warehouse, automated)


def pointed_at(credentials: Mapping[str, str], warehouse: Path, variables: Mapping[str, str]) -> dict[str, str]:
    """The variables with other credentials and another warehouse, whose copy for readers stands beside it."""
    kept = {name: text for name, text in variables.items() if name not in _FILES}
    return {**kept, **credentials, "FLORIDAY_WAREHOUSE": str(warehouse)}
