"""Asking GitHub for the counts of repositories: the real client against an API of our own over real sockets."""

import json
import random
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from components.dataset.build_allowlists.config import BuildAllowlistsConfig
from components.dataset.build_allowlists.github import ask_github
from components.dataset.build_allowlists.github_client import Clock
from components.dataset.build_allowlists.reputation import Reputation
from components.dataset.build_allowlists.stage import STAGE
from tests.components.dataset.mined import commit_row
from tests.components.dataset.written import write_dataset
from tests.fixtures.github_api import Fault, GitHubAPI, Repository
from themis_common.datasets.reader import DatasetReader
from themis_common.errors import TransientError, UserError
from themis_common.progress import Progress
from themis_common.schemas import COMMITS, LISTED_REPOSITORIES, REPOSITORY_AUDIT
from themis_common.stages import run_stage
from themis_common.store import open_store
from themis_common.store.retries import Retries

KNOWN = {
    "acme/shop": Repository(stars=15, issues=10, contributors=5),
    "acme/few-stars": Repository(stars=14),
    "acme/quiet": Repository(issues=9),
    "acme/alone": Repository(contributors=1, language="C++"),
    "acme/empty": Repository(contributors=0, language=None),
    "acme/gone": Repository(access="gone"),
    "acme/blocked": Repository(access="blocked"),
    "acme/taken-down": Repository(access="taken_down"),
    "acme/forbidden": Repository(access="forbidden"),
    "acme/linux": Repository(access="too_large", language="C"),
}
RIGHT = {
    "acme/shop": (None, 5),
    "acme/few-stars": ("too_few_stars", None),
    "acme/quiet": ("too_few_issues", None),
    "acme/alone": ("too_few_contributors", 1),
    "acme/empty": ("too_few_contributors", 0),
    "acme/gone": ("not_found", None),
    "acme/blocked": ("blocked", None),
    "acme/taken-down": ("blocked", None),
    "acme/forbidden": ("unavailable", None),
    "acme/linux": (None, None),
    "local": ("not_found", None),
}
NOW = 1_700_000_000.0


@pytest.fixture
def api() -> Iterator[GitHubAPI]:
    with GitHubAPI(KNOWN) as server:
        yield server


class Asking:
    """`ask_github` in a time that passes only by sleeping."""

    def __init__(self, api: GitHubAPI, folder: Path, **options: Any) -> None:
        self.config = BuildAllowlistsConfig(source="github", api_url=api.url, concurrency=1, **options)
        self.folder = folder
        self.time = NOW
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds

    def ask(self, *names: str, environment: Mapping[str, str] | None = None) -> list[Reputation]:
        retries = Retries(clock=lambda: self.time, sleep=self.sleep, jitter=random.Random(1))
        found = ask_github(
            self.config,
            names,
            open_store(self.folder),
            Progress("tests"),
            environment={"GITHUB_TOKEN": "secret-token"} if environment is None else environment,
            clock=Clock(now=lambda: self.time, sleep=self.sleep),
            retries=retries,
        )
        return list(found)


def build(folder: Path, api: GitHubAPI, names: list[str], **options: Any) -> DatasetReader:
    folder.mkdir(exist_ok=True)
    candidates = folder / "names.json"
    candidates.write_text(json.dumps(names))
    config = BuildAllowlistsConfig(source="github", api_url=api.url, candidates=(str(candidates),), **options)
    return DatasetReader(run_stage(STAGE, config, {}, str(folder / "out")).uri, LISTED_REPOSITORIES)


def test_every_repository_is_listed_or_has_its_reason(
    api: GitHubAPI, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("A_TOKEN", "secret-token")
    dataset = build(tmp_path, api, list(RIGHT), token_env="A_TOKEN")
    audit = {row["repo"]: row for row in dataset.side_rows("audit", REPOSITORY_AUDIT)}
    assert {name: (row["reason"], row["contributors"]) for name, row in audit.items()} == RIGHT
    assert {row["repo"]: row["list"] for row in dataset.rows()} == {"acme/shop": "python", "acme/linux": "c"}
    assert api.tokens == {"Bearer secret-token"}
    written = [
        file for file in tmp_path.rglob("*") if file.is_file() and b"secret-token" in file.read_bytes()
    ]
    assert written == []


def test_contributors_are_asked_for_only_where_they_decide(api: GitHubAPI, tmp_path: Path) -> None:
    Asking(api, tmp_path).ask("acme/shop", "acme/few-stars", "acme/quiet", "acme/gone")
    assert [name for kind, name in api.asked if kind == "contributors"] == ["acme/shop"]
    assert api.requests == 2


def test_mined_commits_name_the_candidates(
    api: GitHubAPI, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "secret-token")
    rows = [commit_row("one", repos=["acme/shop", "acme/quiet"]), commit_row("two", repos=["acme/shop"])]
    commits = write_dataset(tmp_path / "commits", COMMITS, rows)
    config = BuildAllowlistsConfig(source="github", api_url=api.url)
    report = run_stage(STAGE, config, {"commits": commits}, str(tmp_path / "out"))
    assert report.manifest.counts.dropped == {"too_few_issues": 1}
    assert report.manifest.rows == 1
    assert [name for kind, name in api.asked if kind == "graphql"] == ["acme/quiet", "acme/shop"]


def test_nothing_is_asked_twice(api: GitHubAPI, tmp_path: Path) -> None:
    names = sorted(KNOWN)
    first = Asking(api, tmp_path).ask(*names)
    asked = len(api.asked)
    assert Asking(api, tmp_path).ask(*names) == first
    assert len(api.asked) == asked
    # no token is needed where there is nothing to ask
    assert Asking(api, tmp_path).ask(*names, environment={}) == first
    # other thresholds need what the first ones made superfluous, and nothing else
    Asking(api, tmp_path, min_stars=1).ask(*names)
    assert api.asked[asked:] == [("contributors", "acme/few-stars")]
    # another snapshot is another state of the world
    Asking(api, tmp_path, snapshot="2026-12").ask("acme/shop")
    assert len(api.asked) == asked + 3


def test_an_interrupted_run_goes_on_where_it_stopped(tmp_path: Path) -> None:
    names = [f"acme/project-{number:03d}" for number in range(120)]
    with GitHubAPI({name: Repository() for name in names}) as api:
        api.fail_from = 5
        with pytest.raises(UserError, match="refuses the token"):
            Asking(api, tmp_path).ask(*names)
        before = len(api.asked)
        api.fail_from = None
        found = Asking(api, tmp_path).ask(*names)
    assert {one.contributors for one in found} == {20}
    # three queries; the two answers for contributors that came before the failure were not written down yet
    assert (before, len(api.asked) - before) == (120 + 1, 120)


def limited(**headers: str) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


@pytest.mark.parametrize(
    ("fault", "waited"),
    [
        (Fault(status=429, headers=limited(Retry_After="7")), 7),
        (Fault(status=403, headers=limited(Retry_After="9")), 9),
        (
            Fault(
                status=403, headers=limited(X_RateLimit_Remaining="0", X_RateLimit_Reset=str(int(NOW) + 1800))
            ),
            1801,
        ),
        (Fault(status=403, body={"message": "You have exceeded a secondary rate limit."}), 60),
        (
            Fault(
                status=200,
                headers=limited(X_RateLimit_Remaining="0", X_RateLimit_Reset=str(int(NOW) + 600)),
                body={"errors": [{"type": "RATE_LIMITED", "message": "API rate limit exceeded"}]},
            ),
            601,
        ),
        # a time that cannot be true is not waited for
        (Fault(status=429, headers=limited(Retry_After="999999")), 3700),
    ],
)
def test_rate_limits_are_waited_for(api: GitHubAPI, tmp_path: Path, fault: Fault, waited: float) -> None:
    api.faults.append(fault)
    asking = Asking(api, tmp_path)
    (found,) = asking.ask("acme/shop")
    assert (found.stars, found.contributors) == (15, 5)
    assert asking.slept == [waited]


def test_the_last_request_of_an_hour_is_used_and_then_waited(api: GitHubAPI, tmp_path: Path) -> None:
    api.headers = limited(X_RateLimit_Remaining="0", X_RateLimit_Reset=str(int(NOW) + 100))
    asking = Asking(api, tmp_path)
    asking.ask("acme/shop", "acme/alone")
    # one query, then two requests of the other budget, of which the second waits
    assert asking.slept == [101]
    assert api.requests == 3


@pytest.mark.parametrize(
    "fault",
    [
        Fault(status=500),
        Fault(status=502),
        Fault(status=0),
        Fault(status=200, body={"data": None, "errors": [{"message": "Something went wrong"}]}),
        Fault(status=200, body={"data": {}}),
        Fault(status=200, body="no object"),
    ],
)
def test_passing_faults_are_tried_again(api: GitHubAPI, tmp_path: Path, fault: Fault) -> None:
    api.faults.extend([fault, fault])
    (found,) = Asking(api, tmp_path).ask("acme/shop")
    assert found == Reputation(repo="acme/shop", language="Python", stars=15, issues=10, contributors=5)


def test_an_answer_that_is_no_list_of_contributors_is_asked_for_again(api: GitHubAPI, tmp_path: Path) -> None:
    asking = Asking(api, tmp_path, min_stars=100)
    asking.ask("acme/shop")
    api.faults.append(Fault(status=200, body="Welcome"))
    (found,) = Asking(api, tmp_path).ask("acme/shop")
    assert found.contributors == 5


def test_a_fault_that_stays_ends_the_run(api: GitHubAPI, tmp_path: Path) -> None:
    api.faults.extend([Fault(status=503)] * 200)
    asking = Asking(api, tmp_path)
    with pytest.raises(TransientError, match=r"status 503; gave up after \d+ attempts"):
        asking.ask("acme/shop")
    assert max(asking.slept) > 10
    assert sum(asking.slept) <= 300


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({}, r"environment variable GITHUB_TOKEN \(token_env\) is not set"),
        ({"GITHUB_TOKEN": "a\nb"}, "holds no token"),
    ],
)
def test_a_token_is_needed(api: GitHubAPI, tmp_path: Path, environment: dict[str, str], message: str) -> None:
    with pytest.raises(UserError, match=message):
        Asking(api, tmp_path).ask("acme/shop", environment=environment)
    assert api.requests == 0


def test_names_that_no_github_has_are_never_sent(api: GitHubAPI, tmp_path: Path) -> None:
    names = ["local", "../../user", "a/..", "a/b/c", 'a/b") { x } #', "a b/c", "a/b?c=d"]
    found = Asking(api, tmp_path).ask(*names)
    assert {one.problem for one in found} == {"not_found"}
    assert api.requests == 0


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot read"),
        ("{}", "must be a JSON array"),
        ("[", "is not JSON"),
        ("[]", "no repository to ask about"),
    ],
)
def test_candidates_that_are_none_are_named(
    api: GitHubAPI, tmp_path: Path, content: str | None, message: str
) -> None:
    file = tmp_path / "names.json"
    if content is not None:
        file.write_text(content)
    config = BuildAllowlistsConfig(source="github", api_url=api.url, candidates=(str(file),))
    with pytest.raises(UserError, match=message):
        run_stage(STAGE, config, {}, str(tmp_path / "out"))


def test_damaged_answers_are_named(api: GitHubAPI, tmp_path: Path) -> None:
    Asking(api, tmp_path).ask("acme/shop")
    file = next(tmp_path.rglob("*.jsonl"))
    file.write_text("[]\n")
    with pytest.raises(UserError, match=rf"{file.name} holds no answers"):
        Asking(api, tmp_path).ask("acme/shop")
