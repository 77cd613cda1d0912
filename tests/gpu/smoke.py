"""Item 4: every path of the trainer through torchrun with one rank: it ends, and its losses are those of plain layers.

A small model of Qwen3's shape on short pairs; the last case is the smallest real size, with the speed that the trainer
itself reports.
"""

import json
import math
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from components.training.export_model.classifier import write_classifier
from components.training.train_reward_model.job import METRICS, MODEL, SPEED, Job
from components.training.train_reward_model.launch import STOPPED, run_job
from components.training.train_reward_model.trackers import LINES
from tests.benchmarks.length_sets import PM, scaled, token_pairs
from tests.benchmarks.measure import ROOT
from tests.fixtures.small_qwen3 import qwen3_config
from tests.gpu import scoring
from tests.gpu.cases import Case, Group, Values
from tests.gpu.comparison import setting
from tests.gpu.job_files import make_job, training_config
from tests.gpu.model_folder import model_folder
from tests.gpu.scale import Scale
from tests.gpu.trees import SEED

_LENGTH_FACTOR = 0.1
_HELD_OUT = 8
_GLOBAL_BATCH = 8
_PATIENCE = 120.0
_LEARNS_OTHERWISE = {"lora"}
"""Paths that train other weights, so that their losses are their own."""

_PATHS: dict[str, dict[str, Any]] = {
    "liger": {"kernels": "liger"},
    "recompute layer": {"recompute": "layer"},
    "recompute selective": {"recompute": "selective"},
    "lora": {"lora_rank": 8, "learning_rate": 1e-3},
    "compile": {"kernels": "compile"},
    "offload": {"offload": True},
    "packs of one length": {"pad_packs_to": 2048, "max_tokens_per_pack": 4096},
    "accelerate": {"launcher": "accelerate"},
}
_ON_CPU = {"recompute selective", "lora"}


def groups(scale: Scale) -> list[Group]:
    """One: every case starts processes of its own."""
    on_gpu = scale.device.type == "cuda"
    cases: dict[str, Case] = {
        "plain": partial(_plain, scale),
        "killed and resumed": partial(_killed, scale),
        "export": partial(_export, scale),
        **{name: partial(_path, scale, name) for name in _PATHS if on_gpu or name in _ON_CPU},
        "smallest size, as the trainer reports it": partial(_smallest, scale),
    }
    return [Group("smoke", {f"smoke/{name}": case for name, case in cases.items()})]


def _job(scale: Scale, workspace: Path, folder: Path, **options: Any) -> Job:
    """A job on the small model."""
    config = qwen3_config(
        vocabulary=4096,
        hidden=scale.smoke_hidden,
        mlp=3 * scale.smoke_hidden,
        layers=4,
        max_position_embeddings=4096,
        pad_token_id=0,
    )
    model = model_folder(workspace / "model-smoke", config, scale.device)
    lengths = scaled(PM.draw(scale.smoke_pairs, SEED), min(_LENGTH_FACTOR, scale.length_factor))
    pairs = token_pairs(lengths, config.vocab_size, SEED, with_preamble=True)
    defaults = {
        "global_batch": _GLOBAL_BATCH,
        "epochs": 8,
        "learning_rate": 1e-4,
        "max_tokens_per_pack": 4096,
        "save_every": 5,
        "evaluate_every": 8,
        "log_every": 1,
    }
    return make_job(folder, model, pairs, training_config(scale, **(defaults | options)), held_out=_HELD_OUT)


def _run(job: Job) -> float:
    """Train to the end; seconds of wall time."""
    start = time.perf_counter()
    run_job(job, job.output.with_name("job.json"), 1)
    return time.perf_counter() - start


def _losses(job: Job) -> list[float]:
    rows = [json.loads(line) for line in (job.output / METRICS).read_text().splitlines()]
    return [row["value"] for row in rows if row["metric"] == "loss/total" and row["slice"] == "all"]


def _trained_plain(scale: Scale, workspace: Path) -> Job:
    """The finished run that others are compared with, made where it is missing."""
    folder = workspace / "smoke-plain"
    finished = folder / "job.json"
    if finished.exists() and (folder / "trained" / METRICS).exists():
        return Job.read(finished)
    shutil.rmtree(folder, ignore_errors=True)
    job = _job(scale, workspace, folder)
    _run(job)
    return job


def _plain(scale: Scale, workspace: Path) -> Values:
    start = time.perf_counter()
    losses = _losses(_trained_plain(scale, workspace))
    return _verdict(losses, losses, time.perf_counter() - start, scale)


def _path(scale: Scale, name: str, workspace: Path) -> Values:
    plain = _losses(_trained_plain(scale, workspace))
    with tempfile.TemporaryDirectory() as scratch:
        job = _job(scale, workspace, Path(scratch) / "run", **_PATHS[name])
        seconds = _run(job)
        losses = _losses(job)
    return _verdict(losses, losses if name in _LEARNS_OTHERWISE else plain, seconds, scale)


def _verdict(losses: list[float], expected: list[float], seconds: float, scale: Scale) -> Values:
    """Steps, losses, and how far these are from the expected ones."""
    differences = [abs(a / b - 1) for a, b in zip(losses, expected, strict=True)]
    quarter = len(losses) // 4
    learned = sum(losses[-quarter:]) < sum(losses[:quarter])
    return {
        "steps": len(losses),
        "first loss": losses[0],
        "last loss": losses[-1],
        "difference": max(differences),
        "seconds": seconds,
        "passed": learned and all(difference <= scale.gradient_tolerance for difference in differences),
    }


def _killed(scale: Scale, workspace: Path) -> Values:
    """Told to stop, then killed, then left alone."""
    plain = _trained_plain(scale, workspace)
    with tempfile.TemporaryDirectory() as scratch:
        job = _job(scale, workspace, Path(scratch) / "run")
        start = time.perf_counter()
        _interrupt(job, 3, lambda launcher: launcher.send_signal(signal.SIGTERM), STOPPED)
        _interrupt(job, _steps(job) + 6, lambda _: _kill_all(job), -signal.SIGKILL)
        resumed_after = _steps(job)
        _run(job)
        seconds = time.perf_counter() - start
        values = _verdict(_losses(job), _losses(plain), seconds, scale)
        names = [file.name for file in sorted((job.output / MODEL).glob("*.safetensors"))]
        equal = all(
            (job.output / MODEL / name).read_bytes() == (plain.output / MODEL / name).read_bytes()
            for name in names
        )
    return {**values, "equal bytes": equal, "steps before the last start": resumed_after}


def _interrupt(
    job: Job, step: int, strike: Callable[[subprocess.Popen[bytes]], object], expected: int
) -> None:
    job_file = job.output.with_name("job.json")
    job.write(job_file)
    launcher = subprocess.Popen([sys.executable, "-m", "tests.gpu.launch_job", str(job_file)], cwd=ROOT)
    deadline = time.monotonic() + _PATIENCE
    while _steps(job) < step:
        if launcher.poll() is not None or time.monotonic() > deadline:
            launcher.kill()
            raise RuntimeError(f"the run did not reach step {step} (exit code {launcher.wait()})")
        time.sleep(0.01)
    strike(launcher)
    code = launcher.wait(timeout=_PATIENCE)
    if code != expected:
        raise RuntimeError(f"the launcher ended with {code} instead of {expected}")


def _steps(job: Job) -> int:
    """Steps that were taken, those taken again counted twice."""
    curves = job.log / LINES
    return curves.read_text().count("loss/total") if curves.exists() else 0


def _kill_all(job: Job) -> None:
    """SIGKILL to the launcher, the agent and the rank: whoever has the job's file on its command line."""
    name = os.fsencode(job.output.with_name("job.json"))
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and name in _command_line(entry):
            os.kill(int(entry.name), signal.SIGKILL)


def _command_line(process: Path) -> bytes:
    try:
        return (process / "cmdline").read_bytes()
    except OSError:
        return b""


def _export(scale: Scale, workspace: Path) -> Values:
    """The exported classifier in transformers against our own scoring of it."""
    job = _trained_plain(scale, workspace)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "classifier"
        write_classifier(job.output / MODEL, folder, "bfloat16")
        difference = scoring.difference_of_paths(folder, scale, vocabulary=4096)
    return {"difference": difference, "passed": difference <= scale.gradient_tolerance}


def _smallest(scale: Scale, workspace: Path) -> Values:
    """Real size, checkpoint and all; the last speed that the run has logged."""
    size = next(iter(scale.models))
    model = scale.models[size]
    setting_ = setting(scale, size, workspace)
    with tempfile.TemporaryDirectory() as scratch:
        config = training_config(
            scale,
            kernels=scale.kernels,
            global_batch=model.pairs_per_step,
            max_tokens_per_pack=model.packs[0],
            log_every=scale.steps,
        )
        job = make_job(Path(scratch) / "run", setting_.folder, setting_.pairs, config)
        seconds = _run(job)
        rows = [json.loads(line) for line in (job.output / SPEED).read_text().splitlines()]
        losses = _losses(job)
    speeds = {row["metric"]: row["value"] for row in rows}
    return {
        "steps": len(losses),
        "first loss": losses[0],
        "last loss": losses[-1],
        "seconds": seconds,
        "speed": speeds,
        "passed": all(map(math.isfinite, losses)),
    }
