"""The pages: one on what all tables have in common, and for each API an overview and a page for each schema."""

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
_OVERVIEW = ("table", "content", "read from", "scope", "tier", "served for at least", "key, after `account`")


def pages() -> dict[str, str]:
    """The text of each page of the dictionary, by path."""
    texts = {"README.md": common_page(APIS)}
    for api in APIS:
        texts |= {f"{api}/{name}": text for name, text in api_pages(catalogue_of(api)).items()}
    return texts


def api_pages(catalogue: Catalogue) -> dict[str, str]:
    """The text of each page of one API, by path relative to the folder of the API."""
    api = Api(catalogue)
    return {"README.md": _overview(api)} | {f"{schema}.md": _schema(api, schema) for schema in api.schemas}


def _overview(api: Api) -> str:
    name, version = api.catalogue.api, api.catalogue.version
    feeds, snapshots = len(api.catalogue.feeds), len(api.catalogue.snapshots)
    counts = f"{feeds} change feeds" + (f" and {snapshots} snapshots" if snapshots else "")
    blocks = [f"## [{schema}]({schema}.md)\n\n{grid(_OVERVIEW, _overview_rows(api, schema))}" for schema in api.schemas]
    return page(
        f"# The tables of the {name.capitalize()} API",
        f"Version {version}: {counts} fill {len(api.tables)} tables. A child table, marked ↳, contains the members of"
        " an array in the records of its parent table. See also [what all tables have in common](../README.md).",
        *blocks,
    )


def _overview_rows(api: Api, schema: str) -> Iterator[tuple[str, ...]]:
    for source, root in api.families(schema):
        for table, depth in _walk(root):
            name, text = f"{'↳ ' * depth}[{table.name}]({schema}.md#{table.name})", prose(_first(table.description))
            key = codes(name for name in table.key if name != "account")
            if depth:
                yield name, text, "", "", "", "", key
            else:
                served = _span(source.retention) if source.retention else NOTHING
                yield name, text, code(path_of(source)), code(source.scope), source.tier, served, key


def _walk(table: Table, depth: int = 0) -> Iterator[tuple[Table, int]]:
    yield table, depth
    for child in table.children:
        yield from _walk(child, depth + 1)


def path_of(source: Source) -> str:
    """The API path of a feed's pages, or of a snapshot."""
    if isinstance(source, Feed):
        return source.endpoint.sync
    assert isinstance(source, Snapshot)
    return source.path


def _schema(api: Api, schema: str) -> str:
    families = list(api.families(schema))
    contents = bullets(f"[{root.name}](#{root.name}): {prose(_first(root.description))}" for _, root in families)
    own, others = diagrams.within_schema(api, schema), diagrams.to_other_schemas(api, schema)
    return page(
        f"# {schema}",
        f"Tables of the [{api.catalogue.api.capitalize()} API](README.md).",
        contents,
        "## Relations",
        _legend(api, schema, drawn=bool(own or others)),
        own,
        others and "To other schemas:",
        others,
        "## Tables",
        *(section(api, source, table) for source, root in families for table in root.walk()),
    )


def _legend(api: Api, schema: str, *, drawn: bool) -> str:
    hidden = [table for name, table in api.tables.items() if name in diagrams.COMMON and table.schema != schema]
    left_out = ", ".join(api.link(table, here=schema) for table in hidden)
    lines = "A line shows the columns that contain the key of the other table; join within one `account`. "
    return f"{lines if drawn else ''}References to these tables are not drawn, only listed at the columns: {left_out}."


def _first(text: str) -> str:
    return text.partition(". ")[0].rstrip(".")


def _span(retention: Retention) -> str:
    days = f"{retention.keeps.days} days"
    return f"{days} from {retention.counted_from}" if retention.counted_from else days
