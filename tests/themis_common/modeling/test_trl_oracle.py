"""Loss and all gradients of a pack against TRL's own reward trainer, which pads; needs the peers' environment."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from tests.benchmarks.length_sets import PairLengths, token_pairs
from tests.benchmarks.measure import Peer, why_no_peer
from tests.benchmarks.trl_folder import write_trl_folder
from tests.fixtures.small_qwen3 import qwen3_config
from themis_common.modeling.losses import bradley_terry_sum, magnitude_sum
from themis_common.modeling.model import RewardModel
from themis_common.modeling.packing import pack_pairs
from themis_common.modeling.weights import stored_parameters

pytestmark = pytest.mark.slow

CENTRE = 0.01
# as many as TRL's micro-batch, because it takes means of means
LENGTHS = [PairLengths(30, 12, 5), PairLengths(4, 50, 60), PairLengths(41, 1, 2), PairLengths(17, 9, 9)]
MARGINS = [0.5, 0.0, 2.0, 1.0]


def test_loss_and_all_gradients_are_those_of_trl(tmp_path: Path) -> None:
    missing = why_no_peer("trl")
    if missing:
        pytest.skip(missing)
    config = qwen3_config(pad_token_id=0, initializer_range=0.3)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        model = RewardModel(config)
        torch.nn.init.normal_(model.reward_head.weight, std=0.3)
    pairs = token_pairs(LENGTHS, config.vocab_size, seed=1)
    write_trl_folder(model, pairs, tmp_path, MARGINS)
    with Peer("tests.benchmarks.peers.trl_reward", [str(tmp_path), str(CENTRE)]) as trl:
        theirs = trl.case("step")().result
        trl.case("gradients")()
    expected = load_file(tmp_path / "gradients.safetensors")

    chosen, rejected, _ = model(pack_pairs(pairs), with_lm=False)
    assert (chosen + rejected).abs().max() > 1
    loss = bradley_terry_sum(chosen, rejected, torch.tensor(MARGINS))
    loss = (loss + CENTRE * magnitude_sum(chosen, rejected, "centre")) / len(pairs)
    loss.backward()

    assert loss.item() == pytest.approx(theirs["loss"], rel=1e-6)
    found = {name: parameter.grad for name, parameter in stored_parameters(model).items()}
    assert found.keys() == expected.keys()
    for name, wanted in expected.items():
        error = (found[name] - wanted).abs().max() / wanted.abs().max()
        assert error < 1e-5, f"{name}: {error}"
