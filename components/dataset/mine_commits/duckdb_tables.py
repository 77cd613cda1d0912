"""Opening the tables commits, languages and licenses in DuckDB, from one database file or from parquet files."""

import functools
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb

from themis_common.errors import UserError
from themis_common.hashing import digest_of, file_digest
from themis_common.sql.shut_in import Settings, settings, shut_in

SCHEMA = "main"
"""Where an opened connection has the tables."""

_TABLES = ("commits", "languages", "licenses")


def digests(location: Path) -> Mapping[str, str]:
    """A digest of the contents of each table, or of the one file that holds all.

    Raises:
        UserError: a table is missing.
    """
    if location.is_dir():
        found = _parquet_files(location)
        return {f"table {name}": digest_of([_kept_digest(file) for file in found[name]]) for name in _TABLES}
    return {"tables": _kept_digest(_database_file(location))}


def limits(scratch: Path, memory_mb: int) -> Settings:
    """The configuration of a connection that takes `memory_mb`, and the disk under `scratch` for what is more."""
    return {
        **settings(scratch),
        "memory_limit": f"{memory_mb}MB",
        # rows are sorted where their order matters
        "preserve_insertion_order": False,
    }


@contextmanager
def opened(location: Path, scratch: Path, memory_mb: int) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection with the three tables; what does not fit into `memory_mb` goes to `scratch`.

    Raises:
        UserError: a table is missing or no such file can be read; or, inside the block, a query asks for columns that
            the tables do not have or for more memory than it may take.
    """
    bounds = limits(scratch, memory_mb)
    is_folder = location.is_dir()
    with _explained(location, memory_mb):
        if is_folder:
            connection = duckdb.connect(config=bounds)
        else:
            connection = duckdb.connect(_database_file(location), read_only=True, config=bounds)
        with connection:
            if is_folder:
                for name, files in _parquet_files(location).items():
                    connection.read_parquet([str(file) for file in files]).create_view(name)
            shut_in(connection, folders=[location, scratch])
            _check_tables(connection, location)
            yield connection


@contextmanager
def _explained(location: Path, memory_mb: int) -> Iterator[None]:
    """Turn errors that only the user can mend into one line about the tables."""
    try:
        yield
    except (duckdb.BinderException, duckdb.CatalogException) as error:
        raise UserError(
            f"tables {location}: not shaped like BigQuery's github_repos: {_first_line(error)}"
        ) from error
    except duckdb.OutOfMemoryException as error:
        raise UserError(
            f"tables {location}: the query needs more than {memory_mb} MB or a larger scratch disk; raise memory_mb "
            f"({_first_line(error)})"
        ) from error
    except duckdb.PermissionException as error:
        raise UserError(
            f"tables {location}: a view reads outside of them, which is not allowed; make it a table "
            f"({_first_line(error)})"
        ) from error
    except (duckdb.IOException, duckdb.InvalidInputException, duckdb.SerializationException) as error:
        raise UserError(f"tables {location} cannot be read: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0].strip()


def _check_tables(connection: duckdb.DuckDBPyConnection, location: Path) -> None:
    rows = connection.execute("SELECT table_name FROM information_schema.tables").fetchall()
    found = {name for (name,) in rows}
    missing = [name for name in _TABLES if name not in found]
    if missing:
        raise UserError(f"tables {location}: there is no table {missing[0]}; wanted are {', '.join(_TABLES)}")


def _database_file(location: Path) -> Path:
    if not location.is_file():
        raise UserError(
            f"tables {location}: there is no such file or folder; name a .duckdb file or a folder of parquet"
        )
    return location


def _parquet_files(folder: Path) -> dict[str, Sequence[Path]]:
    """The files of each table: `<table>.parquet`, or all of the folder `<table>`."""
    found: dict[str, Sequence[Path]] = {}
    for name in _TABLES:
        single = folder / f"{name}.parquet"
        files = [single] if single.is_file() else sorted((folder / name).glob("*.parquet"))
        if not files:
            raise UserError(
                f"tables {folder}: there is neither {name}.parquet nor a folder {name} of parquet"
            )
        found[name] = files
    return found


def _kept_digest(file: Path) -> str:
    facts = file.stat()
    return _digest_of_state(file, facts.st_size, facts.st_mtime_ns)


@functools.cache
def _digest_of_state(file: Path, size: int, modified_ns: int) -> str:
    """SHA-256 of a file, which may be large and is asked for several times in a run; read again once it changed."""
    return file_digest(file)
