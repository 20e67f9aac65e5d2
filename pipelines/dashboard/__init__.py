"""The dashboard: one HTML file that shows the reports, to be mailed and opened without a network.

``facts`` reads what the figures are added up from, ``bound`` keeps that small, ``embedding`` packs it, ``page`` makes
the file. The page adds up by itself (``page/*.js``), so that its filters work wherever it is opened. What a report
means does not belong here: tests hold every figure to the report's rows.
"""

from __future__ import annotations

from pipelines.dashboard.write import Dashboard, path_beside, write_dashboard

__all__ = ["Dashboard", "path_beside", "write_dashboard"]
