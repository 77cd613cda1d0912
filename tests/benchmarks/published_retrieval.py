"""The published way to read both versions of a changed file (facts/dataset.md section 6), with argument lists.

For every commit: a new folder, `git init`, a remote, `fetch --depth 2` of the one commit, a checkout of the file from
it and from its parent, and the folder is removed. The published script gives each command to a shell; that is left
out.
"""

import os
import shutil
import subprocess
from pathlib import Path


def fetch_contents(remote: str, sha: str, path: str, folder: Path) -> tuple[str, str]:
    """The file before and after the commit.

    Args:
        remote: URL of the repository.
        folder: a folder that does not exist; it is removed again.
    """
    folder.mkdir()
    try:
        _fetch(remote, sha, folder)
        _git(folder, "checkout", "--quiet", "FETCH_HEAD", "--", path)
        new = (folder / path).read_bytes().decode("utf-8", errors="ignore")
        _git(folder, "checkout", "--quiet", "FETCH_HEAD^", "--", path)
        old = (folder / path).read_bytes().decode("utf-8", errors="ignore")
        return old, new
    finally:
        shutil.rmtree(folder)


def fetched_bytes(remote: str, sha: str, folder: Path) -> int:
    """The bytes of the pack that the fetch of one commit brings; arguments as above."""
    folder.mkdir()
    try:
        # git would unpack a small one, into more bytes than came
        _fetch(remote, sha, folder, "-c", "fetch.unpackLimit=1")
        return sum(file.stat().st_size for file in folder.glob(".git/objects/pack/*.pack"))
    finally:
        shutil.rmtree(folder)


def _fetch(remote: str, sha: str, folder: Path, *options: str) -> None:
    _git(folder, "init", "--quiet")
    _git(folder, "remote", "add", "origin", remote)
    _git(folder, *options, "fetch", "--quiet", "--depth", "2", "origin", sha)


def _git(folder: Path, *arguments: str) -> None:
    environment = {"PATH": os.environ["PATH"], "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull}
    subprocess.run(["git", "-C", str(folder), *arguments], env=environment, check=True, capture_output=True)
