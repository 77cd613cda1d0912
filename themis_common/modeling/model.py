"""A decoder with two heads: next token and reward.

The reward of a conversation is a linear function, without bias, of the last hidden state (after the final norm) of
its last token. The head starts at zero, so that training starts from equal rewards, and lives in float32: rewards
of size 4-8 in bfloat16 have steps of 0.03, the size of the margins that matter (facts/training.md W6).
"""

from copy import deepcopy
from pathlib import Path
from typing import NamedTuple, cast

import torch
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel, PretrainedConfig, PreTrainedModel
from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING

from themis_common.errors import UserError
from themis_common.modeling.attention import ATTENTION
from themis_common.modeling.losses import linear_cross_entropy_sum
from themis_common.modeling.packing import PairPack

_CHANGES_LOGITS = ("final_logit_softcapping", "logits_scaling", "logit_scale")
_DEPENDS_ON_LONGEST = ("dynamic", "longrope")
_HANDS_WINDOW_ON = frozenset({"mistral", "qwen2", "qwen3"})
"""Families whose layers tell their attention how far it may look; others may leave that to a mask, which packs do not
have."""


class PairOutputs(NamedTuple):
    """What a pack of P pairs gives. A tuple, because FSDP looks for tensors only inside standard containers.

    Attributes:
        chosen, rejected: (P,) rewards in the head's dtype.
        lm_loss: () sum of the next-token cross-entropy over the chosen responses; 0 when not asked for.
    """

    chosen: Tensor
    rejected: Tensor
    lm_loss: Tensor


class RewardModel(nn.Module):
    """A transformers decoder, its output embedding where that is not the input embedding, and the reward head.

    Tied output embeddings are no parameter of their own here: sharding, checkpoints and optimisers then need no
    rule for them.
    """

    def __init__(self, config: PretrainedConfig) -> None:
        super().__init__()
        check_supported(config)
        self.config = config
        # transformers keeps the attention in the configuration: another model made of the same object would switch
        # ours, and rejected sides would lose their prompts without a word
        self.body: PreTrainedModel = AutoModel.from_config(  # type: ignore[no-untyped-call]
            deepcopy(config), attn_implementation=ATTENTION, dtype=torch.float32
        )
        self.lm_head = (
            None
            if config.tie_word_embeddings
            else nn.Linear(config.hidden_size, config.vocab_size, bias=False, dtype=torch.float32)
        )
        self.reward_head = nn.Linear(config.hidden_size, 1, bias=False, dtype=torch.float32)
        nn.init.zeros_(self.reward_head.weight)

    def forward(self, pack: PairPack, with_lm: bool = True) -> PairOutputs:
        """Rewards of both sides of every pair and the language-model loss, in one pass of the decoder."""
        hidden = self.body(
            input_ids=pack.token_ids[None],
            position_ids=pack.positions[None],
            use_cache=False,
            segments=pack.segments,
        ).last_hidden_state[0]  # (T, h)
        rewards = self._rewards(hidden[torch.cat([pack.chosen_rows, pack.rejected_rows])])
        # copies, because FSDP hangs its backward hooks on what forward returns and loses them on views
        chosen = rewards[: len(pack.chosen_rows)].clone()
        rejected = rewards[len(pack.chosen_rows) :].clone()
        if with_lm:
            lm_loss = linear_cross_entropy_sum(hidden[pack.lm_rows], self._output_embedding(), pack.lm_labels)
        else:
            lm_loss = rewards.new_zeros(())
        return PairOutputs(chosen, rejected, lm_loss)

    def _rewards(self, hidden: Tensor) -> Tensor:
        rewards: Tensor = self.reward_head(hidden.to(torch.promote_types(hidden.dtype, torch.float32)))
        return rewards.squeeze(-1)

    def _output_embedding(self) -> Tensor:
        weight = self.body.get_input_embeddings().weight if self.lm_head is None else self.lm_head.weight
        assert isinstance(weight, Tensor)
        return weight


def decoder_layers(model: RewardModel) -> nn.ModuleList:
    """The layers of the decoder, in their order."""
    layers = model.body.get_submodule("layers")
    assert isinstance(layers, nn.ModuleList)
    return layers


def empty_reward_model(config: PretrainedConfig) -> RewardModel:
    """A model whose parameters take no memory yet (meta device); its buffers are real.

    Raises:
        UserError: as `check_supported`.
    """
    from accelerate import init_empty_weights

    with init_empty_weights(include_buffers=False):
        return RewardModel(config)


def read_model_config(folder: Path) -> PretrainedConfig:
    """The configuration of the model in a local folder; never code from it.

    Raises:
        UserError: the folder holds no model configuration that transformers knows.
    """
    try:
        config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except (OSError, ValueError, KeyError) as error:
        raise UserError(f"{folder}: no usable config.json ({error})") from error
    assert isinstance(config, PretrainedConfig)
    return config


def causal_lm_class(config: PretrainedConfig) -> type[PreTrainedModel]:
    """The causal language model of transformers for a configuration that `check_supported` has passed."""
    return cast(type[PreTrainedModel], MODEL_FOR_CAUSAL_LM_MAPPING[type(config)])


def check_supported(config: PretrainedConfig) -> None:
    """Refuse model families whose rewards or losses this module would get wrong.

    Raises:
        UserError: names the property that is not supported.
    """
    name = config.model_type
    if type(config) not in MODEL_FOR_CAUSAL_LM_MAPPING:
        raise UserError(
            f"model type {name!r} is no causal language model of transformers: take another base model"
        )
    if not hasattr(config, "hidden_size"):
        raise UserError(f"model type {name!r} is made of several models: take a base model of text alone")
    if not getattr(causal_lm_class(config), "_supports_attention_backend", False):
        raise UserError(f"model type {name!r} does not take an attention function: take another base model")
    for option in _CHANGES_LOGITS:
        if getattr(config, option, None) not in (None, 1, 1.0):
            raise UserError(
                f"model type {name!r} sets {option}, which the language-model loss does not apply"
            )
    if getattr(config, "num_experts", None) or getattr(config, "num_local_experts", None):
        raise UserError(
            f"model type {name!r} has experts, whose router loss is not supported: take a dense model"
        )
    _check_attention(config)


def _check_attention(config: PretrainedConfig) -> None:
    name = config.model_type
    if getattr(config, "attn_logit_softcapping", None):
        raise UserError(
            f"model type {name!r} sets attn_logit_softcapping, which packed attention does not apply"
        )
    rope = (getattr(config, "rope_parameters", None) or {}).get("rope_type")
    if rope in _DEPENDS_ON_LONGEST:
        raise UserError(
            f"model type {name!r} has {rope} position embeddings, which depend on the longest conversation of a pack: "
            "set another rope_type"
        )
    layer_types = set(getattr(config, "layer_types", None) or ())
    other = sorted(layer_types - {"full_attention", "sliding_attention"})
    if other or getattr(causal_lm_class(config), "_is_stateful", False):
        raise UserError(
            f"model type {name!r} has layers in which conversations of a pack would mix "
            f"({', '.join(other) or 'with a state'}): take another base model"
        )
    windows = "sliding_attention" in layer_types if layer_types else getattr(config, "sliding_window", None)
    if windows and name not in _HANDS_WINDOW_ON:
        raise UserError(
            f"model type {name!r} has sliding-window layers, which packed attention knows for "
            f"{', '.join(sorted(_HANDS_WINDOW_ON))} only"
        )
    if getattr(config, "attention_dropout", 0.0):
        raise UserError(
            f"model type {name!r} sets attention_dropout, which packed attention does not support: set 0"
        )
