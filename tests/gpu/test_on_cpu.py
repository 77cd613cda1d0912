"""Every module at toy shapes on the CPU, in float32, without fused kernels: on a GPU only kernels remain unproven."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from tests.gpu import checks, scoring, smoke, training
from tests.gpu.__main__ import TIME_IS_UP, main
from tests.gpu.cases import SKIPPED, Case, Ledger
from tests.gpu.scale import scale_of
from themis_common.modeling.attention import segment_attention

SCALE = scale_of(toy=True)


def cases(*items: Any) -> dict[str, Case]:
    """The cases of items by key."""
    return {key: case for item in items for group in item.groups(SCALE) for key, case in group.cases.items()}


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("workspace")


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def test_all_checks_pass(workspace: Path) -> None:
    for key, check in cases(checks).items():
        assert check(workspace)["passed"], key


def test_attention_that_looks_at_less_does_not_pass(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def short_sighted(*inputs: Any, **options: Any) -> Any:
        return segment_attention(*inputs, **options, sliding_window=20)

    monkeypatch.setattr(checks, "segment_attention", short_sighted)
    for name in ("tree of pairs", "alignment"):
        assert not cases(checks)[f"checks/{name}"](workspace)["passed"], name


@pytest.mark.parametrize("key", cases(training))
def test_every_side_trains(workspace: Path, key: str) -> None:
    values = cases(training)[key](workspace)
    if SKIPPED in values:
        pytest.skip(values[SKIPPED])
    if key.endswith("profile"):
        assert values["lines"]
        return
    assert values["seconds"] > 0
    assert values["pairs"] == SCALE.steps * SCALE.models["toy"].pairs_per_step
    assert values["executed_flops"] >= values["limit_flops"]
    assert values["gradient_error"] is None or values["gradient_error"] < SCALE.gradient_tolerance


def test_a_side_with_another_objective_is_refused(workspace: Path) -> None:
    training._make_exact(SCALE, "toy", workspace)
    side = training.Side(scale=SCALE, size="toy", kernels="plain", pack=1024)
    other = load_file(training._exact_file(workspace, "toy", "reward only"))
    with pytest.raises(ValueError, match="gradients differ by"):
        training._check(side, workspace, other)


def test_both_ways_of_scoring_are_timed(workspace: Path) -> None:
    found = {key: case(workspace) for key, case in cases(scoring).items()}
    assert all(values["difference"] < 1e-5 for values in found.values())
    assert len(found) == 2


@pytest.mark.slow
@pytest.mark.parametrize("name", ["plain", "killed and resumed", "export", "recompute selective"])
def test_a_path_through_torchrun(workspace: Path, name: str) -> None:
    values = cases(smoke)[f"smoke/{name}"](workspace)
    assert values["passed"], values
    # on one kind of CPU nothing may differ at all
    assert values.get("equal bytes", True)


@pytest.mark.slow
def test_the_command_writes_tables_and_goes_on_where_it_was_cut_off(tmp_path: Path) -> None:
    results = tmp_path / "results.md"
    arguments = ["--toy", "--only", "checks", "--results", str(results), "--workspace", str(tmp_path)]
    assert main([*arguments, "--minutes", "0"]) == TIME_IS_UP
    assert "not run yet" in results.read_text()
    assert main([*arguments, "--minutes", "5"]) == 0
    assert "tree of pairs" in results.read_text()
    assert not [key for key in Ledger(results.with_suffix(".jsonl")).latest() if "training" in key]
