"""`themis models`, as typed."""

import json
from typing import Any

from typer.testing import CliRunner

from pipelines.cli.main import app
from themis_common.architectures import ARCHITECTURES


def _printed(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["models", *arguments])
    assert result.exit_code == 0
    return result.stdout


def test_every_published_model_has_its_architecture_gpus_and_image() -> None:
    rows: list[dict[str, Any]] = json.loads(_printed("--json"))
    assert len(rows) == 51
    by_model = {row["model"]: row for row in rows}
    assert by_model["Nexusflow/Athene-RM-70B"] == {
        "model": "Nexusflow/Athene-RM-70B",
        "architecture": "athene",
        "billions": 70.6,
        "gpus": 4,
        "gpu_memory": "80 GB",
        "image": "evaluate",
        "published_script": "athene",
        "note": "",
    }
    assert by_model["ContextualAI/LMUnit-qwen2.5-72b"]["image"] == "llm"
    assert "Mistral-Instruct" in by_model["openbmb/Eurus-RM-7b"]["note"]


def test_lines_can_be_searched() -> None:
    lines = _printed().splitlines()
    assert len(lines) == 52
    assert [line.split()[:2] for line in lines if "ArmoRM" in line] == [
        ["RLHFlow/ArmoRM-Llama3-8B-v0.1", "armo"]
    ]


def test_architectures_are_listed_on_demand() -> None:
    rows: list[dict[str, Any]] = json.loads(_printed("--architectures", "--json"))
    assert [row["architecture"] for row in rows] == list(ARCHITECTURES)
    assert {row["architecture"] for row in rows if row["detected"] == "yes"} >= {
        "seqcls",
        "armo",
        "internlm2",
    }
