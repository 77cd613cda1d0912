"""Preference pairs as datasets, written by a real stage."""

import random
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from themis_common.config import NoConfig
from themis_common.hashing import row_key
from themis_common.schemas import PAIRS, Schema
from themis_common.stages import Context, Stage, UnitOutput, run_stage

WriteDataset = Callable[[str, Schema, Iterable[Mapping[str, Any]]], str]
MakePairs = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def write_dataset(tmp_path: Path) -> WriteDataset:
    def write(name: str, schema: Schema, rows: Iterable[Mapping[str, Any]]) -> str:
        def work(context: Context[NoConfig], unit: str, output: UnitOutput) -> None:
            for row in rows:
                output.emit(row, sources=())

        stage = Stage(
            name=f"test.{name}",
            version=1,
            config=NoConfig,
            output=schema,
            plan=lambda context: ["all"],
            work=work,
        )
        return run_stage(stage, NoConfig(), {}, str(tmp_path / name)).uri

    return write


@pytest.fixture
def make_pairs() -> MakePairs:
    """Pairs that can be learned: the chosen side calls `good`, the rejected one `bad`."""

    def make(number: int, held_out_every: int = 5) -> list[dict[str, Any]]:
        generator = random.Random(3)
        rows = []
        for index in range(number):
            words = [
                generator.choice(["alpha", "beta", "gamma", "delta", "items", "value"]) for _ in range(12)
            ]
            body = f"def run(items):\n    {words[0]} = {words[1]}(items)\n"
            rows.append(
                {
                    "row_key": row_key("pair", index),
                    "system": None if index % 3 else "Judge correctness.",
                    "input": f"Write {' '.join(words)}.",
                    "chosen": f"{body}    return good({words[2]})",
                    "rejected": f"{body}    return bad({words[2]})",
                    "language": ("Python", "Go")[index % 2],
                    "criterion": ("Functional_Correctness", "Memory_Efficiency")[index // 2 % 2],
                    "source": "test",
                    "split": "train" if index % held_out_every else "held_out",
                    **dict.fromkeys(("repo", "commit", "path", "license")),
                }
            )
        return rows

    return make


@pytest.fixture
def pairs(write_dataset: WriteDataset, make_pairs: MakePairs) -> str:
    return write_dataset("pairs", PAIRS, make_pairs(60))


@pytest.fixture
def base_model(tmp_path: Path, pairs: str) -> str:
    from components.training.prepare_base_model.stage import STAGE, PrepareBaseModelConfig

    options = PrepareBaseModelConfig(vocabulary=600, max_tokens=512)
    return run_stage(STAGE, options, {"pairs/all": pairs}, str(tmp_path / "base")).uri


@pytest.fixture
def tokenised(tmp_path: Path, pairs: str, base_model: str) -> str:
    from components.training.pack_pairs.stage import STAGE, PackPairsConfig

    inputs = {"pairs": pairs, "model": base_model}
    return run_stage(STAGE, PackPairsConfig(max_tokens=512), inputs, str(tmp_path / "tokenised")).uri
