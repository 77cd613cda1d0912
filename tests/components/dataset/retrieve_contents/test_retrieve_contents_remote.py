"""Reading contents from git servers: file, HTTP, HTTPS and ssh, and what every failing repository costs."""

import os
from pathlib import Path

import pytest

from tests.components.dataset.retrieve_contents.served import Served, details, fates, retrieve
from tests.fixtures.git_packs import install_delta_bomb
from tests.fixtures.git_repositories import run_git
from tests.fixtures.git_servers import (
    HANG,
    PASSWORD,
    SERVED,
    TRUNCATE,
    GitHttpServer,
    make_certificate,
    make_ssh,
    status,
)
from themis_common.errors import TransientError, UserError


@pytest.fixture
def served(tmp_path: Path) -> Served:
    return Served(tmp_path / "served")


def test_contents_come_from_file_remotes(served: Served, tmp_path: Path) -> None:
    served.repository("acme/shop", versions=3)
    served.repository("acme/tool")
    dataset = retrieve(tmp_path / "run", served.url, served.rows)
    assert {(row["repo"], row["old_contents"], row["new_contents"]) for row in dataset.rows()} == {
        ("acme/shop", "x = 0  # acme/shop\n", "x = 1  # acme/shop\n"),
        ("acme/shop", "x = 1  # acme/shop\n", "x = 2  # acme/shop\n"),
        ("acme/tool", "x = 0  # acme/tool\n", "x = 1  # acme/tool\n"),
    }


def test_a_repository_costs_one_session_over_http(served: Served, tmp_path: Path) -> None:
    served.repository("acme/shop", versions=6)
    with GitHttpServer(served.root) as server:
        dataset = retrieve(tmp_path / "run", server.url, served.rows)
    assert dataset.manifest.rows == 5
    assert [(seen.path.partition("?")[0], seen.agent[:11]) for seen in server.requests] == [
        ("/acme/shop.git/info/refs", "git/2 themis"[:11]),
        ("/acme/shop.git/git-upload-pack", "git/2 themis"[:11]),
    ]


def test_contents_come_over_ssh(served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    served.repository("acme/shop")
    programs, log = make_ssh(tmp_path / "programs")
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    url = f"ssh://git@git.example.test:2222{served.root}/{{repo}}.git"
    assert set(fates(retrieve(tmp_path / "run", url, served.rows)).values()) == {"acme/shop"}
    (call,) = log.read_text().splitlines()
    assert "-o BatchMode=yes" in call
    assert "-p 2222 git@git.example.test" in call


def test_a_repository_that_was_renamed_is_followed_and_no_further_than_its_protocol(
    served: Served, tmp_path: Path
) -> None:
    served.repository("acme/moved")
    served.repository("acme/lost")
    served.repository("acme/shop")
    refs = "info/refs?service=git-upload-pack"
    (served.root / "acme/moved.git").rename(served.root / "acme/new.git")
    with GitHttpServer(served.root) as server:
        server.faults["acme/moved"].append(status(301, Location=f"/acme/new.git/{refs}"))
        server.faults["acme/lost"].append(status(301, Location=f"file://{served.root}/acme/lost.git/{refs}"))
        dataset = retrieve(tmp_path / "run", server.url, served.rows)
    assert sorted(fates(dataset).values()) == ["acme/moved", "acme/shop", "unreachable"]
    assert f"acme/lost: redirected to 'file://{served.root}/acme/lost.git/{refs}'" in details(dataset)


def test_a_server_that_serves_no_ids_is_asked_for_commits_or_everything(
    served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the variable GIT_PROTOCOL, which many ssh servers do not take, git falls back to version 0.

    That serves the ids of the tips of branches, and no others.
    """
    served.repository("acme/everything", versions=4)
    served.repository("acme/commits", versions=2)
    programs, log = make_ssh(tmp_path / "programs", "unset GIT_PROTOCOL")
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    url = f"ssh://git@git.example.test{served.root}/{{repo}}.git"
    dataset = retrieve(tmp_path / "run", url, served.rows)
    assert dataset.manifest.rows == 4
    calls = log.read_text()
    assert (calls.count("acme/commits.git"), calls.count("acme/everything.git")) == (2, 3)


def test_the_first_repository_that_serves_both_blobs_wins(served: Served, tmp_path: Path) -> None:
    """facts/dataset.md section 18.8: the published script gives up at the first repository that is dead."""
    (row,) = served.repository("m/full")
    served.repository("b/other")
    run_git("clone", "--quiet", "--bare", str(served.root / "m/full.git"), str(served.root / "z/full.git"))
    listed = ["z/full", "m/full", "b/other", "a/dead", "--upload-pack=touch pwned", "../etc", "x;y/z"]
    dataset = retrieve(tmp_path / "run", served.url, [{**row, "repos": listed}])
    assert set(fates(dataset).values()) == {"m/full"}


def test_every_repository_that_was_tried_is_told(served: Served, tmp_path: Path) -> None:
    (row,) = served.repository("b/other")
    rows = [{**row, "repos": ["a/dead", "b/other", "-c"], "new_blob": "9" * 40}]
    dataset = retrieve(tmp_path / "run", served.url, [*rows, {**row, "row_key": "none", "repos": []}])
    assert fates(dataset) == {row["row_key"]: "blob_missing", "none": "repo_gone"}
    told = details(dataset)
    assert f"b/other {row['old_blob']} {'9' * 40}; a/dead: " in told
    assert "'-c' is no name of a repository" in told
    assert "the row lists no repository" in told


def test_blobs_that_a_server_lacks_cost_their_own_rows(served: Served, tmp_path: Path) -> None:
    rows = served.repository("acme/shop", versions=30)
    few = [{**row, "new_blob": f"{index:040x}"} if index % 9 == 0 else row for index, row in enumerate(rows)]
    many = [{**row, "new_blob": f"{index:040x}"} if index % 4 else row for index, row in enumerate(rows)]
    with GitHttpServer(served.root) as server:
        assert list(fates(retrieve(tmp_path / "few", server.url, few)).values()).count("blob_missing") == 4
        assert len(server.requests) == 2 * 5
        assert list(fates(retrieve(tmp_path / "many", server.url, many)).values()).count("acme/shop") == 8


BROKEN = {
    "password": ([PASSWORD], "password_required"),
    "hang": ([HANG], "timed_out"),
    "truncated": ([SERVED, TRUNCATE], "unreachable"),
    "vanished": ([status(404)], "repo_gone"),
    "taken-down": ([status(451)], "repo_gone"),
    "forbidden": ([status(403)], "password_required"),
    "failing": ([status(500)], "unreachable"),
    "huge": ([], "too_large_repository"),
}


def test_what_is_wrong_with_a_repository_costs_its_own_commits(served: Served, tmp_path: Path) -> None:
    expected: dict[str, str] = {}
    for name, (_, reason) in BROKEN.items():
        size = 2_000_000 if name == "huge" else 0
        expected |= {row["row_key"]: reason for row in served.repository(f"bad/{name}", size=size)}
        # between them, so that something is heard of the server
        good = f"bad/{name}-good"
        expected |= {row["row_key"]: good for row in served.repository(good)}
    with GitHttpServer(served.root) as server:
        for name, (faults, _) in BROKEN.items():
            server.faults[f"bad/{name}"] += faults
        dataset = retrieve(
            tmp_path / "run", server.url, served.rows, max_repository_mb=1, timeout_seconds=5.0
        )
    assert fates(dataset) == expected
    told = details(dataset)
    assert "bad/hang: no end after 5 s" in told
    assert "bad/password: could not read Username" in told
    assert "bad/huge: more than 1,000,000 bytes" in told


def test_a_fork_serves_what_a_broken_repository_does_not(served: Served, tmp_path: Path) -> None:
    (row,) = served.repository("bad/shop")
    run_git(
        "clone", "--quiet", "--bare", str(served.root / "bad/shop.git"), str(served.root / "fork/shop.git")
    )
    with GitHttpServer(served.root) as server:
        server.faults["bad/shop"].append(PASSWORD)
        dataset = retrieve(tmp_path / "run", server.url, [{**row, "repos": ["fork/shop", "bad/shop"]}])
    assert set(fates(dataset).values()) == {"fork/shop"}


def test_passing_faults_are_tried_again(served: Served, tmp_path: Path) -> None:
    served.repository("acme/shop")
    with GitHttpServer(served.root) as server:
        server.faults["acme/shop"] += [status(503), SERVED, TRUNCATE, status(502), SERVED]
        dataset = retrieve(tmp_path / "run", server.url, served.rows, patience_seconds=30.0)
    assert set(fates(dataset).values()) == {"acme/shop"}


def test_a_busy_server_is_waited_for_as_long_as_it_asks(served: Served, tmp_path: Path) -> None:
    served.repository("acme/shop")
    served.repository("acme/tool")
    with GitHttpServer(served.root) as server:
        server.faults["acme/shop"] += [status(429, Retry_After="1"), SERVED]
        dataset = retrieve(tmp_path / "run", server.url, served.rows, connections=1)
    assert set(fates(dataset).values()) == {"acme/shop", "acme/tool"}
    refused, following = server.requests[:2]
    assert following.at - refused.at >= 1.0


def test_a_server_that_asks_to_wait_for_a_day_is_not_waited_for(served: Served, tmp_path: Path) -> None:
    served.repository("acme/shop")
    error = pytest.raises(TransientError, match="returned error: 429")
    with GitHttpServer(served.root) as server, error:
        server.faults["acme/shop"].append(status(429, Retry_After="86400"))
        retrieve(tmp_path / "run", server.url, served.rows)


@pytest.mark.parametrize(("healthy", "failing"), [(0, 2), (1, 8)])
def test_a_server_that_is_down_stops_the_run(
    served: Served, tmp_path: Path, healthy: int, failing: int
) -> None:
    """What is finished is never done again, so an outage must not end as a data set without rows."""
    for number in range(healthy + failing):
        served.repository(f"acme/r{number}")
    with GitHttpServer(served.root) as server:
        for number in range(healthy, healthy + failing):
            server.faults[f"acme/r{number}"].append(status(503))
        with pytest.raises(TransientError, match="does not answer: .*503.*run again to go on"):
            retrieve(tmp_path / "run", server.url, served.rows, connections=1)


def test_no_more_connections_than_allowed_are_open(served: Served, tmp_path: Path) -> None:
    for number in range(6):
        served.repository(f"acme/r{number}")
    with GitHttpServer(served.root) as server:
        retrieve(tmp_path / "run", server.url, served.rows, connections=2)
    assert server.most_at_once <= 2


def test_a_token_is_shown_over_tls_and_nowhere_else(
    served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    served.repository("acme/secret")
    served.repository("acme/closed")
    certificate = make_certificate(tmp_path)
    monkeypatch.setenv("GIT_SSL_CAINFO", str(certificate))
    with GitHttpServer(served.root, certificate) as server:
        server.password = "ghp_sesame"
        server.faults["acme/secret"].append(PASSWORD)
        server.faults["acme/closed"].append(status(401, WWW_Authenticate='Basic realm="git"'))
        monkeypatch.setenv("FETCH_TOKEN", "ghp_sesame")
        dataset = retrieve(tmp_path / "run", server.url, served.rows, token_env="FETCH_TOKEN")
        assert sorted(fates(dataset).values()) == ["acme/secret", "password_required"]
        assert set(fates(retrieve(tmp_path / "open", server.url, served.rows)).values()) == {
            "password_required"
        }
    for file in (tmp_path / "run").rglob("*"):
        assert not file.is_file() or b"sesame" not in file.read_bytes()
    assert "sesame" not in details(dataset) + caplog.text


def test_a_token_is_not_shown_to_a_server_that_the_named_one_redirects_to(
    served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    served.repository("acme/moved")
    served.repository("acme/shop")
    certificate = make_certificate(tmp_path)
    monkeypatch.setenv("GIT_SSL_CAINFO", str(certificate))
    monkeypatch.setenv("FETCH_TOKEN", "ghp_sesame")
    with GitHttpServer(served.root, certificate) as home, GitHttpServer(served.root, certificate) as other:
        target = other.url.replace("{repo}", "acme/moved")
        refs = f"{target}/info/refs?service=git-upload-pack"
        home.faults["acme/moved"].append(status(301, Location=refs))
        dataset = retrieve(tmp_path / "run", home.url, served.rows, token_env="FETCH_TOKEN")
    assert sorted(fates(dataset).values()) == ["acme/moved", "acme/shop"]
    assert all(seen.authorization for seen in home.requests)
    assert [seen.authorization for seen in other.requests] == ["", ""]


def test_a_server_that_redirects_everything_to_another_protocol_stops_the_run(
    served: Served, tmp_path: Path
) -> None:
    served.repository("acme/shop")
    error = pytest.raises(TransientError, match="does not answer: redirected to 'https://git.example.test/")
    with GitHttpServer(served.root) as server, error:
        refs = "acme/shop.git/info/refs?service=git-upload-pack"
        server.faults["acme/shop"].append(status(301, Location=f"https://git.example.test/{refs}"))
        retrieve(tmp_path / "run", server.url, served.rows)


def test_a_repository_that_unpacks_to_more_than_memory_costs_its_own_commits(
    served: Served, tmp_path: Path
) -> None:
    (first,) = served.repository("acme/a")
    (last,) = served.repository("acme/z")
    old, new = install_delta_bomb(served.root / "acme/bomb.git", copies=10)
    bomb = {**first, "row_key": "bomb", "repos": ["acme/bomb"], "old_blob": old, "new_blob": new}
    with GitHttpServer(served.root) as server:
        dataset = retrieve(tmp_path / "run", server.url, [first, bomb, last], max_memory_mb=64)
    assert fates(dataset) == {
        first["row_key"]: "acme/a",
        "bomb": "too_large_repository",
        last["row_key"]: "acme/z",
    }
    assert "acme/bomb: more than 256,000,000 bytes, or 64,000,000 bytes of memory" in details(dataset)


def test_a_certificate_that_nobody_knows_is_not_trusted(served: Served, tmp_path: Path) -> None:
    served.repository("acme/shop")
    error = pytest.raises(TransientError, match="does not answer: .*certificate verification failed")
    with GitHttpServer(served.root, make_certificate(tmp_path)) as server, error:
        retrieve(tmp_path / "run", server.url, served.rows)
    assert server.requests == []


def test_a_token_that_is_not_there_is_one_line_of_error(
    served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    served.repository("acme/shop")
    monkeypatch.delenv("FETCH_TOKEN", raising=False)
    with pytest.raises(UserError, match="token_env names FETCH_TOKEN, which is not set"):
        retrieve(tmp_path / "run", "https://127.0.0.1:1/{repo}", served.rows, token_env="FETCH_TOKEN")
