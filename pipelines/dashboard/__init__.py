"""The dashboard: one HTML file with the reports, which works without a network and can be mailed.

``facts`` reads the rows from which the figures are summed, ``row_limit`` limits their number, ``content`` packs them,
``page`` makes the HTML. The page computes the sums itself (``page/*.js``), so that its filters work without a server.
The meaning of a report does not belong here: tests compare every figure with the report's rows.
"""

from __future__ import annotations

from pipelines.dashboard.figures import Figure, KeyFigures
from pipelines.dashboard.page import page_version
from pipelines.dashboard.selection import EVERYTHING, Selection
from pipelines.dashboard.write import Dashboard, path_beside, write_dashboard

__all__ = [
    "EVERYTHING",
    "Dashboard",
    "Figure",
    "KeyFigures",
    "Selection",
    "page_version",
    "path_beside",
    "write_dashboard",
]
