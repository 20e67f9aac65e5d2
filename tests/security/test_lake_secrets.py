"""No output, process list, file, or table shows the password of PostgreSQL or the keys of S3."""

from __future__ import annotations

import datetime as dt
import logging
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pipelines.cli.entry import run
from pipelines.errors import PipelineError
from pipelines.lake_address import LakeAddress
from pipelines.sandbox import Sandbox
from pipelines.warehouse.opening import open_warehouse
from pipelines.warehouse.read.query_session import query_session
from tests.buckets import BUCKET, KEY_ID, SECRET_KEY, SESSION, BucketServer, bucket_server
from tests.lakes import WITH_PASSWORD, database_of, execute, lake_at, postgres

PASSWORD = "QxzwPassword"
SECRETS = (PASSWORD, SECRET_KEY, SESSION, KEY_ID)
NOW = dt.datetime(2026, 11, 23, 12, tzinfo=dt.UTC)


@pytest.fixture(scope="module")
def server() -> Iterator[BucketServer]:
    """A server of S3, and a user of PostgreSQL with a password."""
    postgres()
    with bucket_server() as server:
        execute(f"CREATE ROLE {WITH_PASSWORD} LOGIN PASSWORD '{PASSWORD}'")
        yield server


@pytest.fixture
def lake(server: BucketServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LakeAddress]:
    """Settings of a lake that needs both; it does not exist yet."""
    assert server.port
    plain = lake_at(tmp_path / "w.duckdb")
    execute(f"ALTER DATABASE {database_of(plain)} OWNER TO {WITH_PASSWORD}")
    catalogue = plain.catalogue.replace("user=postgres", f"user={WITH_PASSWORD}")
    lake = replace(plain, catalogue=catalogue, data=f"s3://{BUCKET}/{database_of(plain)}/")
    (passwords := tmp_path / "pgpass").write_text(f"*:*:*:{WITH_PASSWORD}:{PASSWORD}\n")
    passwords.chmod(0o600)
    with Sandbox(now=NOW, scale=0.05) as sandbox:
        variables = {
            **sandbox.environment(),
            "FLORIDAY_WAREHOUSE": lake.attach_string,
            "FLORIDAY_LAKE_DATA": lake.data,
            "FLORIDAY_FEEDS": "catalog.trade_items",
            "PGPASSFILE": str(passwords),
        }
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        monkeypatch.chdir(tmp_path)
        yield lake


def processes() -> str:
    """The command lines of all processes."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            found.append((folder / "cmdline").read_bytes().decode(errors="replace"))
        except OSError:
            continue
    return "\n".join(found)


def test_no_secret_of_a_lake_is_shown_or_stored(
    lake: LakeAddress,
    server: BucketServer,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Commands that succeed or fail show no secret, and neither do their processes, files and tables."""
    with caplog.at_level(logging.DEBUG), pytest.MonkeyPatch.context() as patch:
        codes = [run(["sync"]), run(["status"]), run(["compact"]), run(["backup", "b.duckdb"])]
        codes += [run(["query", f"FROM {name}()"]) for name in ("duckdb_databases", "duckdb_settings")]
        refused = [
            run(["query", sql]) for sql in ("FROM duckdb_secrets()", "FROM which_secret('s3://flowers/x', 's3')")
        ]
        with query_session(lake):
            seen = processes() + str(execute("SELECT * FROM pg_stat_activity"))
        with server.stopped():
            refused += [run(["sync"]), run(["query", "FROM catalog.trade_items"])]
        patch.setenv("PGPASSFILE", str(tmp_path / "none"))
        refused += [run(["sync"]), run(["status"])]

    shown = caplog.text + "".join(capsys.readouterr()) + seen
    assert (codes, 0 in refused) == ([0] * len(codes), False), shown
    for secret in SECRETS:
        assert secret not in shown
        for path in tmp_path.rglob("*"):
            assert path.name == "pgpass" or not path.is_file() or secret.encode() not in path.read_bytes(), path.name
    (stored,) = execute(
        "SELECT string_agg(query_to_xml(format('TABLE %%I.%%I', schemaname, tablename), true, false, '')::text, '')"
        " FROM pg_tables WHERE schemaname = %s AND tablename ~ 'metadata|snapshot|data_file|option'",
        lake.schema,
        dbname=database_of(lake),
    )
    assert [secret for secret in SECRETS if secret in stored[0]] == []


def test_a_wrong_password_is_not_shown(lake: LakeAddress, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names the user, and no password."""
    monkeypatch.delenv("PGPASSFILE")
    monkeypatch.setenv("PGPASSWORD", f"wrong{PASSWORD}")

    with pytest.raises(PipelineError, match="password authentication failed for user") as raised:
        open_warehouse(lake).exists()

    assert PASSWORD not in str(raised.value)
    assert PASSWORD not in os.fsdecode(Path("/proc/self/cmdline").read_bytes())
