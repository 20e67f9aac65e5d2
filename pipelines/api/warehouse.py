"""A warehouse for notebooks and scripts. Its file is open only during a call, or within ``connect``."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from uuid import UUID

import pandas as pd
import pyarrow as pa

from pipelines import setting_hints
from pipelines.api.frames import frame_of, frame_of_rows
from pipelines.api.relations import Relations
from pipelines.api.selects import Moment, moment_of, table_query
from pipelines.errors import UsageError, WarehouseError
from pipelines.lake_address import WarehouseAddress, path_of
from pipelines.paths import default_published_path, real_path
from pipelines.reports import Report, find_report
from pipelines.reports.execution import Arguments, reports_in, run_report
from pipelines.reports.parameters import given_parameters
from pipelines.settings import load_local_settings
from pipelines.sync.selection import chosen_sources
from pipelines.warehouse import opening
from pipelines.warehouse.read.feed_status import FeedStatus, read_statuses
from pipelines.warehouse.read.freshness import Freshness, freshness_of
from pipelines.warehouse.read.hints.before_first_sync import before_first_sync
from pipelines.warehouse.read.query_session import Limits, QuerySession, query_session
from pipelines.warehouse.read.tables import TableDescription, TableSummary, described_table, listed_tables

_STATUS = {
    "account": pa.string(),
    "feed": pa.string(),
    "rows": pa.int64(),
    "cursor": pa.int64(),
    "current_at": pa.timestamp("us", "UTC"),
    "rejected": pa.int64(),
    "lost_at": pa.timestamp("us", "UTC"),
    "granted": pa.bool_(),
    "reread": pa.string(),
}


def open_warehouse(
    path: str | Path | None = None, *, published: bool = False, read_only: bool = True, limits: Limits | None = None
) -> Warehouse:
    """The warehouse of a project.

    Args:
        path: path of the DuckDB file; None for that of the settings, which are read as the commands read them.
        published: whether to read the published copy instead, which never makes a sync wait.
        read_only: False if :meth:`Warehouse.connect` may write, for example tables of your own.
        limits: time and memory that a frame may take; None for no limit of time, and DuckDB's limit of memory.

    Raises:
        SettingError: a setting is malformed.
        UsageError: the path is empty, or the published copy is to be written.
        WarehouseError: there is no such file.
    """
    if path is not None and not str(path).strip():
        raise UsageError("open_warehouse expects a path; it was empty. None opens the warehouse of the settings")
    if published and not read_only:
        raise UsageError("the published copy is replaced by the next sync: open the warehouse itself to write")
    chosen = _published_path(path) if published else path or load_local_settings().warehouse
    address = Path(chosen) if isinstance(chosen, str) else chosen
    warehouse = Warehouse(address, read_only=read_only, limits=limits or Limits())
    if published and not warehouse.path.exists():
        raise WarehouseError(
            f"there is no published copy at {warehouse.path}: a sync with this warehouse makes it, unless"
            f" {setting_hints.PUBLISHED} is off or another path (`floriday demo` makes none). Open the warehouse itself"
            " until then"
        )
    opening.open_warehouse(warehouse.address).require()
    return warehouse


def _published_path(path: str | Path | None) -> Path:
    if path is not None:
        return default_published_path(real_path(Path(path)))
    published = load_local_settings().published
    if published is None:
        raise UsageError(f"there is no published copy, because {setting_hints.PUBLISHED} is off")
    return published


class Warehouse:
    """Tables and reports of a warehouse as pandas frames; :func:`open_warehouse` makes it.

    Each call opens the file for a moment, as the commands do: it waits for up to a minute while a sync writes, and
    a sync waits meanwhile. Frames have Arrow types; UUIDs are text, and times are in UTC. All calls raise a
    ``PipelineError`` in one line if the file cannot be read.
    """

    def __init__(self, address: WarehouseAddress, *, read_only: bool, limits: Limits) -> None:
        self.address = real_path(address) if isinstance(address, Path) else address
        self.path = path_of(self.address)
        self.read_only = read_only
        self._limits = limits
        self._file = opening.open_warehouse(self.address)

    def __repr__(self) -> str:
        return f"<Warehouse {str(self.address)!r}>"

    def tables(self) -> list[TableSummary]:
        """The tables with their numbers of rows and descriptions, without the raw log and the history."""
        with self._file.reading(locked=True) as connection:
            return listed_tables(connection)

    def describe(self, name: str) -> TableDescription:
        """The columns of a table, a view or a report, with types and meanings.

        Args:
            name: such as ``sales_orders``, ``orders.sales_orders``, ``history.sales_orders`` or
                ``reports.revenue_by_week``.

        Raises:
            UsageError: there is none; the message suggests the nearest names.
        """
        with self._file.reading(locked=True) as connection:
            return described_table(connection, name)

    def reports(self) -> list[Report]:
        """The reports that the warehouse has, with their parameters and columns."""
        with query_session(self.address, self._limits) as session:
            return reports_in(session)

    def table(self, name: str, *, as_of: Moment | None = None) -> pd.DataFrame:
        """All rows of a table, now or at a time in the past.

        Args:
            name: name of the table, as for :meth:`describe`.
            as_of: the time. A day means its end in Amsterdam; text is ISO 8601; None is now. The frame then also has
                ``valid_from``, ``valid_to``, ``is_current`` and ``version``. A time before the first sync is warned
                about: the frame has no rows.

        Raises:
            UsageError: there is no such table, or it has no history.
        """
        moment = None if as_of is None else moment_of(as_of)
        with query_session(self.address, self._limits) as session:
            return _frame(session, *table_query(session, name, moment))

    def report(
        self, name: str, *, account: str | None = None, **parameters: date | int | str | UUID | None
    ) -> pd.DataFrame:
        """The rows of a report.

        Args:
            name: name of the report, such as ``revenue_by_week``.
            account: name of the account whose rows are returned; None for all accounts.
            parameters: parameters of the report, such as ``from_date``. Days may be text; customers, growers and trade
                items may be given by name. None has the same effect as leaving the parameter out.

        Raises:
            UsageError: there is no such report, parameter, account or name; the message suggests the nearest names.
        """
        chosen, arguments = find_report(name), Arguments(given_parameters(parameters), account)
        arguments.check_names(chosen)
        with query_session(self.address, self._limits) as session:
            return frame_of(run_report(session, chosen, arguments))

    def query(self, sql: str, params: Mapping[str, object] | None = None) -> pd.DataFrame:
        """The rows of one statement that only reads, executed in a process that can do nothing else.

        Args:
            sql: the statement, which may come from anybody; its parameters are written as ``$name``.
            params: values of the parameters by their names; None for none.

        Raises:
            UsageError: the text is not one statement that only reads.
            QueryTimeoutError: it took longer than the limits allow.
            QueryMemoryError: it needs more memory than the limits allow.
            PipelineError: DuckDB reports an error; the message is DuckDB's.
        """
        with query_session(self.address, self._limits) as session:
            return _frame(session, sql, params)

    def freshness(self) -> Freshness:
        """The time until which the warehouse is complete, as a whole and for each feed."""
        return freshness_of(self._statuses())

    def status(self) -> pd.DataFrame:
        """A row for each account and feed, with the columns of ``floriday status --offline --format json``."""
        return frame_of_rows([each.values for each in self._statuses()], _STATUS)

    @contextmanager
    def connect(self) -> Iterator[Relations]:
        """The open file, for relations and everything else that DuckDB can do. A sync waits until the block ends.

        Raises:
            WarehouseBusyError: another process had the file open for more than a minute.
            WarehouseError: the file cannot be opened or written.
        """
        with self._file.reading() if self.read_only else self._file.writing() as connection:
            yield Relations(connection)

    def _statuses(self) -> list[FeedStatus]:
        settings = load_local_settings()
        return read_statuses(self._file, lambda catalogue: chosen_sources(settings, catalogue))[1]


def _frame(session: QuerySession, sql: str, params: Mapping[str, object] | None) -> pd.DataFrame:
    """The rows of a statement; the caller of the method is warned if they are of a time before the first sync."""
    frame = frame_of(session.execute(sql, params))
    if notice := before_first_sync(session.rows, sql, params):
        warnings.warn(notice, UserWarning, stacklevel=3)
    return frame
