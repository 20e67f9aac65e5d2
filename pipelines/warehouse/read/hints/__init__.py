"""What to say about a query beside its result, or instead of DuckDB's error."""
