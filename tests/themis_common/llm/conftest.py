"""An endpoint, requests to it, and time that passes only when somebody sleeps."""

import asyncio
import io
import random
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.gcs_emulator import GcsEmulator
from tests.fixtures.openai_endpoint import OpenAIEndpoint
from themis_common.llm.asking import Patience
from themis_common.llm.config import EngineConfig
from themis_common.llm.engine import Message, Request, Sampling
from themis_common.llm.openai_engine import OpenAIEngine, open_endpoint
from themis_common.llm.option_names import LLM, OptionNames
from themis_common.progress import Progress
from themis_common.store import Store, open_store
from themis_common.store.gcs_bucket import EMULATOR

SECRET = "sk-very-s3cret"
KEYED = {"api_key_env": "JUDGE_KEY", "environment": {"JUDGE_KEY": SECRET}}
"""What an engine is opened with that sends a key."""

Opener = Callable[..., AbstractContextManager[OpenAIEngine]]


@dataclass
class FakeTime:
    """A clock that only sleeping moves."""

    now: float = 0.0
    sleeps: list[float] = field(default_factory=list)

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.now += seconds
        await asyncio.sleep(0)

    def patience(self) -> Patience:
        return Patience(clock=self.clock, sleep=self.sleep, jitter=random.Random(1))


def request(text: str = "question", seed: int = 1, max_tokens: int = 50) -> Request:
    sampling = Sampling(temperature=0.8, top_p=0.9, max_tokens=max_tokens, seed=seed)
    messages = (Message("system", "be brief"), Message("user", text))
    return Request(
        task="task",
        template="task/v1",
        template_sha256="0",
        messages=messages,
        sampling=sampling,
        variables={},
    )


def requests(number: int) -> list[Request]:
    return [request(f"question {index}") for index in range(number)]


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[OpenAIEndpoint]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with OpenAIEndpoint() as running:
        yield running


@pytest.fixture
def time() -> FakeTime:
    return FakeTime()


@pytest.fixture
def said() -> io.StringIO:
    """What the engine says about its progress."""
    return io.StringIO()


@pytest.fixture
def opened(endpoint: OpenAIEndpoint, tmp_path: Path, time: FakeTime, said: io.StringIO) -> Opener:
    """Opens an engine on the endpoint; it waits in fake time and keeps its answers under `tmp_path`."""

    def open_it(
        environment: dict[str, str] | None = None,
        patience: Patience | None = None,
        names: OptionNames = LLM,
        **values: Any,
    ) -> OpenAIEngine:
        config = EngineConfig(
            **{
                "engine": "openai",
                "model": "judge",
                "base_url": endpoint.base_url,
                "max_tokens": 50,
                **values,
            }
        )
        return open_endpoint(
            config,
            open_store(tmp_path / "responses"),
            open_store(tmp_path / "budget"),
            environment=environment or {},
            progress=Progress("llm", stream=said, every_seconds=0.0),
            patience=patience or time.patience(),
            names=names,
        )

    return open_it


@pytest.fixture(params=["local", "gcs"])
def store(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """An empty store of either kind."""
    if request.param == "local":
        yield open_store(tmp_path / "responses")
        return
    with GcsEmulator() as emulator:
        emulator.buckets.create("bucket")
        monkeypatch.setenv(EMULATOR, emulator.endpoint)
        yield open_store("gs://bucket/responses")
