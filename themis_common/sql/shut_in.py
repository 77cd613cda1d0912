"""DuckDB on tables that may come from anybody: nothing but them and a scratch folder is reached, and no network."""

from collections.abc import Sequence
from pathlib import Path

import duckdb

Settings = dict[str, str | bool | int | float | list[str]]


def settings(scratch: Path) -> Settings:
    """The configuration with which to connect; what does not fit into memory goes below `scratch`."""
    return {"temp_directory": str(scratch / "spilled"), "autoinstall_known_extensions": False}


def shut_in(
    connection: duckdb.DuckDBPyConnection, *, folders: Sequence[Path] = (), files: Sequence[Path] = ()
) -> None:
    """From here on let queries reach these folders and files alone, and change no setting."""
    connection.execute("SET enable_progress_bar = false")
    if folders:
        connection.execute("SET allowed_directories = $folders", {"folders": [str(one) for one in folders]})
    if files:
        connection.execute("SET allowed_paths = $files", {"files": [str(one) for one in files]})
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
