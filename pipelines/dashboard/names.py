"""Names of partners, carriers and trade items, each with texts that tell it apart from others of the same name."""

from __future__ import annotations

from collections.abc import Collection

import duckdb

_ORGANIZATIONS = "SELECT organization_id, name, mailing_address_city, company_gln FROM organizations.organizations"
_ITEMS = """
    SELECT i.trade_item_id, i.name, g.name, i.code
    FROM (
        SELECT account, trade_item_id, seller_organization_id AS grower,
            COLUMNS('^(trade_item_name_nl|name)$') AS name, COLUMNS('^(supplier_article_code|code)$') AS code
        FROM catalog.trade_items
    ) i
    LEFT JOIN organizations.organizations g ON g.account = i.account AND g.organization_id = i.grower
"""
_QUERIES = {"partner": _ORGANIZATIONS, "carrier": _ORGANIZATIONS, "item": _ITEMS}
"""By split, a query of identifiers, their names, and two texts: town and GLN, or grower and article code."""


def names_of(connection: duckdb.DuckDBPyConnection, ids: Collection[str]) -> dict[str, dict[str, list[str | None]]]:
    """By split and identifier, the name and two texts that may tell it apart; without a name, it is left out."""
    return {split: _named(connection, query, ids) for split, query in _QUERIES.items()}


def _named(connection: duckdb.DuckDBPyConnection, query: str, ids: Collection[str]) -> dict[str, list[str | None]]:
    if not ids:
        return {}
    sql = (
        "SELECT CAST(n.id AS VARCHAR), min(n.name), min(n.one), min(n.other)"
        f" FROM ({query}) n(id, name, one, other)"
        " WHERE n.name IS NOT NULL AND list_contains($ids, CAST(n.id AS VARCHAR)) GROUP BY ALL"
    )
    return {id: texts for id, *texts in connection.execute(sql, {"ids": sorted(ids)}).fetchall()}
