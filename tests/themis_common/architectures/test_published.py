"""The registry and the table of published models, against the fact sheet's counts."""

from collections import Counter

import pytest

from themis_common.architectures import ARCHITECTURES, architecture
from themis_common.architectures.published import PublishedModel, published_models
from themis_common.errors import UserError

# facts/evaluation.md section 7: how many runs each published script is said to have made
_RUNS_OF_SCRIPT = {
    "seqcls": 22,
    "internlm": 5,
    "acecode": 4,
    "r3": 3,
    "athene": 2,
    "grm": 2,
    "nemotron": 1,
    "ldl": 1,
    "inform": 1,
    "qrm-llama": 1,
    "qrm": 1,
    "armo": 1,
    "nemotron-genrm": 1,
    "starling": 1,
    "ultra": 1,
    "eurus": 1,
    "automodel": 1,
    "cerm": 1,
    "lmunit": 1,
}


def test_all_published_models_are_there() -> None:
    models = published_models()
    assert (
        len(models) == len({model.hub_id for model in models}) == len({model.run for model in models}) == 51
    )
    assert Counter(model.script for model in models) == _RUNS_OF_SCRIPT


def test_wrong_assignments_of_the_published_scripts_are_put_right() -> None:
    by_run = {model.run: model for model in published_models()}
    assert by_run["AceMath-7B-RM"].architecture == by_run["AceMath-72B-RM"].architecture == "seqcls"
    assert by_run["mistral-7b-gsm8k-code-rm"].architecture == "seqcls"
    assert by_run["WorldPM-72B-RLHFLow"].architecture == "worldpm"
    assert by_run["Qwen2.5-Math-RM-72B"].architecture == "qwen2-reward"


def test_every_architecture_but_ours_is_that_of_a_published_model() -> None:
    used = {model.row.name for model in published_models()}
    assert ARCHITECTURES.keys() - used == {"seqcls-random-head", "grm-linear", "longer-response"}


@pytest.mark.parametrize("model", published_models(), ids=lambda model: model.run)
def test_the_weights_fit_into_the_gpus_with_room_for_activations(model: PublishedModel) -> None:
    gigabytes = 2 * model.billions
    assert gigabytes <= 0.85 * 80 * model.gpus
    assert model.gpus == 1 or gigabytes > 0.85 * 80 * model.gpus / 2


def test_what_is_read_out_is_said_of_scalar_architectures_alone() -> None:
    for row in ARCHITECTURES.values():
        assert (row.readout is not None) == (row.kind == "scalar")


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(UserError, match="unknown architecture 'amo': use one of seqcls, .*armo,.*, or auto"):
        architecture("amo")
