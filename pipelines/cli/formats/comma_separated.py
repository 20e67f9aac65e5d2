"""Write CSV: a header, line feeds at the ends of lines, NULL as an empty field, quotes only where they are needed."""

from __future__ import annotations

from typing import BinaryIO

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.warehouse.read.query_types import Result
from pipelines.warehouse.read.value_text import guard_formulas, spreadsheet_text

_NEEDS_QUOTES = r'[",\r\n]|^$|^\s|\s$'


def write_csv(result: Result, stream: BinaryIO) -> None:
    """Write a result batch by batch."""
    header = guard_formulas(pa.array([column.name for column in result.columns], pa.string()))
    stream.write(",".join(_fields(header).to_pylist()).encode() + b"\n")
    for batch in result.batches:
        columns = [_fields(spreadsheet_text(column, has_cents=result.has_cents)) for column in batch.columns]
        lines = pc.binary_join_element_wise(*columns, ",", null_handling="replace", null_replacement="")
        stream.write("".join(f"{line}\n" for line in lines.to_pylist()).encode())


def _fields(text: pa.Array) -> pa.Array:
    doubled = pc.replace_substring(text, '"', '""')
    in_quotes = pc.binary_join_element_wise('"', doubled, '"', "")
    return pc.if_else(pc.match_substring_regex(text, _NEEDS_QUOTES), in_quotes, text)
