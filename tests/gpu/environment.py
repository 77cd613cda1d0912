"""On what it was measured, and the variables under which all sides run."""

import os
import platform
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib import metadata

from tests.benchmarks.measure import ROOT
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
    versions = ", ".join(f"{name} {_version(name)}" for name in _PACKAGES)
    runs = sorted({outcome.run for outcome in outcomes.values()})
    seconds = sum(outcome.seconds or 0.0 for outcome in outcomes.values())
    tree = _said_by("git", "-C", str(ROOT), "describe", "--always", "--dirty") or "unknown"
    return (
        f"# Proof on a GPU, {datetime.now(UTC).date().isoformat()}\n\n"
        f"- device: {_device()}\n"
        f"- tree: {tree}\n"
        f"- Python {platform.python_version()}, {versions}\n"
        f"- command: `{' '.join(command)}`; calls that began at {', '.join(runs)}; {seconds:.0f} s in cases\n"
        "- wall seconds with the device synchronised at both ends, whole optimiser steps, warm-up steps left out; "
        "`PYTORCH_CUDA_ALLOC_CONF=expandable_segments:True` for all sides\n"
    )


def _device() -> str:
    query = ("--query-gpu=name,memory.total,driver_version", "--format=csv,noheader")
    found = _said_by("nvidia-smi", *query)
    return found or f"{platform.machine()}, no GPU"


def _said_by(*command: str) -> str:
    if shutil.which(command[0]) is None:
        return ""
    return subprocess.run(command, capture_output=True, text=True).stdout.strip()


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "absent"
