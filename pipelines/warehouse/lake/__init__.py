"""A warehouse that is a DuckLake: its catalogue in PostgreSQL, its rows as Parquet in a folder or a bucket."""
