"""The page in every look: nothing overflows, is clipped or overlaps.

The environment variable ``PICTURES`` names a folder to keep the pictures in.
"""

from __future__ import annotations

import datetime as dt
import re
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from pipelines.dashboard import write_dashboard
from pipelines.sandbox import TWO_YEARS, Sandbox
from pipelines.sandbox.world.history import RECENT, History
from pipelines.warehouse.file.connection import Warehouse
from tests.integration.report_warehouse import ReportWarehouse, feeds_of_reports
from tests.integration.reports.test_dashboard_page import (
    LAPTOP,
    PHONE,
    DashboardPage,
    open_page,
    pytestmark,
    save_screenshot,
)
from tests.moments import NOW

__all__ = ["pytestmark"]

ONE_WEEK = History(
    busy=dt.timedelta(weeks=1), volume=0.3, past=(dt.timedelta(weeks=1), dt.timedelta(weeks=1)), past_volume=0.0
)
AGES: dict[str, History | None] = {
    "empty": None,
    "a week old": ONE_WEEK,
    "a year old": RECENT,
    "two years old": TWO_YEARS,
}
LOOKS: dict[str, dict[str, Any]] = {
    "laptop": LAPTOP,
    "laptop dark": {**LAPTOP, "color_scheme": "dark"},
    "wide": {"viewport": {"width": 1920, "height": 1080}},
    "tablet": {"viewport": {"width": 768, "height": 1024}, "has_touch": True},
    "phone": PHONE,
    "phone dark": {**PHONE, "color_scheme": "dark"},
    "narrow phone": {"viewport": {"width": 320, "height": 640}, "has_touch": True},
}
LOCALES = ("nl-NL", "en-GB")

CLIPPED = """
() => {
  const clips = element => ["hidden", "clip"].includes(getComputedStyle(element).overflowX);
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode;
    const parent = node.parentElement;
    if (!node.textContent.trim() || !parent.checkVisibility()) continue;
    if (parent.closest("svg, .spoken, script, style")) continue;
    let around = parent;
    while (around && !clips(around)) around = around.parentElement;
    if (!around || around.title || getComputedStyle(around).textOverflow === "ellipsis") continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    const [text, frame] = [range.getBoundingClientRect(), around.getBoundingClientRect()];
    if (text.left < frame.left - 1 || text.right > frame.right + 1) found.push(node.textContent.trim().slice(0, 60));
  }
  for (const box of document.querySelectorAll(".tile, .card, .figure")) {
    if (box.checkVisibility() && box.scrollWidth > box.clientWidth + 1) found.push(box.textContent.trim().slice(0, 60));
  }
  return found;
}
"""
"""Texts of which a part is hidden, but for the ends of names that are marked as cut, and boxes that are too narrow."""

LARGE = """
() => document.querySelectorAll(".tile strong, .figure strong").forEach(each => {
  each.lastChild.textContent = "US$\u00a01.234.567.890";
})
"""
"""Makes every figure as long as an amount can be."""

OUTSIDE = """
() => [...document.querySelectorAll(".chart svg")].flatMap(svg => {
  const frame = svg.getBoundingClientRect();
  return [...svg.querySelectorAll("text")].filter(text => text.textContent.trim()).flatMap(text => {
    const box = text.getBoundingClientRect();
    const fits = box.left >= frame.left - 2 && box.right <= frame.right + 2
      && box.top >= frame.top - 0.5 && box.bottom <= frame.bottom + 0.5;
    return fits || !box.width ? [] : [svg.closest(".chart").id + ": " + text.textContent];
  });
})
"""
"""Labels that begin or end outside of their chart."""

OVERLAPPING = """
() => [...document.querySelectorAll(".chart svg")].flatMap(svg => {
  const texts = [...svg.querySelectorAll("text")].filter(text => text.textContent.trim())
    .map(text => [text.textContent, text.getBoundingClientRect()]).filter(([, box]) => box.width);
  const found = [];
  for (const [at, [one, a]] of texts.entries()) {
    for (const [other, b] of texts.slice(at + 1)) {
      const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left);
      const high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
      if (wide > 3 && high > 2) found.push(svg.closest(".chart").id + ": " + one + " and " + other);
    }
  }
  return found;
})
"""
"""Pairs of labels of a chart that overlap."""


def faults(dashboard: DashboardPage) -> dict[str, list[str]]:
    """Return what is wrong with the page as it is shown now."""
    checks = {"clipped": CLIPPED, "outside of its chart": OUTSIDE, "overlapping": OVERLAPPING}
    found = {name: dashboard.page.evaluate(check) for name, check in checks.items()}
    found["wider than the window"] = [f"{dashboard.overflow} pixels"] if dashboard.overflow > 0 else []
    return {name: places for name, places in found.items() if places}


SOME = {("suppliers", "a week old"), ("customers", "two years old")}
"""The pages that slow tests look at; the soak tests look at all."""


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(each, id=", ".join(each), marks=pytest.mark.slow if each in SOME else pytest.mark.soak)
        for each in product(("suppliers", "customers"), AGES)
    ],
)
def page(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a warehouse of an API and an age."""
    api, age = request.param
    folder = tmp_path_factory.mktemp("pictures")
    warehouse = ReportWarehouse(folder / "w.duckdb", api)
    history = AGES[age]
    if history is not None:
        sandbox = Sandbox(now=NOW, api=api, accounts=("main",), scale=0.3, history=history)
        warehouse.store_sandbox(sandbox, feeds_of_reports(api))
    write_dashboard(Warehouse(warehouse.path), folder / "page.html", NOW)
    return (folder / "page.html").rename(folder / f"{api}, {age}.html")


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("look", LOOKS)
def test_every_look(page: Path, look: str, locale: str, browser: Browser) -> None:
    """Nothing is wider than the window, no text is clipped, and no labels of a chart overlap or leave it."""
    with open_page(browser, page, locale=locale, **LOOKS[look]) as dashboard:
        save_screenshot(dashboard.page, f"{page.stem}, {look}, {locale}")

        assert faults(dashboard) == {}
        dashboard.page.evaluate(LARGE)
        assert faults(dashboard) == {}


@pytest.mark.parametrize("locale", LOCALES)
def test_paper(page: Path, locale: str, browser: Browser) -> None:
    """On paper it has at most four sheets, and nothing overflows, is clipped or overlaps."""
    with open_page(browser, page, locale=locale, **LAPTOP) as dashboard:
        printed = dashboard.page.pdf(format="A4", prefer_css_page_size=True)
        dashboard.page.emulate_media(media="print")
        dashboard.page.set_viewport_size({"width": 718, "height": 1000})
        save_screenshot(dashboard.page, f"{page.stem}, paper, {locale}")

        assert len(re.findall(rb"/Type\s*/Page\b", printed)) <= 4
        assert faults(dashboard) == {}
