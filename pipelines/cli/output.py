"""Write a result to a terminal, a pipe or a file, in the chosen format."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from pipelines.cli.console import VisibleStream, is_terminal, print_error_line
from pipelines.cli.options import Format
from pipelines.errors import PipelineError, UsageError
from pipelines.paths import has_name_of, real_path
from pipelines.private_files import create_folder_of, replaced_file
from pipelines.text_format import counted, one_line

if TYPE_CHECKING:
    import pyarrow as pa

    from pipelines.warehouse.read.query_types import Result

_BINARY = (Format.PARQUET, Format.XLSX)
_TEXT = ".txt"  # the ending of a table


@dataclass(frozen=True)
class Destination:
    """Where the rows of a command go, and in which format.

    Args:
        style: format of the rows.
        output: file to write; None for standard output.
        warehouse: path of the warehouse, which is never the file.
    """

    style: Format
    output: Path | None
    warehouse: Path

    @property
    def is_listed(self) -> bool:
        """Whether the command prints its own table for people instead."""
        return is_listed(self.style, self.output)

    def write(self, columns: Mapping[str, str], rows: Iterable[Mapping[str, Any]]) -> None:
        """Write rows that the program made itself, as :func:`write_rows` does."""
        write_rows(columns, rows, self.style, self.output, self.warehouse)


def chosen_format(wanted: Format | None, output: Path | None) -> Format:
    """The format of ``--format``, else by the extension of the file, else a table.

    Raises:
        UsageError: a binary format has no file, the file is a folder, or its extension is that of no format.
    """
    check_output(output)
    chosen = wanted or (_format_of(output) if output else Format.TABLE)
    if chosen in _BINARY and output is None:
        raise UsageError(f"{chosen} needs a file: add --output FILE.{chosen}")
    return chosen


def _format_of(output: Path) -> Format:
    """The format by the extension of a file; a table without one, and for a pipe or a device."""
    extension = output.suffix.lower()
    if extension in {f".{each}" for each in Format}:
        return Format(extension.removeprefix("."))
    if extension in {"", _TEXT} or (output.exists() and not output.is_file()):
        return Format.TABLE
    *first, last = (f".{each}" for each in Format if each is not Format.TABLE)
    raise UsageError(
        f"--output {output}: no format has the ending {extension}. The endings are {', '.join(first)} and {last}, and"
        f" {_TEXT} or none for a table; for another ending, add --format"
    )


def check_output(output: Path | None, example: str = "result.csv") -> None:
    """A UsageError if the file of ``--output`` is a folder, before anything is read for it."""
    if output is not None and output.is_dir():
        raise UsageError(f"--output {output} is a folder: name a file, such as {output / example}")


def is_listed(style: Format, output: Path | None) -> bool:
    """Whether a command prints its own table for people, instead of rows in a format."""
    return style is Format.TABLE and output is None


def write_rows(
    columns: Mapping[str, str], rows: Iterable[Mapping[str, Any]], style: Format, output: Path | None, warehouse: Path
) -> None:
    """Write rows that the program made itself, as :func:`write_result` does; columns are as in ``result_of``."""
    from pipelines.cli.formats.rows import result_of

    write_result(result_of(columns, rows), style, output, warehouse)


def write_result(result: Result, style: Format, output: Path | None, warehouse: Path) -> int:
    """Print a result, or write it to a file, which is never the warehouse; its batches are read meanwhile.

    Returns its number of rows, which is printed on standard error with the name of the file.
    """
    counter = CountedRows(result)
    if style is Format.TABLE and output is None and is_terminal():
        from pipelines.cli.formats.table import show

        show(counter.result)
        return counter.rows
    with opened(output, warehouse) as stream:
        _write(counter.result, style, stream)
        stream.flush()
    if output:
        print_error_line(f"{counted(counter.rows, 'row')} in {one_line(str(output))}")
    return counter.rows


class CountedRows:
    """A result whose rows are counted while they are read."""

    def __init__(self, result: Result) -> None:
        self.rows = 0
        self.result = replace(result, batches=self._count(result.batches))

    def _count(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            self.rows += batch.num_rows
            yield batch


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
