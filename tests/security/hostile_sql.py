"""Hostile SQL by classes, as a language model might be brought to write it."""

from __future__ import annotations

from collections.abc import Iterator

TABLE = "orders.sales_orders"

CLASSES: dict[str, tuple[str, ...]] = {
    "writing": (
        f"DELETE FROM {TABLE}",
        f"INSERT INTO {TABLE} SELECT * FROM {TABLE}",
        f"UPDATE {TABLE} SET account = 'x'",
        f"MERGE INTO {TABLE} t USING (SELECT 1 AS one) s ON true WHEN MATCHED THEN DELETE",
        f"WITH deleted AS (DELETE FROM {TABLE} RETURNING *) FROM deleted",
        f"WITH added AS (INSERT INTO {TABLE} FROM {TABLE} RETURNING *) SELECT 1",
        "DROP SCHEMA orders CASCADE",
        f"TRUNCATE {TABLE}",
        f"ALTER TABLE {TABLE} RENAME TO other",
        "CREATE TABLE orders.new AS SELECT 1",
        "CREATE TEMP TABLE mine AS SELECT 1",
        "CREATE OR REPLACE MACRO reports.revenue_by_week() AS TABLE SELECT 1",
        "CHECKPOINT",
        "VACUUM",
        "BEGIN TRANSACTION",
    ),
    "copy": (
        "COPY (SELECT 'x') TO '{folder}/new.csv'",
        "COPY (SELECT 'x') TO '{path}' (FORMAT csv, USE_TMP_FILE false)",
        f"COPY {TABLE} FROM '{{secret}}'",
        "COPY FROM DATABASE memory TO temp",
        "WITH written AS (COPY (SELECT 'x') TO '{folder}/new.csv') FROM written",
    ),
    "attach": (
        "ATTACH '{folder}/new.duckdb' AS other",
        "ATTACH '{path}' AS again (READ_ONLY)",
        "ATTACH ':memory:' AS other",
        "DETACH floriday",
        "USE memory",
        "CONNECT 'quack:127.0.0.1:1'",
    ),
    "extensions": ("INSTALL httpfs", "LOAD httpfs", "FORCE INSTALL spatial FROM '{folder}'", "LOAD '{secret}'"),
    "files": (
        "FROM read_csv('{secret}')",
        "FROM '{secret}'",
        "FROM read_text('/etc/passwd')",
        "FROM read_blob('{path}')",
        "FROM read_parquet('{folder}/*.parquet')",
        "FROM read_json('{secret}')",
        "FROM glob('{folder}/*')",
        "FROM sniff_csv('{secret}')",
        "FROM read_duckdb('{path}')",
        "SELECT (SELECT content FROM read_text('{secret}'))",
        "SELECT * FROM (VALUES (1)) WHERE EXISTS (FROM read_csv('{secret}'))",
    ),
    "network": (
        "FROM read_csv('https://127.0.0.1:1/a.csv')",
        "FROM 's3://bucket/key.parquet'",
        "ATTACH 'https://127.0.0.1:1/a.duckdb' AS remote",
    ),
    "settings": (
        "SET enable_external_access = true",
        "SET lock_configuration = false",
        "RESET disabled_filesystems",
        "SET GLOBAL memory_limit = '100GB'",
        "SET log_query_path = '{folder}/log.sql'",
        "SET VARIABLE x = 1",
        "CREATE PERSISTENT SECRET s (TYPE http, BEARER_TOKEN 'a')",
    ),
    "pragma": (
        "PRAGMA enable_profiling",
        "PRAGMA profile_output = '{folder}/profile.json'",
        "PRAGMA force_checkpoint",
        "PRAGMA import_database('{folder}')",
    ),
    "export": ("EXPORT DATABASE '{folder}/out'", "IMPORT DATABASE '{folder}'"),
    "several statements": (
        "SELECT 1; DROP TABLE orders.sales_orders",
        "SELECT 1; SELECT 2",
        ";;; COPY (SELECT 1) TO '{folder}/new.csv';",
        f"PIVOT {TABLE} ON status USING count(*); COPY (SELECT 1) TO '{{folder}}/new.csv'",
        "SELECT ';' ; ATTACH '{folder}/new.duckdb'",
    ),
    "explain": (
        "EXPLAIN ANALYZE COPY (SELECT 'x') TO '{folder}/new.csv'",
        "EXPLAIN ANALYZE COPY (SELECT 'x') TO '{path}' (FORMAT csv, USE_TMP_FILE false)",
        f"EXPLAIN ANALYZE DELETE FROM {TABLE}",
        "EXPLAIN (ANALYZE, FORMAT json) COPY (SELECT 1) TO '{folder}/new.csv'",
        "EXPLAIN (FORMAT json) SELECT 1",
        "EXPLAIN ANALYZE FROM read_text('{secret}')",
    ),
    "prepared": (
        "PREPARE p AS SELECT 1",
        "EXECUTE p",
        "DEALLOCATE p",
        "PREPARE p AS COPY (SELECT 1) TO '{folder}/new.csv'",
        "FROM query('COPY (SELECT 1) TO ''{folder}/new.csv''')",
        "FROM query_table('{secret}')",
        "PRAGMA json_execute_serialized_sql(json_serialize_sql('SELECT 1'))",
        "FROM json_execute_serialized_sql(json_serialize_sql('FROM read_text(''{secret}'')'))",
        "CALL enable_logging(storage = 'file', storage_path = '{folder}/log')",
    ),
    "comments": (
        "/* SELECT 1 */ COPY (SELECT 1) TO '{folder}/new.csv'",
        "-- SELECT 1\nDROP TABLE orders.sales_orders",
        "explain/**/analyze/**/copy (SELECT 1) to '{folder}/new.csv'",
        "SELECT 1 --\n; DROP TABLE orders.sales_orders",
        "SELECT 1 /* ; */ ; /* */ CHECKPOINT",
    ),
    "unicode": (
        "COPY\u00a0(SELECT 1) TO '{folder}/new.csv'",
        "\ufeffDROP TABLE orders.sales_orders",
        "\u202eSELECT 1; DROP TABLE orders.sales_orders",
        "SELECT 1\x00; DROP TABLE orders.sales_orders",
        "\uff24\uff32\uff2f\uff30 TABLE orders.sales_orders",
        "SELECT 1\uff1bDROP TABLE orders.sales_orders",
        "FROM read_text('{secret}\x00')",
        "$$COPY$$ (SELECT 1) TO '{folder}/new.csv'",
    ),
}
"""Statements that must be refused: ``{folder}``, ``{path}`` and ``{secret}`` stand for paths."""

ENDLESS = (
    "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT max(n) FROM r",
    "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT 1 FROM r) SELECT count(*) FROM r",
    "SELECT count(*) FROM range(1000000) a, range(1000000) b WHERE a.range + b.range < 0",
    "SELECT sum(range) FROM range(9000000000000)",
    "SELECT max(md5(a.range || '-' || b.range)) FROM range(10000000) a, range(10000000) b",
)
"""Statements that end only at the time limit, or at the memory limit."""

HUGE = (
    "SELECT repeat('x', 1000000) FROM range(5000)",
    "SELECT repeat('x', 100000000) FROM range(10)",
    "SELECT repeat('x', 2000000000)",
    "SELECT list(range) FROM range(200000000)",
    "SELECT string_agg(repeat('x', 1000), '') FROM range(2000000)",
    "SELECT range(100000000)",
    "SELECT [repeat('x', 1000000) FOR i IN range(1000)]",
    "SELECT list_transform(range(3000), lambda x: range(30000))",
    "SELECT repeat(chr(1), 2000) FROM range(1000)",
)
"""Results whose cells are too large; each is refused."""

LONG = (
    "SELECT * FROM range(1000000000)",
    "SELECT repeat('x', 1000) FROM range(100000000)",
    "SELECT * FROM duckdb_columns(), range(1000000)",
    "SELECT unnest(range(10000000)), repeat('é', 3000)",
)
"""Results of which only the first rows may be sent."""

_WRAPPED = (
    "EXPLAIN ANALYZE {sql}",
    "SELECT 1; {sql}",
    "/* a */ {sql} -- b",
    "WITH x AS ({sql}) FROM x",
    "SELECT * FROM ({sql})",
)


def refused_statements() -> Iterator[tuple[str, str]]:
    """Every statement of the classes, and the first of each class within statements that would execute it."""
    for name, statements in CLASSES.items():
        for sql in statements:
            yield name, sql
        for wrapper in _WRAPPED:
            yield name, wrapper.replace("{sql}", statements[0])
