"""Open, lock, copy, compact and remove the DuckDB file. The tables of feeds do not belong here."""
