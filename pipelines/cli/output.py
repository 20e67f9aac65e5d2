"""Write a result to a terminal, a pipe or a file, in the chosen format."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from pipelines.cli.console import VisibleStream, is_terminal
from pipelines.cli.options import Format
from pipelines.errors import PipelineError, UsageError
from pipelines.paths import has_name_of, real_path
from pipelines.private_files import create_folder_of, replaced_file

if TYPE_CHECKING:
    from pipelines.warehouse.read.query_types import Result

_BINARY = (Format.PARQUET, Format.XLSX)


def chosen_format(wanted: Format | None, output: Path | None) -> Format:
    """The format of ``--format``, else by the extension, else a table. A UsageError for a binary one without a file."""
    extension = output.suffix.removeprefix(".").lower() if output else ""
    chosen = wanted or (Format(extension) if extension in list(Format) else Format.TABLE)
    if chosen in _BINARY and output is None:
        raise UsageError(f"{chosen} needs a file: add --output FILE.{chosen}")
    return chosen


def is_listed(style: Format, output: Path | None) -> bool:
    """Whether a command prints its own table for people, instead of rows in a format."""
    return style is Format.TABLE and output is None


def write_rows(
    columns: Mapping[str, str], rows: Iterable[Mapping[str, Any]], style: Format, output: Path | None, warehouse: Path
) -> None:
    """Write rows that the program made itself, as :func:`write_result` does; columns are as in ``result_of``."""
    from pipelines.cli.formats.rows import result_of

    write_result(result_of(columns, rows), style, output, warehouse)


def write_result(result: Result, style: Format, output: Path | None, warehouse: Path) -> None:
    """Print a result, or write it to a file, which is never the warehouse; its batches are read meanwhile."""
    if style is Format.TABLE and output is None and is_terminal():
        from pipelines.cli.formats.table import show

        show(result)
        return
    with opened(output, warehouse) as stream:
        _write(result, style, stream)
        stream.flush()


def opened(output: Path | None, warehouse: Path) -> AbstractContextManager[BinaryIO]:
    """The file of ``--output``, as :func:`destination` opens it, or standard output."""
    return destination(output, warehouse) if output else nullcontext(_standard_output())


def _standard_output() -> BinaryIO:
    """A pipe gets the bytes unchanged; for a terminal, control characters are escaped."""
    return cast("BinaryIO", VisibleStream(sys.stdout.buffer)) if is_terminal() else sys.stdout.buffer


def _write(result: Result, style: Format, stream: BinaryIO) -> None:
    from pipelines.cli.formats import comma_separated, json_array, parquet, table, workbook

    writers: dict[Format, Callable[[Result, BinaryIO], None]] = {
        Format.TABLE: table.write_table,
        Format.CSV: comma_separated.write_csv,
        Format.JSON: json_array.write_json,
        Format.PARQUET: parquet.write_parquet,
        Format.XLSX: lambda result, stream: workbook.write_xlsx([("result", result)], stream),
    }
    writers[style](result, stream)


@contextmanager
def destination(output: Path, warehouse: Path, option: str = "--output") -> Iterator[BinaryIO]:
    """Open a file that is replaced as a whole at the end, and unchanged after a failure; links are followed.

    Its folder is created if necessary.

    Raises:
        UsageError: the file cannot be opened, or is the warehouse.
        PipelineError: a write failed, for example because the disk is full.
    """
    if has_name_of(output, real_path(warehouse)):
        raise UsageError(f"{option} {output} is the warehouse itself, or beside it under its name: choose another")
    is_open = False
    try:
        with _open(output) as stream:
            is_open = True
            yield stream
    except BrokenPipeError:
        raise
    except OSError as error:
        kind = PipelineError if is_open else UsageError
        reason = error.strerror or os.strerror(error.errno or 0)
        raise kind(f"{'' if is_open else f'{option} '}{output} cannot be written: {reason}") from None


def _open(output: Path) -> AbstractContextManager[BinaryIO]:
    """A file is replaced as a whole; a pipe or a device is opened as it is."""
    if output.exists() and not output.is_file():
        return os.fdopen(os.open(output, os.O_WRONLY), "wb")
    create_folder_of(real_path(output))
    return replaced_file(real_path(output))
