"""The pages: one on what all tables share, and for each API an overview and a page a schema."""

from __future__ import annotations

from collections.abc import Iterator

from pipelines.catalogue import Catalogue, catalogue_of
from pipelines.catalogue.tables import Table
from pipelines.catalogue.types import Feed, Retention, Snapshot, Source
from pipelines.dictionary import diagrams
from pipelines.dictionary.api import Api
from pipelines.dictionary.common_page import common_page
from pipelines.dictionary.markdown import NOTHING, bullets, code, codes, grid, page, prose
from pipelines.dictionary.sections import section

APIS = ("suppliers", "customers")
_OVERVIEW = ("table", "what", "read from", "scope", "tier", "served for at least", "key, after `account`")


def pages() -> dict[str, str]:
    """The whole dictionary: the text of each page by its path."""
    made = {"README.md": common_page(APIS)}
    for api in APIS:
        made |= {f"{api}/{name}": text for name, text in api_pages(catalogue_of(api)).items()}
    return made


def api_pages(catalogue: Catalogue) -> dict[str, str]:
    """The pages of one API by their paths, which are relative to the API's own folder."""
    api = Api(catalogue)
    return {"README.md": _overview(api)} | {f"{schema}.md": _schema(api, schema) for schema in api.schemas}


def _overview(api: Api) -> str:
    name, version = api.catalogue.api, api.catalogue.version
    feeds, snapshots = len(api.catalogue.feeds), len(api.catalogue.snapshots)
    counts = f"{feeds} change feeds" + (f" and {snapshots} snapshots" if snapshots else "")
    blocks = [f"## [{schema}]({schema}.md)\n\n{grid(_OVERVIEW, _overview_rows(api, schema))}" for schema in api.schemas]
    return page(
        f"# The tables of the {name.capitalize()} API",
        f"Version {version}: {counts} fill {len(api.tables)} tables. A table below another one, marked ↳, holds the"
        " members of an array within its records. [What all tables share](../README.md) stands apart.",
        *blocks,
    )


def _overview_rows(api: Api, schema: str) -> Iterator[tuple[str, ...]]:
    for source, root in api.families(schema):
        for table, depth in _walk(root):
            name, told = f"{'↳ ' * depth}[{table.name}]({schema}.md#{table.name})", prose(_first(table.description))
            key = codes(name for name in table.key if name != "account")
            if depth:
                yield name, told, "", "", "", "", key
            else:
                served = _span(source.retention) if source.retention else NOTHING
                yield name, told, code(path_of(source)), code(source.scope), source.tier, served, key


def _walk(table: Table, depth: int = 0) -> Iterator[tuple[Table, int]]:
    yield table, depth
    for child in table.children:
        yield from _walk(child, depth + 1)


def path_of(source: Source) -> str:
    """The path that a feed's pages, or a snapshot, are read from."""
    if isinstance(source, Feed):
        return source.endpoint.sync
    assert isinstance(source, Snapshot)
    return source.path


def _schema(api: Api, schema: str) -> str:
    families = list(api.families(schema))
    contents = bullets(f"[{root.name}](#{root.name}): {prose(_first(root.description))}" for _, root in families)
    inside, outside = diagrams.inside(api, schema), diagrams.outside(api, schema)
    return page(
        f"# {schema}",
        f"Tables of the [{api.catalogue.api.capitalize()} API](README.md).",
        contents,
        "## What joins to what",
        _legend(api, schema, drawn=bool(inside or outside)),
        inside,
        outside and "To other schemas:",
        outside,
        "## Tables",
        *(section(api, source, table) for source, root in families for table in root.walk()),
    )


def _legend(api: Api, schema: str, *, drawn: bool) -> str:
    hidden = [table for table in api.tables.values() if diagrams.drawn_nowhere(table) and table.schema != schema]
    left_out = ", ".join(api.link(table, here=schema) for table in hidden)
    lines = (
        "A line names the columns that hold the other table's key; rows join within one `account`. " if drawn else ""
    )
    return f"{lines}What nearly all tables lead to is not drawn, but told at the columns: {left_out}."


def _first(text: str) -> str:
    """The first sentence."""
    return text.partition(". ")[0].rstrip(".")


def _span(retention: Retention) -> str:
    days = f"{retention.keeps.days} days"
    return f"{days} from {retention.counted_from}" if retention.counted_from else days
