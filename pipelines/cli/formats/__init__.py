"""Write results as tables, CSV, JSON, Parquet and Excel files: one module each; :mod:`pipelines.cli.output` selects."""
