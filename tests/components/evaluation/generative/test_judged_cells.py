"""A cell judged over real sockets: what is asked, what is read, what is asked only once, and endpoints that fail."""

import json
from pathlib import Path
from typing import Any

import pytest

from components.evaluation.score_benchmark.config import ScoreBenchmarkConfig
from components.evaluation.score_benchmark.generative.config import JudgeConfig
from components.evaluation.score_benchmark.generative.judges import JUDGES
from components.evaluation.score_benchmark.stage import STAGE
from tests.components.evaluation.builders import ROWS, import_rows
from tests.fixtures.openai_endpoint import Body, Fault, OpenAIEndpoint, completion, error
from themis_common.architectures import ARCHITECTURES
from themis_common.config import load_config
from themis_common.datasets.reader import DatasetReader
from themis_common.errors import UserError
from themis_common.schemas import SCORES
from themis_common.stages import run_stage


def _score(
    folder: Path, endpoint: OpenAIEndpoint, architecture: str, mode: str = "criterion", **judge: Any
) -> dict[str, dict[str, Any]]:
    config = load_config(
        ScoreBenchmarkConfig,
        {
            "architecture": architecture,
            "prompt_mode": mode,
            "judge": {"endpoint": endpoint.base_url, "model": "some-judge", **judge},
        },
        where="here",
    )
    report = run_stage(STAGE, config, {"benchmark": import_rows(folder / "imported")}, str(folder / "scores"))
    return {row["id"]: row for row in DatasetReader(report.uri, SCORES).rows()}


def _said(body: Body) -> str:
    return "\n".join(message["content"] for message in body["messages"])


def test_every_generative_architecture_has_a_judge() -> None:
    assert {name for name, row in ARCHITECTURES.items() if row.kind == "generative"} == JUDGES.keys()


def test_r3_scores_each_response_by_the_rows_own_criterion(tmp_path: Path) -> None:
    def reply(body: Body) -> str:
        return json.dumps({"explanation": "so", "score": 2 if "values.sort()" in _said(body) else 5})

    with OpenAIEndpoint(reply) as endpoint:
        found = _score(tmp_path, endpoint, "r3")
    assert {(row["chosen_score"], row["rejected_score"]) for row in found.values()} == {(5.0, 2.0)}
    bodies = [seen.body for seen in endpoint.requests]
    assert len(bodies) == 2 * len(ROWS)
    assert {(body["temperature"], body["top_p"], body["top_k"], body["max_tokens"]) for body in bodies} == {
        (0.6, 0.95, 20, 8192)
    }
    assert len({body["seed"] for body in bodies}) == len(bodies)
    security = [body for body in bodies if "hostile input" in _said(body)]
    assert len(security) == 2 * sum(row["aspect"] == "Security_Hardness" for row in ROWS)


def test_a_second_run_asks_with_the_same_seeds(tmp_path: Path) -> None:
    seeds = []
    for run in ("first", "second"):
        with OpenAIEndpoint(lambda body: '{"score": 3}') as endpoint:
            _score(tmp_path / run, endpoint, "r3", mode="all")
        seeds.append(sorted(seen.body["seed"] for seen in endpoint.requests))
    assert seeds[0] == seeds[1]


def test_cerm_writes_its_criteria_once_for_both_responses(tmp_path: Path) -> None:
    def reply(body: Body) -> str:
        if len(body["messages"]) == 1:
            return "Analysis.\n[CRITERIA]\n1. It sorts.\n[/CRITERIA] Done."
        assert body["messages"][1] == {
            "role": "assistant",
            "content": "[CRITERIA]\n1. It sorts.\n[/CRITERIA]",
        }
        return r"\boxed{2} overall \boxed{6.5}" if "values.sort()" in _said(body) else r"\boxed{9}"

    with OpenAIEndpoint(reply) as endpoint:
        found = _score(tmp_path, endpoint, "cerm", mode="none")
    assert {(row["chosen_score"], row["rejected_score"]) for row in found.values()} == {(9.0, 6.5)}
    prompts = {row["prompt"] for row in ROWS}
    assert sum(len(seen.body["messages"]) == 1 for seen in endpoint.requests) == len(prompts)
    assert all(seen.body["chat_template_kwargs"] == {"enable_thinking": False} for seen in endpoint.requests)


def test_cerm_without_criteria_is_a_failure_of_both_sides(tmp_path: Path) -> None:
    with OpenAIEndpoint(lambda body: "I would rather not.") as endpoint:
        found = _score(tmp_path, endpoint, "cerm", mode="none")
    assert {row["failure"] for row in found.values()} == {"no_score"}
    assert all(len(seen.body["messages"]) == 1 for seen in endpoint.requests)


def test_genrm_reads_log_probabilities(tmp_path: Path) -> None:
    def reply(body: Body) -> Body:
        assert [message["role"] for message in body["messages"]] == ["user", "assistant", "principle"]
        assert (body["logprobs"], body["top_logprobs"]) == (True, 20)
        answer = completion("Yes")
        better = "values.sort()" not in _said(body)
        likely = {" Yes": -0.5, " No": -1.5} if better else {" Yes": -3.0, " No": -0.25}
        judged = {"token": " Yes", "top_logprobs": [{"token": t, "logprob": p} for t, p in likely.items()]}
        answer["choices"][0]["logprobs"] = {"content": [judged, {"token": "<|im_end|>", "top_logprobs": []}]}
        return answer

    with OpenAIEndpoint(reply) as endpoint:
        found = _score(tmp_path, endpoint, "nemotron-genrm")
    assert {(row["chosen_score"], row["rejected_score"]) for row in found.values()} == {(1.0, -2.75)}
    principles = {seen.body["messages"][2]["content"] for seen in endpoint.requests}
    assert "functional correctness" in principles


def test_answers_survive_a_run_that_failed(tmp_path: Path) -> None:
    def reply(body: Body) -> str:
        if len(endpoint.requests) == 1:
            # after the first request, which is made alone: these meet three at a time
            endpoint.faults.extend([error(500), Fault(kind="garbage"), Fault(kind="reset")])
        return '{"score": 3}'

    with OpenAIEndpoint(reply) as endpoint:
        found = _score(tmp_path, endpoint, "lmunit")
        assert all(row["chosen_score"] == 3.0 for row in found.values())


def test_a_request_that_hears_nothing_is_made_again(tmp_path: Path) -> None:
    with OpenAIEndpoint(lambda body: '{"score": 3}') as endpoint:
        endpoint.faults.append(Fault(kind="hang"))
        found = _score(tmp_path, endpoint, "lmunit", timeout_seconds=0.5)
        assert all(row["chosen_score"] == 3.0 for row in found.values())
        assert len(endpoint.requests) == 2 * len(ROWS) + 1
    with pytest.raises(UserError, match=r"judge\.timeout_seconds must be above 0, found 0"):
        JudgeConfig(timeout_seconds=0)


def test_unread_answers_and_prompts_that_do_not_fit_are_typed(tmp_path: Path) -> None:
    long = ROWS[0]["chosen"]

    def reply(body: Body) -> str | Body:
        if long in _said(body):
            return completion("Still thin", finish_reason="length")
        return '{"score": 9}'

    with OpenAIEndpoint(reply) as endpoint:
        found = _score(tmp_path, endpoint, "lmunit")
    assert found[ROWS[0]["id"]]["failure"] == "truncated"
    assert found[ROWS[1]["id"]]["failure"] == "out_of_range"
    assert found[ROWS[1]["id"]]["chosen_score"] is None


def test_a_refused_key_is_one_line(tmp_path: Path) -> None:
    with OpenAIEndpoint() as endpoint:
        endpoint.api_key = "right"
        with pytest.raises(UserError, match="refuses the API key") as caught:
            _score(tmp_path, endpoint, "r3")
    said = str(caught.value)
    assert "\n" not in said
    assert "score_benchmark.judge.api_key_env is not set" in said
    assert "llm." not in said
    assert len(endpoint.requests) == 1


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (error(404, "no such model"), "check score_benchmark.judge.model and score_benchmark.judge.endpoint"),
        (error(308, "gone"), "set score_benchmark.judge.endpoint to its address"),
        (error(400, "unknown field top_k"), "unknown field top_k): check what the model supports"),
    ],
    ids=["model", "address", "fields"],
)
def test_an_endpoint_that_cannot_be_used_costs_one_request(
    tmp_path: Path, fault: Fault, message: str
) -> None:
    with OpenAIEndpoint() as endpoint:
        endpoint.faults.append(fault)
        with pytest.raises(UserError) as caught:
            _score(tmp_path, endpoint, "r3")
        assert message in str(caught.value)
        assert "llm." not in str(caught.value)
        assert len(endpoint.requests) == 1


def test_an_endpoint_that_lists_other_models_is_asked_nothing(tmp_path: Path) -> None:
    with OpenAIEndpoint(lambda body: '{"score": 3}') as endpoint:
        endpoint.models = ["another", "a-third"]
        with pytest.raises(
            UserError, match=r"does not serve the model some-judge, it lists another, a-third: ch"
        ):
            _score(tmp_path, endpoint, "lmunit")
        assert endpoint.requests == []
        endpoint.models.append("some-judge")
        assert all(row["chosen_score"] == 3.0 for row in _score(tmp_path, endpoint, "lmunit").values())


def _yes(body: Body) -> Body:
    """An answer with the log-probabilities that it was asked for."""
    answer = completion("Yes")
    likely = [{"token": " Yes", "logprob": -0.5}, {"token": " No", "logprob": -1.5}]
    answer["choices"][0]["logprobs"] = {"content": [{"token": " Yes", "top_logprobs": likely}]}
    return answer


def test_answers_without_log_probabilities_cost_one_of_them(tmp_path: Path) -> None:
    with OpenAIEndpoint(lambda body: "Yes") as endpoint:
        # the first request shows nothing
        endpoint.faults.append(error(400, "too long", code="context_length_exceeded"))
        with pytest.raises(
            UserError, match="without the log-probabilities .* set score_benchmark.judge.endpoint"
        ):
            _score(tmp_path, endpoint, "nemotron-genrm")
        assert len(endpoint.requests) == 2
        # an answer that was of no use does not outlive the mending
        endpoint.reply = _yes
        found = _score(tmp_path, endpoint, "nemotron-genrm")
        assert len(endpoint.requests) == 1 + 2 * len(ROWS)
    assert sorted(str(row["failure"]) for row in found.values()) == ["None"] * (len(ROWS) - 1) + ["too_long"]


def test_prompts_that_are_all_refused_are_failures_and_no_broken_set_up(tmp_path: Path) -> None:
    with OpenAIEndpoint(lambda body: completion("", refusal="No.")) as endpoint:
        found = _score(tmp_path, endpoint, "nemotron-genrm")
    assert {row["failure"] for row in found.values()} == {"refused"}
    assert len(endpoint.requests) == 2 * len(ROWS)


@pytest.mark.parametrize(
    ("judge", "message"),
    [
        ({"endpoint": "localhost:8000"}, r"judge\.endpoint is no http or https address"),
        ({"endpoint": "http://me:s3cret@here/v1"}, r"judge\.endpoint may hold no .* in judge\.api_key_env"),
        ({"endpoint": "http://here/v1", "api_key_env": "sk-s3cret"}, r"judge\.api_key_env is the NAME"),
    ],
)
def test_what_is_no_address_names_the_judges_options(judge: dict[str, str], message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        JudgeConfig(model="some-judge", **judge)
    assert "s3cret" not in str(caught.value)


def test_without_vllm_and_endpoint_the_error_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UserError, match=r"judge\.endpoint and judge\.model go together"):
        JudgeConfig(endpoint="http://here/v1")
    config = ScoreBenchmarkConfig(architecture="r3")
    with pytest.raises(UserError, match=r"architecture r3 needs a model.*score_benchmark\.judge\.endpoint"):
        run_stage(STAGE, config, {"benchmark": import_rows(tmp_path / "imported")}, str(tmp_path / "scores"))
