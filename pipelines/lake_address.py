"""The address of a lake: the place of its catalogue, and the place of its Parquet files."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

PREFIX = "ducklake:"
_POSTGRES = f"{PREFIX}postgres:"
DEFAULT_SCHEMA = "floriday"

_PAIR = re.compile(r"\s*([a-z_]+)\s*=\s*('(?:[^'\\]|\\.)*'|[^\s']+)")
_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")
LONGEST_NAME = 63  # bytes of a name in PostgreSQL; it cuts longer ones without an error
_BUCKET = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9!_.*'()/-]*)?")


@dataclass(frozen=True)
class LakeAddress:
    """Where a lake is. Its text names the database, and never a password."""

    catalogue: str  # of PostgreSQL, as libpq reads it: ``dbname=… host=…``
    data: str  # the folder of the Parquet files as an absolute path, or ``s3://bucket/prefix``; it ends with a slash
    schema: str  # of the catalogue's tables in PostgreSQL
    beside: Path  # a path, never a file: files that belong to a warehouse are in its folder
    whole: LakeAddress | None = field(default=None, compare=False, repr=False)  # of a cell: the lake without cells

    def __str__(self) -> str:
        given = dict(_pairs(self.catalogue))
        place = " ".join(f"{name}={given[name]}" for name in ("dbname", "host", "port") if name in given)
        return f"{_POSTGRES}{place}, schema {self.schema}"

    def cell(self, name: str) -> LakeAddress:
        """The lake of a cell: a schema and a folder of its own, beside those of other cells."""
        schema = f"{self.schema}_{name}"
        beside = self.beside.with_name(f"{schema}.lake")
        return LakeAddress(self.catalogue, f"{self.data}{name}/", schema, beside, whole=self)

    @property
    def place(self) -> str:
        """What `floriday move` calls the lake: the name of the cell, or ``main``."""
        return self.schema.removeprefix(f"{self.whole.schema}_") if self.whole else "main"

    @property
    def is_remote(self) -> bool:
        """Whether the Parquet files are in a bucket."""
        return self.data.startswith("s3://")

    @property
    def attach_string(self) -> str:
        """What DuckDB's ATTACH expects."""
        return f"{_POSTGRES}{self.catalogue}"


@dataclass(frozen=True)
class LakeCells:
    """The lakes of several cells, which readers see as one warehouse; a writer writes to one of them."""

    whole: LakeAddress  # whose schema and folder the cells' names are appended to
    names: tuple[str, ...]
    members: tuple[tuple[str, tuple[str, ...]], ...] = ()  # the accounts that the settings name for each cell

    def __str__(self) -> str:
        return f"{self.whole}, cells {', '.join(self.names)}"

    @property
    def beside(self) -> Path:
        """As of a lake."""
        return self.whole.beside

    def cell(self, name: str) -> LakeAddress:
        """The lake of a cell."""
        return self.whole.cell(name)


WarehouseAddress = Path | LakeAddress | LakeCells  # a DuckDB file, a lake, or the lakes of all cells


@dataclass(frozen=True)
class LakeText:
    """The setting ``FLORIDAY_WAREHOUSE`` of a lake, and the folder that relative paths of the settings start from."""

    text: str
    base: Path


def path_of(address: WarehouseAddress) -> Path:
    """The DuckDB file; of lakes, the path that their companion files are beside."""
    return address if isinstance(address, Path) else address.beside


def parse_lake(text: str, data: str | None, schema: str, folder: Path) -> LakeAddress:
    """The lake of the settings ``FLORIDAY_WAREHOUSE``, ``FLORIDAY_LAKE_DATA`` and ``FLORIDAY_LAKE_SCHEMA``.

    ``folder`` is for the files that are beside a warehouse, such as the dashboard.

    Raises:
        ValueError: a phrase that follows the name of the first setting, and quotes no value.
    """
    if not text.startswith(_POSTGRES):
        raise ValueError(f"expects {_POSTGRES}dbname=… host=…: the catalogue of a lake is in PostgreSQL")
    catalogue = text.removeprefix(_POSTGRES).strip()
    given = dict(_pairs(catalogue))
    if not given or _PAIR.sub("", catalogue).strip():
        raise ValueError(f"expects {_POSTGRES} and pairs such as dbname=floriday host=localhost, with spaces between")
    if {"password", "passfile", "sslpassword"} & given.keys():
        raise ValueError("expects no password: PostgreSQL reads it from the file that PGPASSFILE names")
    if "dbname" not in given:
        raise ValueError("expects dbname=…, the name of the database in PostgreSQL")
    if data is None:
        raise ValueError("expects FLORIDAY_LAKE_DATA beside it: the folder of the Parquet files, or s3://bucket/prefix")
    return LakeAddress(catalogue, f"{data.rstrip('/')}/", schema, folder / f"{schema}.lake")


def schema_name(text: str) -> str:
    """A name for the schema in PostgreSQL; a ValueError with a phrase for any other text."""
    if not _NAME.fullmatch(text):
        raise ValueError("expects a name of small letters, digits and underscores, at most 63 of them")
    return text


def data_place(text: str) -> str:
    """The place of the Parquet files: ``s3://bucket/prefix``, or the absolute path of a folder.

    Raises:
        ValueError: a phrase that says what is expected.
    """
    if text.startswith("s3://"):
        if not _BUCKET.fullmatch(text):
            raise ValueError("expects s3://bucket/prefix")
        return text
    if "://" in text:
        raise ValueError("expects a folder or s3://bucket/prefix")
    path = Path(text)
    if path.exists() and not path.is_dir():
        raise ValueError("expects the path of a folder")
    return str(path)


def _pairs(catalogue: str) -> list[tuple[str, str]]:
    return [(found[1], found[2]) for found in _PAIR.finditer(catalogue)]
