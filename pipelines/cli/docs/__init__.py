"""Generators of documentation pages: commands, settings, the Python API, and the examples of the reports."""
