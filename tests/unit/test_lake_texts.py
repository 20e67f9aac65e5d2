"""A lake stores no NUL character, and its errors show no stored value."""

from __future__ import annotations

import duckdb
import pyarrow as pa
import pytest

from pipelines.warehouse import storage
from pipelines.warehouse.lake.errors import is_conflict, plain_error
from pipelines.warehouse.storage import FILE, LAKE, register


@pytest.mark.parametrize("kind", [FILE, LAKE])
def test_nul_becomes_a_visible_sign_in_a_lake(kind: storage.Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Texts and lists of texts keep all other characters, and rows without NUL stay as they are."""
    monkeypatch.setattr(storage, "storage_of", lambda _: kind)
    frame = pa.table({"n": [1, 2, 3], "word": ["a\0b", None, "c"], "words": [["\0", None], None, []]})
    with duckdb.connect() as connection:
        register(connection, frame=frame)
        rows = connection.execute("FROM frame ORDER BY n").fetchall()

    sign = "\0" if kind is FILE else "\N{SYMBOL FOR NULL}"
    assert rows == [(1, f"a{sign}b", [sign, None]), (2, None, None), (3, "c", [])]


FAILED = "TransactionContext Error: Failed to commit: Failed to commit DuckLake transaction."


@pytest.mark.parametrize(
    "reason",
    [
        " Transaction conflict - attempting to insert into table with index",
        "\nExceeded the maximum retry count of 100",
        "\nFailed to flush changes into DuckLake: duplicate key value violates unique constraint",
    ],
)
def test_a_conflict_is_recognized(reason: str) -> None:
    """Only what another writer caused is a conflict, which is tried again."""
    assert is_conflict(duckdb.TransactionException(FAILED + reason))


def test_an_error_of_a_commit_shows_no_value() -> None:
    """Another error of a commit is no conflict, and is shown without the statement, which contains stored values."""
    statement = "'INSERT INTO \"floriday\".ducklake_table_column_stats VALUES (13, 1, ''Jan de Vries'')"
    error = duckdb.TransactionException(
        f'{FAILED}\nFailed to flush changes into DuckLake: unterminated quoted string at or near "{statement}'
    )

    assert not is_conflict(error)
    plain = plain_error("the lake", error)
    assert str(plain) == (
        "the lake did not take this batch, and nothing of it was stored: Failed to flush changes into DuckLake:"
        " unterminated quoted string"
    )
