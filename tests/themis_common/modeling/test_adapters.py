"""Adapters on a plain model: merged weights score as the adapted model does, names and first values are right."""

from collections.abc import Callable

import pytest
import torch

from themis_common.errors import UserError
from themis_common.modeling.adapters import add_adapters, initialise_adapters
from themis_common.modeling.model import RewardModel
from themis_common.modeling.packing import pack_pairs
from themis_common.modeling.token_pair import TokenPair
from themis_common.modeling.weights import stored_adapters, stored_parameters

MakeModel = Callable[..., RewardModel]


def adapted_model(make_model: MakeModel, tied: bool = True, **options: object) -> RewardModel:
    """Adapters of rank 3 with first values, and the frozen weights as they were."""
    model = make_model(tied=tied)
    settings: dict[str, object] = {"rank": 3, "alpha": 6, "targets": (), "frozen_dtype": torch.float32}
    add_adapters(model, **{**settings, **options})  # type: ignore[arg-type]
    for name, parameter in dict(model.named_parameters()).items():
        if parameter.is_meta:
            owner, _, attribute = name.rpartition(".")
            real = torch.nn.Parameter(torch.full(parameter.shape, torch.nan))
            setattr(model.get_submodule(owner), attribute, real)
    initialise_adapters(model, seed=7)
    return model


@pytest.mark.parametrize("tied", [True, False])
@torch.no_grad()
def test_merged_weights_score_as_the_adapted_model(
    make_model: MakeModel, pairs: list[TokenPair], tied: bool
) -> None:
    pack = pack_pairs(pairs)
    plain, adapted = make_model(tied=tied), adapted_model(make_model, tied=tied)
    before = plain(pack)
    for got, want in zip(adapted(pack), before, strict=True):
        torch.testing.assert_close(got, want, rtol=0, atol=0)

    found, generator = stored_adapters(adapted), torch.Generator().manual_seed(3)
    for adapter in found.values():
        torch.nn.init.normal_(adapter.up, std=0.05, generator=generator)
    expected = adapted(pack)
    assert (expected.chosen - before.chosen).abs().max() > 0.1
    parameters = stored_parameters(adapted)
    for name, target in stored_parameters(plain).items():
        merged = (
            found[name].merge_into(parameters[name], lambda part: part) if name in found else parameters[name]
        )
        target.copy_(merged)
    for got, want in zip(plain(pack), expected, strict=True):
        torch.testing.assert_close(got, want, rtol=1e-5, atol=1e-5)


def test_names_and_shapes_are_those_of_a_model_without_adapters(make_model: MakeModel) -> None:
    adapted, plain = adapted_model(make_model), make_model()
    shapes = {name: parameter.shape for name, parameter in stored_parameters(plain).items()}
    assert {name: parameter.shape for name, parameter in stored_parameters(adapted).items()} == shapes
    assert len(stored_adapters(adapted)) == 2 * 7
    assert stored_adapters(adapted).keys() <= shapes.keys()
    assert stored_adapters(plain) == {}


def test_first_values_depend_on_seed_and_layer(make_model: MakeModel) -> None:
    one, other = stored_adapters(adapted_model(make_model)), stored_adapters(adapted_model(make_model))
    downs = [adapter.down for adapter in one.values()]
    for mine, theirs in zip(downs, other.values(), strict=True):
        assert torch.equal(mine, theirs.down)
        assert mine.abs().max() <= mine.shape[1] ** -0.5
        assert mine.std() > 0
    assert len({tuple(down.flatten().tolist()) for down in downs}) == len(downs)
    assert {adapter.scale for adapter in one.values()} == {2.0}


def test_a_layer_that_is_not_there_is_refused(make_model: MakeModel) -> None:
    with pytest.raises(UserError, match="no linear layer 'qkv'; it has down_proj, gate_proj, k_proj, o_proj"):
        adapted_model(make_model, targets=("q_proj", "qkv"))
