"""Results as tables, CSV, JSON, Parquet and Excel files.

Each module writes one format and knows nothing of commands; :mod:`pipelines.cli.output` chooses among them.
"""
