"""Print on streams whose encoding lacks some characters, such as ASCII with ``LC_ALL=C``."""

from __future__ import annotations

import codecs
import io
import sys
import unicodedata

_HANDLER = "floriday-nearest"
_NEAREST = {"–": "-", "—": "-", "…": "...", "·": ".", "─": "-", "━": "-", "│": "|", "→": "->", "€": "EUR", "×": "x"}
"""What replaces a character that has no decomposition into ASCII."""


def print_in_any_encoding() -> None:
    """Make standard output and standard error replace characters that their encodings lack, instead of raising.

    Letters lose their accents, signs become similar ones, anything else becomes ``?``. Files and the formats for
    programs are UTF-8 and do not change.
    """
    codecs.register_error(_HANDLER, _replaced)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_HANDLER)


def _replaced(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(map(_nearest, error.object[error.start : error.end])), error.end


def _nearest(letter: str) -> str:
    plain = unicodedata.normalize("NFKD", letter).encode("ascii", "ignore").decode()
    return _NEAREST.get(letter) or plain or "?"
