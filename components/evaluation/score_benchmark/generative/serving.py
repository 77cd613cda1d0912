"""A generative model behind an OpenAI-compatible endpoint: vLLM on this machine, for as long as a cell is scored."""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx

from themis_common.architectures.checkpoint import read_config
from themis_common.errors import UserError

SERVED_NAME = "judge"
_LOOK_SECONDS = 0.5
_STOP_SECONDS = 30.0
_SHOWN_LINES = 3


@contextmanager
def served_by_vllm(
    folder: Path,
    *,
    context_tokens: int,
    dtype: str,
    gpus: int,
    replicas: int,
    log: Path,
    patience_seconds: float,
    say: Callable[[str], None],
) -> Iterator[str]:
    """Serve the model in a folder on a port of loopback; yields the base URL of the endpoint.

    Args:
        context_tokens: window of request and answer together; the model's own where that is shorter.
        dtype: `auto` as stored, `float32` or `bfloat16`.
        gpus: GPUs that share each tensor.
        replicas: copies of the model, each on as many GPUs.
        log: file for what the server says.
        patience_seconds: how long the weights may take to load.

    Raises:
        UserError: vLLM is not installed here, or it ends or stays silent before it serves; quotes its last words.
    """
    program = shutil.which("vllm")
    if program is None:
        raise UserError(
            "vllm is not installed here: run the cell in the image llm, or set endpoint to a server of the model"
        )
    port = _free_port()
    own_window = read_config(folder).get("max_position_embeddings") or context_tokens
    command = [
        *(program, "serve", str(folder), "--served-model-name", SERVED_NAME),
        *("--host", "127.0.0.1", "--port", str(port)),
        # vLLM refuses a window that the model does not have
        *("--max-model-len", str(min(context_tokens, own_window))),
        *("--dtype", dtype, "--tensor-parallel-size", str(gpus), "--data-parallel-size", str(replicas)),
        # sampling is ours to set, not that of the model's generation_config.json
        *("--generation-config", "vllm", "--no-enable-log-requests"),
    ]
    quiet = {"HF_HUB_OFFLINE": "1", "VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1"}
    say(f"vLLM loads {folder.name}")
    with log.open("wb") as written:
        server = subprocess.Popen(
            command,
            stdout=written,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            env={**os.environ, **quiet},
            start_new_session=True,
        )
    try:
        _wait_until_ready(server, f"http://127.0.0.1:{port}/health", log, patience_seconds)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        _stop(server)


def _wait_until_ready(server: subprocess.Popen[bytes], url: str, log: Path, patience_seconds: float) -> None:
    deadline = time.monotonic() + patience_seconds
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise UserError(f"vLLM ended with code {server.returncode} before it served: {_last_words(log)}")
        with suppress(httpx.TransportError):
            if httpx.get(url, timeout=5).is_success:
                return
        time.sleep(_LOOK_SECONDS)
    raise UserError(f"vLLM did not serve within {patience_seconds:g} seconds: {_last_words(log)}")


def _last_words(log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines()
    errors = [line for line in lines if "Error" in line] or lines
    return " / ".join(line.strip()[:300] for line in errors[-_SHOWN_LINES:]) or "it said nothing"


def _stop(server: subprocess.Popen[bytes]) -> None:
    """End the server and the processes it started."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(server.pid, number)
        except ProcessLookupError:
            break
        try:
            server.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            continue
    server.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
