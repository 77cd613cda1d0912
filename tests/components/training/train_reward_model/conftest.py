"""A tiny model, pairs of random tokens, and the trainer in this process as the only rank."""

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from components.training.train_reward_model.config import TrainRewardModelConfig
from components.training.train_reward_model.job import Job
from components.training.train_reward_model.pair_file import write_pair_file
from components.training.train_reward_model.parallel import joined_ranks
from components.training.train_reward_model.trainer import Surroundings, Trainer
from themis_common.modeling.tiny import save_tiny_model, tiny_config, train_tokenizer
from themis_common.schemas import TOKENISED_PAIRS

OPTIONS: dict[str, Any] = {
    "global_batch": 8,
    "epochs": 2,
    "learning_rate": 1e-3,
    "compute_dtype": "float32",
    "device": "cpu",
    "save_every": 2,
    "evaluate_every": 3,
    "max_tokens_per_pack": 400,
}
Row = dict[str, Any]


@pytest.fixture
def rows() -> list[Row]:
    """20 training pairs and 4 held-out ones; 8 ends every chosen side, 7 every rejected one."""
    generator = np.random.default_rng(1)

    def ids(low: int, high: int) -> list[int]:
        return generator.integers(10, 250, generator.integers(low, high)).tolist()  # type: ignore[no-any-return]

    return [
        {
            "row_key": f"{number:032x}",
            "prefix_ids": (prefix := ids(10, 60)),
            "chosen_ids": [*ids(1, 50), 8],
            "rejected_ids": [*ids(1, 50), 7],
            "prompt_tokens": len(prefix) - 4,
            "truncated": False,
            "language": "Go" if number % 2 else "Python",
            "criterion": "Runtime_Efficiency",
            "split": "held_out" if number % 6 == 0 else "train",
        }
        for number in range(24)
    ]


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "tiny"
    tokenizer = train_tokenizer(["a text"], 512, 256)
    config = tiny_config(tokenizer, layers=2, hidden=32, max_tokens=256, tied=True)
    save_tiny_model(folder, config, tokenizer, seed=1)
    return folder


MakeJob = Callable[..., Job]


@pytest.fixture
def make_job(tmp_path: Path, tiny_model: Path, rows: list[Row]) -> MakeJob:
    numbers = itertools.count()

    def make(
        *,
        model: Path = tiny_model,
        identity: str = "job",
        rows: list[Row] = rows,
        checkpoints: str = "",
        **options: Any,
    ) -> Job:
        folder = tmp_path / f"run-{next(numbers)}"
        (folder / "checkpoints").mkdir(parents=True)
        table = pa.Table.from_pylist(rows, schema=TOKENISED_PAIRS.columns)
        write_pair_file(table.to_batches(), folder / "pairs.arrow")
        return Job(
            identity=identity,
            config=TrainRewardModelConfig(**{**OPTIONS, **options}),
            model=model,
            pairs=folder / "pairs.arrow",
            checkpoints=checkpoints or str(folder / "checkpoints"),
            log=folder / "log",
            output=folder / "trained",
        )

    return make


Train = Callable[..., bool]


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """This process is the only rank."""
    for name, value in {
        "RANK": "0",
        "LOCAL_RANK": "0",
        "WORLD_SIZE": "1",
        "MASTER_ADDR": "localhost",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("MASTER_PORT", "0")


@pytest.fixture
def train(alone: None) -> Train:
    """Runs a job here; `stop_after` steps it is asked to stop."""

    def run(job: Job, stop_after: int | None = None) -> bool:
        asked = itertools.count(1)
        with joined_ranks(job.config) as ranks:
            around = Surroundings(
                ranks=ranks,
                say=lambda text: None,
                clock=lambda: 0.0,
                stop_requested=lambda: next(asked) == stop_after,
            )
            return Trainer(job, around).run()

    return run
