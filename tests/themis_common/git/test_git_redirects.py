"""Redirects of git servers: where they are followed to, and that a token goes no further than the named server."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fixtures.git_repositories import RepositoryBuilder, run_git
from tests.fixtures.git_servers import SERVED, GitHttpServer, make_certificate, status
from themis_common.git import FetchFailure, FetchFolder, FetchLimits, RemoteTemplate, Transport

REFS = "info/refs?service=git-upload-pack"
TOKEN = "ghp_sesame"
SHOWN = "Basic eC1hY2Nlc3MtdG9rZW46Z2hwX3Nlc2FtZQ=="


@pytest.fixture
def blob(tmp_path: Path) -> str:
    """The id of the only blob of `acme/new` below `served`."""
    path = tmp_path / "served/acme/new.git"
    builder = RepositoryBuilder(path)
    builder.commit({"a.py": b"one\n"})
    builder.build(bare=True)
    return run_git("-C", str(path), "rev-parse", "HEAD:a.py").decode().strip()


@pytest.fixture
def home(tmp_path: Path) -> Iterator[GitHttpServer]:
    """The server that the user names."""
    with GitHttpServer(tmp_path / "served") as server:
        yield server


@pytest.fixture
def other(tmp_path: Path) -> Iterator[GitHttpServer]:
    """A server with the same repositories on another port."""
    with GitHttpServer(tmp_path / "served") as server:
        yield server


def fetch(tmp_path: Path, home: GitHttpServer, blob: str) -> FetchFailure | None:
    """Fetch `acme/old` with the token; checks the contents where they came."""
    remote = RemoteTemplate.parse(home.url)
    folder = FetchFolder(
        tmp_path / "fetched",
        Transport(remote=remote, token=TOKEN),
        FetchLimits(max_bytes=10**6, seconds=60.0),
    )
    failure = folder.fetch(home.url.replace("{repo}", "acme/old"), [blob])
    if failure is None:
        with folder.blob_reader(100) as reader:
            assert reader.read(blob) == b"one\n"
    return failure


def shown(server: GitHttpServer) -> list[tuple[str, str]]:
    """Repository and authorization of each request."""
    return [(seen.repo, seen.authorization) for seen in server.requests]


def moved_to(server: GitHttpServer) -> str:
    return f"{server.url.replace('{repo}', 'acme/new')}/{REFS}"


@pytest.mark.parametrize("code", [301, 302, 307, 308])
def test_a_renamed_repository_is_fetched_with_the_token(
    tmp_path: Path, home: GitHttpServer, blob: str, code: int
) -> None:
    home.faults["acme/old"].append(status(code, Location=f"/acme/new.git/{REFS}"))
    assert fetch(tmp_path, home, blob) is None
    assert shown(home) == [("acme/old", SHOWN), ("acme/new", SHOWN), ("acme/new", SHOWN)]


def test_another_server_is_followed_to_without_the_token(
    tmp_path: Path, home: GitHttpServer, other: GitHttpServer, blob: str
) -> None:
    home.faults["acme/old"].append(status(301, Location=moved_to(other)))
    assert fetch(tmp_path, home, blob) is None
    assert shown(home) == [("acme/old", SHOWN)]
    assert shown(other) == [("acme/new", ""), ("acme/new", "")]


def test_another_server_that_leads_back_does_not_get_the_token_on_the_way(
    tmp_path: Path, home: GitHttpServer, other: GitHttpServer, blob: str
) -> None:
    home.faults["acme/old"].append(status(302, Location=moved_to(other)))
    other.faults["acme/new"].append(status(302, Location=moved_to(home)))
    assert fetch(tmp_path, home, blob) is None
    assert shown(other) == [("acme/new", "")]
    assert shown(home) == [("acme/old", SHOWN), ("acme/new", SHOWN), ("acme/new", SHOWN)]


def test_another_name_of_the_same_machine_is_another_server(
    tmp_path: Path, home: GitHttpServer, blob: str
) -> None:
    home.faults["acme/old"].append(status(301, Location=moved_to(home).replace("127.0.0.1", "localhost")))
    assert fetch(tmp_path, home, blob) is None
    assert shown(home) == [("acme/old", SHOWN), ("acme/new", ""), ("acme/new", "")]


def test_a_redirect_from_https_to_http_is_not_followed(
    tmp_path: Path, other: GitHttpServer, blob: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = make_certificate(tmp_path)
    monkeypatch.setenv("GIT_SSL_CAINFO", str(certificate))
    with GitHttpServer(tmp_path / "served", certificate) as home:
        home.faults["acme/old"].append(status(301, Location=moved_to(other)))
        failure = fetch(tmp_path, home, blob)
    assert failure is not None
    assert failure.kind == "redirected"
    assert failure.message == f"redirected to {moved_to(other)!r}, which is not followed"
    assert other.requests == []


def test_the_second_request_is_not_redirected(
    tmp_path: Path, home: GitHttpServer, other: GitHttpServer, blob: str
) -> None:
    target = other.url.replace("{repo}", "acme/new") + "/git-upload-pack"
    home.faults["acme/old"] += [SERVED, status(307, Location=target)]
    (tmp_path / "served/acme/old.git").symlink_to(tmp_path / "served/acme/new.git")
    failure = fetch(tmp_path, home, blob)
    assert failure is not None
    assert failure.kind == "redirected"
    assert other.requests == []


def test_redirects_in_a_circle_end(tmp_path: Path, home: GitHttpServer, blob: str) -> None:
    home.faults["acme/old"].append(status(301, Location=f"/acme/old.git/{REFS}"))
    failure = fetch(tmp_path, home, blob)
    assert failure is not None
    assert failure.kind == "redirected"
    assert len(home.requests) == 5
