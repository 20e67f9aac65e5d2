"""The DuckDB file as a file: opened, locked, copied, compacted and removed. Nothing here knows its tables."""
