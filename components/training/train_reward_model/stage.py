"""Trains a reward model on tokenised preference pairs.

One stage serves both steps of the recipe: preference-model pre-training (PT) on general pairs and preference
modelling (PM) on code pairs differ in their options only. The output holds the weights of the decoder and of both
heads, so that PM goes on exactly where PT ended; the side table `metrics` holds the curves.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from components.training.train_reward_model.config import TrainRewardModelConfig
from components.training.train_reward_model.job import METRICS, MODEL, Job
from components.training.train_reward_model.launch import run_job
from components.training.train_reward_model.pair_file import write_pair_file
from themis_common.config import result_values
from themis_common.datasets.reader import DatasetReader
from themis_common.errors import UserError
from themis_common.hashing import digest_of, row_key
from themis_common.modeling.model_files import fetch_model, publish_model
from themis_common.schemas import MODEL_FILES, TOKENISED_PAIRS, TRAINING_METRICS
from themis_common.stages import Context, Stage, UnitOutput
from themis_common.stages.stage import plan_whole
from themis_common.store.local import LocalStore

_VERSION = 1


def train_reward_model(context: Context[TrainRewardModelConfig], unit: str, output: UnitOutput) -> None:
    """Train, or go on after the newest checkpoint, and publish the model with its metrics."""
    pairs, model = context.inputs["pairs"], context.inputs["model"]
    pair_file = context.scratch / "pairs.arrow"
    write_pair_file(_read_pairs(pairs, output), pair_file)
    folder = fetch_model(model, context.scratch)
    if not _has_training_pairs(pairs):
        _hand_on(context, folder, output)
        return
    job = Job(
        identity=digest_of([_VERSION, result_values(context.config), pairs.digest, model.digest]),
        config=context.config,
        model=folder,
        pairs=pair_file,
        checkpoints=_checkpoint_folder(context),
        output=context.scratch / "trained",
    )
    run_job(job, context.scratch / "job.json", _processes(context.config))
    publish_model(job.output / MODEL, output)
    for line in (job.output / METRICS).read_text().splitlines():
        row = json.loads(line)
        output.add("metrics", {"row_key": row_key(row["step"], row["metric"], row["slice"]), **row})


def _read_pairs(pairs: DatasetReader, output: UnitOutput) -> Iterator[pa.RecordBatch]:
    for batch in pairs.batches():
        keys = batch.column("row_key").to_pylist()
        output.read(keys)
        output.consume(keys)
        yield batch


def _has_training_pairs(pairs: DatasetReader) -> bool:
    return any(row["split"] == "train" for row in pairs.rows(columns=["split"]))


def _hand_on(context: Context[TrainRewardModelConfig], model: Path, output: UnitOutput) -> None:
    """Publish the input model as it came, where the configuration allows a stage without pairs."""
    if context.config.if_empty == "refuse":
        raise UserError(
            "no tokenised pair has split 'train': there is nothing to train on; look at the funnel of the stages "
            "before, or set if_empty to hand_on to leave this training stage out"
        )
    context.progress.say("there are no pairs to train on; the model is handed on as it came")
    publish_model(model, output)


def _checkpoint_folder(context: Context[TrainRewardModelConfig]) -> Path:
    if context.config.checkpoints:
        folder = Path(context.config.checkpoints)
    elif isinstance(context.workspace, LocalStore):
        folder = context.workspace.root
    else:
        raise UserError(
            f"checkpoints need a file system, and {context.workspace.uri} is none: set checkpoints to a mounted folder"
        )
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _processes(options: TrainRewardModelConfig) -> int:
    if options.processes or options.device == "cpu":
        return options.processes or 1
    import torch

    return max(1, torch.cuda.device_count())


STAGE = Stage(
    name="training.train_reward_model",
    version=_VERSION,
    config=TrainRewardModelConfig,
    inputs={"pairs": TOKENISED_PAIRS, "model": MODEL_FILES},
    output=MODEL_FILES,
    side_tables={"metrics": TRAINING_METRICS},
    plan=plan_whole,
    work=train_reward_model,
)
