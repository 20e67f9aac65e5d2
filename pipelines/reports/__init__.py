"""Reports, one SQL file each.

The file of a report also contains its description: what it measures, how to read it, its parameters and columns.
Output formats do not belong here.
"""

from __future__ import annotations

from pipelines.reports.installation import INSTALLED, Preview, define_details, install, installed, outdated, preview
from pipelines.reports.report import Report, all_reports, find_report

__all__ = [
    "INSTALLED",
    "Preview",
    "Report",
    "all_reports",
    "define_details",
    "find_report",
    "install",
    "installed",
    "outdated",
    "preview",
]
