"""Fetching into a folder of our own: limits, and that nobody's settings, hooks or prompts have a say."""

import os
import random
import threading
import time
from pathlib import Path

import pytest

from tests.fixtures.git_repositories import RepositoryBuilder, run_git
from tests.fixtures.git_servers import HANG, GitHttpServer, make_ssh
from themis_common.git import FetchFailure, FetchFolder, FetchLimits, RemoteTemplate, StoppedError, Transport

LIMITS = FetchLimits(max_bytes=1_000_000, seconds=60.0)


def make_repository(root: Path, content: bytes = b"one\n") -> tuple[Path, str]:
    """`acme/shop` below `root`; its folder and the id of its only blob."""
    path = root / "acme/shop.git"
    builder = RepositoryBuilder(path)
    builder.commit({"a.py": content})
    builder.build(bare=True)
    return path, run_git("-C", str(path), "rev-parse", "HEAD:a.py").decode().strip()


def transport_to(root: Path, **values: object) -> Transport:
    return Transport(remote=RemoteTemplate.parse(f"file://{root}/{{repo}}.git"), **values)  # type: ignore[arg-type]


def test_only_the_blobs_come(tmp_path: Path) -> None:
    path, blob = make_repository(tmp_path / "served")
    folder = FetchFolder(tmp_path / "fetched", transport_to(tmp_path / "served"), LIMITS)
    assert folder.fetch(f"file://{path}", [blob]) is None
    with folder.blob_reader(100) as reader:
        assert reader.read(blob) == b"one\n"
    assert 0 < folder.num_bytes() < 300
    listed = run_git(
        *("-C", str(tmp_path / "fetched/fetched.git"), "cat-file"),
        *("--batch-check=%(objecttype)", "--batch-all-objects"),
    )
    assert listed == b"blob\n"
    folder.remove()
    assert not (tmp_path / "fetched").exists()


def test_settings_of_the_repository_and_of_the_caller_are_not_obeyed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, blob = make_repository(tmp_path / "served")
    pwned = tmp_path / "pwned"
    run_git("-C", str(path), "config", "uploadpack.packObjectsHook", f"touch {pwned}; true")
    run_git("-C", str(path), "config", "core.fsmonitor", f"touch {pwned}")
    run_git("-C", str(path), "config", "core.alternateRefsCommand", f"touch {pwned}")
    for hook in ("reference-transaction", "post-checkout", "pre-auto-gc"):
        (path / "hooks").mkdir(exist_ok=True)
        (path / "hooks" / hook).write_text(f"#!/bin/sh\ntouch {pwned}\n")
        (path / "hooks" / hook).chmod(0o755)
    home = tmp_path / "home"
    home.mkdir()
    (home / ".gitconfig").write_text('[url "file:///nowhere/"]\n\tinsteadOf = file:///\n')
    for name, value in {
        "HOME": str(home),
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "url.file:///nowhere/.insteadOf",
        "GIT_CONFIG_VALUE_0": "file:///",
        "GIT_TEMPLATE_DIR": str(path),
        "GIT_EXEC_PATH": "/nowhere",
        "GIT_TRACE": str(tmp_path / "trace"),
        "GIT_ASKPASS": f"touch {pwned}",
    }.items():
        monkeypatch.setenv(name, value)
    folder = FetchFolder(tmp_path / "fetched", transport_to(tmp_path / "served"), LIMITS)
    assert folder.fetch(f"file://{path}", [blob]) is None
    assert not pwned.exists()
    assert not (tmp_path / "trace").exists()


def test_only_the_protocol_of_the_address_is_spoken(tmp_path: Path) -> None:
    path, blob = make_repository(tmp_path / "served")
    transport = Transport(remote=RemoteTemplate.parse("https://127.0.0.1:1/{repo}.git"))
    folder = FetchFolder(tmp_path / "fetched", transport, LIMITS)
    failure = folder.fetch(f"file://{path}", [blob])
    assert failure is not None
    assert "transport 'file' not allowed" in failure.message
    pwned = tmp_path / "pwned"
    failure = folder.fetch(f"ext::touch {pwned}", [blob])
    assert failure is not None
    assert "transport 'ext' not allowed" in failure.message
    assert not pwned.exists()


def test_an_address_cannot_be_an_option(tmp_path: Path) -> None:
    _, blob = make_repository(tmp_path / "served")
    folder = FetchFolder(tmp_path / "fetched", transport_to(tmp_path / "served"), LIMITS)
    failure = folder.fetch(f"--upload-pack=touch {tmp_path / 'pwned'}", [blob])
    assert failure is not None
    assert not (tmp_path / "pwned").exists()


@pytest.mark.parametrize(("size", "kept"), [(10_000, True), (30_000, False)])
def test_more_bytes_than_allowed_are_not_kept(tmp_path: Path, size: int, kept: bool) -> None:
    path, blob = make_repository(tmp_path / "served", random.Random(5).randbytes(size))
    limits = FetchLimits(max_bytes=20_000, seconds=60.0)
    folder = FetchFolder(tmp_path / "fetched", transport_to(tmp_path / "served"), limits)
    failure = folder.fetch(f"file://{path}", [blob])
    assert failure == (None if kept else FetchFailure("too_large", "more than 20,000 bytes"))


def test_a_server_that_talks_without_end_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    programs, _ = make_ssh(tmp_path / "programs", "yes 'not our ref' >&2")
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    remote = RemoteTemplate.parse("ssh://git@git.example.test/{repo}.git")
    folder = FetchFolder(tmp_path / "fetched", Transport(remote=remote), LIMITS)
    failure = folder.fetch("ssh://git@git.example.test/acme/shop.git", ["a" * 40])
    assert failure is not None
    assert failure.kind == "too_large"


def test_a_fetch_that_hangs_ends_with_all_its_processes(tmp_path: Path) -> None:
    make_repository(tmp_path / "served")
    with GitHttpServer(tmp_path / "served") as server:
        server.faults["acme/shop"].append(HANG)
        transport = Transport(remote=RemoteTemplate.parse(server.url))
        folder = FetchFolder(tmp_path / "fetched", transport, FetchLimits(max_bytes=10**6, seconds=0.5))
        started = time.monotonic()
        failure = folder.fetch(server.url.replace("{repo}", "acme/shop"), ["a" * 40])
    assert failure is not None
    assert (failure.kind, failure.message) == ("timed_out", "no end after 0.5 s")
    assert time.monotonic() - started < 20
    assert processes_with(server.url.partition("{")[0]) == []


def test_a_fetch_ends_when_its_caller_wants_it_no_longer(tmp_path: Path) -> None:
    make_repository(tmp_path / "served")
    with GitHttpServer(tmp_path / "served") as server:
        server.faults["acme/shop"].append(HANG)
        transport = Transport(remote=RemoteTemplate.parse(server.url))
        folder = FetchFolder(tmp_path / "fetched", transport, LIMITS)
        timer = threading.Timer(0.3, transport.stop.set)
        timer.start()
        with pytest.raises(StoppedError):
            folder.fetch(server.url.replace("{repo}", "acme/shop"), ["a" * 40])
    assert processes_with(server.url.partition("{")[0]) == []


def processes_with(text: str) -> list[str]:
    """Command lines of running processes that hold `text`."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            line = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
        except OSError:
            # ended in the meantime
            continue
        if text in line and process.name != str(os.getpid()):
            found.append(line)
    return found
