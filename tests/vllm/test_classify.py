"""Exported models on a real vLLM: served by the line on their card, they score as our own scorer does."""

import re
import shlex
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from importlib import resources
from pathlib import Path
from typing import Any

import httpx
import pytest

from components.evaluation.score_benchmark.scalar.loading import LoadOptions, load_scalar_model
from tests.fixtures.exported_model import write_exported
from themis_common.architectures import architecture
from themis_common.prompts.chat import Conversation

pytestmark = [pytest.mark.slow, pytest.mark.vllm]

TOLERANCE = 1e-5
PATIENCE_SECONDS = 500
CONVERSATIONS = [
    Conversation("Judge speed.", "Sort values.", "def f(values):\n    return sorted(values)\n"),
    Conversation("Judge speed.", "Sort values.", "def f(values):\n    values.sort()\n" * 20),
    Conversation(None, "Write a loop.", "for item in items: pass"),
    Conversation(None, "x", "y"),
]


def serve_line(text: str) -> list[str]:
    """The words of the line that serves a model."""
    (line,) = re.findall(r"^vllm serve .*$", text, re.MULTILINE)
    return shlex.split(line)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    texts = [text for one in CONVERSATIONS for text in (one.user, one.assistant)]
    return write_exported(tmp_path_factory.mktemp("model") / "rm", texts, max_tokens=1024)


@pytest.fixture(scope="module")
def url(model: Path) -> Iterator[str]:
    """The address of vLLM, started with the line of the model card."""
    card = resources.files("components.training.export_model") / "card.md"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [
        str(model) if word == "path/to/this/folder" else word
        for word in serve_line(card.read_text(encoding="utf-8"))
    ]
    assert str(model) in command
    log = model.with_name("vllm.log")
    with (
        log.open("wb") as written,
        subprocess.Popen(
            [*command, "--host", "127.0.0.1", "--port", str(port)], stdout=written, stderr=subprocess.STDOUT
        ) as server,
    ):
        try:
            deadline = time.monotonic() + PATIENCE_SECONDS
            while not is_ready(f"http://127.0.0.1:{port}/health"):
                assert server.poll() is None, log.read_text()
                assert time.monotonic() < deadline, log.read_text()
                time.sleep(0.5)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()


def is_ready(health: str) -> bool:
    with suppress(httpx.TransportError):
        return httpx.get(health, timeout=5).is_success
    return False


def rewards(url: str, **asked: Any) -> list[float]:
    answer = httpx.post(f"{url}/classify", json=asked, timeout=60)
    assert answer.is_success, answer.text
    return [one["probs"][0] for one in answer.json()["data"]]


def test_vllm_scores_an_exported_model_as_we_do(model: Path, url: str) -> None:
    scorer = load_scalar_model(model, architecture("seqcls"), LoadOptions(dtype="float32"))
    encoded = [scorer.encoder.encode(one) for one in CONVERSATIONS]
    expected = scorer.score(encoded)
    assert max(expected) - min(expected) > 0.1
    # a squashed score would show
    assert min(expected) < 0 or max(expected) > 1

    by_ids = rewards(url, input=[one.ids.tolist() for one in encoded])
    assert by_ids == pytest.approx(expected, rel=0, abs=TOLERANCE)

    by_messages = []
    for one in CONVERSATIONS:
        turns = {"system": one.system, "user": one.user, "assistant": one.assistant}
        messages = [{"role": role, "content": text} for role, text in turns.items() if text]
        by_messages += rewards(url, messages=messages)
    assert by_messages == pytest.approx(expected, rel=0, abs=TOLERANCE)
