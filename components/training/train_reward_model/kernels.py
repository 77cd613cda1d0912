"""What computes a decoder layer: the model's own modules, Liger's fused kernels, or what torch.compile makes of them.

The model's own modules run everywhere and define the numbers; the other two are compared with them.
"""

import torch
from transformers import AttentionInterface

from themis_common.errors import UserError
from themis_common.modeling.attention import segment_attention
from themis_common.modeling.model import RewardModel, decoder_layers

_UNCOMPILED_ATTENTION = "themis_segments_uncompiled"


def apply_kernels(model: RewardModel, kernels: str, device: torch.device) -> None:
    """Change in place what computes the layers of `model`, which is not sharded yet.

    Raises:
        UserError: `kernels` is liger, which is not installed or has nothing for this model or device.
    """
    if kernels == "liger":
        _apply_liger(model, device)
    elif kernels == "compile":
        _compile_layers(model)


def _compile_layers(model: RewardModel) -> None:
    """Compile the forward of every layer once for all lengths of packs; equal layers share their graphs.

    Only `forward` is compiled, so the hooks of FSDP and the recomputation stay outside. Attention stays outside, too:
    its loop over segments differs with every pack, and on a GPU it is one kernel already.
    """
    attention = torch.compiler.disable(segment_attention)  # type: ignore[no-untyped-call]
    AttentionInterface.register(_UNCOMPILED_ATTENTION, attention)
    model.body.set_attn_implementation(_UNCOMPILED_ATTENTION)
    for layer in decoder_layers(model):
        layer.forward = torch.compile(layer.forward, dynamic=True)


def _apply_liger(model: RewardModel, device: torch.device) -> None:
    if device.type != "cuda":
        raise UserError("kernels is liger, which runs on GPUs only: set kernels to plain or compile")
    try:
        from liger_kernel.transformers.monkey_patch import MODEL_TYPE_TO_APPLY_LIGER_FN
    except ImportError as error:
        raise UserError(
            f"kernels is liger, but it cannot be imported ({error}): install themis[liger]"
        ) from error
    if model.config.model_type not in MODEL_TYPE_TO_APPLY_LIGER_FN:
        raise UserError(
            f"liger has no kernels for model type {model.config.model_type!r}: set kernels to plain or compile"
        )
    # the loss is our own; its fused one would be a second way to compute it
    MODEL_TYPE_TO_APPLY_LIGER_FN[model.config.model_type](fused_linear_cross_entropy=False, model=model.body)
