"""Counts of repositories from a table of them, or from the tables of GHTorrent, by DuckDB."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pyarrow as pa

from components.dataset.build_allowlists import ghtorrent
from components.dataset.build_allowlists.config import BuildAllowlistsConfig
from components.dataset.build_allowlists.reputation import COUNTS
from themis_common.errors import UserError
from themis_common.hashing import file_digest
from themis_common.sql.shut_in import settings, shut_in

REPOSITORIES = "repositories"

_KNOWN_AS: dict[str, tuple[str, ...]] = {
    "repo": ("repo", "repo_name", "full_name", "nameWithOwner", "name_with_owner"),
    "stars": ("stars", "num_stars", "star_count", "stargazers_count", "stargazerCount", "watch_count"),
    "issues": ("issues", "num_issues", "issue_count", "issues_count"),
    "contributors": ("contributors", "num_contributors", "contributor_count", "contributors_count"),
    "language": ("language", "primary_language", "main_language"),
}
"""Names of the columns; the first that the table has is taken. Only the language may be missing."""


def digests(config: BuildAllowlistsConfig) -> Mapping[str, str]:
    """SHA-256 of each file of the table."""
    return {f"table {file.name}": file_digest(file) for file in _files(config)}


def read_counts(config: BuildAllowlistsConfig, scratch: Path) -> pa.Table:
    """The counts of every repository, as `COUNTS`.

    Raises:
        UserError: a file, table or column is missing or unreadable, or a repository stands in two rows.
    """
    files = _files(config)
    with _explained(config.table), _opened(files, scratch) as connection:
        tables = {name for (name,) in connection.sql("SHOW TABLES").fetchall()}
        if REPOSITORIES in tables:
            found = _chosen_columns(connection, config.table)
        elif tables.issuperset(ghtorrent.TABLES):
            found = connection.sql(ghtorrent.COUNTS_QUERY)
        else:
            raise UserError(
                f"table {config.table}: there is neither a table {REPOSITORIES} nor those of GHTorrent "
                f"({', '.join(ghtorrent.TABLES)})"
            )
        table = found.to_arrow_table()
        problem = pa.nulls(table.num_rows, pa.string())
        counts = table.append_column("problem", problem).select(COUNTS.names).cast(COUNTS)
    _check_names(counts, config.table)
    return counts


def _files(config: BuildAllowlistsConfig) -> list[Path]:
    if not config.table:
        raise UserError("table is not set: name a table of repositories, or set source=github")
    location = Path(config.table).expanduser()
    files = sorted(location.glob("*.parquet")) if location.is_dir() else [location]
    if not files or not all(file.is_file() for file in files):
        raise UserError(f"table {location}: there is no such file, or the folder holds no .parquet")
    return files


@contextmanager
def _opened(files: list[Path], scratch: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to the database, or to the other files as tables."""
    is_database = files[0].suffix == ".duckdb"
    with duckdb.connect(
        files[0] if is_database else ":memory:", read_only=is_database, config=settings(scratch)
    ) as connection:
        if not is_database:
            _make_tables(connection, files)
        shut_in(connection, files=[scratch, *files])
        yield connection


def _make_tables(connection: duckdb.DuckDBPyConnection, files: list[Path]) -> None:
    """Each file is a table by its name where they are those of GHTorrent, else all are parts of `repositories`."""
    if {file.stem for file in files}.issuperset(ghtorrent.TABLES):
        for file in files:
            connection.read_parquet(str(file)).create_view(file.stem)
        return
    names = [str(file) for file in files]
    match files[0].suffix:
        case ".parquet":
            table = connection.read_parquet(names)
        case ".csv":
            table = connection.read_csv(names[0], header=True)
        case ".jsonl":
            table = connection.read_json(names[0], format="newline_delimited")
        case _:
            raise UserError(f"table {names[0]}: must be .parquet, .csv, .jsonl or .duckdb")
    table.create_view(REPOSITORIES)


def _chosen_columns(connection: duckdb.DuckDBPyConnection, where: str) -> duckdb.DuckDBPyRelation:
    """One row for each repository, under our names of the columns."""
    table = connection.table(REPOSITORIES)
    types = {name: str(kind) for name, kind in zip(table.columns, table.types, strict=True)}
    chosen = {
        wanted: next((name for name in names if name in types), None) for wanted, names in _KNOWN_AS.items()
    }
    for wanted, column in chosen.items():
        if column is None and wanted != "language":
            raise UserError(
                f"table {where}: there is no column for {wanted} (one of {', '.join(_KNOWN_AS[wanted])}); "
                f"found {', '.join(types)}"
            )
    language = chosen.pop("language")
    return table.select(
        *(duckdb.ColumnExpression(str(column)).alias(wanted) for wanted, column in chosen.items()),
        _main_language(language, types).alias("language"),
    )


def _main_language(column: str | None, types: Mapping[str, str]) -> duckdb.Expression:
    """Of a list of languages with their bytes, as BigQuery's `languages` has it, the one with the most bytes."""
    if column is None:
        return duckdb.ConstantExpression(None)
    if types[column].endswith("[]"):
        by_bytes = f"list_transform({column}, lambda one: {{bytes: one.bytes, name: one.name}})"
        return duckdb.SQLExpression(f"list_reverse_sort({by_bytes})[1].name")
    return duckdb.ColumnExpression(column)


def _check_names(counts: pa.Table, where: str) -> None:
    if counts["repo"].null_count:
        raise UserError(f"table {where}: {counts['repo'].null_count} rows name no repository; remove them")
    names = counts["repo"].value_counts()
    for name in names:
        if name["counts"].as_py() > 1:
            raise UserError(
                f"table {where}: {name['values'].as_py()} stands in two rows; group by repository first"
            )


@contextmanager
def _explained(table: str) -> Iterator[None]:
    try:
        yield
    except (duckdb.Error, pa.ArrowInvalid) as error:
        raise UserError(f"table {table} cannot be read: {str(error).partition(chr(10))[0]}") from error
