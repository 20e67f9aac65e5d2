"""Generators of documentation pages: ``docs/cli.md``, ``docs/settings.md`` and the examples of ``docs/reports``."""
