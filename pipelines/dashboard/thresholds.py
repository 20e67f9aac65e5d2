"""The limits of the traffic lights: defaults of ``thresholds.toml``, and those of a user's own file instead."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from importlib import resources
from pathlib import Path

from pipelines.errors import UsageError
from pipelines.text_format import did_you_mean

OWN_FILE = "dashboard.toml"  # in the folder of the warehouse
_COLOURS = {"green", "red"}

Thresholds = dict[str, dict[str, float]]
"""By figure, the limits ``green`` and ``red``; the higher value is the better one if green is not below red."""


def thresholds_of(folder: Path) -> Thresholds:
    """The limits for the dashboard of a warehouse in this folder.

    Raises:
        UsageError: the user's own file cannot be read, or has a figure or a limit that does not exist.
    """
    defaults = default_thresholds()
    return defaults | _own(folder / OWN_FILE, defaults)


def default_thresholds() -> Thresholds:
    """The limits of the project."""
    text = (resources.files("pipelines.dashboard") / "thresholds.toml").read_text(encoding="utf-8")
    found: Thresholds = tomllib.loads(text)
    return found


def _own(path: Path, defaults: Thresholds) -> Thresholds:
    try:
        found = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} cannot be read: {error}") from None
    for name, limits in found.items():
        if name not in defaults:
            every = f"the figures are {', '.join(defaults)}"
            raise UsageError(f"{path}: there is no figure {name!r}: {did_you_mean(name, defaults, every)}")
        if not _are_limits(limits):
            raise UsageError(f"{path}: {name} needs two numbers, such as {{ green = 0.98, red = 0.95 }}")
    return found


def _are_limits(limits: object) -> bool:
    return (
        isinstance(limits, Mapping)
        and limits.keys() == _COLOURS
        and all(isinstance(limit, int | float) and not isinstance(limit, bool) for limit in limits.values())
    )
