"""A lake stores no NUL character, and its errors show no stored value."""

from __future__ import annotations

from pathlib import Path
from unittest.mock import Mock

import duckdb
import pyarrow as pa
import pytest

from pipelines.errors import WarehouseError
from pipelines.lake_address import LakeAddress
from pipelines.warehouse import storage
from pipelines.warehouse.file.interruptible import _Guarded, close
from pipelines.warehouse.lake.errors import is_conflict, no_session, plain_error
from pipelines.warehouse.lake.object_store import create_secret
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


def test_a_connection_that_ended_in_a_transaction_is_recognized() -> None:
    """DuckDB names the statement for which there was no answer, and no reason."""
    error = duckdb.TransactionException(
        'TransactionContext Error: Failed to commit: Failed to execute query "ROLLBACK": '
    )

    assert str(plain_error(LakeAddress("dbname=flowers", "/lake/", "floriday", Path("lake")), error)) == (
        "PostgreSQL does not answer for ducklake:postgres:dbname=flowers, schema floriday (the connection ended): start"
        " it, or correct the address"
    )


def test_a_database_that_duckdb_gave_up_is_not_closed() -> None:
    """To close it would end the process; its error says that the next sync continues."""
    error = duckdb.FatalException("Failed: database has been invalidated because of a previous fatal error.")
    connection = Mock(execute=Mock(side_effect=error))

    close(_Guarded(connection))  # type: ignore[arg-type]

    connection.close.assert_not_called()
    plain = plain_error(LakeAddress("dbname=flowers", "/lake/", "floriday", Path("lake")), error)
    assert isinstance(plain, WarehouseError)
    assert str(plain).startswith("DuckDB failed while it used ducklake:postgres:dbname=flowers, schema floriday")


def test_an_error_of_a_commit_shows_no_value() -> None:
    """Another error of a commit is no conflict, and is shown without the statement, which contains stored values."""
    statement = "'INSERT INTO \"floriday\".ducklake_table_column_stats VALUES (13, 1, ''Jan de Vries'')"
    error = duckdb.TransactionException(
        f'{FAILED}\nFailed to flush changes into DuckLake: unterminated quoted string at or near "{statement}'
    )

    assert not is_conflict(error)
    plain = plain_error(LakeAddress("dbname=flowers", "/lake/", "floriday", Path("lake")), error)
    assert str(plain) == (
        "ducklake:postgres:dbname=flowers, schema floriday did not take this batch, and nothing of it was stored:"
        " Failed to flush changes into DuckLake: unterminated quoted string"
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "IO Error: Could not connect to server error for HTTP PUT to 'http://s3.test/x'",
            "S3 does not answer for s3://",
        ),
        ("HTTP Error: Unable to connect to URL http://s3.test/x (HTTP 403 Forbidden)", "S3 denies access to s3://"),
        ("HTTP Error: HTTP GET error on '/' (HTTP 404)\n<Code>NoSuchBucket</Code>", "S3 has no bucket flowers"),
        ("Secret Validation Failure: during `create` using the following", "no keys for s3://flowers/lake/ were found"),
    ],
)
def test_an_error_of_a_bucket_names_the_next_step(text: str, expected: str) -> None:
    """The error is one line that names what does not answer, and shows no address of a request."""
    lake = LakeAddress("dbname=flowers", "s3://flowers/lake/", "floriday", Path("lake"))

    plain = plain_error(lake, duckdb.Error(text))

    assert isinstance(plain, WarehouseError)
    assert str(plain).startswith(expected)
    assert "s3.test" not in str(plain)


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, "REFRESH auto)"),
        ({"AWS_ENDPOINT_URL": "https://s3.test"}, "ENDPOINT 's3.test', URL_STYLE 'path', USE_SSL true)"),
        ({"AWS_ENDPOINT_URL": "x", "AWS_ENDPOINT_URL_S3": "http://[::1]:9000/"}, "ENDPOINT '[::1]:9000', URL_STYLE"),
    ],
)
def test_a_server_like_s3_is_named_as_for_the_tools_of_aws(environ: dict[str, str], expected: str) -> None:
    """The variables are those of AWS's tools, and that for S3 alone comes first."""
    assert expected in create_secret(environ)


@pytest.mark.parametrize("address", ["s3.test:9000", "ftp://s3.test", "https://me:hunter2@s3.test", "http://x/bucket"])
def test_a_wrong_server_is_explained(address: str) -> None:
    """The error names the variable, and does not quote it."""
    with pytest.raises(WarehouseError, match="AWS_ENDPOINT_URL expects https://host or") as raised:
        create_secret({"AWS_ENDPOINT_URL": address})

    assert address not in str(raised.value)


@pytest.mark.parametrize(
    "reason", ["fe_sendauth: no password supplied", 'FATAL:  password authentication failed for user "flowers"']
)
def test_a_missing_or_wrong_password_is_explained(reason: str) -> None:
    """The error names the files in which PostgreSQL looks for it."""
    text = no_session(LakeAddress("dbname=flowers", "/lake/", "floriday", Path("lake")), reason)

    assert text == (
        f"PostgreSQL refuses ducklake:postgres:dbname=flowers, schema floriday ({reason}): write the password into the"
        " file that PGPASSFILE names, or into ~/.pgpass, which only its owner may read (mode 0600)"
    )


def test_a_user_who_may_only_read_is_explained() -> None:
    """A writer with such a user ends with one line, not as with a defect."""
    error = duckdb.Error(
        'Failed to execute query "DELETE FROM x": ERROR:  permission denied for table ducklake_inlined_data_1_1'
    )

    plain = plain_error(LakeAddress("dbname=flowers", "/lake/", "floriday", Path("lake")), error)

    assert isinstance(plain, WarehouseError)
    assert "(permission denied for table ducklake_inlined_data_1_1): use a user who may write there" in str(plain)
