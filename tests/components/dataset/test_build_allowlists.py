"""Building allowlists from tables of repositories and of GHTorrent."""

import json
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from components.dataset.build_allowlists.config import BuildAllowlistsConfig
from components.dataset.build_allowlists.list_names import list_name
from components.dataset.build_allowlists.stage import STAGE
from components.dataset.filter_commits.allowlists import load_allowlists
from tests.components.dataset.written import write_dataset
from tests.fixtures.shared import shared
from themis_common.config import load_config
from themis_common.datasets.reader import DatasetReader
from themis_common.errors import UserError
from themis_common.schemas import COMMITS, LISTED_REPOSITORIES, REPOSITORY_AUDIT
from themis_common.stages import map_units, plan_units, run_stage

COUNTS = ("repo_name", "language", "stars", "contributors", "issues")
REPOSITORIES = [
    ("acme/shop", "Python", 15, 5, 10),
    ("acme/few-stars", "Python", 14, 5, 10),
    ("acme/alone", "Python", 15, 4, 10),
    ("acme/quiet", "Python", 15, 5, 9),
    ("acme/engine", "C++", 900, 30, 400),
    ("acme/net", "C#", 900, 30, 400),
    ("acme/tool", "Go", 900, 30, 400),
    ("acme/notes", None, 900, 30, 400),
    ("acme/unknown", "Python", 900, None, 400),
]
LISTED = {
    "python": ["acme/shop"],
    "c-plus-plus": ["acme/engine"],
    "c-sharp": ["acme/net"],
    "golang": ["acme/tool"],
    "other": ["acme/notes"],
}


def rows() -> list[dict[str, Any]]:
    return [dict(zip(COUNTS, values, strict=True)) for values in REPOSITORIES]


def build(folder: Path, table: Path, **options: Any) -> DatasetReader:
    config = BuildAllowlistsConfig(table=str(table), **options)
    return DatasetReader(run_stage(STAGE, config, {}, str(folder / "lists")).uri, LISTED_REPOSITORIES)


def lists(dataset: DatasetReader) -> dict[str, list[str]]:
    """The allowlists that lie beside the table."""
    names = [name for name in dataset.store.list("files/") if name.endswith(".json")]
    return {Path(name).stem: json.loads(dataset.store.read_bytes(name)) for name in names}


def write_table(file: Path, content: list[dict[str, Any]]) -> Path:
    match file.suffix:
        case ".parquet":
            pq.write_table(pa.Table.from_pylist(content), file)
        case ".jsonl":
            file.write_text("".join(json.dumps(row) + "\n" for row in content))
        case ".csv":
            lines = [
                ",".join("" if value is None else str(value) for value in row.values()) for row in content
            ]
            file.write_text("\n".join([",".join(content[0]), *lines]) + "\n")
        case ".duckdb":
            with duckdb.connect(file) as connection:
                connection.from_arrow(pa.Table.from_pylist(content)).create("repositories")
    return file


@pytest.mark.parametrize("suffix", [".parquet", ".csv", ".jsonl", ".duckdb"])
def test_repositories_at_the_thresholds_are_listed_by_language(tmp_path: Path, suffix: str) -> None:
    dataset = build(tmp_path, write_table(tmp_path / f"counts{suffix}", rows()))
    assert lists(dataset) == LISTED
    assert {(row["detail"], row["reason"]) for row in dataset.rejected()} == {
        ("acme/few-stars", "too_few_stars"),
        ("acme/alone", "too_few_contributors"),
        ("acme/quiet", "too_few_issues"),
        ("acme/unknown", "count_missing"),
    }


def test_the_audit_holds_the_counts_of_every_repository(tmp_path: Path) -> None:
    dataset = build(tmp_path, write_table(tmp_path / "counts.parquet", rows()))
    audit = {row["repo"]: row for row in dataset.side_rows("audit", REPOSITORY_AUDIT)}
    assert {
        name: tuple(row[key] for key in ("language", "stars", "contributors", "issues"))
        for name, row in audit.items()
    } == {name: tuple(counts) for name, *counts in REPOSITORIES}
    assert audit["acme/shop"]["reason"] is None
    assert audit["acme/alone"]["reason"] == "too_few_contributors"


def test_thresholds_are_options(tmp_path: Path) -> None:
    table = write_table(tmp_path / "counts.parquet", rows())
    dataset = build(tmp_path, table, min_stars=14, min_contributors=4, min_issues=9)
    assert lists(dataset)["python"] == ["acme/alone", "acme/few-stars", "acme/quiet", "acme/shop"]


def test_the_output_is_an_allowlist_for_filtering(tmp_path: Path) -> None:
    dataset = build(tmp_path, write_table(tmp_path / "counts.parquet", rows()))
    names = load_allowlists([dataset.uri]).to_pylist()
    assert names == sorted(name for named in LISTED.values() for name in named)


def test_columns_go_by_the_names_of_github_and_bigquery(tmp_path: Path) -> None:
    languages = [{"name": "C", "bytes": 10}, {"name": "Ruby", "bytes": 30}, {"name": "Go", "bytes": 20}]
    row = {
        "full_name": "acme/shop",
        "language": languages,
        "stargazers_count": 20,
        "contributors_count": 20,
        "issues_count": 20,
    }
    none = {**row, "full_name": "acme/notes", "language": []}
    assert lists(build(tmp_path, write_table(tmp_path / "counts.parquet", [row, none]))) == {
        "ruby": ["acme/shop"],
        "other": ["acme/notes"],
    }


def test_parts_of_an_export_are_one_table(tmp_path: Path) -> None:
    folder = tmp_path / "export"
    folder.mkdir()
    for number, row in enumerate(rows()):
        pq.write_table(pa.Table.from_pylist([row]), folder / f"part-{number}.parquet")
    assert lists(build(tmp_path, folder)) == LISTED


def write_ghtorrent(folder: Path) -> Path:
    """Two projects of one owner: `shop` with 3 watchers (one twice), 2 issues, 2 authors; its fork; a deleted one."""
    folder.mkdir()
    tables: dict[str, list[dict[str, Any]]] = {
        "users": [{"id": 1, "login": "acme"}, {"id": 2, "login": "other"}],
        "projects": [
            {"id": 10, "owner_id": 1, "name": "shop", "language": "Go", "forked_from": None, "deleted": 0},
            {"id": 11, "owner_id": 2, "name": "shop", "language": "Go", "forked_from": 10, "deleted": 0},
            {"id": 12, "owner_id": 1, "name": "gone", "language": "Go", "forked_from": None, "deleted": 1},
            {"id": 13, "owner_id": 1, "name": "empty", "language": None, "forked_from": None, "deleted": 0},
        ],
        "watchers": [{"repo_id": 10, "user_id": user} for user in (1, 2, 3, 3)],
        "issues": [{"repo_id": 10, "pull_request": flag} for flag in (0, 0, 1)],
        "commits": [{"id": 100 + number, "author_id": author} for number, author in enumerate((7, 7, 8, 9))],
        "project_commits": [{"project_id": 10, "commit_id": commit} for commit in (100, 101, 102)]
        + [{"project_id": 11, "commit_id": 103}],
    }
    for name, content in tables.items():
        pq.write_table(pa.Table.from_pylist(content), folder / f"{name}.parquet")
    return folder


def test_ghtorrent_counts_people_not_rows(tmp_path: Path) -> None:
    source = write_ghtorrent(tmp_path / "ghtorrent")
    dataset = build(tmp_path, source, min_stars=3, min_contributors=2, min_issues=2)
    audit = {
        row["repo"]: (row["language"], row["stars"], row["contributors"], row["issues"])
        for row in dataset.side_rows("audit", REPOSITORY_AUDIT)
    }
    assert audit == {"acme/shop": ("Go", 3, 2, 2), "acme/empty": (None, 0, 0, 0)}
    assert lists(dataset) == {"golang": ["acme/shop"]}


def test_units_are_lists_and_any_order_gives_the_same(tmp_path: Path) -> None:
    table = write_table(tmp_path / "counts.parquet", rows())
    whole = build(tmp_path, table)
    config = BuildAllowlistsConfig(table=str(table))
    other = str(tmp_path / "other")
    units = plan_units(STAGE, config, {}, other)
    assert units == sorted(LISTED)
    for index in reversed(range(len(units))):
        map_units(STAGE, config, {}, other, units, [index])
    again = run_stage(STAGE, config, {}, other)
    assert again.manifest.content_digest == whole.digest
    assert (STAGE.version, whole.digest[:16]) == (1, "1ab279bd1b1b3b01")


def test_the_names_of_lists_are_the_published_ones() -> None:
    spelled = [
        "C++",
        "C#",
        "Go",
        "Shell",
        "Common Lisp",
        "Objective-C",
        "JavaScript",
        "Visual Basic .NET",
        "PowerShell",
    ]
    published = {file.stem for file in shared("data", "allowlists").glob("*.json")}
    assert {list_name(language) for language in spelled} <= published
    assert list_name("Jupyter Notebook") == "jupyter-notebook"
    assert list_name(None) == list_name(" ") == "other"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([{"repo": "a/b", "stars": 1, "issues": 1}], "no column for contributors.*found repo, stars, issues"),
        ([{"repo": "a/b", "stars": 1, "issues": 1, "contributors": 1}] * 2, "a/b stands in two rows"),
        ([{"repo": "a/b", "stars": "many", "issues": 1, "contributors": 1}], "counts.parquet cannot be read"),
        ([{"repo": None, "stars": 1, "issues": 1, "contributors": 1}], "1 rows name no repository"),
    ],
)
def test_a_table_that_cannot_be_used_is_named(
    tmp_path: Path, content: list[dict[str, Any]], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        build(tmp_path, write_table(tmp_path / "counts.parquet", content))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("gone.parquet", None, "there is no such file"),
        ("counts.xlsx", b"x", "must be .parquet, .csv, .jsonl or .duckdb"),
        ("counts.parquet", b"no parquet", "counts.parquet cannot be read"),
        ("counts.duckdb", b"no database", "counts.duckdb cannot be read"),
    ],
)
def test_a_file_that_is_no_table_is_named(
    tmp_path: Path, name: str, content: bytes | None, message: str
) -> None:
    file = tmp_path / name
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(UserError, match=message):
        build(tmp_path, file)


def test_a_view_that_reads_elsewhere_is_refused(tmp_path: Path) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("repo,stars,issues,contributors\na/b,99,99,99\n")
    with duckdb.connect(tmp_path / "trap.duckdb") as connection:
        connection.execute(f"CREATE VIEW repositories AS SELECT * FROM read_csv('{secret}')")
    with pytest.raises(UserError, match=r"trap\.duckdb cannot be read"):
        build(tmp_path, tmp_path / "trap.duckdb")


def test_a_table_needs_no_commits(tmp_path: Path) -> None:
    commits = write_dataset(tmp_path / "commits", COMMITS, [])
    table = write_table(tmp_path / "counts.parquet", rows())
    with pytest.raises(UserError, match="leave out --input"):
        run_stage(STAGE, BuildAllowlistsConfig(table=str(table)), {"commits": commits}, str(tmp_path / "out"))
    with pytest.raises(UserError, match="table is not set"):
        run_stage(STAGE, BuildAllowlistsConfig(), {}, str(tmp_path / "out"))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"min_stars": -1}, "must not be negative"),
        ({"concurrency": 0}, "from 1 to 50"),
        ({"api_url": "api.github.com"}, "must begin with https://"),
        ({"token_env": "ghp-secret"}, "must name an environment variable"),
        ({"snapshot": "../x"}, "letters, digits"),
    ],
)
def test_options_are_checked(values: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        load_config(BuildAllowlistsConfig, values, where="recipe.yaml")
