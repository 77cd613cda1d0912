"""`themis evaluate`, `verify` and `benchmarks` as a person types them."""

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from pipelines.cli.main import app
from tests.components.evaluation.builders import ROWS, write_parquet
from tests.e2e.runs import themis
from themis_common.prompts.published import PUBLISHED_SHA256
from themis_common.schemas import BENCHMARK

CPU = ("--set", "score_benchmark.device=cpu", "--set", "score_benchmark.max_tokens=2048")


@pytest.fixture
def benchmark(tmp_path: Path) -> str:
    return str(write_parquet(tmp_path / "bench.parquet", ROWS))


def _invoke(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def test_a_baseline_is_evaluated(benchmark: str, tmp_path: Path) -> None:
    output = tmp_path / "out"
    command = ["evaluate", "--architecture", "longer-response", "--benchmark", benchmark]
    done = themis(*command, "--output", str(output), "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["leaderboard"]["pairs"] == len(ROWS)
    assert found["published"]["longer-response"]["scores"] == str(output / "scores.parquet")
    again = themis("aggregate", str(output / "scores.parquet"), "--compat", str(tmp_path / "again.json"))
    assert again.returncode == 0, again.stderr
    assert (tmp_path / "again.json").read_bytes() == (output / "results.json").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "error: --model is missing; name a model, or a baseline with --architecture"),
        (("--model", "nowhere"), "error: --model: nowhere is no folder; a model of the Hugging Face hub is"),
        (("--architecture", "longer"), "error: --architecture: unknown architecture 'longer'"),
        (
            ("--architecture", "longer-response", "--prompts", "p.json"),
            "error: --prompts: p.json is no file;",
        ),
        (
            ("--architecture", "longer-response", "--set", "seeds=1"),
            "unknown key 'seeds'; did you mean seed?",
        ),
    ],
)
def test_wrong_use_is_one_line(
    benchmark: str, tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    done = themis("evaluate", "--benchmark", benchmark, "--output", str(tmp_path / "out"), *arguments)
    assert done.returncode == 2
    (line,) = [line for line in done.stderr.splitlines() if not line.startswith("  ok ")]
    assert message in line


def test_a_model_that_cannot_be_scored_is_told_last_and_by_the_exit_code(
    benchmark: str, tmp_path: Path, classifier_folder: Path
) -> None:
    bare = tmp_path / "bare"
    shutil.copytree(classifier_folder, bare)
    (bare / "chat_template.jinja").unlink()
    models = ("--model", str(bare), "--model", str(classifier_folder))
    output = tmp_path / "out"
    done = themis("evaluate", *models, "--benchmark", benchmark, "--output", str(output), *CPU)
    assert done.returncode == 2
    *lines, last = done.stderr.splitlines()
    assert "fail score_benchmark.bare (" in "\n".join(lines)
    assert last.startswith("error: cell bare: ")
    assert last.count("no chat template") == 1
    assert "|  | bare | no scores | " in done.stdout
    assert f"{classifier_folder.name}: {output}/{classifier_folder.name}/scores.parquet" in done.stdout
    assert not (output / "bare").exists()


def test_verifying_tells_by_its_exit_code(benchmark: str, tmp_path: Path, classifier_folder: Path) -> None:
    model = str(classifier_folder)
    scored = _invoke(
        *("evaluate", "--model", model, "--benchmark", benchmark, "--output", str(tmp_path / "out"), *CPU)
    )
    assert scored.exit_code == 0, scored.output
    reference = ("--reference", str(tmp_path / "out" / "scores.parquet"))
    verify = ("verify", model, *reference, "--benchmark", benchmark, "--rows", "5", *CPU)
    agrees = _invoke(*verify, "--output", str(tmp_path / "same"))
    assert agrees.exit_code == 0, agrees.output
    assert "verdict: agrees" in agrees.output
    # with prompts that the model was not scored under
    differs = _invoke(*verify, "--prompt-mode", "criterion", "--output", str(tmp_path / "other"), "--json")
    assert differs.exit_code == 1
    found = json.loads(differs.stdout)
    assert (found["agrees"], found["compared"]) == (False, 5)
    assert found["objections"]


def test_prompts_are_imported_or_refused_in_one_line(tmp_path: Path) -> None:
    done = themis("prompts", "import", str(tmp_path / "none"), "--output", str(tmp_path / "p.json"))
    assert (done.returncode, done.stderr) == (2, f"error: {tmp_path}/none: no such file or folder\n")
    texts = tmp_path / "texts.json"
    texts.write_text(json.dumps(dict.fromkeys(PUBLISHED_SHA256, "Judge.")))
    done = themis("prompts", "import", str(texts), "--output", str(tmp_path / "p.json"))
    assert done.returncode == 2
    assert "texts.json: prompt Full has SHA-256" in done.stderr
    assert not (tmp_path / "p.json").exists()


def test_benchmarks_are_listed() -> None:
    rows = json.loads(_invoke("benchmarks", "--json").stdout)
    first = rows[0]
    assert (first["name"], first["licence"], first["rows"]) == ("CodeRewardBench", "Apache-2.0", 8866)
    assert all(row["columns"] == BENCHMARK.names[1:] for row in rows)
    assert "CodeRewardBench\n" in _invoke("benchmarks").stdout
