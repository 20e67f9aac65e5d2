"""The documentation site: the Markdown pages of this repository as HTML, with a navigation, a search and versions.

These modules need nothing but Python. Sphinx, which writes the HTML, is started as a program.
"""
