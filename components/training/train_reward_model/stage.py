"""Trains a reward model on tokenised preference pairs.

One stage serves both steps of the recipe: preference-model pre-training (PT) on general pairs and preference
modelling (PM) on code pairs differ in their options only. The output holds the weights of the decoder and of both
heads, so that PM goes on exactly where PT ended; the side table `metrics` holds the curves.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from components.training.train_reward_model.config import TrainRewardModelConfig
from components.training.train_reward_model.job import METRICS, MODEL, SPEED, Job
from components.training.train_reward_model.launch import run_job
from components.training.train_reward_model.pair_file import write_pair_file
from components.training.train_reward_model.rendezvous import processes_per_node
from themis_common.config import result_values
from themis_common.datasets.reader import DatasetReader
from themis_common.errors import UserError
from themis_common.hashing import digest_of, row_key
from themis_common.modeling.model_files import fetch_model, publish_model
from themis_common.schemas import MODEL_FILES, TOKENISED_PAIRS, TRAINING_METRICS
from themis_common.stages import Context, Stage, UnitOutput
from themis_common.stages.stage import plan_whole
from themis_common.store import Store, open_store
from themis_common.store.local import LocalStore

_VERSION = 4


def train_reward_model(context: Context[TrainRewardModelConfig], unit: str, output: UnitOutput) -> None:
    """Train, or go on after the newest checkpoint, and publish the model with its metrics."""
    pairs, model = context.inputs["pairs"], context.inputs["model"]
    pair_file = context.scratch / "pairs.arrow"
    write_pair_file(_read_pairs(pairs, output), pair_file)
    folder = fetch_model(model, context.scratch)
    if not _has_training_pairs(pairs):
        _hand_on(context, folder, output)
        return
    checkpoints = open_store(context.config.checkpoints) if context.config.checkpoints else context.workspace
    job = Job(
        identity=digest_of([_VERSION, result_values(context.config), pairs.digest, model.digest]),
        config=context.config,
        model=folder,
        pairs=pair_file,
        checkpoints=checkpoints.uri,
        log=_log_folder(context, checkpoints),
        output=context.scratch / "trained",
    )
    if not run_job(job, context.scratch / "job.json", _processes(context.config)):
        context.progress.say("this node has done its part; the node of the first rank publishes the model")
        raise SystemExit(0)
    publish_model(job.output / MODEL, output)
    # how fast it went is no part of the result, which is the same whenever it is made
    context.workspace.write_bytes(SPEED, (job.output / SPEED).read_bytes())
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


def _log_folder(context: Context[TrainRewardModelConfig], checkpoints: Store) -> Path:
    if context.config.log_folder:
        return Path(context.config.log_folder)
    return (checkpoints.root if isinstance(checkpoints, LocalStore) else context.scratch) / "log"


def _processes(options: TrainRewardModelConfig) -> int:
    wanted = options.processes or processes_per_node(os.environ)
    if wanted or options.device == "cpu":
        return wanted or 1
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
