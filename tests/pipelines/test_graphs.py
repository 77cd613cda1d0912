"""Every pipeline compiles, keeps our rules, and runs the tasks that its configuration speaks of."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.evaluation.plan_cells.groups import GROUPS
from pipelines.graphs import PIPELINES, compile_checked
from pipelines.tasks import PIPELINE_TASKS


def string_constants(node: Any) -> set[str]:
    """Every string constant that a compiled pipeline hands to a task."""
    if isinstance(node, dict):
        found = {node["constant"]} if isinstance(node.get("constant"), str) else set()
        return found.union(*(string_constants(value) for value in node.values()))
    if isinstance(node, list):
        return set().union(*(string_constants(value) for value in node))
    return set()


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("compiled")
    specs = {}
    for name in PIPELINES:
        compile_checked(name, folder / f"{name}.yaml")
        specs[name] = next(yaml.safe_load_all((folder / f"{name}.yaml").read_text()))
    return specs


@pytest.mark.parametrize("name", PIPELINES)
def test_tasks_and_configuration_sections_agree(compiled: dict[str, dict[str, Any]], name: str) -> None:
    constants = string_constants(json.loads(json.dumps(compiled[name])))
    missing = PIPELINE_TASKS[name].keys() - constants
    assert not missing, f"the graph {name} has no task {sorted(missing)}"


@pytest.mark.parametrize("name", PIPELINES)
def test_the_run_folder_is_the_only_parameter(compiled: dict[str, dict[str, Any]], name: str) -> None:
    assert compiled[name]["root"]["inputDefinitions"]["parameters"].keys() == {"run"}


@pytest.mark.parametrize("name", PIPELINES)
def test_one_page_ends_each_pipeline(compiled: dict[str, dict[str, Any]], name: str) -> None:
    pages = [
        component
        for component in compiled[name]["components"].values()
        for artifact in component.get("outputDefinitions", {}).get("artifacts", {}).values()
        if artifact["artifactType"].get("schemaTitle") == "system.HTML"
    ]
    assert len(pages) == 1


def test_each_group_of_cells_gets_its_image_and_its_gpus(compiled: dict[str, dict[str, Any]]) -> None:
    spec = compiled["evaluation"]
    found = {}
    for executor in spec["deploymentSpec"]["executors"].values():
        command = " ".join([*executor["container"]["command"], *executor["container"]["args"]])
        if "def score_benchmark" in command or "def import_scores" in command:
            gpus = executor["container"].get("resources", {}).get("accelerator", {}).get("resourceCount", "0")
            name = executor["container"]["image"].rpartition("/")[2].partition(":")[0]
            what = "imported" if "def import_scores" in command else f"{name}_{gpus}"
            found[what] = gpus
    assert found.keys() == set(GROUPS)


def test_images_by_digest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import subprocess
    import sys

    digest = "sha256:" + "0" * 64
    monkeypatch.setenv("THEMIS_IMAGE_DIGEST_DATA", digest)
    target = tmp_path / "dataset.yaml"
    command = [sys.executable, "-m", "pipelines.cli.main", "compile", "dataset", "--output", str(target)]
    subprocess.run(command, check=True, cwd=Path(__file__).parents[2])
    assert f"themis/data@{digest}" in target.read_text()
