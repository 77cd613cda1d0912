"""Opening repositories, walking them, and never running or obeying what they hold."""

import contextlib
import stat
from pathlib import Path

import pytest

from tests.fixtures.git_repositories import RepositoryBuilder, run_git
from themis_common.errors import UserError
from themis_common.git import GitRepository
from themis_common.git.executable import environment


def _two_commits(path: Path) -> list[str]:
    builder = RepositoryBuilder(path)
    builder.commit({"a.py": b"one\n"}, "First commit of it all")
    builder.commit({"a.py": b"two\n"}, "Change the only file")
    return builder.build()


def test_a_folder_without_a_repository_is_one_line_of_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is no git repository"), GitRepository.open(tmp_path):
        pass
    with pytest.raises(UserError, match="no such folder"), GitRepository.open(tmp_path / "absent"):
        pass


def test_a_folder_inside_a_repository_does_not_stand_for_it(tmp_path: Path) -> None:
    _two_commits(tmp_path / "project")
    inside = tmp_path / "project" / "docs"
    inside.mkdir()
    with pytest.raises(UserError, match="is no git repository"), GitRepository.open(inside):
        pass


def test_a_repository_without_commits_is_one_line_of_error(tmp_path: Path) -> None:
    run_git("init", "--quiet", str(tmp_path / "empty"))
    with pytest.raises(UserError, match="no commits"), GitRepository.open(tmp_path / "empty"):
        pass


@pytest.mark.parametrize("form", ["work tree", "bare", "linked work tree"])
def test_every_form_of_repository_is_read(tmp_path: Path, form: str) -> None:
    shas = _two_commits(tmp_path / "project")
    place = tmp_path / "project"
    if form == "bare":
        place = tmp_path / "project.git"
        run_git("clone", "--quiet", "--bare", str(tmp_path / "project"), str(place))
    if form == "linked work tree":
        place = tmp_path / "linked"
        run_git("-C", str(tmp_path / "project"), "worktree", "add", "--quiet", "--detach", str(place))
    with GitRepository.open(place) as repository:
        assert list(repository.commit_ids(repository.tips("head"))) == shas[::-1]


def test_sha256_repositories_are_read(tmp_path: Path) -> None:
    run_git("init", "--quiet", "--object-format=sha256", str(tmp_path / "new"))
    (tmp_path / "new" / "a.py").write_text("x\n")
    run_git("-C", str(tmp_path / "new"), "add", "a.py")
    run_git("-C", str(tmp_path / "new"), "commit", "--quiet", "-m", "First commit of it all")
    with GitRepository.open(tmp_path / "new") as repository:
        (commit,) = repository.commits(repository.commit_ids(repository.tips("head")))
        assert len(commit.sha) == 64
        with repository.blob_reader(max_bytes=100) as reader:
            assert reader.read(commit.differences[0].new_blob) == b"x\n"


def test_head_leaves_other_branches_out_and_branches_takes_them_in(tmp_path: Path) -> None:
    builder = RepositoryBuilder(tmp_path / "project")
    first = builder.commit({"a.py": b"1\n"})
    builder.commit({"a.py": b"2\n"}, parents=[first])
    builder.commit({"a.py": b"3\n"}, parents=[first], branch="topic")
    root, main, topic = builder.build()
    with GitRepository.open(tmp_path / "project") as repository:
        assert set(repository.commit_ids(repository.tips("head"))) == {root, main}
        assert set(repository.commit_ids(repository.tips("branches"))) == {root, main, topic}
        assert list(repository.commit_ids(repository.tips("branches"), roots_only=True)) == [root]


def test_the_refs_digest_changes_with_the_history_it_covers(tmp_path: Path) -> None:
    shas = _two_commits(tmp_path / "project")
    with GitRepository.open(tmp_path / "project") as repository:
        head, branches = repository.refs_digest("head"), repository.refs_digest("branches")
    run_git("-C", str(tmp_path / "project"), "branch", "old", shas[0])
    with GitRepository.open(tmp_path / "project") as repository:
        assert repository.refs_digest("head") == head
        assert repository.refs_digest("branches") != branches


def test_a_shallow_clone_is_cut_at_its_edge(tmp_path: Path) -> None:
    shas = _two_commits(tmp_path / "project")
    run_git("clone", "--quiet", "--depth=1", f"file://{tmp_path / 'project'}", str(tmp_path / "shallow"))
    with GitRepository.open(tmp_path / "shallow") as repository:
        assert repository.shallow_edges == {shas[1]}
        (commit,) = repository.commits(repository.commit_ids(repository.tips("head")))
        assert commit.parents == ()


def test_a_damaged_repository_is_named(tmp_path: Path) -> None:
    shas = _two_commits(tmp_path / "project")
    victim = tmp_path / "project/.git/objects" / shas[0][:2] / shas[0][2:]
    victim.unlink()
    with GitRepository.open(tmp_path / "project") as repository:
        with pytest.raises(UserError, match=r"rev-list failed in .*project"):
            list(repository.commit_ids(repository.tips("head")))
        with pytest.raises(UserError, match=r"log failed in .*project"):
            list(repository.commits(shas))


def test_no_ids_give_no_commits(tmp_path: Path) -> None:
    _two_commits(tmp_path / "project")
    with GitRepository.open(tmp_path / "project") as repository:
        assert list(repository.commits([])) == []


def test_leaving_a_walk_early_ends_git(tmp_path: Path) -> None:
    shas = _two_commits(tmp_path / "project")
    with GitRepository.open(tmp_path / "project") as repository:
        walk = repository.commits(shas)
        assert next(walk).sha == shas[0]
        walk.close()


def test_the_environment_of_the_caller_does_not_reach_git(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shas = _two_commits(tmp_path / "project")
    monkeypatch.setenv("GIT_DIR", str(tmp_path))
    monkeypatch.setenv("GIT_EXTERNAL_DIFF", "false")
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "log.showRoot")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "false")
    assert not any(name.startswith("GIT_CONFIG_KEY") for name in environment(tmp_path))
    with GitRepository.open(tmp_path / "project") as repository:
        commits = list(repository.commits(shas))
    assert [len(commit.differences) for commit in commits] == [1, 1]


COMMAND_SETTINGS = (
    "core.fsmonitor",
    "core.pager",
    "core.editor",
    "core.sshCommand",
    "core.gitProxy",
    "core.askPass",
    "core.alternateRefsCommand",
    "pager.log",
    "pager.cat-file",
    "diff.external",
    "diff.evil.command",
    "diff.evil.textconv",
    "filter.evil.smudge",
    "filter.evil.clean",
    "filter.evil.process",
    "merge.evil.driver",
    "gpg.program",
    "gpg.ssh.program",
    "credential.helper",
    "remote.origin.uploadpack",
    "uploadpack.packObjectsHook",
)
"""Settings that name a command, which git runs sooner or later."""
LEADING_SETTINGS = {
    "alias.log": "!{command}",
    "alias.rev-list": "!{command}",
    "log.showSignature": "true",
    "protocol.allow": "always",
    "protocol.ext.allow": "always",
    "remote.origin.url": "ext::{command}",
    "remote.origin.promisor": "true",
    "remote.origin.partialclonefilter": "blob:none",
    "extensions.partialClone": "origin",
    "core.repositoryformatversion": "1",
}
"""Settings that lead git to run a command."""


def _set_traps(project: Path, trap: Path) -> None:
    """Put a program into every setting and hook that git might run."""
    settings = dict.fromkeys(COMMAND_SETTINGS, str(trap))
    settings |= {key: value.format(command=trap) for key, value in LEADING_SETTINGS.items()}
    for key, value in settings.items():
        run_git("-C", str(project), "config", key, value)
    hooks = project / ".git/hooks"
    hooks.mkdir(exist_ok=True)
    for hook in ("post-checkout", "reference-transaction", "post-index-change", "pre-auto-gc"):
        (hooks / hook).unlink(missing_ok=True)
        (hooks / hook).symlink_to(trap)


def test_nothing_that_the_repository_configures_is_executed(tmp_path: Path) -> None:
    """Settings that name a command, attributes that call for one, hooks: each would leave a file."""
    project, witness = tmp_path / "project", tmp_path / "witness"
    builder = RepositoryBuilder(project)
    builder.commit({".gitattributes": b"* filter=evil diff=evil merge=evil\n", "a.py": b"1\n"})
    builder.commit({"a.py": b"2\n"}, "Change the only file")
    shas = builder.build()
    trap = tmp_path / "trap.sh"
    trap.write_text(f"#!/bin/sh\necho $0 $* >> {witness}\ncat\n")
    trap.chmod(trap.stat().st_mode | stat.S_IXUSR)
    _set_traps(project, trap)
    absent = "0123456789" * 4
    with GitRepository.open(project) as repository:
        repository.refs_digest("branches")
        list(repository.top_level())
        commits = list(repository.commits(repository.commit_ids(repository.tips("branches"))))
        with repository.blob_reader(max_bytes=1000) as reader:
            contents = [reader.read(difference.new_blob) for difference in commits[0].differences]
            reader.read(absent)

    assert [commit.sha for commit in commits] == shas[::-1]
    assert contents == [b"2\n"]
    assert not witness.exists(), witness.read_text()
    # the trap itself works: git runs it as soon as it is called without our precautions
    with contextlib.suppress(AssertionError):
        run_git("-C", str(project), "status")
    assert witness.exists()


def test_grafts_replace_refs_and_a_ref_to_a_missing_object_change_nothing(tmp_path: Path) -> None:
    project = tmp_path / "project"
    builder = RepositoryBuilder(project)
    for text in (b"1\n", b"2\n", b"3\n"):
        builder.commit({"a.py": text})
    shas = builder.build()
    (project / ".git/info").mkdir(exist_ok=True)
    (project / ".git/info/grafts").write_text(f"{shas[2]} {shas[0]}\n")
    run_git("-C", str(project), "replace", shas[1], shas[0])
    with GitRepository.open(project) as repository:
        commits = list(repository.commits(repository.commit_ids(repository.tips("branches"))))
    assert [(commit.sha, commit.parents) for commit in commits] == [
        (shas[2], (shas[1],)),
        (shas[1], (shas[0],)),
        (shas[0], ()),
    ]
