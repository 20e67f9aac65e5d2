"""``floriday catalogue``: what a specification of Floriday's would change in the catalogue."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.console import Heading, print_line, print_table
from pipelines.cli.options import Format, FormatOption, OutputOption
from pipelines.text_format import counted, one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipelines.catalogue.version_comparison.differences import Difference
    from pipelines.catalogue.version_comparison.swagger import Specification
    from pipelines.warehouse.read.query_result import Result

_COLUMNS = ("topic", "change", "where", "catalogue", "specification")


def catalogue(
    specification: Annotated[Path, typer.Argument(metavar="SPECIFICATION", help="A swagger.json of Floriday's.")],
    format: FormatOption = None,
    output: OutputOption = None,
) -> None:
    """Compare a specification of Floriday's with the catalogue of feeds and fields.

    It lists what to change in the catalogue: feeds, how they are called, fields and known values. Floriday publishes
    the file beneath each API's address, behind the page /swagger/index.html. The exit code is 1 when they differ.
    docs/new-api-version.md tells how to go on.

    For example:

        floriday catalogue swagger.json

        floriday catalogue swagger.json --format json
    """
    from pipelines.catalogue import catalogue_of
    from pipelines.catalogue.version_comparison.comparison import compare
    from pipelines.cli.output import chosen_format, write_result

    style = chosen_format(format, output)
    read = _specification(specification)
    differences = compare(read, catalogue_of(read.api))
    if style is Format.TABLE and output is None:
        _tell(read, differences)
    else:
        from pipelines.settings import load_local_settings

        write_result(_result(differences), style, output, load_local_settings().warehouse)
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


def _tell(specification: Specification, differences: Sequence[Difference]) -> None:
    for topic, group in groupby(differences, key=lambda one: one.topic):
        print_line(topic, "bold")
        headings = [Heading(name) for name in _COLUMNS[1:]]
        print_table(headings, [[one_line(getattr(one, name)) for name in _COLUMNS[1:]] for one in group])
        print_line()
    of = f"the catalogue and the specification of the {specification.api} API, {one_line(specification.version)}"
    if differences:
        print_line(f"{counted(len(differences), 'difference')} between {of}")
    else:
        print_line(f"no difference between {of}")


def _result(differences: Sequence[Difference]) -> Result:
    import pyarrow as pa

    from pipelines.warehouse.read.query_result import Column, Result

    schema = pa.schema([(name, pa.string()) for name in _COLUMNS])
    rows = [{name: str(getattr(one, name)) for name in _COLUMNS} for one in differences]
    return Result(
        tuple(Column(name, "VARCHAR") for name in _COLUMNS), schema, iter([pa.RecordBatch.from_pylist(rows, schema)])
    )
