"""Asking GitHub for the counts of repositories, each only once.

Stars, issues and the language of fifty repositories come with one GraphQL query; contributors, which GraphQL does not
count, with one REST request for each repository that passes the other thresholds. Every answer is written down as it
comes, so that a run that was interrupted, or one with other thresholds, asks only for what is missing.
"""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, urlsplit

from components.dataset.build_allowlists.answers import Answers, Notes
from components.dataset.build_allowlists.candidates import is_github_name
from components.dataset.build_allowlists.config import BuildAllowlistsConfig
from components.dataset.build_allowlists.github_client import Clock, GitHubClient
from components.dataset.build_allowlists.reputation import TOO_MANY_TO_LIST, Reputation, may_be_listed
from themis_common.errors import UserError
from themis_common.progress import Progress
from themis_common.stages.output import path_safe
from themis_common.store import Store
from themis_common.store.retries import Retries

_REPOSITORIES_PER_QUERY = 50
_REPOSITORIES_PER_NOTE = 25
"""Requests for contributors after which their answers are written down."""

_FIELDS = "stargazerCount issues { totalCount } primaryLanguage { name }"
_PROBLEM_OF_STATUS: dict[int, str] = {
    HTTPStatus.NOT_FOUND: "not_found",
    HTTPStatus.UNAVAILABLE_FOR_LEGAL_REASONS: "blocked",
}


def ask_github(
    config: BuildAllowlistsConfig,
    names: Sequence[str],
    store: Store,
    progress: Progress,
    *,
    environment: Mapping[str, str] = os.environ,
    clock: Clock | None = None,
    retries: Retries | None = None,
) -> Iterator[Reputation]:
    """What is known of each repository once all that was missing has been asked for, in the order of `names`.

    Args:
        store: where answers are kept.
        environment: where the token is looked up.

    Raises:
        UserError: there is no token, or GitHub refuses it.
        TransientError: GitHub did not answer; what it answered before is kept.
    """
    host = urlsplit(config.api_url).netloc
    answers = Answers(store.child(f"{path_safe(host)}/{config.snapshot or 'any'}"))
    asked = [name for name in names if is_github_name(name)]
    asking = _Asking(config, answers, progress, environment, clock or Clock(), retries or Retries())
    missing = [name for name in asked if name not in answers]
    asking.all_of(missing, _repositories, _REPOSITORIES_PER_QUERY, "repositories")
    short = [name for name in asked if may_be_listed(answers[name], config)]
    asking.all_of(short, _contributors, _REPOSITORIES_PER_NOTE, "repositories for contributors")
    for name in names:
        yield answers[name] if name in answers else Reputation(repo=name, problem="not_found")


class _Asking:
    """Sends many requests at a time and writes down what they give."""

    def __init__(
        self,
        config: BuildAllowlistsConfig,
        answers: Answers,
        progress: Progress,
        environment: Mapping[str, str],
        clock: Clock,
        retries: Retries,
    ) -> None:
        self._config = config
        self._answers = answers
        self._progress = progress
        self._environment = environment
        self._clock = clock
        self._retries = retries

    def all_of(
        self, names: Sequence[str], ask: Callable[[GitHubClient, Sequence[str]], Notes], size: int, unit: str
    ) -> None:
        """Ask about all of `names`, so many in one go; does not look for a token where there is nothing to ask."""
        if not names:
            return
        client = GitHubClient(
            self._config.api_url,
            self._token(),
            say=self._progress.say,
            clock=self._clock,
            retries=self._retries,
        )

        def work(part: Sequence[str]) -> int:
            self._answers.add(ask(client, part))
            return len(part)

        parts = [names[start : start + size] for start in range(0, len(names), size)]
        done = 0
        pool = ThreadPoolExecutor(self._config.concurrency)
        try:
            for finished in pool.map(work, parts):
                done += finished
                self._progress.update(done, len(names), unit)
        finally:
            # after an error nothing more is sent
            pool.shutdown(cancel_futures=True)
            client.close()

    def _token(self) -> str:
        variable = self._config.token_env
        token = self._environment.get(variable, "").strip()
        if not token or not (token.isascii() and token.isprintable()):
            fault = "holds no token" if token else "is not set"
            raise UserError(
                f"environment variable {variable} (token_env) {fault}; set it to a GitHub token, which needs no rights"
            )
        return token


def _repositories(client: GitHubClient, names: Sequence[str]) -> Notes:
    """Stars, issues and language of a few repositories, by one query whose variables are their names."""
    repository_of = {f"r{index}": name for index, name in enumerate(names)}
    declared, wanted, variables = [], [], {}
    for alias, name in repository_of.items():
        declared.append(f"${alias}o: String!, ${alias}n: String!")
        wanted.append(f"{alias}: repository(owner: ${alias}o, name: ${alias}n) {{ {_FIELDS} }}")
        variables[f"{alias}o"], variables[f"{alias}n"] = name.split("/")
    query = f"query({', '.join(declared)}) {{ {' '.join(wanted)} }}"
    document = client.query(query, variables, repository_of.keys())
    problems = _problems(document.get("errors"))
    return {
        name: _counts(document["data"][alias], problems.get(alias, "unavailable"))
        for alias, name in repository_of.items()
    }


def _problems(errors: Any) -> dict[str, str]:
    """Why single repositories of a query are missing, by their alias."""
    return {
        str((error.get("path") or [""])[0]): _problem(error.get("type"), str(error.get("message")))
        for error in (errors if isinstance(errors, list) else [])
    }


def _problem(kind: str | None, message: str) -> str:
    if kind == "NOT_FOUND":
        return "not_found"
    return "blocked" if "access blocked" in message else "unavailable"


def _counts(repository: Mapping[str, Any] | None, problem: str) -> dict[str, Any]:
    if repository is None:
        return {"problem": problem}
    return {
        "stars": repository["stargazerCount"],
        "issues": repository["issues"]["totalCount"],
        "language": (repository["primaryLanguage"] or {}).get("name"),
    }


def _contributors(client: GitHubClient, names: Sequence[str]) -> Notes:
    return {name: _contributors_of(client, name) for name in names}


def _contributors_of(client: GitHubClient, name: str) -> dict[str, Any]:
    """The number of contributors: the number of the last page where a page holds one of them."""
    response = client.get_list(f"/repos/{name}/contributors", {"per_page": 1, "anon": "true"})
    if response.status_code == HTTPStatus.NO_CONTENT:
        return {"contributors": 0}  # an empty repository
    if response.status_code == HTTPStatus.FORBIDDEN and "too large" in response.text:
        return {"contributors": TOO_MANY_TO_LIST}
    if not response.is_success:
        return {"problem": _PROBLEM_OF_STATUS.get(response.status_code, "unavailable")}
    last = response.links.get("last", {}).get("url", "")
    pages = parse_qs(urlsplit(last).query).get("page", [""])[0]
    return {"contributors": int(pages) if pages.isdecimal() else len(response.json())}
