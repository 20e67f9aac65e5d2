"""Tables and lines for a terminal: nothing is wider than it is, rows are whole, and nothing is lost without a note."""

from __future__ import annotations

import io
import shlex
import sys
from collections.abc import Sequence
from itertools import pairwise
from threading import Event

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.catalogue import catalogue_of
from pipelines.catalogue.tables import tables_of
from pipelines.cli.commands import status
from pipelines.cli.console import print_table
from pipelines.cli.syncs import outcomes
from pipelines.cli.terminal.layout import (
    Heading,
    Step,
    below,
    by_schema,
    omitted,
    same,
    shortened,
    spilled,
    table_lines,
    titled,
)
from pipelines.cli.terminal.status_line import counted_steps, elapsed_time, fitting_parts
from pipelines.cli.terminal.wrapping import cells, wrap, wrap_command
from pipelines.sync.outcome import FeedOutcome

WIDTHS = st.integers(60, 220)
TEXTS = st.text(st.characters(exclude_categories=["C", "Z"], include_characters=" "), max_size=300)
WORDS = st.text("abcé玫.-_", min_size=1, max_size=20)
SOURCES = [source for api in ("suppliers", "customers") for source in catalogue_of(api).sources]
FEEDS = sorted({source.name for source in SOURCES})
TABLES = sorted({table.qualified_name for source in SOURCES for table in tables_of(source).walk()})
COUNTS = st.integers(0, 99_999).map("{:,}".format)
ACCOUNTS = st.lists(
    st.sampled_from(["main", "north", "a-long-name-of-an-account-as-many-growers-may-have"]), min_size=1
)


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[Heading], list[list[str]], list[Step]]:
    """Return a table with any headings and texts, and steps for any of its columns."""
    names = draw(st.lists(WORDS, min_size=1, max_size=9, unique=True))
    headings = [Heading(name, draw(st.booleans()), draw(st.booleans()), lambda text: text[:5]) for name in names]
    rows = draw(st.lists(st.lists(TEXTS, min_size=len(names), max_size=len(names)), max_size=4))
    kinds = st.sampled_from([same, omitted, shortened, by_schema, titled])
    steps = [draw(kinds)(name) for name in draw(st.lists(st.sampled_from([*names, "another"]), max_size=6))]
    steps += draw(st.sampled_from([[], [spilled]]))
    return headings, rows, steps


def printed(headings: Sequence[Heading], rows: Sequence[Sequence[str]], width: int, steps: Sequence[Step]) -> list[str]:
    """Return the lines of a table, none of which is too wide."""
    lines = [line for line, _ in table_lines(headings, rows, width, steps)]
    assert [line for line in lines if cells(line) > width] == []
    return lines


@given(tables(), WIDTHS)
def test_no_line_of_a_table_is_too_wide(table: tuple[list[Heading], list[list[str]], list[Step]], width: int) -> None:
    """Whatever a table contains, its lines fit the terminal."""
    headings, rows, steps = table

    printed(headings, rows, width, steps)


@given(tables())
def test_a_table_that_fits_is_complete(table: tuple[list[Heading], list[list[str]], list[Step]]) -> None:
    """On a terminal that is wide enough, a table has all its columns, and one line for each row."""
    headings, rows, steps = table
    lines = printed(headings, rows, 10_000, steps)

    assert len(lines) == len(rows) + 2
    for row, line in zip([[heading.name for heading in headings], *rows], [lines[0], *lines[2:]], strict=True):
        assert "".join(line.split()) == "".join("".join(row).split())


@given(st.lists(st.sampled_from(FEEDS), min_size=1, unique=True), ACCOUNTS, st.data(), st.integers(60, 130))
def test_each_feed_of_a_sync_is_one_line(
    names: list[str], accounts: list[str], data: st.DataObject, width: int
) -> None:
    """Each feed of each account is on one line with its whole name, and a column that is missing is named."""
    accounts = list(dict.fromkeys(accounts))
    headings, steps = outcomes.HEADINGS, outcomes.STEPS
    count = len(headings) - 2
    rows = [(account, name, *(data.draw(COUNTS) for _ in range(count))) for account in accounts for name in names]

    lines = printed(headings, rows, width, steps)

    assert_whole(lines, headings, rows, names)


@given(st.lists(st.sampled_from(FEEDS), min_size=1, unique=True), ACCOUNTS, st.data(), st.integers(60, 130))
def test_each_feed_of_a_status_is_one_line(
    names: list[str], accounts: list[str], data: st.DataObject, width: int
) -> None:
    """Each feed of each account is on one line with its whole name, and a column that is missing is named."""
    accounts = list(dict.fromkeys(accounts))
    moment = "2026-11-28 16:44:21 UTC"
    texts = [COUNTS, COUNTS, st.sampled_from([moment, "never"]), COUNTS, COUNTS, st.sampled_from(["1,824 days", "–"])]
    rows = [(account, name, *map(data.draw, texts)) for account in accounts for name in names]

    lines = printed(status.HEADINGS, rows, width, status.STEPS)

    assert_whole(lines, status.HEADINGS, rows, names)


@given(st.lists(st.sampled_from(TABLES), min_size=1, unique=True), st.data(), st.integers(60, 130))
def test_no_count_of_a_dry_run_is_lost(names: list[str], data: st.DataObject, width: int) -> None:
    """Every table is named in one line, and every count that is not 0 is printed."""
    rows = [("main", name, *(data.draw(COUNTS) for _ in range(4))) for name in names]

    lines = printed(outcomes.DIFFERENCE_HEADINGS, rows, width, outcomes.DIFFERENCE_STEPS)

    shown = " ".join(" ".join(lines).split())
    assert all(cell in shown for row in rows for cell in row[2:])
    assert all(
        any(name.split(".")[1] in line.split()[-1:] + line.split()[:1] or name in line for line in lines)
        for name in names
    )


def assert_whole(
    lines: Sequence[str], headings: Sequence[Heading], rows: Sequence[Sequence[str]], names: Sequence[str]
) -> None:
    """Assert that each name is whole in a line for each account, and each column is a heading or in the note."""
    accounts = len(rows) // len(names)
    for name in names:
        short = name.split(".")[1]
        assert sum(bool({name, short} & set(line.split()[:2])) for line in lines) >= accounts, (name, lines)
    note = " ".join(lines[2:])
    titles = {row[0] for row in rows}
    for heading in headings:
        is_shown = heading.name in lines[0] or heading.name in note
        assert is_shown or (heading.name == "account" and all(title in note for title in titles)), (heading, lines)


@given(TEXTS, WIDTHS, st.sampled_from(["", "  ", "# ", " " * 9]))
def test_a_wrapped_text_is_complete(text: str, width: int, margin: str) -> None:
    """A wrapped text has the same words in lines that fit; no word is broken that fits on a line."""
    lines = wrap(text, width, margin)

    assert all(cells(line) <= width for line in lines)
    assert "".join("".join((lines[0], *(line[len(margin) :] for line in lines[1:]))).split(" ")) == text.replace(
        " ", ""
    )
    words = {word for line in lines for word in line.split(" ")}
    assert {word for word in text.split(" ") if cells(word) <= width - len(margin)} <= words | {""}


@given(st.lists(WORDS.filter(lambda word: cells(word) < 40), min_size=1, max_size=40), WIDTHS)
def test_a_wrapped_command_can_be_pasted(words: list[str], width: int) -> None:
    """The shell reads the same words from a wrapped command; within quotes, a space may become a line feed."""
    text = f'NAME=value floriday query "{" ".join(words)}" --format table --output {"/".join(words[:9])}.csv'

    lines = wrap_command(text, width)

    assert all(cells(line) <= width for line in lines)
    pasted = shlex.split("\n".join(lines).replace("\\\n", ""))
    assert [word.replace("\n", " ") for word in pasted] == shlex.split(text)


@given(st.lists(TEXTS), WIDTHS)
def test_parts_on_one_line_are_whole(parts: list[str], width: int) -> None:
    """A line of parts fits, and contains only whole parts."""
    line = fitting_parts(parts, width)

    assert cells(line) <= width
    rest = line
    for part in parts:
        rest = rest.removeprefix(" · ").removeprefix(part) if rest.removeprefix(" · ").startswith(part) else rest
    assert rest.removeprefix(" · ") == "" or " · " in "".join(parts)


def test_an_empty_text_gets_no_line() -> None:
    """A narrow table prints sentences below their row, and nothing for a sentence that is empty."""
    headings = [Heading("report"), Heading("parameters", is_text=True), Heading("shows", is_text=True)]
    rows = [("sync_health", "", "How current the warehouse is. " * 3), ("lead_time", "--from --to " * 5, "Hours. " * 9)]

    lines = [line for line, _ in table_lines(headings, rows, 60)]

    assert [line for line in lines if not line.strip()] == []
    assert any(line.startswith("    --from --to") for line in lines)


def test_a_value_stands_beside_its_name() -> None:
    """In a record, short names have their values in one column, and a long name has its value behind it if it fits."""
    names = ["order", "trade_item_id", "packing_configuration_package_vbn_package_code", "remark"]
    row = ["12", "54e8cd70-22b9-4fdd-b0d0-b78a92ff7b95", "577", ""]

    lines = [line for line, _ in table_lines([Heading(name) for name in names], [row], 60)]

    assert lines == [
        "row 1",
        "  order          12",
        "  trade_item_id  54e8cd70-22b9-4fdd-b0d0-b78a92ff7b95",
        "  packing_configuration_package_vbn_package_code  577",
        "  remark",
    ]


def test_records_leave_out_what_their_steps_say() -> None:
    """A table that is too wide becomes records without the columns of those steps, and the note names these."""
    headings = [Heading("account"), Heading("trade_item_id"), *(Heading(f"a_long_name_{n}") for n in range(9))]
    rows = [["main", str(n), *"abcdefghi"] for n in range(2)]

    lines = [
        line
        for line, _ in table_lines(
            headings, rows, 60, [same("a_long_name_1")], [same("account"), omitted("trade_item_id")]
        )
    ]

    assert lines[1:3] == ["  a_long_name_0  a", "  a_long_name_1  b"]
    assert lines[-2:] == [
        "In each row: account main. Left out: trade_item_id. A pipe",
        "gets all columns.",
    ]


def test_names_are_in_their_row_if_the_ids_are_left_out() -> None:
    """A result gets narrower without the ids whose names it has, before these names are printed below their rows."""
    headings = [Heading("trade_item_name", is_text=True), Heading("trade_item_id"), Heading("pieces", is_number=True)]
    rows = [["Phalaenopsis 9 cm", "54e8cd70-22b9-4fdd-b0d0-b78a92ff7b95", "60"]]

    assert printed(headings, rows, 60, [omitted("trade_item_id"), below])[2] == "Phalaenopsis 9 cm      60"


def test_columns_are_left_out_in_the_order_of_the_steps() -> None:
    """Each width has at least the columns of a smaller one."""
    name = "orders.sales_order_correction_requests"
    row = ("main", name, "12", "12", "3", "0", "123456789", "yes", "1.2 s")
    other = ("main", "orders.contracts", "1", "0", "0", "0", "9", "no", "0.2 s")
    headings = [
        set(printed(outcomes.HEADINGS, [row, other], width, outcomes.STEPS)[0].split()) for width in range(60, 130)
    ]

    assert all(narrow <= wide for narrow, wide in pairwise(headings))
    assert headings[-1] == {heading.name for heading in outcomes.HEADINGS}
    assert "current" in headings[0]


@pytest.mark.parametrize("text", ["never", "–", "2026-11-28 16:44:21 UTC"])
def test_a_short_time_is_short(text: str) -> None:
    """The short text of a time has at most 11 characters."""
    (heading,) = (each for each in status.HEADINGS if each.name == "current until")

    assert heading.short is not None
    assert len(heading.short(text)) <= 11


def test_the_total_of_a_sync() -> None:
    """The counts of all feeds are added up in one line, which fits the narrowest terminal."""
    first = FeedOutcome("main", "orders.sales_orders", records=1_200_000, new=1_199_000, changed=900, rejected=100)
    second = FeedOutcome("main", "supply.batches", records=1, new=1)

    line = outcomes.total([first, second])

    assert line == "2 feeds: 1,200,001 records read, 1,199,001 new, 900 changed, 100 rejected"
    assert len(line) <= 80


class Terminal(io.StringIO):
    """A stream that is a terminal."""

    def isatty(self) -> bool:
        """Return True."""
        return True


def test_steps_are_counted_on_a_terminal_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A long command shows its steps on one line that fits and is removed at its end; a pipe gets nothing."""
    monkeypatch.setenv("COLUMNS", "60")
    terminal, pipe = Terminal(), io.StringIO()
    for stream in (terminal, pipe):
        monkeypatch.setattr(sys, "stderr", stream)
        with counted_steps("files", "copying the warehouse") as show:
            show(1, 217, "supply.trade_item_availabilities")
            show(2, 217, "x" * 90)

    shown = [line.rstrip() for line in terminal.getvalue().split("\r")]
    assert shown[1:4] == [
        "copying the warehouse",
        "1 of 217 files · supply.trade_item_availabilities",
        "2 of 217 files",
    ]
    assert shown[4:] == ["", ""]
    assert pipe.getvalue() == ""


def test_the_time_of_long_work_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Work that does not report its steps shows its time on a terminal, and nothing of it remains."""
    terminal, shown = Terminal(), Event()

    def written(text: str) -> int:
        if "syncing · 0 s" in text:
            shown.set()
        return io.StringIO.write(terminal, text)

    monkeypatch.setattr(terminal, "write", written)
    monkeypatch.setattr(sys, "stderr", terminal)
    with elapsed_time("syncing", interval=0.001):
        assert shown.wait(10)

    assert terminal.getvalue().rpartition("\r")[2] == ""
    assert terminal.getvalue().rstrip("\r").rpartition("\r")[2].strip() == ""


def test_dashes_are_explained_in_printed_columns_alone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The names of the columns that are left out are returned, and their dashes are not explained."""
    row = ("main", "supply.batches", "9,999,999", "–", "2026-11-28 16:44:21 UTC", "–", "0", "29 days")
    monkeypatch.setattr("pipelines.cli.console.is_terminal", lambda: True)
    legends = []
    for width in ("80", "200"):
        monkeypatch.setenv("COLUMNS", width)
        left_out = print_table(
            status.HEADINGS, [row, (*row[:1], "supply.trade_item_availabilities_per_week", *row[2:])], status.STEPS
        )
        legends.append((left_out, status._legend([row], left_out, offline=True)))  # noqa: SLF001 - needs no warehouse

    assert legends == [
        (("cursor",), '– in "behind": Floriday was not called.'),
        ((), '– in "cursor": a snapshot. – in "behind": Floriday was not called.'),
    ]
    assert "Left out: cursor" in capsys.readouterr().out


def test_an_unknown_distance_is_explained() -> None:
    """The legend explains "unknown", which stands where Floriday did not return the highest number."""
    row = ("main", "supply.batches", "9", "8", "2026-11-28 16:44:21 UTC", "unknown", "0", "29 days")

    legend = status._legend([row], (), offline=False)  # noqa: SLF001 - needs no warehouse

    assert legend == 'unknown in "behind": Floriday did not return the highest number.'


def test_a_table_without_rows_has_no_note() -> None:
    """A result without rows that is too wide prints nothing, and no note about columns."""
    headings = [Heading("account"), *(Heading(f"a_long_name_{number}") for number in range(9))]

    assert list(table_lines(headings, [], 60, in_records=[omitted("account")])) == []
