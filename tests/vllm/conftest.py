"""vLLM as a program on PATH: these tests skip where it is not installed, but not where CI promises that it is."""

import os
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.readmes import ROOT

_INTERPRETER = ROOT / ".venv-vllm" / "bin" / "python"


@pytest.fixture(scope="session", autouse=True)
def vllm_on_path(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Put a `vllm` first on PATH, with as little memory as a tiny model takes and a cache that goes away."""
    if not _INTERPRETER.with_name("vllm").is_file():
        reason = "vLLM is not installed; run `make vllm`"
        if os.environ.get("THEMIS_REQUIRE_VLLM") == "1":
            pytest.fail(f"THEMIS_REQUIRE_VLLM=1, but {reason}", pytrace=False)
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("bin")
    program = folder / "vllm"
    command = shlex.join([str(_INTERPRETER), str(Path(__file__).with_name("vllm_cpu.py"))])
    program.write_text(f'#!/bin/sh\nexec {command} "$@"\n')
    program.chmod(0o755)
    settings = {
        "PATH": f"{folder}:{os.environ['PATH']}",
        "VLLM_CPU_KVCACHE_SPACE": "1",  # GiB
        "VLLM_CACHE_ROOT": str(tmp_path_factory.mktemp("cache")),
        "HF_HUB_OFFLINE": "1",
        "VLLM_NO_USAGE_STATS": "1",
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in settings.items():
            patch.setenv(name, value)
        yield
