"""Your Floriday data in DuckDB: scheduled, complete, queryable."""
