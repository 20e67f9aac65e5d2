"""Questions that a nursery asks, one SQL file each.

A report's file holds its text as well: what it measures, how to read it, its parameters and columns. How a result is
printed or written to a file does not belong here.
"""

from __future__ import annotations

from pipelines.reports.installation import INSTALLED, install, installed
from pipelines.reports.preview import Preview, preview
from pipelines.reports.report import Report, all_reports, find_report

__all__ = ["INSTALLED", "Preview", "Report", "all_reports", "find_report", "install", "installed", "preview"]
