"""The dashboard of a million sales orders: the time to write it, its size, and the time until a browser has drawn it.

    .venv/bin/python benchmarks/dashboard_page.py [ORDERS]

It needs Chromium. A page is drawn when the browser has nothing left to do; its time begins when the file is opened.
"""

from __future__ import annotations

import datetime as dt
import os
import shutil
import sys
import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from harness.filled_warehouse import filled_warehouse
from playwright.sync_api import Browser, sync_playwright

from pipelines.dashboard import write_dashboard

ORDERS = 1_000_000
ROUNDS = 5
NOW = dt.datetime(2026, 11, 23, 12, tzinfo=dt.UTC)
"""The orders are due within the two years before, and some weeks after."""
SETTLED = "() => new Promise(done => requestIdleCallback(() => done(performance.now())))"


def main() -> None:
    """Measure both APIs and print the times."""
    orders = int(sys.argv[1]) if len(sys.argv) > 1 else ORDERS
    for api in ("suppliers", "customers"):
        with TemporaryDirectory() as folder:
            warehouse, _ = filled_warehouse(api, orders, Path(folder))
            began = time.process_time()
            page = write_dashboard(warehouse, Path(folder) / "page.html", NOW)
            wrote = time.process_time() - began
            took = _seconds_to_draw(page.path)
        print(
            f"{api}: {orders:,} sales orders, page of {page.size / 1e6:.1f} MB,"
            f" written in {wrote:.1f} s of processor time,"
            f" drawn in {median(took):.2f} s, at most {max(took):.2f} s (load average {os.getloadavg()[0]:.1f})",
            flush=True,
        )


def _seconds_to_draw(page: Path) -> list[float]:
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        return [_drawn(browser, page) for _ in range(ROUNDS)]


def _drawn(browser: Browser, page: Path) -> float:
    with browser.new_context(offline=True, viewport={"width": 1280, "height": 900}) as context:
        opened = context.new_page()
        opened.clock.set_fixed_time(NOW)
        opened.goto(page.as_uri())
        assert opened.locator("main section").count() > 5, "the page is empty"
        return float(opened.evaluate(SETTLED)) / 1000


if __name__ == "__main__":
    main()
