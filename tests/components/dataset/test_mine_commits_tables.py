"""Mining tables shaped like BigQuery's github_repos, on planted rows whose fate is known."""

from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from components.dataset.mine_commits.messages import blocked_messages, why_refused
from components.dataset.mine_commits.stage import STAGE, MineCommitsConfig
from tests.fixtures.commit_tables import (
    EXECUTABLE,
    NOON_2019_03_01,
    SUBMODULE,
    SYMLINK,
    CommitTables,
    difference,
    person,
)
from themis_common.config import load_config
from themis_common.datasets.reader import DatasetReader
from themis_common.errors import UserError
from themis_common.hashing import row_key
from themis_common.schemas import COMMITS
from themis_common.stages import run_stage

GOOD = "Fix the null check in the parser"
DAY = 86_400


def planted() -> CommitTables:
    """Tables with one repository and no commit."""
    made = CommitTables()
    made.repository("acme/shop")
    return made


def mine(folder: Path, made: CommitTables, **options: Any) -> DatasetReader:
    source = folder / "tables"
    if not source.exists():
        made.write_parquet(source)
    config = MineCommitsConfig(source="duckdb", tables=str(source), **options)
    return DatasetReader(run_stage(STAGE, config, {}, str(folder / "out")).uri, COMMITS)


def fates(dataset: DatasetReader) -> dict[str, str]:
    """Of each commit, the reason why it was dropped, or "kept"."""
    kept = {row["commit"]: "kept" for row in dataset.rows()}
    dropped = {row["detail"]: row["reason"] for row in dataset.rejected()}
    assert not kept.keys() & dropped.keys()
    assert dataset.manifest.counts.keys_in == len(kept) + len(dropped)
    return {**kept, **dropped}


def test_a_single_file_modification_is_a_row_with_all_it_needs(tmp_path: Path) -> None:
    made = planted()
    commit = made.commit(f"\n{GOOD}  \r\n\nIt was missing.\t\n")
    (row,) = mine(tmp_path, made).rows()
    assert row == {
        "row_key": row_key(commit),
        "commit": commit,
        "parent": "d" * 40,
        "repos": ["acme/shop"],
        "licenses": ["mit"],
        "subject": GOOD,
        "message": f"{GOOD}  \r\n\nIt was missing.",
        "path": "src/parser.py",
        "old_blob": "a" * 40,
        "new_blob": "b" * 40,
        "unix_time": NOON_2019_03_01,
    }


STRUCTURES: list[tuple[str, dict[str, Any]]] = [
    ("root", {"parent": []}),
    ("merge", {"parent": ["d" * 40, "e" * 40]}),
    ("differences_truncated", {"difference_truncated": True}),
    ("empty_commit", {"difference": []}),
    ("multi_file", {"difference": [difference("a.py"), difference("b.py")]}),
    ("multi_file", {"difference": [difference("a.py"), difference("b.py", "c.py")]}),
    ("multi_file", {"difference": [difference("a.py"), difference(None, "new.py", old_sha1=None)]}),
    ("multi_file", {"difference": [difference("a.py"), difference("b.py", None, new_sha1=None)]}),
    ("submodule", {"difference": [difference("lib", new_mode=SUBMODULE)]}),
    ("symlink", {"difference": [difference("link", old_mode=SYMLINK)]}),
    ("add_or_delete", {"difference": [difference(None, "new.py", old_mode=None, old_sha1=None)]}),
    ("add_or_delete", {"difference": [difference("a.py", None, new_mode=None, new_sha1=None)]}),
    ("rename", {"difference": [difference("a.py", "b.py")]}),
    ("mode_only", {"difference": [difference("a.py", new_mode=EXECUTABLE, new_sha1="a" * 40)]}),
    ("bot", {"author": person("dependabot")}),
    ("bot", {"author": person("Release [bot]")}),
    ("bot", {"author": person(email="49699333+releases[bot]@example.org")}),
    ("kept", {"author": person(email="ada@[bot].example.org")}),
    ("kept", {"author": None}),
    ("kept", {"difference_truncated": False}),
    ("kept", {"difference": [difference(new_mode=EXECUTABLE)]}),
    ("no_repository", {"repo_name": []}),
    ("language_unwanted", {"repo_name": ["acme/unheard-of"]}),
]


def test_what_a_commit_changes_decides(tmp_path: Path) -> None:
    made = planted()
    wanted = {made.commit(GOOD, **values): reason for reason, values in STRUCTURES}
    assert fates(mine(tmp_path, made)) == wanted


def test_every_blocked_message_is_refused_with_a_line_feed_after_it(tmp_path: Path) -> None:
    made = planted()
    blocked = sorted(blocked_messages())
    assert len(blocked) == 45
    commits = {made.commit(f"{message.capitalize()}\n"): message for message in blocked}
    found = fates(mine(tmp_path, made))
    assert set(found.values()) == {"message_blocked", "message_too_short"}
    assert [found[commit] for commit, message in commits.items() if len(message) > 10] == [
        "message_blocked"
    ] * 24


MESSAGES = [
    GOOD,
    "x" * 10,
    "x" * 11,
    "  " + "x" * 10 + "\n",
    "\u00e9" * 10,
    "\u00e9" * 11,
    "x" * 14_999,
    "x" * 15_000,
    "",
    "Merge branch 'topic' of somewhere",
    "MERGED the two parsers",
    "Emerge from the loop early",
    "My Pi Push of the day",
    "daily push pi for all",
    "Update README.md\n\n",
    "\t Update README.md \r\n",
    "Update README.md for the release",
    "O'Reilly'); DROP TABLE commits; --",
]


def test_messages_are_judged_as_those_of_repositories(tmp_path: Path) -> None:
    made = planted()
    wanted = {made.commit(message): why_refused(message.strip()) or "kept" for message in MESSAGES}
    assert len(set(wanted.values())) == 4
    assert fates(mine(tmp_path, made)) == wanted


def test_a_commit_in_several_repositories_is_one_row_that_lists_them(tmp_path: Path) -> None:
    made = planted()
    made.repository("zed/fork", licenses=["gpl-3.0"])
    made.repository("bob/fork", licenses=["apache-2.0", "mit"])
    made.repository("eve/fork", languages=["Shell"])
    made.commit(repo_name=["zed/fork", "acme/shop", "eve/fork", "bob/fork"])
    (row,) = mine(tmp_path, made).rows()
    assert row["repos"] == ["acme/shop", "bob/fork", "zed/fork"]
    assert row["licenses"] == ["apache-2.0", "gpl-3.0", "mit"]


def test_a_commit_that_the_table_holds_twice_is_one_row(tmp_path: Path) -> None:
    made = planted()
    made.repository("bob/fork", licenses=["isc"])
    commit = made.commit()
    made.commit(commit=commit, repo_name=["bob/fork", "acme/shop"])
    dropped = made.commit("short", commit="f" * 40)
    made.commit("short", commit=dropped)
    dataset = mine(tmp_path, made)
    assert fates(dataset) == {commit: "kept", dropped: "message_too_short"}
    assert [row["repos"] for row in dataset.rows()] == [["acme/shop", "bob/fork"]]


@pytest.mark.parametrize(
    ("policy", "kept"),
    [
        ("any", ["mit", "agpl-3.0", "gpl-3.0", "mit+gpl", "none", "mit|gpl"]),
        ("published-12", ["mit", "agpl-3.0", "mit|gpl"]),
        ("permissive-only", ["mit", "mit|gpl"]),
    ],
)
def test_licences_decide_by_policy(tmp_path: Path, policy: str, kept: list[str]) -> None:
    made = CommitTables()
    made.repository("a/mit", licenses=["mit"])
    made.repository("a/agpl", licenses=["agpl-3.0"])
    made.repository("a/gpl", licenses=["gpl-3.0"])
    made.repository("a/both", licenses=["mit", "gpl-3.0"])
    made.repository("a/none", licenses=[])
    commits = {
        "mit": made.commit(repo_name=["a/mit"]),
        "agpl-3.0": made.commit(repo_name=["a/agpl"]),
        "gpl-3.0": made.commit(repo_name=["a/gpl"]),
        "mit+gpl": made.commit(repo_name=["a/both"]),
        "none": made.commit(repo_name=["a/none"]),
        "mit|gpl": made.commit(repo_name=["a/gpl", "a/mit"]),
    }
    dataset = mine(tmp_path, made, licenses=policy)
    found = fates(dataset)
    assert found == {sha: "kept" if name in kept else "licence_refused" for name, sha in commits.items()}
    licences = {row["commit"]: row["licenses"] for row in dataset.rows()}
    assert licences[commits["mit|gpl"]] == (["gpl-3.0", "mit"] if policy == "any" else ["mit"])
    if policy == "any":
        assert licences[commits["none"]] == ["unknown"]


def test_any_language_of_the_repository_counts(tmp_path: Path) -> None:
    made = CommitTables()
    made.repository("a/mixed", languages=["Shell", "C#"])
    made.repository("a/shell", languages=["Shell"])
    mixed, shell = made.commit(repo_name=["a/mixed"]), made.commit(repo_name=["a/shell"])
    unlisted = made.commit(repo_name=["a/unlisted"])
    assert fates(mine(tmp_path / "default", made)) == {
        mixed: "kept",
        shell: "language_unwanted",
        unlisted: "language_unwanted",
    }
    assert fates(mine(tmp_path / "shell", made, languages=("Shell",)))[shell] == "kept"
    assert set(fates(mine(tmp_path / "any", made, languages=())).values()) == {"kept"}


def test_only_commits_of_the_window_are_looked_at(tmp_path: Path) -> None:
    made = planted()
    times = (0, NOON_2019_03_01 - DAY, NOON_2019_03_01, NOON_2019_03_01 + DAY)
    commits = [made.commit(time=time) for time in times]
    made.commit(committer=None)
    dataset = mine(tmp_path, made, since="2019-03-01", until="2019-03-02")
    assert fates(dataset) == {commits[2]: "kept"}
    assert len(fates(mine(tmp_path / "all", made))) == 3


def test_reverts_and_what_they_take_back_are_dropped(tmp_path: Path) -> None:
    made = planted()
    standing, taken, back = made.commit(), made.commit(), made.commit()
    quoting = made.commit(f'Revert "{GOOD}"\n\nIt broke the build.\n')
    naming = made.commit(f"Take the check out\n\nThis reverts commit {taken}.\n")
    first = made.commit(f"Take it out\n\nThis reverts commit {back}.\n")
    second = made.commit(f"Put it in again\n\nThis reverts commit {first}.\n")
    speaking = made.commit('Revert "x" is no longer said here')
    wanted = {
        standing: "kept",
        taken: "reverted",
        back: "kept",
        quoting: "revert",
        naming: "revert",
        first: "revert",
        second: "revert",
        speaking: "kept",
    }
    assert fates(mine(tmp_path / "default", made)) == wanted
    kept = fates(mine(tmp_path / "all", made, drop_reverts=False))
    assert set(kept.values()) == {"kept"}


def test_bots_are_kept_when_wanted(tmp_path: Path) -> None:
    made = planted()
    made.commit(author=person("renovate[bot]"))
    assert set(fates(mine(tmp_path, made, drop_bots=False)).values()) == {"kept"}


def test_a_database_and_parquet_give_the_same_dataset(tmp_path: Path) -> None:
    made = planted()
    for _, values in STRUCTURES:
        made.commit(GOOD, **values)
    config = MineCommitsConfig(
        source="duckdb", tables=str(made.write_database(tmp_path / "github_repos.duckdb"))
    )
    from_database = run_stage(STAGE, config, {}, str(tmp_path / "database")).manifest
    from_parquet = mine(tmp_path, made).manifest
    assert from_database.tables["data"] == from_parquet.tables["data"]
    assert from_database.tables["rejected"] == from_parquet.tables["rejected"]


def test_a_table_may_be_a_folder_of_files_at_any_path(tmp_path: Path) -> None:
    made = planted()
    commits = {made.commit(), made.commit()}
    folder = made.write_parquet(tmp_path / "o'brien's tables" / "tables")
    halves = [CommitTables(commits=[commit]) for commit in made.commits]
    (folder / "commits.parquet").unlink()
    (folder / "commits").mkdir()
    for number, half in enumerate(halves):
        half.write_parquet(tmp_path / str(number))
        (tmp_path / str(number) / "commits.parquet").rename(folder / "commits" / f"{number}.parquet")
    assert fates(mine(folder.parent, made)) == dict.fromkeys(commits, "kept")


def test_the_query_runs_once_however_often_the_stage_is_planned(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = planted()
    made.commit()
    made.write_parquet(tmp_path / "tables")
    config = MineCommitsConfig(source="duckdb", tables=str(tmp_path / "tables"))
    from themis_common.stages import gather, map_units, plan_units

    place = str(tmp_path / "out")
    units = plan_units(STAGE, config, {}, place)
    map_units(STAGE, config, {}, place, plan_units(STAGE, config, {}, place), range(len(units)))
    report = gather(STAGE, config, {}, place, plan_units(STAGE, config, {}, place))
    assert report.manifest.rows == 1
    assert capsys.readouterr().err.count("querying") == 1


def test_changed_tables_are_another_dataset(tmp_path: Path) -> None:
    made = planted()
    made.commit()
    before = mine(tmp_path / "one", made)
    made.commit()
    after = mine(tmp_path / "two", made)
    assert before.manifest.inputs != after.manifest.inputs
    assert before.digest != after.digest


def test_tables_without_commits_in_the_window_are_an_empty_dataset(tmp_path: Path) -> None:
    dataset = mine(tmp_path, planted())
    assert (dataset.manifest.rows, dataset.manifest.counts.keys_in) == (0, 0)


def test_a_view_in_a_database_reads_no_other_file(tmp_path: Path) -> None:
    import duckdb

    secret = tmp_path / "elsewhere" / "secret.parquet"
    made = planted()
    made.commit()
    made.write_parquet(secret.parent)
    file = made.write_database(tmp_path / "tables.duckdb")
    with duckdb.connect(file) as connection:
        connection.execute("DROP TABLE licenses")
        connection.execute(f"CREATE VIEW licenses AS SELECT * FROM '{secret.parent / 'licenses.parquet'}'")
    config = MineCommitsConfig(source="duckdb", tables=str(file))
    with pytest.raises(UserError, match=r"tables .*tables\.duckdb"):
        run_stage(STAGE, config, {}, str(tmp_path / "out"))


def test_user_errors_are_one_line_that_names_the_tables(tmp_path: Path) -> None:
    made = planted()
    made.commit()
    folder = made.write_parquet(tmp_path / "tables")
    database = made.write_database(tmp_path / "tables.duckdb")

    def message(path: Path) -> str:
        config = MineCommitsConfig(source="duckdb", tables=str(path))
        with pytest.raises(UserError) as error:
            run_stage(STAGE, config, {}, str(tmp_path / "out"))
        assert "\n" not in str(error.value)
        assert str(path) in str(error.value)
        return str(error.value)

    import duckdb

    assert "no such file or folder" in message(tmp_path / "gone.duckdb")
    (folder / "commits.parquet").write_bytes(b"PAR1 nothing")
    assert "cannot be read" in message(folder)
    (folder / "commits.parquet").unlink()
    assert "neither commits.parquet nor a folder commits" in message(folder)
    with duckdb.connect(database) as connection:
        connection.execute("ALTER TABLE commits DROP difference")
    assert "difference" in message(database)
    with duckdb.connect(database) as connection:
        connection.execute("DROP TABLE commits")
    assert "there is no table commits" in message(database)
    database.write_bytes(b"no database at all" * 1000)
    assert "cannot be read" in message(database)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"source": "duckdb"}, "tables is not set"),
        ({"source": "duckdb", "tables": "here"}, "absolute path"),
        ({"source": "mysql"}, "source"),
        ({"memory_mb": 1}, "at least 64"),
    ],
)
def test_wrong_options_are_named(values: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        load_config(MineCommitsConfig, values, where="recipe.yaml: mine_commits")


def test_output_changes_only_with_a_new_version(tmp_path: Path) -> None:
    made = planted()
    for _, values in STRUCTURES:
        made.commit(GOOD, **values)
    for message in MESSAGES:
        made.commit(message)
    dataset = mine(tmp_path, made)
    rejected = dataset.manifest.tables["rejected"].content_digest
    assert (STAGE.version, dataset.digest[:16], rejected[:16]) == (2, "77bc71eb3f6a0a14", "ad4330b5df8cbe91")


def test_the_template_comes_with_the_package() -> None:
    assert (resources.files("components.dataset.mine_commits") / "commits.sql.jinja").is_file()
