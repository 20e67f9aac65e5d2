"""The installed Chromium, for tests that open pages as a reader does."""

from __future__ import annotations

import os
import shutil

from playwright.sync_api import Browser, Playwright

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
"""Path of the program; None where it is not installed."""


def launch_chromium(driver: Playwright, *switches: str) -> Browser:
    """Return the installed Chromium, headless, as a context manager."""
    root = ["--no-sandbox"] if os.geteuid() == 0 else []
    return driver.chromium.launch(executable_path=CHROMIUM, args=[*switches, *root])
