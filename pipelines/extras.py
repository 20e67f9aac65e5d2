"""The optional parts of the distribution, and how to install one that is missing."""

from __future__ import annotations

from importlib.util import find_spec

from pipelines.errors import UsageError

DAGSTER = "dagster"
"""The extra with Dagster, its web server, and the library that sends alerts."""

MCP = "mcp"
"""The extra with the Model Context Protocol's SDK, for `floriday mcp`."""

SCALE = "scale"
"""The extra with what a lake needs: DuckDB's extensions, their version of DuckDB, and a driver of PostgreSQL."""

_PACKAGES = {DAGSTER: ("dagster", "apprise"), MCP: ("mcp",), SCALE: ("duckdb_extension_ducklake", "psycopg2")}


def is_installed(extra: str) -> bool:
    """Whether all packages of an extra can be imported."""
    return all(find_spec(package) for package in _PACKAGES[extra])


def how_to_install(extra: str) -> str:
    """A shell command that installs an extra."""
    return f"pip install 'floriday-warehouse[{extra}]'"


def require(extra: str, what: str) -> None:
    """Do nothing if an extra is installed.

    Args:
        extra: name of the extra.
        what: what needs it; the first words of the error.

    Raises:
        UsageError: a package of the extra is missing; the message says how to install it.
    """
    if not is_installed(extra):
        raise UsageError(f"{what} needs the extra {extra}: {how_to_install(extra)}")
