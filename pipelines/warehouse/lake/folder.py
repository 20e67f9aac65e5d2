"""The folder of a lake's Parquet files: made for a new lake, and checked before an existing one is written."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from pipelines.errors import WarehouseError
from pipelines.lake_address import LakeAddress
from pipelines.private_files import private_files
from pipelines.warehouse.lake.lock import postgres_session, rows_of

_FILES_CHECKED = 10
_PLACE = "SELECT value FROM {schema}.ducklake_metadata WHERE key = 'data_path'"
_FILES = """
    SELECT CASE WHEN f.path_is_relative
        THEN CASE WHEN t.path_is_relative
            THEN CASE WHEN s.path_is_relative THEN %s || s.path ELSE s.path END || t.path ELSE t.path END || f.path
        ELSE f.path END
    FROM {schema}.ducklake_data_file f
    JOIN {schema}.ducklake_table t ON t.table_id = f.table_id AND t.end_snapshot IS NULL
    JOIN {schema}.ducklake_schema s ON s.schema_id = t.schema_id AND s.end_snapshot IS NULL
    ORDER BY f.data_file_id DESC LIMIT %s
"""


def make_folder(lake: LakeAddress) -> None:
    """Make the folder of a new lake first: a catalogue without it would keep its name for ever."""
    if lake.is_remote:
        return
    folder = Path(lake.data)
    try:
        with private_files():
            folder.mkdir(parents=True, exist_ok=True)
            with TemporaryDirectory(dir=folder):
                pass
    except OSError as error:
        raise WarehouseError(
            f"FLORIDAY_LAKE_DATA is {lake.data}, where no file can be written ({error.strerror}): name another folder;"
            " nothing was created"
        ) from None


def check_folder(lake: LakeAddress) -> None:
    """Refuse to write a lake whose folder is missing or has none of its files: its disk may not be mounted.

    What is written into the place of such a disk is hidden as soon as it is mounted.

    Raises:
        WarehouseError: that is so, or PostgreSQL does not answer.
    """
    if lake.is_remote:
        return
    places, files = _place_and_files(lake)
    if lake.data not in places:
        return  # DuckLake refuses another folder than the one that the catalogue names
    if not Path(lake.data).is_dir():
        raise WarehouseError(
            f"{lake.data}, the folder of {lake}, does not exist: is its disk mounted? Mount it, or restore the folder;"
            " nothing was written"
        )
    if files and not any(Path(file).exists() for file in files):
        raise WarehouseError(
            f"{lake.data} is not the folder of {lake}: it has none of its files. Is its disk mounted? Mount it, or"
            " restore the folder; nothing was written"
        )


def _place_and_files(lake: LakeAddress) -> tuple[list[str], list[str]]:
    """The folder that the catalogue names, and the paths of some files that it lists."""
    import psycopg2.sql  # noqa: PLC0415 - only a lake needs it

    schema = psycopg2.sql.Identifier(lake.schema)
    place, files = (psycopg2.sql.SQL(sql).format(schema=schema) for sql in (_PLACE, _FILES))
    with closing(postgres_session(lake, "floriday")) as session:
        places = rows_of(session, lake, place)
        found = rows_of(session, lake, files, [lake.data, _FILES_CHECKED])
    return [each for (each,) in places], [path for (path,) in found]
