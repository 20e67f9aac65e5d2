"""A `.env` file that is written is read back unchanged, whatever the values are."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.settings.env_file import with_variables
from pipelines.settings.variables import read_dotenv

NAMES = st.from_regex(r"FLORIDAY_[A-Z_]{1,12}", fullmatch=True)
VALUES = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1).filter(lambda text: text.strip() == text)


def read(folder: Path, text: str) -> dict[str, str]:
    """Return the variables of a file with this text."""
    path = folder / "settings"
    path.write_text(text, encoding="utf-8")
    return read_dotenv(path)


@given(st.dictionaries(NAMES, VALUES), st.dictionaries(NAMES, VALUES))
def test_values_are_read_back(
    tmp_path_factory: pytest.TempPathFactory, before: dict[str, str], variables: dict[str, str]
) -> None:
    """New variables replace those of the same name, and all others keep their values."""
    folder = tmp_path_factory.getbasetemp()
    text = with_variables(with_variables("", before), variables)

    assert read(folder, text) == before | variables


def test_other_lines_stay(tmp_path: Path) -> None:
    """Comments and other variables of an existing file stay, and a blank value removes a variable."""
    text = "# mine\nFLORIDAY_FEEDS=batches\nexport FLORIDAY_API_KEY=old\nFLORIDAY_CLIENT_ID=a"

    changed = with_variables(text, {"FLORIDAY_API_KEY": "", "FLORIDAY_API_KEYS": '{"a": "b$c"}'})

    assert changed.startswith("# mine\nFLORIDAY_FEEDS=batches\n")
    assert read(tmp_path, changed) == {
        "FLORIDAY_FEEDS": "batches",
        "FLORIDAY_CLIENT_ID": "a",
        "FLORIDAY_API_KEYS": '{"a": "b$c"}',
    }
