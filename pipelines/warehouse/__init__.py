"""The DuckDB file: its tables, how data are stored in them, and how they are read.

Nothing here calls Floriday or imports Dagster.
"""
