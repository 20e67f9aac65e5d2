"""Execute the reports of a warehouse in a query session, with parameters that a user chose."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pipelines.errors import PipelineError, UsageError
from pipelines.reports.availability import apis_of
from pipelines.reports.installation import INSTALLED
from pipelines.reports.parameters import Label, Parameters, Rows, check_account, with_ids
from pipelines.reports.report import Report, all_reports

if TYPE_CHECKING:
    from pipelines.warehouse.read.query_session import QuerySession
    from pipelines.warehouse.read.query_types import Result


@dataclass(frozen=True)
class Arguments:
    """What to show of one report or of several."""

    parameters: Parameters  # values by the name of the parameter, as ``given_parameters`` returns them
    account: str | None = None  # name of the account whose rows are shown; None for all accounts
    label: Label = str  # the caller's own names of parameters, for errors

    def check_names(self, report: Report) -> None:
        """Raise a UsageError if the report has no parameter of one of the names."""
        if self.parameters.keys() - report.parameters.keys():
            names = ", ".join(map(self.label, ("account", *report.parameters)))
            raise UsageError(f"{report.name} takes {names} and nothing else")

    def checked(self, session: Rows) -> Arguments:
        """The same with ids instead of names. A UsageError for an unknown account or name."""
        if self.account is not None:
            check_account(session, self.account, self.label)
        return replace(self, parameters=with_ids(session, self.parameters, self.label))


def checked_arguments(session: Rows, report: Report, arguments: Arguments) -> Arguments:
    """The arguments for a report that the warehouse has, with ids instead of names; raises as :func:`run_report`."""
    arguments.check_names(report)
    require_report(session, report)
    return arguments.checked(session)


def run_report(session: QuerySession, report: Report, arguments: Arguments) -> Result:
    """The rows of a report, with names of organizations and trade items resolved.

    Raises:
        UsageError: a parameter, an account or a name does not exist.
        PipelineError: the warehouse does not have the report, or as for queries.
    """
    return rows_of(session, report, checked_arguments(session, report, arguments))


def rows_of(session: QuerySession, report: Report, arguments: Arguments) -> Result:
    """The rows of a report that the warehouse has; parameters that it does not take are left out."""
    return replace(session.execute(*query_of(report, arguments)), has_cents=True)


def query_of(report: Report, arguments: Arguments) -> tuple[str, Parameters]:
    """The statement of a report, with its parameters; those that the report does not take are left out."""
    accepted = {name: value for name, value in arguments.parameters.items() if name in report.parameters}
    named = ", ".join(f"{name} := ${name}" for name in accepted)
    of_account = {} if arguments.account is None else {"account": arguments.account}
    condition = " WHERE account = $account" if of_account else ""
    return f"FROM reports.{report.name}({named}){condition}", {**accepted, **of_account}


def reports_in(session: Rows) -> list[Report]:
    """The reports that the warehouse has, by name."""
    names = {name for name, _ in session.rows(INSTALLED)}
    return [report for report in all_reports() if report.name in names]


def lacking_reports(session: Rows) -> list[str]:
    """The names of the reports of the warehouse's API that it does not have."""
    api, present = api_of(session), reports_in(session)
    return [each.name for each in all_reports() if each not in present and (api is None or api in apis_of(each.name))]


def require_report(session: Rows, report: Report) -> None:
    """Raise a PipelineError if the warehouse does not have the report."""
    if report in reports_in(session):
        return
    apis, own = apis_of(report.name), api_of(session)
    if own is not None and own not in apis:
        raise PipelineError(
            f"{report.name} is a report of the {' and '.join(apis)} API; this warehouse is of the {own} API"
        )
    raise PipelineError(
        f"the warehouse does not have the report {report.name} yet: `floriday sync` creates it, if the API serves"
        f" {' and '.join(report.tables)}"
    )


def why_empty(session: Rows, arguments: Arguments) -> str:
    """The end of a sentence: why reports have no rows."""
    ((windows,),) = session.rows("SELECT count(*) FROM sync.windows")
    if not windows:
        return " yet: nothing has been synced into this warehouse, `floriday sync` does that"
    is_limited = arguments.parameters or arguments.account
    return " for these parameters" if is_limited else ": the warehouse has no data for it"


def api_of(session: Rows) -> str | None:
    """The API of the warehouse; None if nothing has been synced yet."""
    return next((api for (api,) in session.rows("SELECT api FROM sync.settings")), None)
