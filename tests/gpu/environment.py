"""On what it was measured, and the variables under which all sides run."""

import os
import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from tests.benchmarks.provenance import checkout, said_by, versions
from tests.gpu.cases import Outcome

_PACKAGES = (
    "torch",
    "triton",
    "transformers",
    "accelerate",
    "liger-kernel",
    "trl",
    "flash-attn",
    "peft",
    "numpy",
)


def variables() -> dict[str, str]:
    """The environment of a worker: no network, and memory that does not fall to pieces."""
    return {
        **os.environ,
        "HF_HUB_OFFLINE": "1",
        "TOKENIZERS_PARALLELISM": "false",
        "PYTORCH_CUDA_ALLOC_CONF": "expandable_segments:True",
        "PYTHONUNBUFFERED": "1",
    }


def environment(command: Sequence[str], outcomes: Mapping[str, Outcome]) -> str:
    """Date, machine, versions, command and runs as Markdown."""
    runs = sorted({outcome.run for outcome in outcomes.values()})
    seconds = sum(outcome.seconds or 0.0 for outcome in outcomes.values())
    return (
        f"# Proof on a GPU, {datetime.now(UTC).date().isoformat()}\n\n"
        f"- device: {_device()}\n"
        f"- tree: {checkout()}\n"
        f"- Python {platform.python_version()}, {versions(_PACKAGES)}\n"
        f"- command: `{' '.join(command)}`; calls that began at {', '.join(runs)}; {seconds:.0f} s in cases\n"
        "- wall seconds with the device synchronised at both ends, whole optimiser steps, warm-up steps left out; "
        "`PYTORCH_CUDA_ALLOC_CONF=expandable_segments:True` for all sides\n"
    )


def _device() -> str:
    query = ("--query-gpu=name,memory.total,driver_version", "--format=csv,noheader")
    found = said_by("nvidia-smi", *query)
    return found or f"{platform.machine()}, no GPU"
