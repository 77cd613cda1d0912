"""Heads whose result can be told without a computer (facts/evaluation.md section 10.4)."""

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from components.evaluation.score_benchmark.scalar.heads import LoadedHead
from tests.components.evaluation.scalar.checkpoints import HIDDEN, PUBLISHED
from themis_common.architectures import architecture
from themis_common.architectures.heads import GatedHead, Known


def _head(name: str, **config: object) -> LoadedHead:
    readout = architecture(name).readout
    assert readout is not None
    tensors = PUBLISHED[name].head(torch.Generator().manual_seed(1))
    return LoadedHead(readout.head, tensors, {**PUBLISHED[name].extra_config, **config})


def _states(positions: int) -> Tensor:
    return torch.randn((3, positions, HIDDEN), generator=torch.Generator().manual_seed(2))


def test_a_one_hot_gate_and_an_identity_give_one_objective() -> None:
    head = _head("armo", gating_temperature=1)
    tensors = {**head.tensors, "reward_transform_matrix": torch.eye(19), "gating.logit_scale": torch.ones(1)}
    tensors["gating.layers.3.bias"] = torch.nn.functional.one_hot(torch.tensor(4), 19) * 1e4
    states = _states(2)
    scores = LoadedHead(head.spec, tensors, head.config).score(states)
    torch.testing.assert_close(scores, states[:, 0] @ tensors["regression_layer.weight"][4])


@pytest.mark.parametrize(("name", "factor"), [("qrm-gemma", 1.7), ("qrm-llama", 1.0)])
def test_equal_quantiles_give_their_value_times_the_sum_of_gates(name: str, factor: float) -> None:
    head = _head(name)
    row = torch.randn(HIDDEN, generator=torch.Generator().manual_seed(3))
    tensors = {**head.tensors, "regression_layer.weight": row.expand(95, HIDDEN)}
    states = _states(2)
    scores = LoadedHead(head.spec, tensors, head.config).score(states)
    torch.testing.assert_close(scores, factor * states[:, 0] @ row)


def test_temperatures_are_those_of_the_published_code_unless_the_configuration_says_otherwise() -> None:
    for name, default in (("armo", 10), ("qrm-gemma", 1), ("qrm-llama", 10)):
        readout = architecture(name).readout
        assert readout is not None
        assert isinstance(readout.head, GatedHead)
        assert readout.head.temperature.of({}) == default
        assert readout.head.temperature.of({"gating_temperature": 3}) == 3


@pytest.mark.parametrize("bin_", [0, 4, 9])
def test_a_point_mass_on_a_bin_under_a_unit_gate_gives_the_place_of_the_bin(bin_: int) -> None:
    head = _head("ldl")
    mass = torch.zeros(22, 10)
    mass[:, bin_] = 1e4
    gate = torch.zeros(22)
    gate[7] = 1.0
    tensors = {name: torch.zeros_like(tensor) for name, tensor in head.tensors.items()}
    tensors |= {"regression_layer.network.4.bias": mass.flatten(), "gating_layer.network.6.bias": gate}
    scores = LoadedHead(head.spec, tensors, head.config).score(_states(1))
    assert scores.tolist() == pytest.approx([bin_ / 9] * 3)
    softened = LoadedHead(head.spec, tensors, {"softmax": True}).score(_states(1))
    # the weights then sum to one, and every objective has the same distribution
    assert softened.tolist() == pytest.approx([bin_ / 9] * 3)


def test_equal_gates_of_one_give_the_sum_of_the_means_of_normal_distributions() -> None:
    head = _head("urm")
    ones = {"weights.fc.4.weight": torch.zeros(5, HIDDEN), "weights.fc.4.bias": torch.ones(5)}
    states = _states(1)
    scores = LoadedHead(head.spec, {**head.tensors, **ones}, head.config).score(states)
    torch.testing.assert_close(
        scores, states[:, 0] @ head.tensors["score.weight"][[0, 2, 4, 6, 8]].sum(dim=0)
    )


def test_no_score_depends_on_the_spread_of_a_normal_distribution() -> None:
    head = _head("urm")
    rows = head.tensors["score.weight"].clone()
    rows[[1, 3, 5, 7, 9]] = torch.nan
    states = _states(1)
    changed = LoadedHead(head.spec, {**head.tensors, "score.weight": rows}, head.config).score(states)
    assert torch.equal(changed, head.score(states))


@pytest.mark.parametrize(
    ("labels", "rows"),
    [
        ({"id2label": {"0": "a", "1": "b", "2": "c", "3": "d"}}, 4),
        ({"num_labels": 8}, 8),
        ({"num_labels": 9}, 8),
        ({}, 2),
    ],
)
def test_a_classifier_has_half_as_many_normal_distributions_as_labels(
    labels: dict[str, Any], rows: int
) -> None:
    readout = architecture("urm").readout
    assert readout is not None
    layout = readout.head.layout(Known(labels, HIDDEN, {}))
    assert (layout["score.weight"], layout["weights.fc.4.weight"]) == ((rows, HIDDEN), (rows // 2, HIDDEN))


def test_states_are_widened_before_they_are_multiplied() -> None:
    head = _head("seqcls")
    narrow = _states(1).bfloat16()
    assert head.score(narrow).dtype == torch.float32
    exact = narrow[:, 0].double() @ head.tensors["score.weight"][0].double()
    assert all(
        math.isclose(a, b, rel_tol=1e-5, abs_tol=1e-6)
        for a, b in zip(head.score(narrow).tolist(), exact.tolist(), strict=True)
    )


def test_a_gate_has_the_width_and_depth_of_the_configuration() -> None:
    readout = architecture("armo").readout
    assert readout is not None
    layout = readout.head.layout(Known({"gating_hidden_dim": 8, "gating_n_hidden": 1}, HIDDEN, {}))
    gate = {name: shape for name, shape in layout.items() if name.startswith("gating.layers")}
    assert gate == {
        "gating.layers.0.weight": (8, HIDDEN),
        "gating.layers.0.bias": (8,),
        "gating.layers.1.weight": (19, 8),
        "gating.layers.1.bias": (19,),
    }
