"""SQL of others changes no byte of the warehouse and creates no file, whatever it contains."""

from __future__ import annotations

import hashlib
import os
import random
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

from pipelines.errors import PipelineError, QueryMemoryError, QueryTimeoutError, UsageError
from pipelines.warehouse.read.query_process import confine
from pipelines.warehouse.read.query_session import Limits, QuerySession, query_session, single_query
from pipelines.warehouse.read.statement_rules import READING_FUNCTIONS, reading_statement
from tests.security.confined_process import ConfinedProcess
from tests.security.random_statements import KINDS, UNNAMED, RandomStatements, types_of
from tests.thing_warehouse import B, ThingWarehouse, word

ROOT = Path(__file__).parents[2]
UNPARSED = {"INVALID", "ANALYZE", "VARIABLE_SET", "CREATE_FUNC", "RELATION", "LOGICAL_PLAN", "EXTENSION"}
"""Statement types to which DuckDB parses no SQL text."""
OF_ONE_VERSION = {"MULTI", "COPY_DATABASE"}
"""Statement types to which only one of the supported versions of DuckDB parses SQL text."""


@dataclass(frozen=True)
class Place:
    """A warehouse in a folder that must not change.

    Args:
        folder: working directory, home and temporary folder of the processes under test.
        path: path of the warehouse in the folder.
    """

    folder: Path
    path: Path

    def state(self) -> dict[str, tuple[int, int, int]]:
        """Size, time of modification and mode of every file and folder."""
        return {
            str(each): (each.lstat().st_size, each.lstat().st_mtime_ns, each.lstat().st_mode)
            for each in sorted((self.folder, *self.folder.rglob("*")))
        }

    def bytes(self) -> str:
        """Hash of the bytes of the warehouse."""
        return hashlib.sha256(self.path.read_bytes()).hexdigest()

    @property
    def environment(self) -> dict[str, str]:
        """The environment of the processes under test."""
        return {**os.environ, "HOME": str(self.folder), "TMPDIR": str(self.folder), "PYTHONPATH": str(ROOT)}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A warehouse with two records, and a file with a secret beside it."""
    folder = tmp_path_factory.mktemp("place")
    things = ThingWarehouse(folder / "w.duckdb").create()
    things.store(word("one", 1), word("two", 2, B))
    (folder / "secret.csv").write_text("a,b\n1,hidden\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for name in ("HOME", "TMPDIR"):
            patch.setenv(name, str(folder))
        yield Place(folder, things.path)


@pytest.fixture(autouse=True)
def unchanged(place: Place) -> Iterator[None]:
    """Assert that a test changes no byte of the warehouse and nothing in the folder."""
    before, content = place.state(), place.bytes()
    yield
    assert place.state() == before
    assert place.bytes() == content


@pytest.fixture(scope="module")
def queries(place: Place) -> Iterator[Queries]:
    """A session with the rules for statements."""
    with closing(Queries(place)) as queries:
        yield queries


@pytest.fixture(scope="module")
def process(place: Place) -> Iterator[ConfinedProcess]:
    """A process with the same confinement and without the rules for statements."""
    with closing(ConfinedProcess(place.path, place.folder, place.environment)) as process:
        yield process


class Queries:
    """A query session that is opened again after a statement ended it."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._session = self._opened()

    def _opened(self) -> QuerySession:
        session = QuerySession()
        session.open(self._place.path, Limits(seconds=10.0))
        return session

    def refusal(self, sql: str) -> str | None:
        """The reason why a query is refused, or None if it is answered; other errors are raised."""
        try:
            list(self._session.execute(sql).batches)
        except PipelineError as error:
            if isinstance(error, QueryTimeoutError) or "the process that executes the query ended" in error.message:
                self._session.close()
                self._session = self._opened()
            return error.message
        return None

    def close(self) -> None:
        """End the session."""
        self._session.close()


ATTACKS = (
    "EXPLAIN ANALYZE COPY (SELECT 'x') TO '{path}' (FORMAT csv, USE_TMP_FILE false)",
    "EXPLAIN ANALYZE COPY (SELECT 'x') TO '{path}.wal' (FORMAT csv, USE_TMP_FILE false)",
    "explain/**/analyze copy (SELECT 'x') to '{path}' (format csv, use_tmp_file false)",
    "EXPLAIN (ANALYZE) COPY (SELECT 'x') TO '{path}' (FORMAT csv, USE_TMP_FILE false)",
    "EXPLAIN ANALYZE COPY (PIVOT things.things ON account USING count(*)) TO '{path}' (FORMAT csv, USE_TMP_FILE false)",
    "EXPLAIN ANALYZE CALL enable_logging(storage = 'file', storage_path = '{folder}/log')",
    "EXPLAIN ANALYZE SELECT 1",
    "EXPLAIN (FORMAT json) SELECT 1",
    "EXPLAIN COPY (SELECT 1) TO '{path}'",
    "EXPLAIN ANALYZE ATTACH '{folder}/new.duckdb'",
    "EXPLAIN ANALYZE EXPORT DATABASE '{folder}/out'",
    "EXPLAIN ANALYZE DELETE FROM things.things",
    "EXPLAIN ANALYZE PREPARE p AS SELECT 1",
    "COPY (SELECT 'x') TO '{path}' (FORMAT csv, USE_TMP_FILE false)",
    "COPY (SELECT 1) TO '{folder}/new.csv'",
    "FROM read_blob('{path}')",
    "FROM read_text('{path}.lock')",
    "FROM read_csv('{folder}/secret.csv')",
    "FROM '{folder}/secret.csv'",
    "FROM glob('{folder}/*')",
    "FROM read_duckdb('{path}')",
    "FROM read_csv('https://127.0.0.1:1/a.csv')",
    "ATTACH '{folder}/new.duckdb'",
    "LOAD httpfs",
    "INSTALL httpfs",
    "SET lock_configuration = false",
    "RESET enable_external_access",
    "PRAGMA enable_profiling",
    "PREPARE p AS SELECT 1",
    "SELECT 1; COPY (SELECT 1) TO '{folder}/new.csv'",
    "PIVOT things.things ON account USING count(*); COPY (SELECT 1) TO '{folder}/new.csv'",
    "CREATE VIEW v AS SELECT 1; PIVOT things.things ON account USING count(*)",
    "FROM query('COPY (SELECT 1) TO ''{folder}/new.csv''')",
    "PRAGMA json_execute_serialized_sql(json_serialize_sql('SELECT 1'))",
    "FROM json_execute_serialized_sql(json_serialize_sql('FROM read_text(''{folder}/secret.csv'')'))",
    "FROM enable_logging()",
    "FROM force_checkpoint()",
    "FROM which_secret('s3://a', 's3')",
    "CREATE PERSISTENT SECRET s (TYPE http, BEARER_TOKEN 'a')",
    "WITH deleted AS (DELETE FROM things.things RETURNING *) FROM deleted",
    "WITH x AS (INSERT INTO things.things FROM things.things RETURNING *) FROM x",
    "WITH x AS (UPDATE things.things SET account = 'x' RETURNING *) SELECT 1",
    "WITH x AS (MERGE INTO things.things t USING (SELECT 1 AS a) s ON true WHEN MATCHED THEN DELETE) SELECT 1",
    "WITH x AS (COPY (SELECT 'x') TO '{path}' (FORMAT csv, USE_TMP_FILE false)) FROM x",
    "WITH x AS (COPY (SELECT 1) TO '{folder}/new.csv') SELECT 1",
    "WITH a AS (SELECT 1), x AS MATERIALIZED (/**/\u00a0copy (FROM a) TO '{folder}/new.csv') SELECT 1",
    "SELECT (WITH x AS (COPY (SELECT 1) TO '{folder}/new.csv') SELECT 1)",
    "FROM (WITH x AS (COPY (SELECT 1) TO '{folder}/new.csv') FROM x)",
    "EXPLAIN WITH x AS (COPY (SELECT 1) TO '{folder}/new.csv') FROM x",
    "WITH x AS (COPY (SELECT 1) TO '{folder}/new.csv') PIVOT things.things ON account USING count(*)",
    "WITH p AS (PIVOT things.things ON account USING count(*)) COPY (FROM p) TO '{folder}/new.csv'",
    "WITH p AS (PIVOT things.things ON account USING count(*)) DELETE FROM things.things",
    "COPY (PIVOT things.things ON account USING count(*)) TO '{folder}/new.csv'",
    "CREATE TEMP TABLE mine AS PIVOT things.things ON account USING count(*)",
    "EXPLAIN ANALYZE PIVOT things.things ON account USING count(*)",
    "CONNECT 'quack:127.0.0.1'",
    "CONNECT '{folder}/new.duckdb'",
    "DISCONNECT",
    "UPDATE EXTENSIONS",
    "CREATE SECURE VIEW things.new AS SELECT 1",
    "CREATE TRIGGER t AFTER INSERT ON things.things FOR EACH STATEMENT DELETE FROM things.things",
    "FROM read_single_csv_file('{folder}/secret.csv')",
    "FROM read_single_json_file('{folder}/secret.csv')",
    "FROM read_single_parquet_file('{path}')",
    "FROM parquet_page_index('{path}')",
    "FROM add_grammar_extension('x')",
    "FROM create_external_resource('x', 'y')",
    "FROM register_external_resource_type('x')",
    "CALL destroy_external_resource('x')",
    "SET default_transaction_invalidation_policy = 'x'",
    "SET logging_sink = 'file'",
    "SET external_file_cache_spill = true",
    "SET extension_repository_directory = '{folder}'",
    "COPY (SELECT 1) TO '{folder}/new.csv' (FORMAT csv, PARTITION_BY (x))",
)
"""Attacks of an audit, and variants of them."""


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_is_refused(attack: str, place: Place, queries: Queries) -> None:
    """A statement that writes, reads files or changes the session is refused in one line."""
    refusal = queries.refusal(attack.format(path=place.path, folder=place.folder))

    assert refusal is not None
    assert "\n" not in refusal
    assert "hidden" not in refusal


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_does_nothing_without_the_rules(attack: str, place: Place, process: ConfinedProcess) -> None:
    """Without the rules for statements too, the confined process changes nothing and reads no file."""
    result = process.execute(attack.format(path=place.path, folder=place.folder))

    reads_files = any(word in attack for word in ("read_", "glob", "FROM '{folder}"))
    assert result != "rows" or not reads_files


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT count(*) FROM things.things",
        "  -- a comment\n FROM things.things",
        "VALUES (1), (2);",
        "WITH a AS (SELECT 1 AS x) SELECT x FROM a ; -- a comment",
        "(SELECT 1)",
        "TABLE things.things",
        "DESCRIBE things.things",
        "DESCRIBE SELECT 1",
        "SHOW TABLES",
        "SHOW ALL TABLES",
        "SUMMARIZE things.things",
        "EXPLAIN SELECT 1",
        "explain /* é */ -- é\n FROM things.things",
        "EXPLAIN DESCRIBE things.things",
        "PIVOT things.things ON account USING count(*)",
        "PIVOT things.things ON account USING count(*) ; /* a comment */",
        "WITH p AS (PIVOT things.things ON account USING count(*)) FROM p",
        """WITH copy AS (SELECT 1 AS "delete", 2 AS update) SELECT copy.update, ("delete"), (update) FROM copy""",
        "WITH a AS (SELECT 1 AS b), c AS (FROM a) (FROM c) UNION ALL (SELECT 2) ORDER BY b",
        "WITH RECURSIVE r AS (SELECT 1 AS x UNION ALL SELECT x + 1 FROM r WHERE x < 3) FROM r",
        "UNPIVOT (SELECT 1 AS a, 2 AS b) ON a, b",
        "FROM history.things_as_of(now())",
        "FROM duckdb_tables()",
        "SELECT unnest(range(3))",
        "FROM generate_series(1, 3)",
        "SELECT ';' AS semicolon",
        "FROM pragma_table_info('things.things')",
    ],
)
def test_every_reading_statement_works(sql: str, queries: Queries) -> None:
    """Every kind of statement that only reads returns a result."""
    assert queries.refusal(sql) is None


def test_random_statements_have_every_kind() -> None:
    """The random statements have all statement types of DuckDB's parser, with and without EXPLAIN."""
    connection = duckdb.connect()
    confine(connection)  # parsing a statement can already create a folder for secrets
    statements = RandomStatements(random.Random(1), Path("/folder"), Path("/folder/w.duckdb"))

    parsed = set().union(*(types_of(connection, statements.plain(kind)) for kind in KINDS for _ in range(30)))
    explained = {
        kind
        for kind in KINDS
        if any(types_of(connection, f"EXPLAIN ANALYZE {statements.plain(kind)}") for _ in range(10))
    }

    expected = duckdb.StatementType.__members__.keys() - UNPARSED - OF_ONE_VERSION
    assert (parsed | {"EXPLAIN"}) - OF_ONE_VERSION == expected | {UNNAMED}
    assert {"SELECT", "COPY", "CREATE", "DELETE", "CALL"} <= explained


def attack_at_random(place: Place, queries: Queries, process: ConfinedProcess, seed: int, count: int) -> Counter[str]:
    """Execute random statements with and without the rules, and count the answered and refused queries."""
    before = place.state()
    statements = RandomStatements(random.Random(seed), place.folder, place.path)
    results = Counter[str]()
    for _ in range(count):
        sql = statements.statement()
        refusal = queries.refusal(sql)
        assert "\n" not in (refusal or ""), sql
        results["answered" if refusal is None else "refused"] += 1
        process.execute(sql)
        assert place.state() == before, sql
    return results


def test_random_statements_change_nothing(place: Place, queries: Queries, process: ConfinedProcess) -> None:
    """500 statements of all kinds change no byte and create no file, with and without the rules."""
    results = attack_at_random(place, queries, process, seed=2026, count=500)

    assert results["answered"] > 20
    assert results["refused"] > 200


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(20))
def test_many_random_statements_change_nothing(
    seed: int, place: Place, queries: Queries, process: ConfinedProcess
) -> None:
    """20,000 statements change no byte and create no file, with and without the rules."""
    attack_at_random(place, queries, process, seed=seed, count=1000)


def test_a_query_ends_at_its_timeout(place: Place) -> None:
    """A query ends at its timeout, and the next session works."""
    endless = "SELECT count(*) FROM range(1000000) a, range(1000000) b WHERE a.range + b.range < 0"

    with (
        pytest.raises(QueryTimeoutError, match=r"longer than 0\.2 s"),
        single_query(place.path, endless, limits=Limits(0.2)),
    ):
        pass

    with single_query(place.path, "SELECT 1") as result:
        assert len(list(result.batches)) == 1


def test_a_query_has_a_memory_limit(place: Place) -> None:
    """A query that exceeds its memory limit gets an error that names the limit, and the session continues."""
    large = "SELECT list(range) FROM range(50000000)"

    with query_session(place.path, Limits(memory="50MB")) as session:
        with pytest.raises(QueryMemoryError, match="more memory than it may use"):
            session.execute(large)
        assert session.rows("SELECT 1") == [(1,)]


def test_a_session_continues_after_errors(place: Place) -> None:
    """After an error or a result that was not read completely, a session executes the next query."""
    with query_session(place.path) as session:
        session.execute("FROM range(100000)")
        with pytest.raises(PipelineError, match="nothing"):
            session.execute("SELECT nothing")
        with pytest.raises(UsageError):
            session.execute("CHECKPOINT")
        assert session.rows("SELECT $a AS a, $b AS b", {"a": [1, None], "b": "x'; DROP"}) == [([1, None], "x'; DROP")]


def test_macros_are_not_functions() -> None:
    """The rules check functions of DuckDB, and not macros of users."""
    connection = duckdb.connect()
    connection.execute("CREATE MACRO mine() AS TABLE SELECT 1")

    assert reading_statement(connection, "FROM mine()") == "FROM mine()"
    with pytest.raises(UsageError, match="glob"):
        reading_statement(connection, "FROM (SELECT * FROM GLOB('*'))")


@pytest.mark.parametrize(
    "sql",
    [
        f"SELECT {'+'.join(['1'] * 900)}",
        f"SELECT {'NOT ' * 900}true",
        f"SELECT {'[' * 900}1{']' * 900}",
        f"SELECT * FROM {'(SELECT * FROM ' * 200}range(1){')' * 200}",
    ],
)
def test_nested_statements_are_checked(sql: str) -> None:
    """Statements are checked at any depth that DuckDB can parse."""
    connection = duckdb.connect()
    with_file_access = (
        sql.replace("1", "(FROM glob('*'))", 1).replace("range(", "glob(").replace("true", "(FROM glob('*'))")
    )

    assert reading_statement(connection, sql) == sql
    with pytest.raises(UsageError, match="glob"):
        reading_statement(connection, with_file_access)


def test_names_within_texts_are_no_calls(queries: Queries) -> None:
    """The name of a function within a text is not taken for a call."""
    assert queries.refusal("""SELECT '"function_name":"glob"' AS "glob", 'FROM glob(''*'')'""") is None


def test_refused_names_are_unique() -> None:
    """No harmless function has the name of a refused table function, so that names can be refused anywhere."""
    functions = duckdb.connect().execute("SELECT function_name, function_type FROM duckdb_functions()").fetchall()
    refused = {name for name, kind in functions if kind == "table" and name not in READING_FUNCTIONS}

    assert refused
    assert not refused & {name for name, kind in functions if kind not in {"table", "pragma"}}


def test_the_query_process_has_no_secrets(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment of the query process contains no settings of the project."""
    monkeypatch.setenv("FLORIDAY_CLIENT_SECRET", "s3cr3t-of-the-test")
    with query_session(place.path) as session:
        environments = [(Path("/proc") / str(child) / "environ").read_bytes() for child in _children(os.getpid())]
        assert session.rows("SELECT 1") == [(1,)]

    assert environments
    assert not any(b"s3cr3t-of-the-test" in each for each in environments)


def _children(process: int) -> list[int]:
    tasks = Path(f"/proc/{process}/task").glob("*/children")
    return [int(child) for task in tasks for child in task.read_text().split()]
