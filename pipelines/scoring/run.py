"""Scores every response of a file under every system prompt asked for, through the scorer of the evaluation."""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.evaluation.score_benchmark.outcomes import Outcome
from components.evaluation.score_benchmark.scalar.cell import choose_device, encode_all
from components.evaluation.score_benchmark.scalar.loading import LoadOptions, load_scalar_model
from components.evaluation.score_benchmark.scalar.parts import score_batches
from components.evaluation.score_benchmark.scalar.preflight import (
    check_batch_invariance,
    check_rendering,
    choose_probes,
)
from components.evaluation.score_benchmark.scalar.scorer import ScalarModel
from components.evaluation.score_benchmark.system_texts import system_texts
from pipelines.scoring.columns import column_names, score_columns, summarise
from pipelines.scoring.response_file import PromptedRow, read_response_file
from pipelines.single_training import EXPORTED, TRAINED
from themis_common.architectures import AUTO
from themis_common.architectures.checkpoint import checkpoint_in_folder
from themis_common.architectures.detection import resolve_architecture
from themis_common.datasets.manifest import MANIFEST
from themis_common.datasets.reader import DatasetReader
from themis_common.errors import UserError
from themis_common.hashing import row_key
from themis_common.modeling.model_files import fetch_model
from themis_common.modeling.weights import REWARD_HEAD_FILE
from themis_common.plural import counted
from themis_common.progress import Progress
from themis_common.prompts.chat import Conversation
from themis_common.prompts.registry import PromptMode
from themis_common.schemas import MODEL_FILES
from themis_common.taxonomy import Criterion


@dataclass(frozen=True, kw_only=True, slots=True)
class ScoreRequest:
    """What a person asks for.

    Attributes:
        model: folder or MODEL_FILES dataset of a scalar reward model.
        criteria: criteria, `all` or `none`, joined by commas.
        prompts: location of the file that `themis prompts import` wrote; empty for our own wording.
        architecture: as `themis models --architectures` lists them, or `auto`.
        max_tokens: longest conversation; a longer one is the failure `too_long`.
        batch_tokens: tokens computed at once.
    """

    model: str
    input: Path
    output: Path
    criteria: str = PromptMode.ALL
    prompts: str = ""
    architecture: str = AUTO
    max_tokens: int = 4096
    batch_tokens: int = 8192


def score_file(request: ScoreRequest, progress: Progress) -> dict[str, Any]:
    """Write the rows of the input with their scores to the output; counts by criterion.

    Raises:
        UserError: criteria, file or model are unusable; nothing is written then.
    """
    systems = criterion_texts(request.criteria, request.prompts)
    file = read_response_file(request.input)
    file.check_output(request.output, [name for one in systems for name in column_names(file.form, one)])
    conversations: dict[str, Conversation] = {}
    asked = {
        criterion: [_conversation_keys(row, system, conversations) for row in file.rows]
        for criterion, system in systems.items()
    }
    with tempfile.TemporaryDirectory() as scratch:
        model = _load_model(request, Path(scratch))
        outcomes = _score_all(model, conversations, request, progress)
    results = {
        criterion: [[outcomes[key] for key in keys] for keys in rows] for criterion, rows in asked.items()
    }
    added = [column for name, rows in results.items() for column in score_columns(file.form, name, rows)]
    file.write(request.output, added)
    return {name: summarise(file.form, rows) for name, rows in results.items()}


def criterion_texts(criteria: str, prompts: str = "") -> dict[str, str | None]:
    """The system prompt by the name of each criterion in a list joined by commas; None where there is none.

    `all` is one prompt that names the five code criteria, `none` no prompt.

    Args:
        prompts: as in ScoreRequest.

    Raises:
        UserError: a criterion is unknown, or the file of prompts is unusable.
    """
    text = system_texts(prompts)
    texts = {}
    for word in map(str.strip, criteria.split(",")):
        if word in (PromptMode.ALL, PromptMode.NONE):
            texts[word] = text(PromptMode(word), Criterion.FUNCTIONAL_CORRECTNESS)
            continue
        try:
            criterion = Criterion.parse(word)
        except UserError as error:
            raise UserError(f"--criteria: {error}; or all, or none") from error
        texts[criterion.key] = text(PromptMode.CRITERION, criterion)
    return texts


def _conversation_keys(
    row: PromptedRow, system: str | None, conversations: dict[str, Conversation]
) -> list[str]:
    """The keys of a row's conversations, which are added to `conversations`: equal ones are scored once."""
    keys = []
    for response in row.responses:
        key = row_key(system or "", row.prompt, response)
        conversations.setdefault(key, Conversation(system, row.prompt, response))
        keys.append(key)
    return keys


def _load_model(request: ScoreRequest, scratch: Path) -> ScalarModel:
    location = request.model
    folder = Path(location)
    if "://" in location or (folder / MANIFEST).is_file():
        folder = fetch_model(DatasetReader(location, MODEL_FILES), scratch)
    for given, exported in (
        (folder / TRAINED, folder / EXPORTED),
        (folder, folder.absolute().parent / EXPORTED),
    ):
        if (given / REWARD_HEAD_FILE).is_file():
            raise UserError(
                f"{location} holds a model in training, with both heads; score the exported {exported}"
            )
    architecture = resolve_architecture(request.architecture, checkpoint_in_folder(folder))
    if architecture.kind != "scalar":
        raise UserError(
            f"architecture {architecture.name} is {architecture.kind}; only scalar models can score files"
        )
    options = LoadOptions(max_tokens=request.max_tokens, device=choose_device("auto"))
    model = load_scalar_model(folder, architecture, options)
    check_rendering(model, location)
    return model


def _score_all(
    model: ScalarModel, conversations: Mapping[str, Conversation], request: ScoreRequest, progress: Progress
) -> dict[str, Outcome]:
    encoded, outcomes = encode_all(model.encoder, conversations)
    check_batch_invariance(model, choose_probes(encoded), request.model)
    batches = model.plan(encoded, request.batch_tokens)
    size = f"{counted(len(encoded), 'conversation')} in {counted(len(batches), 'batch', 'batches')}"
    progress.say(f"{model.architecture.name}: {size}")
    for key, outcome in score_batches(model, encoded, batches):
        outcomes[key] = outcome
        progress.update(len(outcomes), len(conversations), "conversations")
    return outcomes
