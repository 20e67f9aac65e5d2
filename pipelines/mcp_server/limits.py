"""The limits of the server: rows, time, memory and size of an answer."""

from __future__ import annotations

from dataclasses import dataclass

from pipelines.warehouse.read.query_types import Limits

DEFAULT_ROWS, MOST_ROWS = 100, 1_000  # rows that a call returns without ``limit``, and at most
MOST_CHARACTERS = 2_000  # of a value; longer ones are cut
MOST_SQL = 100_000  # characters of a statement
ROWS_AS_TEXT = 20  # rows of the short table
CONCURRENT_QUERIES = 2

MEMORY, _FURTHER_BYTES = "1GB", 2 << 30  # DuckDB's limit; and of the process, with what DuckDB does not count
RESULT_BYTES = 8_000_000  # of what DuckDB returns
ANSWER_BYTES = 8_000_000  # of the JSON of an answer, in which a character can take six
_WAITING = 5.0  # seconds that a call may take beside its statement: the start of a process, other queries, a writer


@dataclass(frozen=True)
class ServerLimits:
    """The limits of one call."""

    seconds: float = 20.0  # that a statement may take

    @property
    def deadline(self) -> float:
        """Seconds after which a call ends, with the wait for other queries and for a process that writes the file."""
        return self.seconds + _WAITING

    def query(self, rows: int) -> Limits:
        """The limits of a query session whose results are read up to that number of rows."""
        return Limits(
            seconds=self.seconds,
            memory=MEMORY,
            further_bytes=_FURTHER_BYTES,
            result_bytes=RESULT_BYTES,
            rows_at_once=max(rows, DEFAULT_ROWS) + 1,
        )
