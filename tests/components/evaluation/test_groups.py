"""Groups of cells: GPUs by the size of a model, and the loops of the compiled pipeline."""

import dataclasses
from pathlib import Path

import pytest

from components.evaluation.plan_cells.groups import (
    GROUPS,
    IMPORTED,
    SHAPES,
    copies_on,
    gpus_for,
    gpus_that_hold,
    group_of,
)
from components.evaluation.plan_cells.stage import Cell, PlanCellsConfig
from components.evaluation.plan_cells.task import cells_by_group
from components.evaluation.score_benchmark.config import ScoreBenchmarkConfig
from components.evaluation.score_benchmark.task import _gpus, _on_gpus
from tests.components.evaluation.test_plan_cells import _plan
from themis_common.architectures import architecture
from themis_common.architectures.checkpoint import Checkpoint
from themis_common.architectures.published import PublishedModel, published_models
from themis_common.config import config_hash
from themis_common.errors import UserError
from themis_common.images import IMAGE_NAMES


@pytest.mark.parametrize("model", published_models(), ids=lambda model: model.run)
def test_the_published_models_get_the_gpus_of_their_table(model: PublishedModel) -> None:
    gpus = gpus_that_hold(model.billions * 2e9)
    assert gpus == model.gpus
    assert group_of(model.row.image, gpus) in GROUPS


def test_a_model_that_no_machine_holds_is_refused() -> None:
    huge = Checkpoint("huge", {"dtype": "bfloat16"}, {"a": (1_000_000, 400_000)}, frozenset())
    with pytest.raises(UserError, match="huge: weights of 800 GB do not fit 8 GPUs of 80 GB"):
        gpus_for(huge, architecture("seqcls"))


@pytest.mark.parametrize(
    ("dtype", "name", "gpus", "copies_on_eight"),
    [
        ("bfloat16", "seqcls", 1, 8),
        ("float32", "seqcls", 2, 4),
        (None, "seqcls", 2, 4),
        ("float32", "r3", 1, 8),
    ],
)
def test_weights_count_in_the_precision_in_which_they_run(
    dtype: str | None, name: str, gpus: int, copies_on_eight: int
) -> None:
    model = Checkpoint("m", {"torch_dtype": dtype}, {"a": (32_000, 1_000_000)}, frozenset())
    assert gpus_for(model, architecture(name)) == gpus
    assert copies_on(8, model, architecture(name)) == copies_on_eight
    assert copies_on(1, model, architecture(name)) == 1


def test_groups_have_an_image_and_gpus() -> None:
    assert SHAPES[IMPORTED] == ("evaluate", 0)
    assert {image for image, _ in SHAPES.values()} <= set(IMAGE_NAMES)
    assert all(group == group_of(*shape) for group, shape in SHAPES.items() if group != IMPORTED)


def test_every_cell_is_in_the_loop_of_its_group(tmp_path: Path, classifier_dataset: str) -> None:
    scores = tmp_path / "scores.parquet"
    scores.touch()
    cells = (
        Cell(id="small", model=classifier_dataset),
        Cell(id="large", model=classifier_dataset, gpus=4),
        Cell(id="longer", architecture="longer-response"),
        Cell(id="published", scores=str(scores)),
    )
    rows = _plan(PlanCellsConfig(cells=cells), {}, tmp_path / "cells")
    planned = {row["cell"]: row["group"] for row in rows}
    loops = dict(zip(GROUPS, cells_by_group(planned), strict=True))
    assert {group: ids for group, ids in loops.items() if ids} == {
        "imported": ["published"],
        "evaluate_0": ["longer"],
        "evaluate_1": ["small"],
        "evaluate_4": ["large"],
    }
    assert rows[-1]["architecture"] == IMPORTED
    assert rows[-1]["model"] == str(scores)


def test_a_pod_uses_all_its_gpus() -> None:
    config = ScoreBenchmarkConfig()
    assert _on_gpus(config, _gpus("evaluate_0"), 1) == _on_gpus(config, _gpus("llm_1"), 1) == config
    shapes = {copies: _on_gpus(config, _gpus("llm_4"), copies) for copies in (1, 2, 4)}
    assert {
        copies: (shape.replicas, shape.placement, shape.judge.gpus) for copies, shape in shapes.items()
    } == {
        1: (1, "spread", 4),
        2: (2, "spread", 2),
        4: (4, "one", 1),
    }
    wide = _on_gpus(dataclasses.replace(config, dtype="float32"), _gpus("evaluate_4"), 4)
    assert (wide.replicas, wide.placement) == (2, "spread")
    more = _on_gpus(dataclasses.replace(config, replicas=4), _gpus("evaluate_2"), 1)
    assert (more.replicas, more.placement) == (4, "spread")
    # where a model lies, and how often, does not change what it scores
    assert {config_hash(shape) for shape in shapes.values()} == {config_hash(config)}
