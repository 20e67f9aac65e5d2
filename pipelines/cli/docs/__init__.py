"""Generators of documentation pages: ``docs/cli.md`` and the examples of ``docs/reports``."""
