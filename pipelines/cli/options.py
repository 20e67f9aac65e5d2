"""Options that several commands take."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer


class Format(StrEnum):
    """How a result is printed or written."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"
    PARQUET = "parquet"
    XLSX = "xlsx"


FormatOption = Annotated[
    Format | None,
    typer.Option("--format", "-f", help="Output format. Default: by the extension of FILE, else a table."),
]
OutputOption = Annotated[
    Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write to FILE. Required for parquet and xlsx.")
]
AccountOption = Annotated[
    list[str] | None, typer.Option("--account", metavar="NAME", help="Only this account. May be repeated.")
]


def check_api(api: str | None) -> None:
    """Raise a UsageError if the value of ``--api`` is no API."""
    from pipelines.errors import UsageError

    if api not in (None, "suppliers", "customers"):
        raise UsageError(f"--api is suppliers or customers, not {api!r}")


def date_option(name: str, help_text: str) -> Any:
    """An option whose value is an ISO date; typer passes it as a datetime at midnight."""
    return typer.Option(name, metavar="DATE", formats=["%Y-%m-%d"], help=help_text)
