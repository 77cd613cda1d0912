"""Bytes by formula against bytes of real tensors: sharded weights and optimiser, and what autograd keeps."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed._tools.mem_tracker import MemTracker
from torch.distributed.tensor import DTensor
from torch.testing._internal.distributed.fake_pg import FakeStore

from components.training.train_reward_model.config import TrainRewardModelConfig
from components.training.train_reward_model.optimizer import make_optimizer
from components.training.train_reward_model.parallel import Ranks, make_sharded_model
from components.training.train_reward_model.recompute import recompute_layers
from pipelines.training_plan.activations import kept_bytes, layer_bytes, working_bytes
from pipelines.training_plan.memory import ALLOWANCE, GRADIENTS, MOMENTS, WEIGHTS, memory
from pipelines.training_plan.model_shape import ModelShape
from pipelines.training_plan.pair_lengths import published_lengths
from tests.pipelines.training_plan.shapes import SMALL, config_of, equal_pairs, model_of
from themis_common.modeling.model import RewardModel, decoder_layers
from themis_common.modeling.packing import PairPack

WORLD = 4


@pytest.fixture
def first_of_four() -> Iterator[Ranks]:
    """Rank 0 of four, whose collectives do nothing."""
    dist.init_process_group("fake", rank=0, world_size=WORLD, store=FakeStore())
    yield Ranks(rank=0, world=WORLD, device=torch.device("cpu"))
    dist.destroy_process_group()


def local_bytes(tensors: Iterator[Tensor]) -> int:
    return sum((tensor.to_local() if isinstance(tensor, DTensor) else tensor).nbytes for tensor in tensors)


@pytest.mark.parametrize(
    "training",
    [
        TrainRewardModelConfig(),
        TrainRewardModelConfig(shard_size=2),
        TrainRewardModelConfig(lora_rank=4),
        TrainRewardModelConfig(offload=True),
    ],
    ids=["sharded", "two copies", "adapters", "offloaded"],
)
def test_what_a_rank_holds_is_what_its_tensors_take(
    training: TrainRewardModelConfig, first_of_four: Ranks
) -> None:
    model = make_sharded_model(config_of(SMALL), training, first_of_four)
    optimizer = make_optimizer(model, training)
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    for parameter in trained:
        parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    moments = (
        tensor
        for state in optimizer.state.values()
        for name, tensor in state.items()
        if name.startswith("exp_avg")
    )
    held = memory(SMALL, published_lengths("PM", 4096), training, WORLD)
    state = held.host if training.offload else held.gpu
    # the one row of the reward head lies on the first rank as a whole
    head = model.reward_head.weight.numel()
    gradients = (parameter.grad for parameter in trained if parameter.grad is not None)
    assert state[WEIGHTS] == pytest.approx(local_bytes(iter(model.parameters())), abs=4 * head)
    assert state[GRADIENTS] == pytest.approx(local_bytes(gradients), abs=4 * head)
    assert state[MOMENTS] == pytest.approx(local_bytes(moments), abs=8 * head)
    assert (WEIGHTS in held.gpu) != training.offload


def saved_bytes(model: RewardModel, pack: PairPack) -> int:
    """Bytes of all storages that forward saves for backward, parameters and buffers aside."""
    own = {tensor.untyped_storage().data_ptr() for tensor in (*model.parameters(), *model.buffers())}
    saved: dict[int, Tensor] = {}

    def keep(tensor: Tensor) -> Tensor:
        if tensor.untyped_storage().data_ptr() not in own:
            saved[tensor.untyped_storage().data_ptr()] = tensor
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        outputs = model(pack)
    assert outputs.lm_loss.requires_grad
    return sum(tensor.untyped_storage().nbytes() for tensor in saved.values())


@pytest.mark.parametrize("dtype", ["bfloat16", "float32"])
def test_a_layer_keeps_what_autograd_saves(dtype: str) -> None:
    _, pack, lengths = equal_pairs(8, prompt=40, chosen=50, rejected=30)
    training = TrainRewardModelConfig(compute_dtype=dtype)  # type: ignore[arg-type]
    one, three = (
        saved_bytes(model_of(replace(SMALL, layers=layers), getattr(torch, dtype)), pack) for layers in (1, 3)
    )
    width = getattr(torch, dtype).itemsize
    # on a CPU the outputs of all segments are copied into one, and segments behind a prompt have a mask
    copies = width * SMALL.query_width
    masks = width * 8 * (50 * 90 + 30 * 70) / len(pack.token_ids)
    expected = layer_bytes(SMALL, lengths, training) + copies + masks
    assert (three - one) / 2 / len(pack.token_ids) == pytest.approx(expected, rel=1e-6)


def live_bytes(shape: ModelShape, policy: str, pack: PairPack) -> int:
    """Bytes of all tensors that are alive between forward and backward."""
    model = model_of(shape, torch.bfloat16)
    recompute_layers(decoder_layers(model), policy)
    tracker = MemTracker()
    tracker.track_external(model)
    with tracker:
        outputs = model(pack)
        totals = tracker.get_tracker_snapshot("current")[torch.device("cpu")]
    assert outputs.lm_loss.requires_grad
    return sum(size for kind, size in totals.items() if getattr(kind, "name", "") == "ACT")


@pytest.mark.parametrize("policy", ["layer", "selective"])
def test_what_is_kept_of_recomputed_layers_is_what_stays_alive(policy: str) -> None:
    _, pack, lengths = equal_pairs(4, prompt=40, chosen=50, rejected=30)
    training = TrainRewardModelConfig(recompute=policy)  # type: ignore[arg-type]
    shapes = [replace(SMALL, layers=layers) for layers in (1, 3)]
    alive = [live_bytes(shape, policy, pack) for shape in shapes]
    kept = [kept_bytes(shape, lengths, training) for shape in shapes]
    assert (alive[1] - alive[0]) / len(pack.token_ids) == pytest.approx(kept[1] - kept[0], rel=1e-6)


def test_smaller_packs_and_recomputing_take_less() -> None:
    lengths = published_lengths("PM", 4096)
    sizes = [
        memory(SMALL, lengths, TrainRewardModelConfig(**options), 1).gpu_bytes
        for options in (
            {},
            {"recompute": "selective"},
            {"recompute": "layer"},
            {"recompute": "layer", "max_tokens_per_pack": 8192},
        )
    ]
    assert sizes == sorted(sizes, reverse=True)
    assert len(set(sizes)) == len(sizes)
    assert min(sizes) > ALLOWANCE


@pytest.mark.parametrize("policy", ["none", "selective", "layer"])
def test_backward_takes_no_more_than_is_planned_and_not_much_less(policy: str) -> None:
    # short responses: the logits of few rows and small masks leave backward the highest moment
    _, pack, lengths = equal_pairs(4, prompt=600, chosen=20, rejected=20)
    training = TrainRewardModelConfig(recompute=policy)  # type: ignore[arg-type]
    model = model_of(SMALL, torch.bfloat16)
    recompute_layers(decoder_layers(model), policy)
    tracker = MemTracker()
    tracker.track_external(model)
    with tracker:
        chosen, rejected, lm_loss = model(pack)
        before = tracker.get_tracker_snapshot("current")[torch.device("cpu")]["Total"]
        (chosen.sum() - rejected.sum() + lm_loss).backward()
        peak = tracker.get_tracker_snapshot("peak")[torch.device("cpu")]["Total"]
    planned = working_bytes(SMALL, lengths, training)
    assert 0.7 * planned < (peak - before) / len(pack.token_ids) <= planned
