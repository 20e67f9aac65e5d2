"""The DuckDB file: its layout, the one transaction that fills it, and what it remembers of itself.

Nothing here calls Floriday or knows Dagster.
"""
