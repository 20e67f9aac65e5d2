"""The names of a feed in Dagster: of its asset, its owners, its step and its pool."""

from __future__ import annotations

import dagster as dg

from pipelines.catalogue.types import Source

OWNERS = ["team:floriday"]  # of all assets; Dagster groups and filters them by it
POOL = "duckdb"  # the pool of all steps that write to the warehouse: one run at a time (`dagster.yaml`)


def asset_key(source: Source) -> dg.AssetKey:
    """Schema and table."""
    return dg.AssetKey([source.schema, source.table])


def op_name(source: Source) -> str:
    """The name of the asset's step, also in a run's config."""
    return f"{source.schema}__{source.table}"


def feed_of_step(step_key: str) -> str:
    """The feed's name, ``schema.table``; the step's own name if it belongs to no feed."""
    return step_key.replace("__", ".")
