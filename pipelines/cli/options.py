"""Options that several commands take."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from enum import StrEnum
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin

import typer

_ISO_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


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


EnvFileOption = Annotated[
    Path | None,
    typer.Option(
        "--env-file",
        metavar="FILE",
        help="Read settings from FILE; paths start from its folder. Default: .env.",
    ),
]
WarehouseOption = Annotated[
    Path | None,
    typer.Option("--warehouse", metavar="FILE", help="The DuckDB file, instead of FLORIDAY_WAREHOUSE."),
]
CellOption = Annotated[
    str | None, typer.Option("--cell", metavar="NAME", help="Only this group of accounts of FLORIDAY_CELLS.")
]
_COMMON = {"env_file": EnvFileOption, "warehouse": WarehouseOption}


def path_value(text: str | Path) -> Path:
    """The value of an argument or option that is a path: not an empty text, which would be the working directory."""
    if not str(text).strip():
        raise typer.BadParameter("expects a path; it was empty")
    return Path(text)


def _check_paths(parameters: Iterable[inspect.Parameter]) -> None:
    """Have all parameters that are paths read by :func:`path_value`."""
    for each in parameters:
        kind, *infos = get_args(each.annotation) if get_origin(each.annotation) is Annotated else (each.annotation,)
        if Path in {kind, *get_args(kind)}:
            for info in infos:
                info.parser = path_value


def with_common_options(command: Callable[..., None], *, has_cells: bool) -> Callable[..., None]:
    """The command with the options ``--env-file`` and ``--warehouse``, which apply to all settings that it loads.

    A command with a parameter ``warehouse`` gets the value of that option itself. ``has_cells`` adds ``--cell``.
    """
    signature = inspect.signature(command, eval_str=True)
    own = [each for name, each in signature.parameters.items() if name not in _COMMON]
    added = _COMMON | ({"cell": CellOption} if has_cells else {})
    common = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=kind)
        for name, kind in added.items()
    ]
    _check_paths([*own, *common])
    chooses_its_warehouse = "warehouse" in signature.parameters

    @wraps(command)
    def run(
        *arguments: Any,
        env_file: Path | None = None,
        warehouse: Path | None = None,
        cell: str | None = None,
        **options: Any,
    ) -> None:
        from pipelines.settings.overrides import overriding

        if chooses_its_warehouse:
            options["warehouse"] = warehouse
        with overriding(env_file, None if chooses_its_warehouse else warehouse, cell):
            command(*arguments, **options)

    del run.__wrapped__
    run.__signature__ = signature.replace(parameters=[*own, *common])  # type: ignore[attr-defined]
    run.__annotations__ = {name: each.annotation for name, each in signature.parameters.items()} | added
    return run


def duration_option(text: str | timedelta) -> timedelta:
    """The value of an option that is a duration of more than nothing; digits alone are seconds."""
    from pipelines.settings.values import duration

    if isinstance(text, timedelta):
        return text
    try:
        length = duration(f"{text}s" if text.isdigit() else text)
    except ValueError:
        length = timedelta(0)
    if not length:
        raise typer.BadParameter(f"expects a duration such as 90s, 5m or 2h, not {text!r}")
    return length


def refuse_warehouse(warehouse: Path | None, why: str) -> None:
    """Raise a UsageError if ``--warehouse`` is given to a command that cannot use it."""
    from pipelines.errors import UsageError

    if warehouse is not None:
        raise UsageError(f"{why}: leave out --warehouse")


def check_api(api: str | None) -> None:
    """Raise a UsageError if the value of ``--api`` is no API."""
    from pipelines.errors import UsageError

    if api not in (None, "suppliers", "customers"):
        raise UsageError(f"--api is suppliers or customers, not {api!r}")


def option_name(parameter: str) -> str:
    """The option for a parameter of a report: ``--from`` for ``from_date``."""
    return f"--{parameter.removesuffix('_date').replace('_', '-')}"


def date_option(name: str, help_text: str) -> Any:
    """An option whose value is an ISO date, as a datetime at midnight."""
    return typer.Option(name, metavar="DATE", parser=_day, help=help_text)


def _day(text: str | datetime) -> datetime:
    try:
        return text if isinstance(text, datetime) else datetime.strptime(text, "%Y-%m-%d")  # noqa: DTZ007 - a day
    except ValueError:
        reason = f"; there is no day {text}" if _ISO_DAY.fullmatch(str(text)) else f", not {text!r}"
        raise typer.BadParameter(f"expects a day such as 2026-11-20{reason}") from None
