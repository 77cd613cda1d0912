from pathlib import Path

from pipelines.sample_data import SampleData
from pipelines.sample_data.oddities import HOSTILE_STEMS
from tests.pipelines.sample_data.git_reading import LoggedCommit, blob, git, read_log, single_code_changes

SYMLINK = b"120000"
GITLINK = b"160000"


def lone_changes(repository: Path) -> list[LoggedCommit]:
    return [
        commit for commit in read_log(repository) if len(commit.changes) == 1 and len(commit.parents) == 1
    ]


def test_there_are_at_least_600_distinct_code_pairs(full: SampleData) -> None:
    pairs = set()
    for repository in full.repositories:
        pairs |= {(change.old_blob, change.new_blob) for _, change in single_code_changes(repository)}
    assert len(pairs) >= 600


def test_all_repositories_pass_fsck(full: SampleData) -> None:
    assert len(full.repositories) == 11
    for repository in full.repositories:
        git(repository, "fsck", "--strict")


def test_hostile_names_are_changed_under_their_names(full_repositories: dict[str, Path]) -> None:
    changed = {change.path for _, change in single_code_changes(full_repositories["harbourlog"])}
    stems = {path.rpartition(b".")[0] for path in changed}
    assert set(HOSTILE_STEMS) <= stems


def test_one_repository_has_no_licence(full: SampleData) -> None:
    without = [
        repository.stem
        for repository in full.repositories
        if b"LICENSE" not in git(repository, "ls-tree", "--name-only", "main").split()
    ]
    assert without == ["choirdesk"]


def test_symbolic_links_point_outside(full_repositories: dict[str, Path]) -> None:
    repository = full_repositories["tramline"]
    links = {}
    for commit in lone_changes(repository):
        change = commit.changes[0]
        if change.old_mode == change.new_mode == SYMLINK:
            links[change.path] = blob(repository, change.new_blob)
    assert links[b"secrets.py"] == b"/etc/passwd"
    assert links[b"outside.js"].startswith(b"../")
    assert links[b"current.py"] in git(repository, "ls-tree", "-r", "-z", "--name-only", "main~20").split(
        b"\0"
    )


def test_a_file_becomes_a_link(full_repositories: dict[str, Path]) -> None:
    changes = [commit.changes[0] for commit in lone_changes(full_repositories["tramline"])]
    assert [(one.old_mode, one.new_mode) for one in changes if one.status == b"T"] == [(b"100644", SYMLINK)]


def test_a_submodule_is_bumped(full_repositories: dict[str, Path]) -> None:
    changes = [commit.changes[0] for commit in lone_changes(full_repositories["tramline"])]
    bumps = [one for one in changes if one.old_mode == one.new_mode == GITLINK]
    assert [one.path for one in bumps] == [b"third_party/chart.js"]


def test_a_source_file_is_an_lfs_pointer(full_repositories: dict[str, Path]) -> None:
    repository = full_repositories["tramline"]
    (change,) = [one for _, one in single_code_changes(repository) if one.path == b"fixtures/answers.js"]
    for side in (change.old_blob, change.new_blob):
        assert blob(repository, side).startswith(b"version https://git-lfs.github.com/spec/v1\n")


def test_a_mode_changes_without_the_content(full_repositories: dict[str, Path]) -> None:
    changes = [commit.changes[0] for commit in lone_changes(full_repositories["tramline"])]
    modes = [(one.old_mode, one.new_mode) for one in changes if one.old_blob == one.new_blob]
    assert modes == [(b"100644", b"100755")]


def test_a_second_root_and_an_empty_commit(full_repositories: dict[str, Path]) -> None:
    commits = read_log(full_repositories["tramline"])
    assert len([commit for commit in commits if not commit.parents]) == 2
    assert len([commit for commit in commits if len(commit.parents) == 1 and not commit.changes]) == 1


def test_contents_are_odd_in_every_wanted_way(full_repositories: dict[str, Path]) -> None:
    repository = full_repositories["seedbank"]
    found = set()
    for _, change in single_code_changes(repository):
        old, new = blob(repository, change.old_blob), blob(repository, change.new_blob)
        try:
            new.decode("utf-8")
        except UnicodeDecodeError:
            new.decode("latin-1")
            found.add("latin-1")
        found |= {"dos line ends"} if b"\r\n" in old and b"\r\n" in new else set()
        found |= {"byte order mark"} if new.startswith(b"\xef\xbb\xbf") else set()
        found |= {"no final newline"} if new and not new.endswith(b"\n") else set()
        found |= {"breaks prompts"} if b"```" in old and b"</answer>" in new else set()
        found |= {"binary"} if b"\0" in new else set()
        found |= {"emptied"} if not new else set()
        found |= {"filled again"} if not old else set()
    assert found == {
        "latin-1",
        "dos line ends",
        "byte order mark",
        "no final newline",
        "breaks prompts",
        "binary",
        "emptied",
        "filled again",
    }


def test_copies_get_the_same_improvement(full_repositories: dict[str, Path]) -> None:
    repository = full_repositories["trailmap"]
    changes = single_code_changes(repository)
    copies = [(commit, change) for commit, change in changes if change.path.startswith(b"vendor/")]
    assert len(copies) == 2
    for commit, change in copies:
        name = change.path.rpartition(b"/")[2]
        (original,) = [
            other
            for known, other in changes
            if known.message == commit.message and other.path.endswith(name) and other != change
        ]
        ours = set(blob(repository, change.new_blob).split(b"\n"))
        theirs = set(blob(repository, original.new_blob).split(b"\n"))
        assert len(ours & theirs) > 0.8 * len(ours | theirs)


def test_a_fork_shares_half_of_a_history(full_repositories: dict[str, Path]) -> None:
    original = {commit.sha for commit in read_log(full_repositories["inkpress"])}
    fork = [commit.sha for commit in read_log(full_repositories["inkpress-fork"])]
    assert fork[0] not in original
    assert set(fork[1:]) < original
    assert len(fork) > 40


def test_a_change_is_reverted(full_repositories: dict[str, Path]) -> None:
    commits = read_log(full_repositories["trailmap"])
    subjects = [commit.message.split(b"\n")[0] for commit in commits]
    (revert,) = [subject for subject in subjects if subject.startswith(b"Revert ")]
    assert revert.removeprefix(b'Revert "').removesuffix(b'"') in subjects
