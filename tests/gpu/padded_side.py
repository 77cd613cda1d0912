"""The published trainer's layout on a device: padded, two passes, the language-model head on every row.

It is given what it can have: attention that leaves the padding out, Liger's layers and Liger's fused loss, the same
sharding and mixed precision as ours, the same optimiser, gradients summed on the last micro-batch only. Activations are
computed twice, as the published script has it (facts/training.md section 3); without that, one sees by how much.

Shapes: B pairs of a micro-batch, T its longest side, H query heads, D head dimension, R rows that are no padding.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FSDPModule, MixedPrecisionPolicy, fully_shard
from torch.nn.functional import cross_entropy
from transformers import AttentionInterface, PretrainedConfig

from components.training.train_reward_model.config import TrainRewardModelConfig
from components.training.train_reward_model.metrics import StepSums
from components.training.train_reward_model.optimizer import clip_gradients, make_optimizer, set_learning_rate
from components.training.train_reward_model.parallel import Ranks
from components.training.train_reward_model.recompute import recompute_layers
from tests.benchmarks.reference_trainer import IGNORED, PaddedBatch, ReferenceModel, collate, micro_batches
from themis_common.modeling.attention import segment_attention
from themis_common.modeling.model import PairOutputs, read_model_config
from themis_common.modeling.packing import Segments
from themis_common.modeling.token_pair import TokenPair
from themis_common.modeling.weights import REWARD_HEAD, StoredWeights

_ATTENTION = "themis_padded_rows"
LossSum = Callable[[Tensor, Tensor, Tensor], Tensor]
"""Of hidden states (N, h), output embedding (V, h) and labels (N,), the sum over those that are not IGNORED."""


def padded_attention(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float,
    *,
    real: Segments,
    **options: Any,
) -> tuple[Tensor, None]:
    """Causal attention of padded rows, (B, H, T, D), that computes on what is no padding; zeros elsewhere.

    Args:
        real: a segment for each row of the batch; `kv_rows` are its rows in (B * T).
    """
    batch, heads, length, width = query.shape
    rows = real.kv_rows
    flat = [tensor.transpose(1, 2).flatten(0, 1) for tensor in (query, key, value)]  # (B * T, heads, D)
    asked = flat[0].index_select(0, rows)
    inputs = [tensor.transpose(0, 1)[None] for tensor in (asked, *flat[1:])]
    found, _ = segment_attention(
        module, inputs[0], inputs[1], inputs[2], attention_mask, scaling, segments=real, **options
    )
    padded = found.new_zeros(batch * length, heads, width).index_copy(0, rows, found[0])
    return padded.view(batch, length, heads, width), None


AttentionInterface.register(_ATTENTION, padded_attention)


class PaddedModel(ReferenceModel):
    """The reference with rows, labels and attention laid out for a device."""

    def __init__(self, config: PretrainedConfig, loss_sum: LossSum) -> None:
        super().__init__(config)
        self.backbone.set_attn_implementation(_ATTENTION)
        self._loss_sum = loss_sum

    def forward(self, batch: PaddedBatch, real: tuple[Segments, Segments], with_lm: bool) -> PairOutputs:  # type: ignore[override]
        """Rewards of both sides, and the sum of the next-token loss over the chosen responses."""
        chosen = self._padded_hidden(batch.chosen_ids, real[0])
        rejected = self._padded_hidden(batch.rejected_ids, real[1])
        return PairOutputs(
            chosen=self._rewards_at(chosen, batch.chosen_mask),
            rejected=self._rewards_at(rejected, batch.rejected_mask),
            lm_loss=self._lm_sum(chosen, batch) if with_lm else chosen.new_zeros((), dtype=torch.float32),
        )

    def _padded_hidden(self, ids: Tensor, real: Segments) -> Tensor:
        found: Tensor = self.backbone.model(input_ids=ids, use_cache=False, real=real).last_hidden_state
        return found

    def _rewards_at(self, hidden: Tensor, mask: Tensor) -> Tensor:
        rows = torch.arange(len(hidden), device=hidden.device)
        rewards: Tensor = self.reward_head(hidden[rows, mask.sum(dim=1) - 1].float())
        # a copy, because FSDP loses its hooks on views
        return rewards.squeeze(-1).clone()

    def _lm_sum(self, hidden: Tensor, batch: PaddedBatch) -> Tensor:
        labels = batch.chosen_ids.roll(-1, dims=1)
        column = torch.arange(labels.shape[1], device=hidden.device)
        is_last = column[None] >= batch.chosen_mask.sum(dim=1, keepdim=True) - 1
        is_prompt = column[None] < batch.prompt_tokens[:, None] - 1
        labels = labels.masked_fill(is_last | is_prompt, IGNORED)
        return self._loss_sum(hidden.flatten(0, 1), self.backbone.lm_head.weight, labels.flatten())


class PaddedTrainer:
    """Model and optimiser of the reference, for whole steps and for gradients by themselves."""

    def __init__(self, folder: Path, config: TrainRewardModelConfig, ranks: Ranks) -> None:
        self._config = config
        self._ranks = ranks
        with ranks.device:
            self.model = PaddedModel(
                read_model_config(folder), _liger_sum if config.kernels == "liger" else _plain_sum
            )
        _fill(self.model, StoredWeights(folder))
        if config.kernels == "liger":
            _apply_liger(self.model)
        layers = self.model.backbone.model.layers
        recompute_layers(layers, config.recompute)
        _shard(self.model, layers, config, ranks)
        self.model.train()
        self._optimizer = make_optimizer(self.model, config)

    def backward(self, pairs: Sequence[TokenPair]) -> None:
        """Add up the gradients of the objective on the pairs of a step, four at a time."""
        sums = StepSums(self._config, len(pairs), sum(pair.num_labels for pair in pairs), self._ranks.device)
        batches = micro_batches(pairs)
        assert isinstance(self.model, FSDPModule)
        for number, micro_batch in enumerate(batches):
            self.model.set_requires_gradient_sync(number == len(batches) - 1)
            padded = collate(micro_batch)
            real = [
                _segments(mask).to(self._ranks.device) for mask in (padded.chosen_mask, padded.rejected_mask)
            ]
            batch = PaddedBatch(*(tensor.to(self._ranks.device, non_blocking=True) for tensor in padded))
            outputs = self.model(batch, (real[0], real[1]), self._config.lm_weight > 0)
            sums.add(outputs).backward()  # type: ignore[no-untyped-call]

    def step(self, pairs: Sequence[TokenPair]) -> None:
        """One whole optimiser step."""
        self.backward(pairs)
        clip_gradients(self.model, self._config.gradient_clip)
        set_learning_rate(self._optimizer, self._config.learning_rate)
        self._optimizer.step()
        self._optimizer.zero_grad()

    def named_parameters(self) -> list[tuple[str, nn.Parameter]]:
        """The parameters under their names in a model folder."""
        return [
            (REWARD_HEAD if name == "reward_head.weight" else name.removeprefix("backbone."), parameter)
            for name, parameter in self.model.named_parameters()
        ]


def _fill(model: PaddedModel, weights: StoredWeights) -> None:
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            stored = REWARD_HEAD if name == "reward_head.weight" else name.removeprefix("backbone.")
            parameter.copy_(weights.read(stored))


def _shard(model: PaddedModel, layers: nn.ModuleList, config: TrainRewardModelConfig, ranks: Ranks) -> None:
    mesh = init_device_mesh(ranks.device.type, (ranks.world,))
    dtype: torch.dtype = getattr(torch, config.compute_dtype)
    policy = MixedPrecisionPolicy(param_dtype=dtype, reduce_dtype=torch.float32)
    for layer in layers:
        fully_shard(layer, mesh=mesh, mp_policy=policy)
    exact = MixedPrecisionPolicy(param_dtype=torch.float32, reduce_dtype=torch.float32)
    fully_shard(model.reward_head, mesh=mesh, mp_policy=exact)
    fully_shard(model, mesh=mesh, mp_policy=policy)


def _segments(mask: Tensor) -> Segments:
    lengths = mask.sum(dim=1)
    cu = torch.cat([lengths.new_zeros(1), lengths.cumsum(0)]).int()
    longest = int(lengths.max())
    return Segments(cu, cu, mask.flatten().nonzero().squeeze(1), longest, longest)


def _plain_sum(hidden: Tensor, weight: Tensor, labels: Tensor) -> Tensor:
    logits = (hidden @ weight.T).float()
    return cross_entropy(logits, labels, ignore_index=IGNORED, reduction="sum")


def _liger_sum(hidden: Tensor, weight: Tensor, labels: Tensor) -> Tensor:
    from liger_kernel.transformers import LigerFusedLinearCrossEntropyLoss

    loss: Tensor = LigerFusedLinearCrossEntropyLoss(ignore_index=IGNORED, reduction="sum")(
        weight, hidden, labels
    )
    return loss


def _apply_liger(model: PaddedModel) -> None:
    from liger_kernel.transformers.monkey_patch import MODEL_TYPE_TO_APPLY_LIGER_FN

    apply = MODEL_TYPE_TO_APPLY_LIGER_FN[model.backbone.config.model_type]
    apply(fused_linear_cross_entropy=False, model=model.backbone.model)
