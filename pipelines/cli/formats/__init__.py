"""Write results as tables, CSV, JSON, Parquet and Excel files.

Each module writes one format and does not depend on commands; :mod:`pipelines.cli.output` selects one.
"""
