"""`themis train` and `themis recipes` as a person types them."""

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pipelines.recipes.reading import recipe_names
from tests.e2e.runs import ROOT, themis

# a recipe that is scaled down to a few seconds on a CPU
SMALL = [
    *("--recipe", "0.6b-1gpu", "--set", "device=cpu", "--set", "compute_dtype=float32"),
    *("--set", "global_batch=8", "--set", "learning_rate=1e-3", "--set", "save_every=2"),
]


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    """40 pairs of which the chosen side says `good`."""
    rows = [
        {
            "input": f"Write function {number}.",
            "chosen": f"def f{number}(): return good({number})",
            "rejected": f"def f{number}(): return bad({number})",
            "criterion": "Functional_Correctness",
            "language": "Python",
        }
        for number in range(40)
    ]
    path = tmp_path / "pairs.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def training(pairs: Path, output: Path, *arguments: str, model: str = "tiny") -> list[str]:
    return ["train", *SMALL, "--data", str(pairs), "--output", str(output), "--model", model, *arguments]


def test_training_writes_both_models_and_a_report_and_is_not_done_twice(pairs: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    done = themis(*training(pairs, output, "--set", "assemble_code.held_out_share=0.2", "--json"))
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["remark"] == "4 steps of up to 8 pairs, 1 epoch"
    assert result["curves"]["Loss/Bradley-Terry"]["last_step"] == 4
    assert (output / "trained" / "reward_head.safetensors").is_file()
    architectures = json.loads((output / "model" / "config.json").read_text())["architectures"]
    assert architectures == ["Qwen3ForSequenceClassification"]
    assert (output / "report" / "index.html").is_file()
    tasks = ("import_code", "assemble_code", "prepare_base_model", "pack_code", "train_code", "export_model")
    assert [line.split()[1] for line in done.stderr.splitlines() if line.startswith("  ok ")] == list(tasks)

    again = themis(*training(pairs, output, "--set", "assemble_code.held_out_share=0.2"))
    assert again.returncode == 0, again.stderr
    assert "training.train_reward_model:" not in again.stderr
    assert f"reward model, to serve: {output / 'model'}" in again.stdout


@pytest.mark.slow
def test_pm_goes_on_from_what_pt_left(pairs: Path, tmp_path: Path) -> None:
    first = themis(*training(pairs, tmp_path / "pt", "--set", "training_stage=PT", "--set", "epochs=1"))
    assert first.returncode == 0, first.stderr
    dataset = next((tmp_path / "pt" / "store" / "dataset.assemble_preferences").iterdir())
    second = themis(*training(dataset, tmp_path / "pm", model=str(tmp_path / "pt" / "trained")))
    assert second.returncode == 0, second.stderr
    assert "the model's own reward head" in second.stderr
    assert "import_code" not in second.stderr


@pytest.mark.slow
def test_a_stopped_training_says_so_and_goes_on(pairs: Path, tmp_path: Path) -> None:
    command = training(pairs, tmp_path / "out", "--set", "global_batch=2", "--set", "epochs=3")
    process = subprocess.Popen(
        [sys.executable, "-m", "pipelines.cli.main", *command], cwd=ROOT, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stderr is not None
        # the first line of the loop: signals are caught from before it on
        assert any(" steps on " in line for line in process.stderr)
        process.send_signal(signal.SIGTERM)
        _, stderr = process.communicate(timeout=120)
    finally:
        process.kill()
    assert process.returncode == 143
    assert stderr.splitlines()[-1] == "stopped, with all work saved; run the same command again to go on"
    again = themis(*command)
    assert again.returncode == 0, again.stderr
    assert "goes on after step" in again.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--data", "x", "--output", "y"], ["--recipe is missing"]),
        (["--recipe", "0.6b-1gp"], ["--data is missing"]),
        (["--recipe", "0.6b-1gp", "--data", "PAIRS", "--output", "OUT"], ["did you mean 0.6b-1gpu?"]),
        (
            ["--recipe", "8b-pm", "--data", "PAIRS", "--output", "OUT"],
            ["8b.yaml", "what PT made of Qwen/Qwen3-8B", "--model FOLDER"],
        ),
        (["--recipe", "8b-pt", "--data", "PAIRS", "--output", "OUT"], ["hf download Qwen/Qwen3-8B"]),
        (["--recipe", "8b-pm", "--data", "PAIRS", "--output", "OUT", "--model", "OUT"], ["is no folder"]),
        (
            ["--recipe", "pm", "--data", "PAIRS", "--output", "OUT", "--set", "globalbatch=8"],
            ["--set globalbatch", "did you mean global_batch?"],
        ),
        (["--recipe", "pm", "--data", "OUT/none.jsonl", "--output", "OUT"], ["none.jsonl", "no such file"]),
        (["--recipe", "pm", "--data", "PAIRS", "--output", "OUT", "--gpus", "8"], ["belong to --plan"]),
        (["--plan", "--data", "PAIRS"], ["--recipe is missing"]),
        (["--plan", "--recipe", "8b-pm", "--gpu", "tpu"], ["--gpu", "tpu", "h100"]),
        (["--plan", "--recipe", "8b-pm", "--memory", "lots"], ["--memory lots", "24G"]),
        (["--plan", "--recipe", "8b-pm", "--mfu", "40"], ["--mfu 40", "0.4"]),
    ],
    ids=lambda value: " ".join(value[:6]) if value and value[0].startswith("--") else "",
)
def test_mistakes_cost_one_line(arguments: list[str], words: list[str], pairs: Path, tmp_path: Path) -> None:
    places = {"PAIRS": str(pairs), "OUT": str(tmp_path / "out")}
    for name, place in places.items():
        arguments = [argument.replace(name, place) for argument in arguments]
    done = themis("train", *arguments)
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    line = done.stderr.strip().splitlines()[-1]
    assert line.startswith("error: ")
    assert [word for word in words if word not in line] == []


def in_a_fresh_process(*arguments: str) -> dict[str, Any]:
    """Run the command and tell which modules it loaded and how much CPU time it took."""
    code = (
        "import json, sys, time\n"
        "from pipelines.cli.main import main\n"
        f"sys.argv = ['themis', *{list(arguments)!r}]\n"
        "try:\n    main()\n"
        "except SystemExit as end:\n    assert not end.code\n"
        "print(json.dumps({'torch': 'torch' in sys.modules, 'seconds': time.process_time()}), file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return {"stdout": done.stdout, **json.loads(done.stderr.splitlines()[-1])}


@pytest.mark.parametrize("arguments", [["--recipe", "8b-pm"], ["--gpus", "1", "--memory", "24G"]])
def test_plans_come_at_once_and_without_torch(arguments: list[str]) -> None:
    done = in_a_fresh_process("train", "--plan", *arguments)
    assert not done["torch"]
    assert done["seconds"] < 2


def test_a_plan_for_machines() -> None:
    done = themis("train", "--plan", "--recipe", "8b-pm", "--price-per-gpu-hour", "2", "--json")
    plan = json.loads(done.stdout)
    assert (plan["steps"], plan["parameters"], plan["fits"]) == (692, 8_190_739_456, True)
    assert plan["cost"] == pytest.approx(2 * plan["gpu_hours"])
    assert sum(plan["memory"]["gpu"].values()) == plan["memory"]["gpu_bytes"]
    assert plan["proposals"].keys() == {"same_results", "adapters", "further_gpus"}


def test_a_plan_measures_the_pairs_where_it_can(pairs: Path) -> None:
    measured = themis("train", "--plan", *SMALL, "--data", str(pairs), "--model", "tiny", "--json")
    assert measured.returncode == 0, measured.stderr
    plan = json.loads(measured.stdout)
    # the recipe holds out a hundredth of 40 pairs, but at least one
    assert (plan["lengths"]["pairs"], plan["steps"]) == (39, 5)
    assert plan["lengths"]["source"] == f"measured on {pairs}"
    estimated = themis("train", "--plan", *SMALL, "--data", str(pairs))
    assert "estimated from the bytes of" in estimated.stdout
    assert "Qwen/Qwen3-0.6B: 596.05 M parameters" in estimated.stdout


def test_recipes_are_listed_with_what_they_train() -> None:
    lines = themis("recipes").stdout.splitlines()
    assert [line.split()[0] for line in lines[1:]] == recipe_names()
    line = next(line for line in lines if line.startswith("14b-pm"))
    assert line.split()[:4] == ["14b-pm", "PM", "Qwen/Qwen3-14B", "64"]
    rows = {row["recipe"]: row for row in json.loads(themis("recipes", "--json").stdout)}
    assert (rows["32b-pt"]["training_stage"], rows["32b-pt"]["gpus"]) == ("PT", 64)
    assert rows["paper"]["base_model"] is None


def test_config_show_tells_which_recipe_a_value_is_from() -> None:
    done = themis("config", "show", "8b-pt,script", "--pipeline", "training", "--json")
    sections = json.loads(done.stdout)
    assert sections["train_general"]["epochs"] == {"value": 2, "source": "paper.yaml"}
    assert sections["train_general"]["weight_decay"] == {"value": 0.01, "source": "script.yaml"}
    assert sections["shared"]["base_model"]["source"] == "8b.yaml"
