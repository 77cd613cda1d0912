"""Scores the conversations of a cell with a judge: ask, keep every answer, read a score or a typed failure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice

from components.evaluation.score_benchmark.config import ScoreBenchmarkConfig
from components.evaluation.score_benchmark.conversations import ConversationPlan
from components.evaluation.score_benchmark.generative.config import JudgeConfig
from components.evaluation.score_benchmark.generative.judges import (
    JUDGES,
    Judge,
    criteria_request,
    judgement_request,
    written_criteria,
)
from components.evaluation.score_benchmark.generative.readings import UnreadableJudgementError
from components.evaluation.score_benchmark.generative.serving import SERVED_NAME, served_by_vllm
from components.evaluation.score_benchmark.outcomes import Outcome, ScoreLog, outcome_of
from themis_common.architectures import Architecture
from themis_common.config import config_hash
from themis_common.hashing import digest_of, rng, row_key
from themis_common.llm.config import EngineConfig, LimitsConfig
from themis_common.llm.engine import Completion, Engine, Request
from themis_common.llm.factory import open_engine
from themis_common.llm.option_names import OptionNames
from themis_common.modeling.model_files import fetch_model
from themis_common.stages import Context
from themis_common.stages.shares import Share
from themis_common.taxonomy import Criterion

_LOAD_SECONDS = 3600.0
_MOST_TRIED = 4
"""Requests made one by one where none of them shows whether the endpoint answers."""
_OPTIONS = OptionNames(
    base_url="score_benchmark.judge.endpoint",
    model="score_benchmark.judge.model",
    api_key_env="score_benchmark.judge.api_key_env",
    extra_body="",
)


def score_with_judge(
    context: Context[ScoreBenchmarkConfig], architecture: Architecture, plan: ConversationPlan
) -> dict[str, Outcome]:
    """The outcome of every conversation, by key, once this share and all others are judged.

    Answers are kept as they come, so that a restart asks for the rest.

    Raises:
        UserError: the model cannot be served, or the endpoint refuses, serves other models or leaves out the
            log-probabilities that an architecture reads.
        TransientError: the endpoint does not answer.
        OthersUnfinishedError: this share is judged, others are not.
    """
    config, share = context.config, Share.parse(context.config.share)
    model = context.inputs["model"].digest if "model" in context.inputs else ""
    asked = [[pair.chosen, pair.rejected, pair.aspect] for pair in plan.pairs]
    log = ScoreLog(context.workspace, digest_of([config_hash(config), model, asked, share.count])[:32])
    if share.index not in log.finished():
        log.write(share.index, _judge_share(context, architecture, _prompts_of(share, plan)).items())
    return log.collect(range(share.count))


def _prompts_of(share: Share, plan: ConversationPlan) -> ConversationPlan:
    """The conversations about this share's prompts: a judge may write criteria for a prompt, once for all responses."""
    prompts = list(dict.fromkeys(conversation.user for conversation in plan.conversations.values()))
    mine = set(share.of(prompts))
    conversations = {key: one for key, one in plan.conversations.items() if one.user in mine}
    return replace(plan, conversations=conversations)


def _judge_share(
    context: Context[ScoreBenchmarkConfig], architecture: Architecture, plan: ConversationPlan
) -> dict[str, Outcome]:
    judge = JUDGES[architecture.name]
    longest = context.config.judge.max_tokens
    judge = replace(judge, max_tokens=longest) if longest else judge
    with (
        _endpoint(context, judge) as endpoint,
        open_engine(
            endpoint, workspace=context.workspace, progress=context.progress, names=_OPTIONS
        ) as engine,
    ):
        engine.check_model()
        return _judge_all(judge, plan, engine, context.config, endpoint.batch_size)


@contextmanager
def _endpoint(context: Context[ScoreBenchmarkConfig], judge: Judge) -> Iterator[EngineConfig]:
    """The endpoint that is named, or vLLM on the cell's model."""
    config = context.config.judge
    if config.endpoint:
        yield _engine_config(config, judge, config.model, config.endpoint)
        return
    dtype = context.config.dtype
    with served_by_vllm(
        fetch_model(context.inputs["model"], context.scratch),
        context_tokens=config.context_tokens or judge.context_tokens,
        dtype="auto" if dtype == "stored" else dtype,
        gpus=config.gpus,
        replicas=context.config.replicas,
        log=context.scratch / "vllm.log",
        patience_seconds=_LOAD_SECONDS,
        say=context.progress.say,
    ) as url:
        yield _engine_config(config, judge, SERVED_NAME, url)


def _engine_config(config: JudgeConfig, judge: Judge, model: str, url: str) -> EngineConfig:
    return EngineConfig(
        engine="openai",
        model=model,
        base_url=url,
        api_key_env=config.api_key_env,
        max_tokens=judge.max_tokens,
        extra_body=dict(judge.extra_body),
        limits=LimitsConfig(concurrency=config.concurrency, timeout_seconds=config.timeout_seconds),
    )


def _judge_all(
    judge: Judge, plan: ConversationPlan, engine: Engine, config: ScoreBenchmarkConfig, batch_size: int
) -> dict[str, Outcome]:
    criterion_of: dict[str, Criterion] = {}
    if config.prompt_mode == "criterion":
        for pair in plan.pairs:
            criterion_of[pair.chosen] = criterion_of[pair.rejected] = Criterion.parse(pair.aspect)
    outcomes: dict[str, Outcome] = {}
    criteria = _written_criteria(judge, plan, engine, config.seed, batch_size)
    requests: dict[str, Request] = {}
    for key, conversation in plan.conversations.items():
        written = criteria.get(conversation.user, "")
        if isinstance(written, Outcome):
            outcomes[key] = written
            continue
        requests[key] = judgement_request(
            judge,
            conversation,
            criterion_of.get(key),
            criteria=written,
            seed=_seed(config.seed, key),
        )
    for key, completion in _ask(requests, engine, batch_size):
        try:
            outcomes[key] = outcome_of(judge.read(completion))
        except UnreadableJudgementError as error:
            outcomes[key] = Outcome(None, error.kind)
    return outcomes


def _written_criteria(
    judge: Judge, plan: ConversationPlan, engine: Engine, seed: int, batch_size: int
) -> Mapping[str, str | Outcome]:
    """The criteria that the judge writes for each prompt, or why there are none; empty for judges without that turn."""
    if not judge.criteria_template:
        return {}
    prompts = dict.fromkeys(conversation.user for conversation in plan.conversations.values())
    requests = {
        prompt: criteria_request(judge, prompt, seed=_seed(seed, row_key(prompt))) for prompt in prompts
    }
    written: dict[str, str | Outcome] = {}
    for prompt, completion in _ask(requests, engine, batch_size):
        try:
            written[prompt] = written_criteria(completion)
        except UnreadableJudgementError as error:
            written[prompt] = Outcome(None, error.kind)
    return written


def _ask(
    requests: Mapping[str, Request], engine: Engine, batch_size: int
) -> Iterator[tuple[str, Completion]]:
    _try(requests.values(), engine)
    keys: Sequence[str] = list(requests)
    for start in range(0, len(keys), batch_size):
        batch = keys[start : start + batch_size]
        yield from zip(batch, engine.complete([requests[key] for key in batch]), strict=True)


def _try(requests: Iterable[Request], engine: Engine) -> None:
    """Ask for one answer before the others, so that a broken set-up costs no more; the engine keeps it for its turn.

    A request that is refused or does not fit shows nothing of the set-up: then the next one is made.
    """
    for request in islice(requests, _MOST_TRIED):
        (completion,) = engine.complete([request])
        if completion.finish_reason not in {"refused", "too_long"}:
            return


def _seed(seed: int, key: str) -> int:
    """The sampling seed of one request, a 31 bit number."""
    return rng(seed, key, "judgement").getrandbits(31)
