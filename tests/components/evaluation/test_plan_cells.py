"""Planning cells: what a plan holds, and every plan that is refused before anything is scored."""

from pathlib import Path
from typing import Any

import pytest

from components.evaluation.plan_cells.stage import STAGE, PlanCellsConfig
from tests.components.evaluation.builders import publish_folder
from themis_common.config import as_values, load_config
from themis_common.datasets.reader import DatasetReader
from themis_common.errors import UserError
from themis_common.schemas import CELLS
from themis_common.stages import run_stage


def _load(cells: list[dict[str, Any]]) -> PlanCellsConfig:
    return load_config(PlanCellsConfig, {"cells": cells}, where="recipe.yaml: plan_cells")


def _plan(config: PlanCellsConfig, inputs: dict[str, str], output: Path) -> list[dict[str, Any]]:
    return list(DatasetReader(run_stage(STAGE, config, inputs, str(output)).uri, CELLS).rows())


def test_default_cells_find_the_models_of_the_run(
    tmp_path: Path, classifier_dataset: str, causal_dataset: str
) -> None:
    inputs = {"model/export_model": classifier_dataset, "model/prepare_base_model": causal_dataset}
    rows = _plan(PlanCellsConfig(), inputs, tmp_path / "cells")
    assert [(row["cell"], row["architecture"], row["model"], row["prompt_mode"]) for row in rows] == [
        ("trained", "seqcls", "export_model", "criterion"),
        ("untrained", "seqcls-random-head", "prepare_base_model", "criterion"),
        ("longer-response", "longer-response", "", "none"),
    ]


def test_a_cell_may_name_a_dataset_outside_the_run_and_leave_its_architecture_open(
    tmp_path: Path, classifier_dataset: str
) -> None:
    (row,) = _plan(_load([{"id": "m", "model": classifier_dataset}]), {}, tmp_path / "cells")
    assert (row["model"], row["architecture"]) == (classifier_dataset, "seqcls")


def test_a_cell_says_how_many_pods_and_copies_score_it(tmp_path: Path, classifier_dataset: str) -> None:
    cells = [
        {"id": "small", "model": classifier_dataset},
        {"id": "shared", "model": classifier_dataset, "gpus": 4, "pods": 3},
    ]
    small, shared = _plan(_load(cells), {}, tmp_path / "cells")
    assert (small["group"], small["pods"], small["replicas"]) == ("evaluate_1", 1, 1)
    # one GPU holds the model, so that four hold it four times
    assert (shared["group"], shared["pods"], shared["replicas"]) == ("evaluate_4", 3, 4)


def test_paths_count_from_where_the_configuration_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    plan = _load(
        [
            {"id": "a", "model": "models/a"},
            {"id": "b", "model": "export_model"},
            {"id": "c", "scores": "c.parquet"},
            {"id": "d", "model": "gs://bucket/d"},
        ]
    )
    assert [cell.model or cell.scores for cell in plan.cells] == [
        f"{tmp_path}/models/a",
        "export_model",
        f"{tmp_path}/c.parquet",
        "gs://bucket/d",
    ]


def test_a_model_of_another_architecture_is_refused(
    tmp_path: Path, classifier_dataset: str, causal_dataset: str
) -> None:
    cell = {"id": "m", "architecture": "athene", "model": classifier_dataset}
    with pytest.raises(UserError, match="cell m: .*tensor v_head.weight is missing; it is not a model of"):
        _plan(_load([cell]), {}, tmp_path / "a")
    with pytest.raises(UserError, match="cell m: .*no architecture fits; the nearest is seqcls, but tensor"):
        _plan(_load([{"id": "m", "model": causal_dataset}]), {}, tmp_path / "b")


def test_configuration_survives_being_written_down() -> None:
    config = PlanCellsConfig()
    assert load_config(PlanCellsConfig, as_values(config), where="config.json") == config


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ({"id": "a/b", "architecture": "longer-response"}, "cell id 'a/b' must be 1 to 63 letters"),
        ({"id": "..", "architecture": "longer-response"}, "must be 1 to 63 letters"),
        (
            {"id": "a", "architecture": "seqcl", "model": "m"},
            "unknown architecture 'seqcl': use one of seqcls,",
        ),
        ({"id": "a", "architecture": "seqcls"}, "cell a: architecture seqcls needs a model"),
        ({"id": "a"}, "cell a: architecture auto needs a model"),
        ({"id": "a", "architecture": "longer-response", "model": "m"}, "reads no model and no prompt"),
        (
            {"id": "a", "architecture": "longer-response", "prompt_mode": "some"},
            "'none', 'all' or 'criterion'",
        ),
        ({"id": "a", "architecture": "longer-response", "gpu": 1}, "gpu"),
        ({"id": "a", "architecture": "longer-response", "gpus": 3}, "gpus must be 1, 2, 4 or 8, or 0"),
        ({"id": "a", "architecture": "seqcls", "model": "m", "pods": 65}, "pods must be from 1 to 64"),
        ({"id": "a", "architecture": "longer-response", "pods": 2}, "remove model, prompt_mode and pods"),
        ({"id": "a", "scores": "/s.parquet", "model": "m"}, "imported scores need nothing else"),
    ],
)
def test_unusable_cells_are_refused(cell: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match="recipe.yaml: plan_cells: ") as caught:
        _load([cell])
    assert message in str(caught.value)


def test_ids_are_unique_whatever_their_case() -> None:
    with pytest.raises(UserError, match="cell id 'A' is used twice"):
        _load(
            [{"id": "a", "architecture": "longer-response"}, {"id": "A", "architecture": "longer-response"}]
        )
    with pytest.raises(UserError, match="cells is empty"):
        _load([])


def test_a_model_that_lost_a_file_is_refused(tmp_path: Path, classifier_folder: Path) -> None:
    model = publish_folder(classifier_folder, tmp_path / "published")
    (tmp_path / "published" / "files" / "model.safetensors").unlink()
    with pytest.raises(UserError, match=r"cell m: .*a file is missing \(.*model.safetensors") as caught:
        _plan(_load([{"id": "m", "model": model}]), {}, tmp_path / "cells")
    assert "\n" not in str(caught.value)


def test_models_that_are_not_there_are_refused(tmp_path: Path, causal_dataset: str) -> None:
    with pytest.raises(
        UserError,
        match=r"cell trained: no task 'export_model' of this run made a model \(prepare_base_model\)",
    ):
        cells = ({"id": "trained", "architecture": "seqcls", "model": "export_model"},)
        _plan(_load([*cells]), {"model/prepare_base_model": causal_dataset}, tmp_path / "cells")
    nowhere = str(tmp_path / "nowhere")
    with pytest.raises(UserError, match="cell m: model: .*nowhere is no finished dataset"):
        _plan(_load([{"id": "m", "architecture": "seqcls", "model": nowhere}]), {}, tmp_path / "cells")
