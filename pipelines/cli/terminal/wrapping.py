"""Break lines at words, so that none is wider than the terminal. Widths are counted in cells of the terminal."""

from __future__ import annotations

NARROWEST = 20  # columns; a narrower terminal gets lines of this width
_BREAK_AFTER = "/,;&="  # characters of a long word after which it is broken, if it does not fit on a line


def cells(text: str) -> int:
    """The width of a text: 2 for a wide character, such as a Chinese one, 0 for a combining one."""
    if text.isascii():
        return len(text)
    from rich.cells import get_character_cell_size

    return sum(map(get_character_cell_size, text))


def pad(text: str, width: int, *, right: bool = False) -> str:
    """A text with spaces after it, or before it, up to a width in cells."""
    spaces = " " * (width - cells(text))
    return spaces + text if right else text + spaces


def wrap(text: str, width: int, margin: str = "") -> list[str]:
    """The lines of a text, broken at spaces; only a word that is longer than a line is broken itself.

    Args:
        text: one line, without line feeds.
        width: cells of a line, at least ``NARROWEST``.
        margin: what each line but the first begins with.
    """
    width = max(width, NARROWEST)
    lines: list[str] = []
    begin = _next_word(text, 0)
    start = " " * min(begin, width // 2)
    while (end := _fitting(text, begin, width - cells(start))) < len(text):
        end = _end_of_line(text, begin, end)
        lines.append(start + text[begin:end].rstrip(" "))
        begin = _next_word(text, end)
        start = margin[: width // 2]
    return [*lines, start + text[begin:]] if begin < len(text) or not lines else lines


def wrap_command(text: str, width: int) -> list[str]:
    """The lines of a shell command, which can be pasted: a backslash ends a line that is broken outside of quotes."""
    lines = wrap(text, width - 2)
    quote, position = "", 0
    for number, line in enumerate(lines[:-1]):
        quote, position = _open_quote(line, quote), position + len(line)
        is_at_space = text[position] == " "
        position = _next_word(text, position)
        if not (quote and is_at_space):
            lines[number] = f"{line} \\" if is_at_space else f"{line}\\"
    return lines


def _open_quote(line: str, quote: str) -> str:
    """The quotation mark that is open at the end of a line, or nothing."""
    for letter in line:
        if letter in "'\"" and quote in ("", letter):
            quote = "" if quote else letter
    return quote


def _next_word(text: str, begin: int) -> int:
    """The position of the first character from a position on that is not a space."""
    while begin < len(text) and text[begin] == " ":
        begin += 1
    return begin


def _end_of_line(text: str, begin: int, most: int) -> int:
    """The position after a line that begins at a position and ends, at most, at another one."""
    for end in range(most, begin, -1):
        if text[end] == " ":
            return end
    for end in range(most, begin, -1):
        if text[end - 1] in _BREAK_AFTER:
            return end
    return max(most, begin + 1)


def _fitting(text: str, begin: int, width: int) -> int:
    """The position after the characters from a position on that fit into a width."""
    used = 0
    for position in range(begin, len(text)):
        used += cells(text[position])
        if used > width:
            return position
    return len(text)
