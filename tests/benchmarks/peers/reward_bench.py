"""Scores of pairs by allenai/reward-bench, as its command `rewardbench` computes them; in an environment of its own.

`python -m tests.benchmarks.peers.reward_bench FOLDER` serves the case `score` and the case `versions`. `score` calls
the function behind the command: it loads model and pairs, renders, runs its loop (batches of 8 in row order, padded on
the left, all chosen and then all rejected) and writes its results; all options are the defaults but for float32 without
quantisation. Calls of its pipeline are what the sample holds: tokenising and the model. FOLDER is what
`reward_bench_folder.py` writes.

The one change: the pipeline sends its inputs to "cuda" whatever the machine has; here they stay where they are.
"""

import json
import logging
import sys
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any
from unittest import mock

import datasets
import torch
from rewardbench import REWARD_MODEL_CONFIG
from rewardbench.models import RewardBenchPipeline
from rewardbench.rewardbench import Args, rewardbench
from transformers import BatchEncoding

from tests.benchmarks.measure import Sample, serve, timed


class TimedPipeline(RewardBenchPipeline):  # type: ignore[misc]
    """The package's pipeline; `calls` takes a sample of every call."""

    def __init__(self, calls: list[Sample], task: str, model: Any, tokenizer: Any) -> None:
        super().__init__(task, model, tokenizer)
        self._calls = calls

    def __call__(self, samples: list[str], **options: Any) -> Any:
        call = timed(partial(super().__call__, samples, **options))()
        self._calls.append(call)
        return call.result


def main(folder: Path) -> None:
    """Serve the cases."""
    logging.disable(logging.WARNING)
    torch.set_num_threads(1)
    datasets.config.HF_DATASETS_CACHE = folder / "cache"
    serve({"score": partial(score, folder), "versions": versions})


def score(folder: Path) -> Sample:
    """What scoring took, and the scores: chosen and rejected of each pair in turn."""
    calls: list[Sample] = []
    model = str(folder / "model")
    REWARD_MODEL_CONFIG[model] = REWARD_MODEL_CONFIG["default"] | {
        "pipeline_builder": partial(TimedPipeline, calls)
    }
    options = Args(
        model=model,
        dataset=str(folder / "pairs.json"),
        load_json=True,
        not_quantized=True,
        torch_dtype="float32",
        # results go beside the model, whose path is absolute
        output_dir="",
    )
    with mock.patch.object(BatchEncoding, "to", lambda encoding, device: encoding):
        rewardbench(options)
    rows = [json.loads(line) for line in Path(f"{model}_outputs.jsonl").read_text().splitlines()]
    scores = [row[f"scores_{side}"] for row in rows for side in ("chosen", "rejected")]
    return Sample(sum(call.cpu for call in calls), sum(call.wall for call in calls), scores)


def versions() -> str:
    """What ran."""
    return ", ".join(f"{name} {metadata.version(name)}" for name in ("rewardbench", "transformers", "torch"))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
