"""Random SQL of every kind that DuckDB can parse, aimed at files beside a warehouse.

The kinds and wrappers follow DuckDB's grammar. A statement need not be valid; it must only have no effect.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

TABLES = ("things.things", "things.thing_branches", "sync.cursors", "raw.things", "history.things", "duckdb_tables()")


@dataclass
class RandomStatements:
    """Makes random statements, one after the other.

    Args:
        chance: source of all random choices.
        folder: folder that the attacks aim at.
        warehouse: database file that they aim at most often.
    """

    chance: random.Random
    folder: Path
    warehouse: Path

    def statement(self) -> str:
        """A random statement, usually wrapped in another one and sometimes corrupted."""
        sql = self._wrapped(self._any_kind())
        for _ in range(self.chance.choice((0, 0, 0, 1, 1, 2))):
            sql = self._corrupted(sql)
        return sql

    def plain(self, kind: str) -> str:
        """A statement of one kind; kinds are named like DuckDB's statement types."""
        return self._pick(self._of_kind(kind))

    def _any_kind(self) -> str:
        return self.plain("SELECT" if self.chance.random() < _SHARE_OF_SELECT else self._pick(KINDS))

    def _pick(self, options: Sequence[str]) -> str:
        return self.chance.choice(options)

    @property
    def _path(self) -> str:
        """A path as a string literal: the warehouse, a file that DuckDB keeps beside it, or a new file."""
        beside = [f"{self.warehouse}{ending}" for ending in ("", "", "", ".wal", ".tmp", ".lock", ".tmp/x")]
        others = [str(self.folder / name) for name in ("new.csv", "made/new.parquet", "secret.csv", "*")]
        return "'{}'".format(self._pick([*beside, *others, "relative.csv", "/dev/stdout", "file:new", "s3://a/b"]))

    @property
    def _select(self) -> str:
        table, path = self._pick(TABLES), self._path
        return self._pick(
            (
                "SELECT 1 AS one",
                f"FROM {table}",
                f"SELECT count(*) FROM {table}",
                f"VALUES (1), ({self.chance.randint(0, 9)})",
                f"WITH a AS (SELECT 1) SELECT * FROM a, {table}",
                f"DESCRIBE {table}",
                "SHOW ALL TABLES",
                f"SUMMARIZE {table}",
                f"PIVOT {table} ON account USING count(*)",
                f"TABLE {table}",
                f"FROM {self._file_function}({path})",
                f"FROM {path}",
                f"SELECT * FROM query('{self._escaped(self._copy)}')",
                f"FROM query_table({path})",
                f"SELECT {self._pick(_SCALARS)}",
                f"FROM {self._pick(_SESSION_FUNCTIONS)}",
                f"FROM json_execute_serialized_sql(json_serialize_sql('{self._escaped(f'FROM read_text({path})')}'))",
                "SELECT * FROM (SELECT unnest(range(3))) UNION ALL SELECT 1",
                f"(FROM {table}) EXCEPT (SELECT * FROM {table})",
            )
        )

    @property
    def _file_function(self) -> str:
        return self._pick(_FILE_FUNCTIONS)

    @property
    def _copy(self) -> str:
        source = self._pick(("(SELECT 'x' AS x)", "things.things", "(FROM range(9))"))
        options = self._pick(_COPY_OPTIONS)
        return f"COPY {source} TO {self._path}{options}"

    def _escaped(self, sql: str) -> str:
        return sql.replace("'", "''")

    def _of_kind(self, kind: str) -> Sequence[str]:
        table, path, select = self._pick(TABLES), self._path, self._select
        kinds: dict[str, Sequence[str]] = {
            "SELECT": (select,),
            "INSERT": (f"INSERT INTO {table} {select}", f"INSERT INTO {table} BY NAME {select} ON CONFLICT DO NOTHING"),
            "UPDATE": (f"UPDATE {table} SET account = 'x'",),
            "DELETE": (f"DELETE FROM {table}", f"TRUNCATE {table}"),
            "MERGE_INTO": (f"MERGE INTO {table} t USING (SELECT 1 AS one) s ON true WHEN MATCHED THEN DELETE",),
            "CREATE": (
                f"CREATE TABLE things.new AS {select}",
                f"CREATE OR REPLACE TEMP TABLE mine AS {select}",
                f"CREATE VIEW things.new AS {select}",
                "CREATE SCHEMA new",
                "CREATE SEQUENCE numbers",
                "CREATE TYPE mood AS ENUM ('a')",
                f"CREATE MACRO m(x) AS TABLE {select}",
                "CREATE INDEX i ON things.things (account)",
                "CREATE SECURE VIEW things.new AS SELECT 1",
                f"CREATE TRIGGER t AFTER INSERT ON {table} FOR EACH STATEMENT {self._copy}",
                "CREATE PERSISTENT SECRET s (TYPE s3, KEY_ID 'a', SECRET 'b')",
                f"CREATE SECRET s IN local_file (TYPE http, BEARER_TOKEN {path})",
            ),
            "DROP": (f"DROP TABLE {table}", "DROP SCHEMA things CASCADE", "DROP VIEW IF EXISTS history.things"),
            "ALTER": (
                f"ALTER TABLE {table} ADD COLUMN new INTEGER",
                f"ALTER TABLE {table} RENAME TO other",
                f"COMMENT ON TABLE {table} IS 'x'",
            ),
            "COPY": (self._copy, f"COPY {table} FROM {path}", f"COPY {table} TO {path} (FORMAT parquet)"),
            "EXPORT": (f"EXPORT DATABASE {path}", f"EXPORT DATABASE {path} (FORMAT parquet)"),
            "IMPORT": (f"IMPORT DATABASE {path}",),
            "COPY_DATABASE": ("COPY FROM DATABASE memory TO temp", f"COPY FROM DATABASE {self.warehouse.stem} TO temp"),
            "ATTACH": (
                f"ATTACH {path}",
                f"ATTACH {path} AS other (READ_ONLY)",
                "ATTACH ':memory:' AS other",
                f"ATTACH IF NOT EXISTS {path} AS x (TYPE sqlite)",
            ),
            "DETACH": (f"DETACH {self.warehouse.stem}", "DETACH DATABASE IF EXISTS temp"),
            "USE": (f"USE {self.warehouse.stem}", "USE memory"),
            "LOAD": (f"LOAD {path}", "LOAD httpfs", "INSTALL httpfs", f"FORCE INSTALL spatial FROM {path}"),
            "UPDATE_EXTENSIONS": ("UPDATE EXTENSIONS",),
            "CONNECT": ("CONNECT 'quack:127.0.0.1'", f"CONNECT {path}", f"CONNECT {self.warehouse.stem}", "DISCONNECT"),
            "SET": (
                f"SET {self._pick(_SETTINGS)}",
                f"SET GLOBAL {self._pick(_SETTINGS)}",
                f"SET temp_directory = {path}",
                f"SET VARIABLE x = ({select})",
                "RESET enable_external_access",
            ),
            "PRAGMA": (
                f"PRAGMA {self._pick(_PRAGMAS)}",
                f"PRAGMA profile_output = {path}",
                f"PRAGMA {self._pick(_SETTINGS)}",
            ),
            "CALL": (
                f"CALL {self._pick(_SESSION_FUNCTIONS)}",
                f"CALL enable_logging(storage = 'file', storage_path = {path})",
                f"CALL {self._file_function}({path})",
            ),
            "TRANSACTION": ("BEGIN", "COMMIT", "ROLLBACK", "BEGIN TRANSACTION READ ONLY"),
            "VACUUM": ("VACUUM", f"VACUUM ANALYZE {table}", "ANALYZE", "CHECKPOINT", "FORCE CHECKPOINT"),
            "PREPARE": (f"PREPARE p AS {select}", f"PREPARE p AS {self._copy}"),
            "EXECUTE": ("EXECUTE p", "EXECUTE p(1)", "DEALLOCATE p"),
        }
        return kinds[kind]

    def _wrapped(self, sql: str) -> str:
        """The statement unchanged, or within one that executes, explains or stores it."""
        other, name = self._select, self._pick(("a", "things"))
        return self._pick(
            (
                sql,
                sql,
                f"EXPLAIN {sql}",
                f"EXPLAIN ANALYZE {sql}",
                f"EXPLAIN (ANALYZE, FORMAT json) {sql}",
                f"EXPLAIN (FORMAT html) {sql}",
                f"explain /* {other} */ analyze {sql}",
                f"WITH {name} AS ({sql}) FROM {name}",
                f"WITH {name} AS ({sql} RETURNING *) FROM {name}",
                f"WITH {name} AS (PIVOT things.things ON account USING count(*)) {sql}",
                f"WITH {name} AS MATERIALIZED ({sql}) SELECT count(*) FROM {name}, ({other})",
                f"WITH RECURSIVE r AS (SELECT 1 UNION ALL ({sql})) FROM r LIMIT 9",
                f"SELECT * FROM ({sql})",
                f"SELECT ({sql})",
                f"SELECT * FROM query('{self._escaped(sql)}')",
                f"CREATE MACRO m() AS TABLE {sql}",
                f"PREPARE p AS {sql}",
                f"DESCRIBE {sql}",
                f"SUMMARIZE {sql}",
                f"{other}; {sql}",
                f"{sql}; {other}",
                f"EXPLAIN ANALYZE COPY ({sql}) TO {self._path} (FORMAT csv, USE_TMP_FILE false)",
                f"PRAGMA json_execute_serialized_sql('{self._escaped(sql)}')",
                f"CALL query('{self._escaped(sql)}')",
            )
        )

    def _corrupted(self, sql: str) -> str:
        """The statement with tokens removed, doubled, swapped or changed."""
        words = sql.split(" ")
        place = self.chance.randrange(len(words))
        change = self.chance.randrange(6)
        if change == 0:
            del words[place]
        elif change == 1:
            words.insert(place, words[place])
        elif change == 2:
            words.insert(place, self._pick(_ODD))
        elif change == 3:
            words[place] = words[place].swapcase()
        elif change == 4:
            words[place] = f"/*{self.chance.choice('é; ')}*/{words[place]}--{self.chance.choice(';é')}\n"
        else:
            other = self.chance.randrange(len(words))
            words[place], words[other] = words[other], words[place]
        return " ".join(words)


KINDS = (
    "SELECT",
    "INSERT",
    "UPDATE",
    "DELETE",
    "MERGE_INTO",
    "CREATE",
    "DROP",
    "ALTER",
    "COPY",
    "EXPORT",
    "IMPORT",
    "COPY_DATABASE",
    "ATTACH",
    "DETACH",
    "USE",
    "LOAD",
    "UPDATE_EXTENSIONS",
    "CONNECT",
    "SET",
    "PRAGMA",
    "CALL",
    "TRANSACTION",
    "VACUUM",
    "PREPARE",
    "EXECUTE",
)
"""The kinds of ``plain``; parsed, they have all of DuckDB's statement types that SQL text can have.

Some exist only since DuckDB 2."""

UNNAMED = "unnamed"
"""Stands for the statement types without a name in DuckDB's Python module, such as ``UPDATE EXTENSIONS``."""

_SHARE_OF_SELECT = 0.4
_FILE_FUNCTIONS = (
    "read_csv",
    "read_parquet",
    "read_json",
    "read_text",
    "read_blob",
    "read_duckdb",
    "glob",
    "sniff_csv",
    "parquet_metadata",
    "parquet_kv_metadata",
    "which_secret",
    "read_single_csv_file",
    "read_single_parquet_file",
    "read_single_json_file",
    "parquet_page_index",
)
_SESSION_FUNCTIONS = (
    "enable_logging()",
    "enable_profiling()",
    "checkpoint()",
    "force_checkpoint()",
    "duckdb_logs()",
    "truncate_duckdb_logs()",
    "duckdb_secrets()",
    "duckdb_temporary_files()",
    "duckdb_extensions()",
    "pragma_metadata_info()",
    "pandas_scan(0)",
    "arrow_scan(0, 0, 0)",
    "seq_scan()",
    "add_grammar_extension('x')",
    "register_external_resource_type('x')",
    "register_external_resource('x', 'y')",
    "create_external_resource('x', 'y')",
    "destroy_external_resource('x')",
    "duckdb_external_resources()",
    "duckdb_extension_repositories()",
)
_SCALARS = (
    "nextval('numbers')",
    "setval('numbers', 9)",
    "$temp_directory",
    "setseed(0.5)",
    "write_log('x')",
    "current_setting('temp_directory')",
    "getenv('HOME')",
    "repeat('x', 1000)",
    "random()",
)
_SETTINGS = (
    "enable_external_access = true",
    "disabled_filesystems = ''",
    "lock_configuration = false",
    "allow_unsigned_extensions = true",
    "log_query_path = 'log.sql'",
    "home_directory = '/'",
    "threads = 1",
    "profiling_output = 'profile.json'",
    "extension_directory = '.'",
    "secret_directory = '.'",
    "extension_repository_directory = '.'",
    "external_file_cache_spill = true",
    "logging_sink = 'file'",
    "default_transaction_invalidation_policy = 'x'",
)
_PRAGMAS = (
    "version",
    "database_size",
    "enable_profiling",
    "enable_checkpoint_on_shutdown",
    "force_checkpoint",
    "show_tables",
    "table_info('things.things')",
    "enable_verification",
    "import_database('x')",
)
_COPY_OPTIONS = (
    "",
    " (FORMAT csv, USE_TMP_FILE false)",
    " (FORMAT parquet)",
    " (FORMAT json)",
    " (FORMAT csv, PARTITION_BY (x), OVERWRITE_OR_IGNORE)",
    " (FORMAT blob)",
    " (FORMAT csv, PER_THREAD_OUTPUT true)",
)
_ODD = (
    ";",
    "(",
    ")",
    "'",
    '"',
    "ANALYZE",
    "EXPLAIN",
    "AS",
    "\x00",
    "$$",
    "--",
    "ALL",
    "INTO",
    ",",
    "\u00a0",
    "é",
    "$1",
    "?",
)


def types_of(connection: duckdb.DuckDBPyConnection, sql: str) -> set[str]:
    """The names of the statement types that DuckDB's parser finds in a text; empty if it cannot parse it."""
    try:
        return {_type_name(each) for each in connection.extract_statements(sql)}
    except duckdb.Error:
        return set()


def _type_name(statement: duckdb.Statement) -> str:
    try:
        name = str(statement.type).rpartition(".")[2]
    except ValueError:  # DuckDB 2
        return UNNAMED
    return UNNAMED if name == "???" else name
