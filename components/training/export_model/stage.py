"""Turns a trained model into a sequence classifier that any transformers program loads, with a model card.

Tensors are renamed one at a time: the decoder keeps its names, the next-token head is left out, the reward head
becomes `score.weight`. The score of a conversation is then `logits[:, 0]` of `AutoModelForSequenceClassification`.
"""

from pathlib import Path
from typing import Literal

from components.training.export_model.card import model_card
from themis_common.config import config, option
from themis_common.modeling.model_files import fetch_model, publish_model
from themis_common.schemas import MODEL_FILES
from themis_common.stages import Context, Stage, UnitOutput
from themis_common.stages.stage import plan_whole


@config
class ExportModelConfig:
    """How the exported model is stored and called."""

    name: str = option(default="themis-rm", help="name of the model on its card")
    dtype: Literal["bfloat16", "float32"] = option(
        default="bfloat16", help="dtype of the stored decoder; the reward head stays float32"
    )
    max_tokens: int = option(default=4096, help="longest conversation, as told on the card")


def export_model(context: Context[ExportModelConfig], unit: str, output: UnitOutput) -> None:
    """Write the classifier, check that transformers would load every tensor of it, and publish it."""
    from components.training.export_model.classifier import write_classifier

    trained = context.inputs["model"]
    folder = context.scratch / "classifier"
    write_classifier(fetch_model(trained, context.scratch), folder, context.config.dtype)
    _write_card(context, folder)
    publish_model(folder, output)


def _write_card(context: Context[ExportModelConfig], folder: Path) -> None:
    text = model_card(context.config.name, context.config.max_tokens, context.inputs["model"])
    (folder / "README.md").write_text(text, encoding="utf-8")


STAGE = Stage(
    name="training.export_model",
    version=2,
    config=ExportModelConfig,
    inputs={"model": MODEL_FILES},
    output=MODEL_FILES,
    plan=plan_whole,
    work=export_model,
)
