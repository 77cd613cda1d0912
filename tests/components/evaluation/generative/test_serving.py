"""Starting and ending the program `vllm`: stand-ins for it here, the real one in tests/vllm."""

import json
import os
import sys
from contextlib import AbstractContextManager
from pathlib import Path

import httpx
import pytest

from components.evaluation.score_benchmark.generative.serving import served_by_vllm
from themis_common.errors import UserError

HEALTHY = """
import http.server, os, pathlib, sys
class Health(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
pathlib.Path(__file__).with_name("pid").write_text(str(os.getpid()))
port = int(sys.argv[sys.argv.index("--port") + 1])
http.server.HTTPServer(("127.0.0.1", port), Health).serve_forever()
"""


@pytest.fixture
def model(tmp_path: Path) -> Path:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_text(json.dumps({"max_position_embeddings": 512}))
    return tmp_path / "model"


def install(folder: Path, program: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make `program` the only `vllm` there is."""
    (folder / "vllm").write_text(program)
    (folder / "vllm").chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))


def serve(model: Path, context_tokens: int = 2048) -> AbstractContextManager[str]:
    return served_by_vllm(
        model,
        context_tokens=context_tokens,
        dtype="auto",
        gpus=2,
        replicas=3,
        log=model.with_name("vllm.log"),
        patience_seconds=20,
        say=lambda text: None,
    )


def test_a_server_lives_as_long_as_it_is_needed(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path, f"#!{sys.executable}\n{HEALTHY}", monkeypatch)
    with serve(model) as url:
        assert httpx.get(url).is_success
        pid = int((tmp_path / "pid").read_text())
    with pytest.raises(httpx.ConnectError):
        httpx.get(url)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


@pytest.mark.parametrize(("asked", "window"), [(2048, 512), (256, 256)])
def test_the_window_is_the_models_own_where_that_is_shorter(
    asked: int, window: int, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path, '#!/bin/sh\necho "$*" > "${0%/*}/arguments"\nexit 3\n', monkeypatch)
    with pytest.raises(UserError, match="ended with code 3"), serve(model, asked):
        raise AssertionError
    arguments = (tmp_path / "arguments").read_text()
    assert f" --max-model-len {window} " in arguments
    assert " --tensor-parallel-size 2 --data-parallel-size 3 " in arguments


def test_the_last_words_of_a_server_that_ends_are_told(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(
        tmp_path, "#!/bin/sh\necho loading\necho ValueError: no such head\necho bye\nexit 1\n", monkeypatch
    )
    with pytest.raises(UserError) as caught, serve(model):
        raise AssertionError
    assert str(caught.value) == "vLLM ended with code 1 before it served: ValueError: no such head"


def test_without_the_program_the_error_says_what_to_do(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(UserError, match=r"vllm is not installed here: .* set endpoint"), serve(model):
        raise AssertionError
