"""The demo learns: its trained model beats the untrained one on held-out templates, and shuffled labels teach nothing.

All intervals are over templates: instances of one template are near copies, so that any scorer, also a random one, has
most of them right or most of them wrong. They say how far a difference carries to other templates, not to other draws
of the shuffle: templates share idioms, and a draw that favours an idiom by chance moves many of them at once.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.components.dataset.written import write_dataset
from tests.e2e.runs import themis
from themis_common.datasets.reader import DatasetReader
from themis_common.hashing import row_key
from themis_common.schemas import BENCHMARK, PAIRS, SCORES
from themis_common.statistics import Difference, credit, paired_difference
from themis_common.statistics.accuracy import FloatArray

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The whole demo, with its eleven repositories and its benchmark of held-out templates."""
    folder = tmp_path_factory.mktemp("demo") / "run"
    done = themis("demo", "--output", str(folder))
    assert done.returncode == 0, done.stderr
    return folder


def output_of(run: Path, task: str) -> str:
    return str(json.loads((run / "tasks" / f"{task}.json").read_text())["uri"])


def test_the_demo_is_large_enough_to_learn_from(demo: Path) -> None:
    pairs = list(
        DatasetReader(output_of(demo, "assemble_code"), PAIRS).rows(columns=["criterion", "language"])
    )
    assert len(pairs) >= 600
    assert len({row["criterion"] for row in pairs}) == 5
    assert len({row["language"] for row in pairs}) == 8
    assert DatasetReader(output_of(demo, "assemble_general"), PAIRS).manifest.rows >= 60
    scores = DatasetReader(output_of(demo, "score_benchmark.trained"), SCORES)
    assert scores.manifest.rows >= 300


def test_training_beats_the_untrained_model_outside_the_interval(demo: Path) -> None:
    summary = json.loads((demo / "report/summary.json").read_text())
    rows = {row["cell"]: row for row in summary["leaderboard"]["rows"]}
    assert summary["leaderboard"]["reference"] == "untrained"
    assert rows["trained"]["versus"]["low"] > 0
    # What the page shows is the comparison over templates, found here without the stage.
    found = compared(
        output_of(demo, "score_benchmark.trained"), output_of(demo, "score_benchmark.untrained"), demo
    )
    assert rows["trained"]["versus"]["estimate"] == pytest.approx(found.estimate)
    assert rows["trained"]["versus"]["low"] == pytest.approx(found.interval.low, abs=0.02)


def shuffled(pairs: str, folder: Path) -> str:
    """The same pairs with sides swapped in half of each criterion and language, drawn by lot."""

    def by_lot(row: dict[str, Any]) -> tuple[str, str, str]:
        return row["criterion"], row["language"], row_key("lot 11", row["row_key"])

    rows = sorted(DatasetReader(pairs, PAIRS).rows(), key=by_lot)
    for row in rows[::2]:
        row["chosen"], row["rejected"] = row["rejected"], row["chosen"]
    return write_dataset(folder, PAIRS, rows)


def stage(task: str, output: Path, **inputs: str) -> str:
    flags = [part for name, uri in inputs.items() for part in ("--input", f"{name}={uri}")]
    done = themis("stage", task, "--config", "demo", "--output", str(output), *flags)
    assert done.returncode == 0, done.stderr
    return str(output)


def test_training_on_shuffled_labels_does_not(demo: Path, tmp_path: Path) -> None:
    base = output_of(demo, "prepare_base_model")
    model = base
    for part in ("general", "code"):
        pairs = shuffled(output_of(demo, f"assemble_{part}"), tmp_path / f"shuffled_{part}")
        packed = stage(f"pack_{part}", tmp_path / f"packed_{part}", pairs=pairs, model=base)
        model = stage(f"train_{part}", tmp_path / f"trained_{part}", pairs=packed, model=model)
    exported = stage("export_model", tmp_path / "exported", model=model)
    benchmark = output_of(demo, "import_benchmark")
    scores = stage("score_benchmark", tmp_path / "scores", benchmark=benchmark, model=exported)
    control = compared(scores, output_of(demo, "score_benchmark.untrained"), demo)
    assert control.interval.low <= 0, f"shuffled labels gained {control}"
    gained = compared(output_of(demo, "score_benchmark.trained"), scores, demo)
    assert gained.interval.low > 0, f"labels gained {gained} over shuffled ones"


def compared(scores: str, reference: str, demo: Path) -> Difference:
    """Accuracy of `scores` minus that of `reference` on the demo's benchmark, with templates as clusters."""
    benchmark = DatasetReader(output_of(demo, "import_benchmark"), BENCHMARK)
    templates = [row["subset"] for row in sorted(benchmark.rows(), key=lambda row: str(row["id"]))]
    assert len(set(templates)) >= 80
    return paired_difference(credits_of(scores), credits_of(reference), templates, seed=7)


def credits_of(scores: str) -> FloatArray:
    """Credit of each benchmark pair, in the order of ids."""
    rows = sorted(DatasetReader(scores, SCORES).rows(), key=lambda row: str(row["id"]))
    chosen, rejected = (
        np.array([row[side] for row in rows], dtype=float) for side in ("chosen_score", "rejected_score")
    )
    return credit(chosen, rejected)
