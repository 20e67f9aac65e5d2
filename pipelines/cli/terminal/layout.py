"""Lay a table out for the width of a terminal. Each row is one line, and no name is broken.

A table that is too wide gets narrower step by step, in an order that the command states beside its headings. What was
left out is named in a line below the table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import reduce

from pipelines.cli.terminal.wrapping import cells, pad, wrap

_GAP = "  "
_BELOW = "    "  # before a text that is printed below its row

Line = tuple[str, str | None]  # a text and its style


@dataclass(frozen=True)
class Heading:
    """A column of a printed table.

    Args:
        name: the word above the column.
        is_number: whether the column is aligned to the right.
        is_text: whether it contains sentences, which may be printed below their row.
        short: makes a shorter text of a text of this column.
    """

    name: str
    is_number: bool = False
    is_text: bool = False
    short: Callable[[str], str] | None = None


@dataclass(frozen=True)
class Layout:
    """The columns of a table that are printed, and a title for each row that is printed above the rows of its group.

    Args:
        columns: headings with the texts of all rows.
        titles: for each row the title of its group.
        left_out: names of columns that are not printed.
        common: columns that are not printed because every row has the same text, with that text.
        may_spill: whether a row has a second line for its other columns, if the text of its first column is too long.
        remarks: sentences about shortened texts.
        below: columns of sentences that are printed below each row.
    """

    columns: tuple[tuple[Heading, tuple[str, ...]], ...]
    titles: tuple[tuple[str, ...], ...]
    left_out: tuple[str, ...] = ()
    common: tuple[str, ...] = ()
    may_spill: bool = False
    remarks: tuple[str, ...] = ()
    below: tuple[tuple[Heading, tuple[str, ...]], ...] = ()

    @property
    def width(self) -> int:
        """Cells of the widest row."""
        widths = [_width(heading, texts) for heading, texts in self.columns]
        return sum(widths) + len(_GAP) * max(0, len(widths) - 1) + self.indent

    @property
    def indent(self) -> int:
        """Spaces before each row."""
        return len(_GAP) if any(self.titles) else 0

    def has(self, name: str) -> bool:
        """Whether a column is printed."""
        return any(heading.name == name for heading, _ in self.columns)

    def texts(self, name: str) -> tuple[str, ...]:
        """The texts of a column; none if it is not printed."""
        return next((texts for heading, texts in self.columns if heading.name == name), ())

    def without(self, name: str, *, left_out: str = "", common: str = "") -> Layout:
        """The layout without a column. The note below the table gets what was left out, or is common to all rows."""
        return replace(
            self,
            columns=tuple(column for column in self.columns if column[0].name != name),
            left_out=(*self.left_out, left_out) if left_out else self.left_out,
            common=(*self.common, common) if common else self.common,
        )

    @property
    def note(self) -> str:
        """The line below the table; empty if no column is missing."""
        common = f"In each row: {', '.join(self.common)}." if self.common else ""
        left_out = f"Left out: {', '.join(self.left_out)}." if self.left_out else ""
        hint = "A pipe gets all columns." if common or left_out else ""
        return " ".join(filter(None, (*self.remarks, common, left_out, hint)))

    def with_texts(self, name: str, texts: Sequence[str]) -> Layout:
        """The layout with other texts in a column."""
        columns = ((heading, tuple(texts) if heading.name == name else own) for heading, own in self.columns)
        return replace(self, columns=tuple(columns))

    def lines(self, width: int) -> Iterator[Line]:
        """The lines of the table: headings, a rule, and the rows below the titles of their groups."""
        widths = [_width(heading, texts) for heading, texts in self.columns]
        if self.may_spill and self.width > width:
            widths[0] -= self.width - width
        yield self._row([heading.name for heading, _ in self.columns], widths), "bold"
        yield "─" * min(self.width, width), None
        numbers_by_title: dict[tuple[str, ...], list[int]] = {}
        for number, title in enumerate(self.titles):
            numbers_by_title.setdefault(title, []).append(number)
        for title, numbers in numbers_by_title.items():
            yield from ((line, "bold") for line in wrap(" · ".join(title), width) if line)
            for number in numbers:
                yield from self._lines_of_row(number, widths)
                for _, texts in self.below:
                    if texts[number]:
                        yield from ((line, None) for line in wrap(_BELOW + texts[number], width, _BELOW))

    def _lines_of_row(self, number: int, widths: Sequence[int]) -> Iterator[Line]:
        """The line of a row; two lines if its first text is too long for its column."""
        texts = [texts[number] for _, texts in self.columns]
        if cells(texts[0]) > widths[0]:
            yield " " * self.indent + texts[0], None
            texts[0] = ""
        yield self._row(texts, widths), None

    def fits(self, width: int) -> bool:
        """Whether no line is longer than this width."""
        if self.width <= width:
            return True
        if not self.may_spill:
            return False
        heading, texts = self.columns[0]
        shortest = self.width - _width(heading, texts) + cells(heading.name)
        return shortest <= width and _width(heading, texts) + self.indent <= width

    def _row(self, texts: Sequence[str], widths: Sequence[int]) -> str:
        padded = (
            pad(text, width, right=heading.is_number)
            for text, width, (heading, _) in zip(texts, widths, self.columns, strict=True)
        )
        return (" " * self.indent + _GAP.join(padded)).rstrip()


def _width(heading: Heading, texts: Sequence[str]) -> int:
    return max(cells(heading.name), *map(cells, texts)) if texts else cells(heading.name)


Step = Callable[[Layout], Layout]


def same(name: str) -> Step:
    """A step: leave out this column if it has the same text in all rows."""

    def step(layout: Layout) -> Layout:
        found = set(layout.texts(name))
        return layout.without(name, common=f"{name} {found.pop() or 'empty'}") if len(found) == 1 else layout

    return step


def omitted(name: str) -> Step:
    """A step: leave out this column."""
    return lambda layout: layout.without(name, left_out=name) if layout.has(name) else layout


def shortened(name: str, remark: str = "") -> Step:
    """A step: print the short texts of this column, and a remark about them below the table."""

    def step(layout: Layout) -> Layout:
        for heading, texts in layout.columns:
            if heading.name == name and heading.short:
                shorter = layout.with_texts(name, [heading.short(text) for text in texts])
                return replace(shorter, remarks=(*layout.remarks, remark) if remark else layout.remarks)
        return layout

    return step


def by_schema(name: str) -> Step:
    """A step: print the schema of the names in this column once, above the rows that have it."""

    def step(layout: Layout) -> Layout:
        names = layout.texts(name)
        if not names or not all("." in text for text in names):
            return layout
        parts = [text.split(".", 1) for text in names]
        titles = tuple((*title, schema) for title, (schema, _) in zip(layout.titles, parts, strict=True))
        return replace(layout.with_texts(name, [rest for _, rest in parts]), titles=titles)

    return step


def titled(name: str) -> Step:
    """A step: print the text of this column once, above the rows that have it, instead of in a column."""

    def step(layout: Layout) -> Layout:
        texts = layout.texts(name)
        if not texts:
            return layout
        titles = tuple((text, *title) for text, title in zip(texts, layout.titles, strict=True))
        return replace(layout.without(name), titles=titles)

    return step


def below(layout: Layout) -> Layout:
    """A step: print the last column of sentences below each row."""
    for heading, texts in reversed(layout.columns):
        if heading.is_text and len(layout.columns) > 1:
            return replace(layout.without(heading.name), below=((heading, texts), *layout.below))
    return layout


def spilled(layout: Layout) -> Layout:
    """A step: let the longest texts of the first column stand on a line before that of their row."""
    return replace(layout, may_spill=True)


def table_lines(
    headings: Sequence[Heading],
    rows: Sequence[Sequence[str]],
    width: int,
    steps: Sequence[Step] = (),
    in_records: Sequence[Step] = (),
) -> Iterator[Line]:
    """The lines of a table, none of them longer than the width.

    Args:
        headings: the columns of the table.
        rows: the texts of each row, without line feeds and control characters.
        width: cells of the terminal.
        steps: what to do, in this order, until the table fits; sentences are printed below their rows before that,
            unless it is one of the steps. If it does not fit then, each value gets a line.
        in_records: steps that leave out columns if each value gets a line.
    """
    layout = fitted(headings, rows, width, steps, in_records)
    yield from layout.lines(width) if layout.fits(width) else value_lines(layout, width)
    if layout.note and rows:
        yield from ((line, "dim") for line in wrap(layout.note, width))


def fitted(
    headings: Sequence[Heading],
    rows: Sequence[Sequence[str]],
    width: int,
    steps: Sequence[Step] = (),
    in_records: Sequence[Step] = (),
) -> Layout:
    """The layout of a table for a width, which it may not fit; arguments as for :func:`table_lines`."""
    columns = tuple((heading, tuple(row[number] for row in rows)) for number, heading in enumerate(headings))
    whole = layout = Layout(columns, ((),) * len(rows))
    texts_below = [] if below in steps else [below] * sum(heading.is_text for heading in headings)
    for step in (*texts_below, *steps):
        if layout.fits(width):
            break
        layout = step(layout)
    return layout if layout.fits(width) else reduce(lambda narrower, step: step(narrower), in_records, whole)


def value_lines(layout: Layout, width: int) -> Iterator[Line]:
    """The lines of a table that is too wide: one value on each line, or on several lines if it is too long."""
    names = [heading.name for heading, _ in layout.columns]
    most = width // 2 - 2 * len(_GAP)
    longest = max((size for name in names if (size := cells(name)) <= most), default=0)
    for number, _ in enumerate(layout.titles):
        yield f"row {number + 1}", "bold"
        for name, (_, texts) in zip(names, layout.columns, strict=True):
            yield from ((line, None) for line in _value(name, longest, texts[number], width))


def _value(name: str, longest: int, value: str, width: int) -> list[str]:
    """The lines of a value: beside its name, in a column if it fits there; else below it, so that no word is broken."""
    if not value:
        return wrap(_GAP + name, width)
    longest_word = max(map(cells, value.split()), default=0)
    margin = longest + 2 * len(_GAP)
    if cells(name) <= longest and margin + longest_word <= width:
        return wrap(f"{_GAP}{pad(name, longest)}{_GAP}{value}".rstrip(), width, " " * margin)
    if cells(line := f"{_GAP}{name}{_GAP}{value}") <= width:
        return [line]
    margin_below = _BELOW[: max(0, width - longest_word)]
    return [*wrap(_GAP + name, width), *wrap(margin_below + value, width, margin_below)]
