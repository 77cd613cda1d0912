"""Scores both sides of every benchmark pair with one reward model: one cell."""

from components.evaluation.score_benchmark.config import ScoreBenchmarkConfig
from components.evaluation.score_benchmark.conversations import ConversationPlan, plan_conversations
from components.evaluation.score_benchmark.outcomes import Outcome
from themis_common.architectures import architecture
from themis_common.errors import UserError
from themis_common.hashing import row_key
from themis_common.prompts.registry import PromptMode
from themis_common.schemas import BENCHMARK, MODEL_FILES, SCORES
from themis_common.stages import Context, Stage, UnitOutput
from themis_common.stages.stage import plan_whole


def work(context: Context[ScoreBenchmarkConfig], unit: str, output: UnitOutput) -> None:
    """Score the whole benchmark with the model loaded once; what is done survives in the workspace."""
    config = context.config
    plan = plan_conversations(context.inputs["benchmark"].rows(), PromptMode(config.prompt_mode))
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
    how = architecture(context.config.architecture)
    if how.reads == "texts":
        if "model" in context.inputs:
            raise UserError(f"architecture {how.name} reads no model; leave the input model out")
        return {key: Outcome(float(len(one.assistant))) for key, one in plan.conversations.items()}
    if "model" not in context.inputs:
        raise UserError(f"architecture {how.name} needs a model; pass it with --input model=DIR")
    from components.evaluation.score_benchmark.weights import score_with_weights

    return score_with_weights(context, how, plan.conversations)


STAGE = Stage(
    name="evaluation.score_benchmark",
    version=1,
    config=ScoreBenchmarkConfig,
    inputs={"benchmark": BENCHMARK, "model": MODEL_FILES},
    optional=frozenset({"model"}),
    output=SCORES,
    work=work,
    plan=plan_whole,
)
