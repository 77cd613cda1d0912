"""Mining real repositories: what becomes a row, what is dropped and why, and repositories that share history."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from components.dataset.mine_commits.messages import why_refused
from components.dataset.mine_commits.stage import STAGE, MineCommitsConfig
from tests.fixtures.git_packs import PackedObject, commits_of, install, nested
from tests.fixtures.git_repositories import (
    EXECUTABLE,
    NOON,
    SUBMODULE,
    SYMLINK,
    Entry,
    RepositoryBuilder,
    run_git,
)
from themis_common.config import load_config
from themis_common.datasets.reader import DatasetReader
from themis_common.errors import UserError
from themis_common.hashing import row_key
from themis_common.schemas import COMMITS
from themis_common.stages import run_stage

GOOD = "Fix the null check in the parser"
MIT = b"MIT License\n\nSPDX-License-Identifier: MIT\n"
GPL = b"SPDX-License-Identifier: GPL-3.0-or-later\n"


def mine(output: Path, repositories: Sequence[Path | str], **options: Any) -> DatasetReader:
    config = MineCommitsConfig(repositories=tuple(str(path) for path in repositories), **options)
    return DatasetReader(run_stage(STAGE, config, {}, str(output)).uri, COMMITS)


def reasons(dataset: DatasetReader) -> dict[str, str]:
    """Reason by commit."""
    return {row["detail"].split(" ")[1]: row["reason"] for row in dataset.rejected()}


def project(path: Path, licence: bytes = MIT) -> RepositoryBuilder:
    """A repository whose first commit adds a few files."""
    builder = RepositoryBuilder(path)
    builder.commit(
        {"LICENSE": licence, "a.py": b"a = 0\n", "b.py": b"b = 0\n", "link": Entry(SYMLINK, b"a.py")},
        "Add the first files of all",
    )
    return builder


def test_a_single_file_modification_is_a_row_with_all_it_needs(tmp_path: Path) -> None:
    builder = project(tmp_path / "tool")
    builder.commit({"a.py": b"a = 1\n"}, f"\n{GOOD}\n\nIt was missing.\n", time=NOON)
    root, commit = builder.build()
    dataset = mine(tmp_path / "out", [tmp_path / "tool"])
    (row,) = dataset.rows()
    blobs = [
        run_git("-C", str(tmp_path / "tool"), "rev-parse", f"{sha}:a.py").decode().strip()
        for sha in (root, commit)
    ]
    assert row == {
        "row_key": row_key(commit),
        "commit": commit,
        "parent": root,
        "repos": ["tool"],
        "licenses": ["mit"],
        "subject": GOOD,
        "message": f"{GOOD}\n\nIt was missing.",
        "path": "a.py",
        "old_blob": blobs[0],
        "new_blob": blobs[1],
        "unix_time": NOON,
    }
    assert reasons(dataset) == {root: "root"}


STRUCTURES: list[tuple[str, dict[str | bytes, bytes | Entry | None]]] = [
    ("multi_file", {"a.py": b"1", "b.py": b"1"}),
    ("multi_file", {"a.py": b"1", "new.py": b"1"}),
    ("multi_file", {"a.py": b"1", "b.py": None}),
    ("rename", {"a.py": None, "moved.py": b"a = 0\n"}),
    ("multi_file", {"a.py": None, "moved.py": b"other contents\n"}),
    ("add_or_delete", {"new.py": b"1"}),
    ("add_or_delete", {"a.py": None}),
    ("mode_only", {"a.py": Entry(EXECUTABLE, b"a = 0\n")}),
    ("symlink", {"link": Entry(SYMLINK, b"b.py")}),
    ("symlink", {"a.py": Entry(SYMLINK, b"b.py")}),
    ("submodule", {"sub": Entry(SUBMODULE, b"1" * 40)}),
    ("empty_commit", {}),
]


@pytest.mark.parametrize(("reason", "files"), STRUCTURES)
def test_commits_that_change_no_single_file_are_dropped(
    tmp_path: Path, reason: str, files: dict[str | bytes, bytes | Entry | None]
) -> None:
    builder = project(tmp_path / "tool")
    builder.commit(files, GOOD)
    _, commit = builder.build()
    assert reasons(mine(tmp_path / "out", [tmp_path / "tool"]))[commit] == reason


def test_a_change_of_mode_and_contents_is_a_modification(tmp_path: Path) -> None:
    builder = project(tmp_path / "tool")
    builder.commit({"a.py": Entry(EXECUTABLE, b"a = 1\n")}, GOOD)
    builder.build()
    assert len(list(mine(tmp_path / "out", [tmp_path / "tool"]).rows())) == 1


def test_a_merge_is_dropped_and_the_commits_of_its_branch_are_not(tmp_path: Path) -> None:
    builder = project(tmp_path / "tool")
    left = builder.commit({"a.py": b"a = 1\n"}, GOOD, parents=[1])
    right = builder.commit({"b.py": b"b = 1\n"}, GOOD, parents=[1], branch="topic")
    builder.commit({"b.py": b"b = 1\n"}, GOOD, parents=[left, right])
    shas = builder.build()
    dataset = mine(tmp_path / "out", [tmp_path / "tool"])
    assert {row["commit"] for row in dataset.rows()} == {shas[1], shas[2]}
    assert reasons(dataset)[shas[3]] == "merge"


def test_paths_are_text_or_the_commit_is_dropped(tmp_path: Path) -> None:
    path = "src/caf\u00e9 x;touch pwned;\n.py"
    builder = project(tmp_path / "tool")
    builder.commit({path: b"1", b"latin-\xe9.py": b"1"}, GOOD)
    builder.commit({path: b"2"}, GOOD)
    builder.commit({b"latin-\xe9.py": b"2"}, GOOD)
    *_, good, bad = builder.build()
    dataset = mine(tmp_path / "out", [tmp_path / "tool"])
    assert [(row["commit"], row["path"]) for row in dataset.rows()] == [(good, path)]
    assert reasons(dataset)[bad] == "path_not_utf8"


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ("0123456789", "message_too_short"),
        ("  0123456789 \n\n", "message_too_short"),
        ("01234567890", None),
        ("x" * 14_999, None),
        ("x" * 15_000, "message_too_long"),
        ("Update README.md\n", "message_blocked"),
        ("INITIAL COMMIT", "message_blocked"),
        ("Update README.md again", None),
        ("Merge branch 'topic'", "message_blocked"),
        ("Then merge the lists", None),
        ("My Pi pushes this, pi push 17", "message_blocked"),
        ("Raspberry PUSH PI now", "message_blocked"),
        (b"Caf\xe9 fixed in the parser", "message_not_utf8"),
    ],
)
def test_messages_are_trimmed_measured_and_compared(
    tmp_path: Path, message: str | bytes, reason: str | None
) -> None:
    builder = project(tmp_path / "tool")
    builder.commit({"a.py": b"a = 1\n"}, message)
    _, commit = builder.build()
    assert reasons(mine(tmp_path / "out", [tmp_path / "tool"])).get(commit) == reason


def test_a_message_of_hostile_size_costs_its_own_commit_only(tmp_path: Path) -> None:
    builder = project(tmp_path / "tool")
    builder.commit({"a.py": b"a = 1\n"}, "x" * 3_000_000)
    builder.commit({"a.py": b"a = 2\n", "b.py": b"b = 2\n"}, "y" * 3_000_000)
    builder.commit({"a.py": b"a = 3\n"}, GOOD)
    _, large, several, good = builder.build()
    dataset = mine(tmp_path / "out", [tmp_path / "tool"])
    found = reasons(dataset)
    assert (found[large], found[several]) == ("text_too_large", "multi_file")
    assert [row["commit"] for row in dataset.rows()] == [good]


def test_every_blocked_message_is_refused() -> None:
    folder = Path(__file__).parents[3] / "components/dataset/mine_commits"
    blocked = (folder / "blocked_messages.txt").read_text().splitlines()
    assert len(blocked) == len(set(blocked)) == 45
    refused = Counter(why_refused(message) for message in blocked)
    assert refused == {"message_blocked": 24, "message_too_short": 21}


def test_bots_are_dropped_unless_wanted(tmp_path: Path) -> None:
    builder = project(tmp_path / "tool")
    for number, author in enumerate(
        [
            "dependabot[bot] <support@example.com>",
            "Renovate Bot <29139614+renovate[bot]@example.com>",
            "greenkeeper <support@example.com>",
            "Abbot Author <abbot@example.com>",
        ]
    ):
        builder.commit({"a.py": b"a = %d\n" % (number + 1)}, GOOD, author=author)
    shas = builder.build()
    dataset = mine(tmp_path / "out", [tmp_path / "tool"])
    assert [sha for sha in shas if reasons(dataset).get(sha) == "bot"] == shas[1:4]
    assert mine(tmp_path / "all", [tmp_path / "tool"], drop_bots=False).manifest.rows == 4


def test_reverts_and_what_they_take_back_are_dropped(tmp_path: Path) -> None:
    def build(path: Path, target: str) -> list[str]:
        builder = project(path)
        builder.commit({"a.py": b"a = 1\n"}, "Make the parser faster")
        builder.commit({"b.py": b"b = 1\n"}, "Keep this good change")
        builder.commit({"a.py": b"a = 0\n"}, f'Revert "Make the parser faster"\n\n{target}')
        builder.commit({"b.py": b"b = 2\n"}, "Make the parser greener")
        builder.commit({"b.py": b"b = 1\n"}, 'Revert "Make the parser greener"\n\nToo green.')
        builder.commit({"b.py": b"b = 2\n"}, 'Revert "Revert "Make the parser greener""\n\nNot so bad.')
        return builder.build()

    by_subject = build(tmp_path / "draft", "It is wrong.")
    by_sha = build(tmp_path / "tool", f"This reverts commit {by_subject[1]}.")
    assert by_sha[1] == by_subject[1]
    for name, shas in (("draft", by_subject), ("tool", by_sha)):
        found = reasons(mine(tmp_path / f"out-{name}", [tmp_path / name]))
        assert {place: found.get(sha) for place, sha in enumerate(shas)} == {
            0: "root",
            1: "reverted",
            2: None,
            3: "revert",
            4: None,
            5: "revert",
            6: "revert",
        }
    assert mine(tmp_path / "all", [tmp_path / "tool"], drop_reverts=False).manifest.rows == 6


def test_the_window_takes_its_first_day_and_not_its_last(tmp_path: Path) -> None:
    builder = project(tmp_path / "tool")
    march, april = 1551398400, 1554076800  # facts/dataset.md section 18.10
    for number, time in enumerate([march - 1, march, april - 1, april, 0]):
        builder.commit({"a.py": b"a = %d\n" % (number + 1)}, GOOD, time=time)
    shas = builder.build()
    inside = mine(tmp_path / "out", [tmp_path / "tool"], since="2019-03-01", until="2019-04-01")
    assert {row["commit"] for row in inside.rows()} == {shas[2], shas[3]}
    # a time of zero is what git makes of one that it cannot read
    assert reasons(mine(tmp_path / "all", [tmp_path / "tool"])) == {
        shas[0]: "root",
        shas[5]: "outside_window",
    }


def test_licences_decide_by_policy(tmp_path: Path) -> None:
    for name, licence in (("free", MIT), ("strict", GPL), ("silent", b"All rights reserved.\n")):
        builder = project(tmp_path / name, licence)
        builder.commit({"a.py": name.encode()}, GOOD)
        builder.build()
    paths = [tmp_path / name for name in ("free", "strict", "silent")]
    everything = mine(tmp_path / "any", paths)
    assert sorted((row["repos"], row["licenses"]) for row in everything.rows()) == [
        (["free"], ["mit"]),
        (["silent"], ["unknown"]),
        (["strict"], ["gpl-3.0"]),
    ]
    permissive = mine(tmp_path / "permissive", paths, licenses="permissive-only")
    assert [row["repos"] for row in permissive.rows()] == [["free"]]
    assert Counter(reasons(permissive).values()) == {"root": 3, "licence_refused": 2}


def test_one_commit_in_several_repositories_is_one_row_that_lists_them(tmp_path: Path) -> None:
    builder = project(tmp_path / "upstream")
    builder.commit({"a.py": b"a = 1\n"}, GOOD)
    builder.build()
    run_git("clone", "--quiet", "--bare", str(tmp_path / "upstream"), str(tmp_path / "fork.git"))
    other = project(tmp_path / "other", GPL)
    other.commit({"a.py": b"a = 1\n"}, GOOD)
    other.build()
    paths = [tmp_path / name for name in ("upstream", "fork.git", "other")]
    dataset = mine(tmp_path / "out", paths)
    assert sorted(row["repos"] for row in dataset.rows()) == [["fork", "upstream"], ["other"]]
    assert dataset.manifest.counts.keys_in == 4
    assert mine(tmp_path / "again", paths[::-1]).digest == dataset.digest


def test_a_fork_that_goes_on_adds_only_its_own_commits(tmp_path: Path) -> None:
    builder = project(tmp_path / "upstream")
    builder.commit({"a.py": b"a = 1\n"}, GOOD)
    builder.build()
    run_git("clone", "--quiet", str(tmp_path / "upstream"), str(tmp_path / "fork"))
    (tmp_path / "fork/LICENSE").write_bytes(GPL)
    run_git("-C", str(tmp_path / "fork"), "commit", "--quiet", "-am", "Take a stricter licence for the fork")
    dataset = mine(tmp_path / "out", [tmp_path / "upstream", tmp_path / "fork"])
    assert {row["path"]: (row["repos"], row["licenses"]) for row in dataset.rows()} == {
        "a.py": (["fork", "upstream"], ["gpl-3.0", "mit"]),
        "LICENSE": (["fork"], ["gpl-3.0"]),
    }
    strict = mine(tmp_path / "strict", [tmp_path / "upstream", tmp_path / "fork"], licenses="permissive-only")
    assert [(row["path"], row["repos"]) for row in strict.rows()] == [("a.py", ["upstream"])]


@pytest.mark.parametrize("shallow_name", ["a-shallow", "z-shallow"])
def test_a_shallow_clone_shares_rows_with_the_whole_repository(tmp_path: Path, shallow_name: str) -> None:
    builder = project(tmp_path / "upstream")
    for number in range(1, 5):
        builder.commit({"a.py": b"a = %d\n" % number}, GOOD)
    shas = builder.build()
    source = f"file://{tmp_path / 'upstream'}"
    run_git("clone", "--quiet", "--depth=2", source, str(tmp_path / shallow_name))
    dataset = mine(tmp_path / "out", [tmp_path / "upstream", tmp_path / shallow_name])
    both = sorted(["upstream", shallow_name])
    assert {row["commit"]: row["repos"] for row in dataset.rows()} == {
        shas[1]: ["upstream"],
        shas[2]: ["upstream"],
        shas[3]: both,
        shas[4]: both,
    }
    assert reasons(dataset) == {shas[0]: "root"}


def test_other_branches_are_mined_when_asked_for(tmp_path: Path) -> None:
    builder = project(tmp_path / "tool")
    builder.commit({"a.py": b"a = 1\n"}, GOOD, parents=[1])
    builder.commit({"b.py": b"b = 1\n"}, GOOD, parents=[1], branch="topic")
    builder.build()
    assert mine(tmp_path / "head", [tmp_path / "tool"]).manifest.rows == 1
    assert mine(tmp_path / "all", [tmp_path / "tool"], history="branches").manifest.rows == 2


def test_the_same_history_elsewhere_is_the_same_dataset(tmp_path: Path) -> None:
    for place in ("one", "two"):
        builder = project(tmp_path / place / "tool")
        builder.commit({"a.py": b"a = 1\n"}, GOOD)
        builder.build()
    one = mine(tmp_path / "out-one", [tmp_path / "one/tool"])
    two = mine(tmp_path / "out-two", [tmp_path / "two/tool"])
    assert one.store.read_bytes("manifest.json") == two.store.read_bytes("manifest.json")
    assert one.store.read_bytes("data/00000.parquet") == two.store.read_bytes("data/00000.parquet")


def test_new_commits_make_a_finished_output_another_one(tmp_path: Path) -> None:
    builder = project(tmp_path / "tool")
    builder.commit({"a.py": b"a = 1\n"}, GOOD)
    builder.build()
    mine(tmp_path / "out", [tmp_path / "tool"])
    (tmp_path / "tool/new.py").write_text("1\n")
    run_git("-C", str(tmp_path / "tool"), "add", "new.py")
    run_git("-C", str(tmp_path / "tool"), "commit", "--quiet", "-m", GOOD)
    with pytest.raises(UserError, match="other inputs"):
        mine(tmp_path / "out", [tmp_path / "tool"])


def test_user_errors_are_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="git_repos is empty"):
        mine(tmp_path / "out", [])
    with pytest.raises(UserError, match="is no git repository"):
        mine(tmp_path / "out", [tmp_path])


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"since": "March 2019"}, "since must be a day such as 2019-03-01"),
        ({"since": "2019-03-01", "until": "2019-03-01"}, "is not before"),
        ({"licenses": "free"}, "licenses"),
        ({"history": "all"}, "history"),
    ],
)
def test_wrong_options_are_named(values: dict[str, str], message: str) -> None:
    with pytest.raises(UserError, match=message):
        load_config(MineCommitsConfig, values, where="recipe.yaml: mine_commits")


def test_output_changes_only_with_a_new_version(tmp_path: Path) -> None:
    builder = project(tmp_path / "tool")
    for number, (_, files) in enumerate(STRUCTURES):
        builder.commit(files, GOOD, parents=[1], branch=f"b{number}")
    builder.commit({"a.py": b"a = 1\n"}, GOOD, parents=[1])
    builder.build()
    dataset = mine(tmp_path / "out", [tmp_path / "tool"], history="branches")
    rejected = dataset.manifest.tables["rejected"].content_digest
    assert (STAGE.version, dataset.digest[:16], rejected[:16]) == (2, "cea31839b36f8aed", "4a11816861dd5098")


def test_a_commit_with_more_differences_than_memory_is_dropped_and_the_others_are_not(tmp_path: Path) -> None:
    leaves = [PackedObject("blob", text) for text in (b"1\n", b"2\n", b"3\n")]
    plain = [nested(leaf, 1, 1)[0] for leaf in leaves[:2]]
    bomb = nested(leaves[2], levels=10, width=10)
    commits = commits_of([plain[0], plain[1], bomb[-1], plain[0], plain[1]])
    install(tmp_path / "bomb", [*leaves, *plain, *bomb, *commits], commits[-1].id)
    dataset = mine(tmp_path / "out", [tmp_path / "bomb"], max_git_memory_mb=64)
    assert {row["commit"] for row in dataset.rows()} == {commits[1].id, commits[4].id}
    assert reasons(dataset) == {
        commits[0].id: "root",
        commits[2].id: "differences_truncated",
        commits[3].id: "differences_truncated",
    }
