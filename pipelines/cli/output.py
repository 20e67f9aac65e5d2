"""Results to where they are wanted: a terminal, a pipe or a file, in the format that was asked for."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from pipelines.cli.console import VisibleStream, is_terminal
from pipelines.cli.options import Format
from pipelines.errors import PipelineError, UsageError
from pipelines.paths import bears_name_of, real_path
from pipelines.private_files import replaced_file

if TYPE_CHECKING:
    from pipelines.warehouse.read.query_result import Result

_BINARY = (Format.PARQUET, Format.XLSX)


def chosen_format(wanted: Format | None, output: Path | None) -> Format:
    """The format that was asked for, else the one that the file's name tells, else a table.

    Raises:
        UsageError: the format is one for files, and no file was named.
    """
    ending = output.suffix.removeprefix(".").lower() if output else ""
    chosen = wanted or (Format(ending) if ending in list(Format) else Format.TABLE)
    if chosen in _BINARY and output is None:
        raise UsageError(f"{chosen} is for files: say which with --output FILE.{chosen}")
    return chosen


def give(result: Result, style: Format, output: Path | None, warehouse: Path) -> None:
    """Print a result, or write it to a file.

    Args:
        result: read while it is written.
        style: a format that fits the output.
        output: the file, or None for standard output.
        warehouse: the DuckDB file, which is never written over.
    """
    if style is Format.TABLE and output is None and is_terminal():
        from pipelines.cli.formats.table import show

        show(result)
        return
    with destination(output, warehouse) if output else nullcontext(_standard_output()) as stream:
        _write(result, style, stream)
        stream.flush()


def _standard_output() -> BinaryIO:
    """A pipe gets the bytes as they are; a terminal gets none that would command it."""
    return cast("BinaryIO", VisibleStream(sys.stdout.buffer)) if is_terminal() else sys.stdout.buffer


def _write(result: Result, style: Format, stream: BinaryIO) -> None:
    from pipelines.cli.formats import comma_separated, json_array, parquet, table, workbook

    if style is Format.XLSX:
        workbook.write_xlsx([("result", result)], stream)
        return
    writers = {
        Format.TABLE: table.write_table,
        Format.CSV: comma_separated.write_csv,
        Format.JSON: json_array.write_json,
        Format.PARQUET: parquet.write_parquet,
    }
    writers[style](result, stream)


@contextmanager
def destination(output: Path, warehouse: Path, option: str = "--output") -> Iterator[BinaryIO]:
    """A file that is there when all of it was written, and as it was before when something failed; links are followed.

    Raises:
        UsageError: the file cannot be written there, or is the warehouse.
        PipelineError: the disk is full, or gone.
    """
    if bears_name_of(output, real_path(warehouse)):
        raise UsageError(f"{option} {output} is the warehouse itself, or beside it under its name: choose another")
    is_begun = False
    try:
        with _opened(output) as stream:
            is_begun = True
            yield stream
    except BrokenPipeError:
        raise
    except OSError as error:
        kind = PipelineError if is_begun else UsageError
        raise kind(f"{'' if is_begun else f'{option} '}{output} cannot be written: {_reason(error)}") from None


def _opened(output: Path) -> AbstractContextManager[BinaryIO]:
    """A file is replaced as a whole; a pipe or a device is opened as it is."""
    if output.exists() and not output.is_file():
        return os.fdopen(os.open(output, os.O_WRONLY), "wb")
    return replaced_file(real_path(output))


def _reason(error: OSError) -> str:
    return error.strerror or os.strerror(error.errno or 0)
