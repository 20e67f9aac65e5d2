"""The settings of Sphinx. ``website.build`` writes the source and sets the version."""

from __future__ import annotations

import os

project = "floriday-warehouse"
copyright = "the authors of floriday-warehouse. Not affiliated with Floriday or Royal FloraHolland"  # noqa: A001 - Sphinx' name
root_doc = "index"
highlight_language = "none"  # of a fence that names none
extensions = ["myst_parser", "sphinx_copybutton"]
templates_path = ["templates"]
nitpicky = True
suppress_warnings = ["misc.highlighting_failure"]  # DuckDB's SQL has more than the highlighter knows

myst_heading_anchors = 4  # as many levels as GitHub's links to headings are used for
myst_enable_extensions: list[str] = []

html_theme = "furo"
html_title = "floriday-warehouse"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_js_files = ["versions.js"]
html_copy_source = False  # each page is there as Markdown under its own path
html_show_sourcelink = False
html_context = {"repository": os.environ.get("REPOSITORY_URL", "").rstrip("/")}  # empty: the site has no links to it
html_theme_options = {"navigation_with_keys": True, "top_of_page_buttons": []}
html_sidebars = {
    "**": [
        "sidebar/brand.html",
        "versions.html",
        "sidebar/search.html",
        "sidebar/scroll-start.html",
        "sidebar/navigation.html",
        "repository.html",
        "sidebar/scroll-end.html",
    ]
}
pygments_style = "default"
pygments_dark_style = "github-dark"

copybutton_prompt_text = r"\$ "
copybutton_prompt_is_regexp = True
