"""``floriday catalogue``: differences between the catalogue and one of Floriday's specifications."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.console import print_line, print_table
from pipelines.cli.formats.rows import TEXT
from pipelines.cli.options import FormatOption, OutputOption
from pipelines.cli.terminal.layout import Heading, titled
from pipelines.text_format import counted, one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipelines.catalogue.version_comparison.differences import Difference
    from pipelines.catalogue.version_comparison.swagger import Specification

_COLUMNS = ("topic", "change", "where", "catalogue", "specification")


def catalogue(
    specification: Annotated[Path, typer.Argument(metavar="SPECIFICATION", help="A swagger.json file of Floriday.")],
    format: FormatOption = None,
    output: OutputOption = None,
) -> None:
    """Compare one of Floriday's specifications with the catalogue of feeds and fields.

    It lists what to change in the catalogue: feeds, their paths and parameters, fields and known values. Floriday
    publishes the file below each API's address, behind the page /swagger/index.html. The exit code is 1 when there are
    differences. docs/new-api-version.md describes the next steps.

    For example:

        floriday catalogue swagger.json

        floriday catalogue swagger.json --format json
    """
    from pipelines.catalogue import catalogue_of
    from pipelines.catalogue.version_comparison.comparison import compare
    from pipelines.cli.output import chosen_format, is_listed, write_rows

    style = chosen_format(format, output)
    read = _specification(specification)
    differences = compare(read, catalogue_of(read.api, read.version))
    if is_listed(style, output):
        _print(read, differences)
    else:
        from pipelines.settings import load_local_settings

        rows = [{name: str(getattr(each, name)) for name in _COLUMNS} for each in differences]
        write_rows(dict.fromkeys(_COLUMNS, TEXT), rows, style, output, load_local_settings().beside)
    if differences:
        raise typer.Exit(1)


def _specification(path: Path) -> Specification:
    from pipelines.catalogue.version_comparison.swagger import read
    from pipelines.errors import UsageError

    try:
        return read(path.read_bytes())
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from None
    except UsageError as error:
        raise UsageError(f"{path}: {error.message}") from None


def _print(specification: Specification, differences: Sequence[Difference]) -> None:
    headings = [Heading(name, is_text=name in ("catalogue", "specification")) for name in _COLUMNS[1:]]
    for topic, group in groupby(differences, key=lambda each: each.topic):
        print_line(topic, "bold")
        rows = [[str(getattr(each, name)) for name in _COLUMNS[1:]] for each in group]
        print_table(headings, rows, (titled("change"),))
        print_line()
    count = counted(len(differences), "difference") if differences else "no difference"
    version = one_line(specification.version)
    print_line(f"{count} between the catalogue and the specification of the {specification.api} API, {version}")
