"""The command line of a benchmark."""

from __future__ import annotations

import argparse
from pathlib import Path


def parser(description: str | None, *, has_records: bool = True) -> argparse.ArgumentParser:
    """A parser that shows the module's docstring as help.

    Args:
        description: docstring of the script's module.
        has_records: whether the script writes records, which ``--cache`` keeps for later runs.
    """
    made = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    if has_records:
        made.add_argument("--cache", type=Path, metavar="FOLDER", help="keep the records in FOLDER for later runs")
    return made
