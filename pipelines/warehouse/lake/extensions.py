"""The extensions of DuckDB that a lake needs, from packages: nothing is downloaded while the program runs."""

from __future__ import annotations

from importlib import import_module, resources
from pathlib import Path

import duckdb

from pipelines import extras
from pipelines.errors import WarehouseError

_INSTALLING = extras.how_to_install(extras.SCALE)


def load_extensions(connection: duckdb.DuckDBPyConnection, *, with_s3: bool) -> None:
    """Load the extensions into a connection.

    Raises:
        WarehouseError: a package is missing, or is for another version of DuckDB.
    """
    for name in ("postgres_scanner", "ducklake", *(("httpfs", "aws") if with_s3 else ())):
        connection.execute(f"LOAD '{_binary(name)}'")


def _binary(name: str) -> Path:
    package = f"duckdb_extension_{name}"
    try:
        import_module(package)
    except ImportError:
        message = f"a lake needs DuckDB's extension {name}, which is not installed: `{_INSTALLING}` installs it"
        raise WarehouseError(message) from None
    folder = Path(str(resources.files(package))) / "extensions" / f"v{duckdb.__version__}"
    found = sorted(folder.glob("*.duckdb_extension"))
    if not found:
        raise WarehouseError(
            f"the package of DuckDB's extension {name} is not for DuckDB {duckdb.__version__}: `{_INSTALLING}` installs"
            " the versions that belong together"
        )
    return found[0]
