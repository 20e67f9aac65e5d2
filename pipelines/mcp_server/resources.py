"""The resources: data dictionary, definitions of reports, and glossary, from the sources of the documentation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.resources import FunctionResource

from pipelines.dictionary import pages
from pipelines.dictionary.glossary import glossary_page
from pipelines.dictionary.reports import definition
from pipelines.reports import all_reports, find_report
from pipelines.reports.availability import apis_of

_COMMON_PAGE, _OVERVIEW = "README.md", "README"


@dataclass(frozen=True)
class Page:
    """A page in Markdown that a client may read."""

    uri: str
    name: str
    description: str
    text: Callable[[], str]


def pages_for(api: str | None) -> list[Page]:
    """The pages for users of an API; for those of both APIs if it is None."""
    found = [
        Page("floriday://glossary", "glossary", "The words of Floriday and of this warehouse.", glossary_page),
        Page(
            "floriday://dictionary", "dictionary", "How to read and join the tables.", partial(_dictionary, "README.md")
        ),
    ]
    for path in _texts():
        of_api, _, name = path.removesuffix(".md").partition("/")
        if name and api in (None, of_api):
            about = f"The tables of the {of_api} API" if name == _OVERVIEW else f"The tables of the schema {name}"
            place = of_api if name == _OVERVIEW else f"{of_api}/{name}"
            text = f"{about}: columns, meanings and joins."
            found.append(
                Page(f"floriday://dictionary/{place}", f"dictionary/{place}", text, partial(_dictionary, path))
            )
    for report in all_reports():
        if api is None or api in apis_of(report.name):
            uri, name = f"floriday://reports/{report.name}", f"reports/{report.name}"
            found.append(Page(uri, name, report.summary_for(api), partial(_definition, report.name)))
    return found


def add_resources(server: MCPServer, api: str | None) -> None:
    """Add a resource for each page."""
    for each in pages_for(api):
        server.add_resource(
            FunctionResource.from_function(
                each.text, each.uri, name=each.name, description=each.description, mime_type="text/markdown"
            )
        )


@cache
def _texts() -> dict[str, str]:
    return pages()


def _dictionary(path: str) -> str:
    return _texts()[path]


def _definition(name: str) -> str:
    return definition(find_report(name))
