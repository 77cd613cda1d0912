"""Scores both sides of every benchmark pair with one reward model: one cell."""

from collections.abc import Mapping

from components.evaluation.score_benchmark.config import ScoreBenchmarkConfig
from components.evaluation.score_benchmark.conversations import ConversationPlan, plan_conversations
from components.evaluation.score_benchmark.outcomes import Outcome
from components.evaluation.score_benchmark.system_texts import system_texts, wording_digest
from themis_common.architectures import AUTO, Architecture, architecture
from themis_common.architectures.checkpoint import checkpoint_in_dataset
from themis_common.architectures.detection import resolve_architecture
from themis_common.errors import UserError
from themis_common.hashing import row_key
from themis_common.prompts.registry import PromptMode
from themis_common.schemas import BENCHMARK, MODEL_FILES, SCORES
from themis_common.stages import Context, Stage, UnitOutput
from themis_common.stages.stage import plan_whole

_SERVED_ELSEWHERE = ", or say where it is served (score_benchmark.judge.endpoint and .model)"


def work(context: Context[ScoreBenchmarkConfig], unit: str, output: UnitOutput) -> None:
    """Score the whole benchmark with the model loaded once; what is done survives in the workspace."""
    config = context.config
    rows = context.inputs["benchmark"].rows()
    plan = plan_conversations(rows, PromptMode(config.prompt_mode), system_texts(config.prompts))
    outcomes = _outcomes(context, plan)
    output.read(pair.row_key for pair in plan.pairs)
    for pair in plan.pairs:
        chosen, rejected = outcomes[pair.chosen], outcomes[pair.rejected]
        output.emit(
            {
                "row_key": row_key(config.cell, pair.id),
                "cell": config.cell,
                "id": pair.id,
                "chosen_score": chosen.score,
                "rejected_score": rejected.score,
                "language": pair.language,
                "aspect": pair.aspect,
                "subset": pair.subset,
                "failure": chosen.failure or rejected.failure,
            },
            sources=[pair.row_key],
        )


def _outcomes(context: Context[ScoreBenchmarkConfig], plan: ConversationPlan) -> dict[str, Outcome]:
    how = _architecture(context)
    if how.kind == "baseline":
        return {key: Outcome(float(len(one.assistant))) for key, one in plan.conversations.items()}
    if how.kind == "generative":
        from components.evaluation.score_benchmark.generative.cell import score_with_judge

        return score_with_judge(context, how, plan)
    from components.evaluation.score_benchmark.scalar.cell import score_with_weights

    return score_with_weights(context, how, plan.conversations)


def _architecture(context: Context[ScoreBenchmarkConfig]) -> Architecture:
    """The architecture of the cell, which a checkpoint may have to show.

    Raises:
        UserError: model and architecture do not go together.
    """
    name, model = context.config.architecture, context.inputs.get("model")
    if model is None:
        served = name != AUTO and architecture(name).kind == "generative" and context.config.judge.endpoint
        if name == AUTO or (architecture(name).needs_model and not served):
            elsewhere = "" if name == AUTO or architecture(name).kind == "scalar" else _SERVED_ELSEWHERE
            raise UserError(
                f"architecture {name} needs a model; pass it with --input model=DIR, in a plan as the cell's model"
                f"{elsewhere}"
            )
        return architecture(name)
    if name != AUTO and not architecture(name).needs_model:
        raise UserError(f"architecture {name} reads no model; leave the input model out")
    return resolve_architecture(name, checkpoint_in_dataset(model))


def _fingerprint(config: ScoreBenchmarkConfig) -> Mapping[str, str]:
    """The imported texts, where any system prompt is shown; our own belong to the version of the stage."""
    if not config.prompts or config.prompt_mode == "none":
        return {}
    return {"prompts": wording_digest(config.prompts)}


STAGE = Stage(
    name="evaluation.score_benchmark",
    version=4,
    config=ScoreBenchmarkConfig,
    inputs={"benchmark": BENCHMARK, "model": MODEL_FILES},
    optional=frozenset({"model"}),
    output=SCORES,
    work=work,
    plan=plan_whole,
    fingerprint=_fingerprint,
)
