"""Starts this node's processes of a training run and passes on what happens to them."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import themis_common
from components.training.train_reward_model.accelerate_config import write_accelerate_config
from components.training.train_reward_model.job import Job
from components.training.train_reward_model.rendezvous import read_rendezvous
from themis_common.errors import UserError

STOPPED = 143
"""Exit code of a run that was told to stop and has saved: what a shell reports for SIGTERM."""

_GRACE_SECONDS = 600
_ALLOCATOR_SETTINGS = ("PYTORCH_ALLOC_CONF", "PYTORCH_CUDA_ALLOC_CONF", "PYTORCH_HIP_ALLOC_CONF")
"""The name in torch from 2.9 on, and the older ones, which torch still reads."""


def run_job(job: Job, job_file: Path, processes: int) -> bool:
    """Train and return when the model is written; whether it is on this node, which one of several has.

    The options choose who starts the processes, torchrun or accelerate. Where the environment names other nodes, they
    are joined. SIGTERM and SIGINT to this process let the run finish its step and save; then this process exits with
    143. So does the same on another node, and the death of this process, of which only the exit code is lost.

    Args:
        processes: to start on this node.

    Raises:
        UserError: what a rank has to tell the user.
        RuntimeError: a rank failed in another way; its messages are on stderr.
    """
    job.write(job_file)
    job.stopped_file.unlink(missing_ok=True)
    rendezvous = read_rendezvous(os.environ, processes)
    environment = process_environment(job, os.environ)
    if job.config.launcher == "accelerate":
        # what these say is in the rendered file, and torchrun inside accelerate would read them as well
        environment = {name: value for name, value in environment.items() if not name.startswith("PET_")}
        rendered = job_file.with_name("accelerate.yaml")
        write_accelerate_config(rendered, job.config, processes, rendezvous)
        options = ["--config_file", str(rendered)]
    else:
        environment |= rendezvous.variables if rendezvous else {}
        alone = [] if rendezvous else ["--standalone"]
        options = [*alone, "--nproc-per-node", str(processes)]
    command = [
        *(sys.executable, "-m", "components.training.train_reward_model.agent"),
        *(job.config.launcher, *options),
        *("-m", "components.training.train_reward_model", "--job", str(job_file), "--stop-at-eof"),
    ]
    # Its own session, so that Ctrl-C reaches it once, from here, and not also from the terminal. All ranks inherit the
    # pipe, which ends when this process does, even by SIGKILL.
    with (
        subprocess.Popen(command, stdin=subprocess.PIPE, env=environment, start_new_session=True) as child,
        _forwarded_signals(child) as received,
    ):
        code = child.wait()
    messages = [path.read_text() for path in job.failure_files()]
    if messages:
        raise UserError(messages[0])
    if code and (received or job.stopped_file.exists()):
        raise SystemExit(STOPPED)
    if code:
        raise RuntimeError(
            f"training failed ({job.config.launcher} exited with {code}); the messages of its processes are above"
        )
    return rendezvous is None or job.output.exists()


def process_environment(job: Job, environment: Mapping[str, str]) -> dict[str, str]:
    """What the processes of a run find in their environment.

    Args:
        environment: of this process. How torch is to manage GPU memory is taken from it where it says so.
    """
    # the children import the same code as this process, installed or not
    root = str(Path(themis_common.__file__).parents[1])
    inherited = environment.get("PYTHONPATH")
    # Packs differ in length. Fixed segments of GPU memory are cut up by them until no piece is large enough, although
    # much is free; segments that grow are not.
    told = any(name in environment for name in _ALLOCATOR_SETTINGS)
    allocator = {} if told else {_ALLOCATOR_SETTINGS[0]: "expandable_segments:True"}
    return {
        **environment,
        **allocator,
        "PYTHONPATH": os.pathsep.join([root, inherited] if inherited else [root]),
        "OMP_NUM_THREADS": str(job.config.threads),
        "TOKENIZERS_PARALLELISM": "false",
        "HF_HUB_OFFLINE": "1",
        # how long torchrun lets its processes finish their step and save once it was told to stop
        "TORCH_ELASTIC_SHUTDOWN_TIMEOUT": str(_GRACE_SECONDS),
    }


@contextmanager
def _forwarded_signals(child: subprocess.Popen[bytes]) -> Iterator[list[int]]:
    """Pass SIGTERM and SIGINT on, once; the list tells afterwards whether one came."""
    received: list[int] = []

    def forward(number: int, frame: FrameType | None) -> None:
        if not received:
            child.send_signal(signal.SIGTERM)
        received.append(number)

    if threading.current_thread() is not threading.main_thread():
        # Python handles signals in the main thread only; whoever runs a stage elsewhere handles them there
        yield received
        return
    before = {number: signal.signal(number, forward) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
