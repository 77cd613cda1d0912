"""A body whose layers lie in different places gives the scores of one that lies in one place."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from transformers import PreTrainedModel

from components.evaluation.score_benchmark.scalar.body import Placement, spread_over_gpus
from components.evaluation.score_benchmark.scalar.loading import LoadOptions, load_scalar_model
from components.evaluation.score_benchmark.scalar.scorer import ScalarModel
from tests.components.evaluation.builders import ROWS
from tests.components.evaluation.scalar.checkpoints import Tensors
from themis_common.architectures import architecture
from themis_common.prompts.chat import Conversation

_ON_DISK = {"embed_tokens": "cpu", "rotary_emb": "cpu", "layers.0": "disk", "layers.1": "cpu", "norm": "cpu"}
_ALL_ON_DISK = {**dict.fromkeys(_ON_DISK, "disk"), "rotary_emb": "cpu"}


def _scores(model: ScalarModel) -> list[float]:
    return model.score(
        [model.encoder.encode(Conversation(None, row["prompt"], row["chosen"])) for row in ROWS]
    )


@pytest.mark.parametrize("placement", [_ON_DISK, _ALL_ON_DISK, dict.fromkeys(_ON_DISK, "cpu")])
@pytest.mark.parametrize("name", ["seqcls", "internlm2", "qrm-gemma"])
def test_layers_may_lie_on_disk(
    name: str,
    placement: Placement,
    checkpoint: Callable[[str], tuple[Path, Tensors]],
    loaded: Callable[[str], ScalarModel],
    tmp_path: Path,
) -> None:
    options = LoadOptions(placement=lambda *_: placement, offload=tmp_path / "offload")
    model = load_scalar_model(checkpoint(name)[0], architecture(name), options)
    on_disk = {place for place, where in placement.items() if where == "disk"}
    for parameter, tensor in model.body.named_parameters():
        place = max((place for place in placement if parameter.startswith(place)), key=len)
        assert (tensor.device.type == "meta") == (place in on_disk)
    assert _scores(model) == pytest.approx(_scores(loaded(name)), abs=1e-6)


def test_spreading_puts_every_layer_somewhere_and_splits_none(
    checkpoint: Callable[[str], tuple[Path, Tensors]], loaded: Callable[[str], ScalarModel], tmp_path: Path
) -> None:
    placements: list[Placement] = []

    def spread(body: PreTrainedModel, dtype: torch.dtype) -> Placement:
        placements.append(spread_over_gpus(body, dtype, gpus=()))
        return placements[-1]

    options = LoadOptions(placement=spread, offload=tmp_path / "offload")
    model = load_scalar_model(checkpoint("seqcls")[0], architecture("seqcls"), options)
    assert not any(place.startswith("layers.") and place.count(".") > 1 for place in placements[0])
    assert _scores(model) == pytest.approx(_scores(loaded("seqcls")), abs=1e-6)
