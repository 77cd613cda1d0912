"""The tasks that the pipelines are made of: which stage each runs, and the name of its configuration section.

Most tasks are named after their stage. Stages that run twice (for the general and the code preferences) have a task
for each. Stage modules are imported on demand, so that listing tasks costs nothing.
"""

import importlib
from typing import Any

from themis_common.stages import Stage

_DATASET = {
    "mine_commits": "dataset.mine_commits",
    "filter_commits": "dataset.filter_commits",
    "retrieve_contents": "dataset.retrieve_contents",
    "deduplicate": "dataset.deduplicate",
    "classify_aspects": "dataset.classify_aspects",
    "rate_changes": "dataset.rate_changes",
    "judge_preferences": "dataset.judge_preferences",
    "assemble_code": "dataset.assemble_preferences",
    "import_general": "dataset.import_sources",
    "assemble_general": "dataset.assemble_preferences",
}
_TRAINING = {
    "prepare_base_model": "training.prepare_base_model",
    "pack_general": "training.pack_pairs",
    "train_general": "training.train_reward_model",
    "pack_code": "training.pack_pairs",
    "train_code": "training.train_reward_model",
    "export_model": "training.export_model",
}
_EVALUATION = {
    "import_benchmark": "evaluation.import_benchmark",
    "plan_cells": "evaluation.plan_cells",
    "score_benchmark": "evaluation.score_benchmark",
    "summarise": "evaluation.summarise",
}

_IMPORTED_PAIRS = {
    "import_general": "dataset.import_sources",
    "assemble_general": "dataset.assemble_preferences",
    "import_code": "dataset.import_sources",
    "assemble_code": "dataset.assemble_preferences",
}

PIPELINE_TASKS: dict[str, dict[str, str]] = {
    "dataset": _DATASET,
    "training": {**_IMPORTED_PAIRS, **_TRAINING},
    "evaluation": _EVALUATION,
    "end_to_end": {**_DATASET, **_TRAINING, **_EVALUATION},
}
"""For each pipeline its tasks in order, each with the stage it runs."""

ALONE: dict[str, str] = {
    "build_allowlists": "dataset.build_allowlists",
    "import_model": "evaluation.import_model",
    "import_scores": "evaluation.import_scores",
}
"""Stages that have no section in any pipeline: many runs share their output. `themis stage` runs them."""

ALL_TASKS: dict[str, str] = {
    **{task: stage for tasks in PIPELINE_TASKS.values() for task, stage in tasks.items()},
    **ALONE,
}
"""Every task of any pipeline, and those that run alone; a recipe may hold a section for each."""


def stage_module(stage: str) -> str:
    """The module that declares a stage: `dataset.deduplicate` lives in `components.dataset.deduplicate.stage`."""
    return f"components.{stage}.stage"


def load_stage(stage: str) -> Stage[Any]:
    """The declaration of the stage of that name."""
    declared: Stage[Any] = importlib.import_module(stage_module(stage)).STAGE
    return declared
