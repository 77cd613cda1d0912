"""A plain decoder for one conversation at a time, written from the published descriptions: the tests' yardstick.

It reads tensors under their published names and shares nothing with the product or with transformers.
"""

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import gelu, silu

Tensors = Mapping[str, Tensor]

LLAMA_NAMES = {
    "embedding": "embed_tokens.weight",
    "norm": "norm.weight",
    "attention_norm": "input_layernorm.weight",
    "mlp_norm": "post_attention_layernorm.weight",
    "o": "self_attn.o_proj.weight",
    "gate": "mlp.gate_proj.weight",
    "up": "mlp.up_proj.weight",
    "down": "mlp.down_proj.weight",
}
INTERNLM2_NAMES = {
    "embedding": "tok_embeddings.weight",
    "norm": "norm.weight",
    "attention_norm": "attention_norm.weight",
    "mlp_norm": "ffn_norm.weight",
    "o": "attention.wo.weight",
    "gate": "feed_forward.w1.weight",
    "up": "feed_forward.w3.weight",
    "down": "feed_forward.w2.weight",
}


def hidden_states(tensors: Tensors, prefix: str, config: Mapping[str, Any], ids: list[int]) -> Tensor:
    """(T, h) after the last norm, of one conversation."""
    gemma = config["model_type"] == "gemma2"
    names = INTERNLM2_NAMES if config["model_type"] == "internlm2" else LLAMA_NAMES
    eps = config["rms_norm_eps"]

    def norm(inputs: Tensor, name: str) -> Tensor:
        weight = tensors[prefix + name]
        scaled = inputs * torch.rsqrt(inputs.pow(2).mean(-1, keepdim=True) + eps)
        return scaled * (1 + weight if gemma else weight)

    states = tensors[prefix + names["embedding"]][torch.tensor(ids)]
    if gemma:
        states = states * math.sqrt(config["hidden_size"])
    for number in range(config["num_hidden_layers"]):
        layer = f"layers.{number}."
        attended = _attention(
            tensors, prefix + layer, config, norm(states, layer + names["attention_norm"]), number
        )
        attended = attended @ tensors[prefix + layer + names["o"]].T
        if gemma:
            attended = norm(attended, layer + "post_attention_layernorm.weight")
        states = states + attended
        inputs = norm(states, layer + ("pre_feedforward_layernorm.weight" if gemma else names["mlp_norm"]))
        gate, up, down = (tensors[prefix + layer + names[name]] for name in ("gate", "up", "down"))
        activated = gelu(inputs @ gate.T, approximate="tanh") if gemma else silu(inputs @ gate.T)
        computed = (activated * (inputs @ up.T)) @ down.T
        if gemma:
            computed = norm(computed, layer + "post_feedforward_layernorm.weight")
        states = states + computed
    return norm(states, names["norm"])


def _attention(
    tensors: Tensors, layer: str, config: Mapping[str, Any], inputs: Tensor, number: int
) -> Tensor:
    """(T, H * D): causal attention of H query heads over G key/value heads."""
    heads, groups = config["num_attention_heads"], config["num_key_value_heads"]
    width = config.get("head_dim") or config["hidden_size"] // heads
    q, k, v = _projections(tensors, layer, config["model_type"], inputs, heads, groups, width)
    if config["model_type"] == "qwen3":
        q = _head_norm(q, tensors[layer + "self_attn.q_norm.weight"], config["rms_norm_eps"])
        k = _head_norm(k, tensors[layer + "self_attn.k_norm.weight"], config["rms_norm_eps"])
    q, k = _rotated(q, config["rope_theta"]), _rotated(k, config["rope_theta"])
    k, v = (part.repeat_interleave(heads // groups, dim=1) for part in (k, v))
    scale = config.get("query_pre_attn_scalar") or width
    logits = torch.einsum("qhd,khd->hqk", q, k) / math.sqrt(scale)
    if cap := config.get("attn_logit_softcapping"):
        logits = cap * torch.tanh(logits / cap)
    distance = torch.arange(len(inputs))[:, None] - torch.arange(len(inputs))[None]
    visible = distance >= 0
    if config["model_type"] == "gemma2" and number % 2 == 0:
        visible &= distance < config["sliding_window"]
    weights = logits.masked_fill(~visible, -math.inf).softmax(-1)
    return torch.einsum("hqk,khd->qhd", weights, v).reshape(len(inputs), heads * width)


def _projections(
    tensors: Tensors, layer: str, model_type: str, inputs: Tensor, heads: int, groups: int, width: int
) -> list[Tensor]:
    """Queries (T, H, D), keys and values (T, G, D)."""
    if model_type == "internlm2":
        fused = (inputs @ tensors[layer + "attention.wqkv.weight"].T).reshape(len(inputs), groups, -1, width)
        return [fused[:, :, :-2].reshape(len(inputs), heads, width), fused[:, :, -2], fused[:, :, -1]]
    parts = []
    for letter in "qkv":
        name = f"{layer}self_attn.{letter}_proj."
        part = inputs @ tensors[name + "weight"].T + tensors.get(name + "bias", 0)
        parts.append(part.reshape(len(inputs), -1, width))
    return parts


def _head_norm(inputs: Tensor, weight: Tensor, eps: float) -> Tensor:
    return inputs * torch.rsqrt(inputs.pow(2).mean(-1, keepdim=True) + eps) * weight


def _rotated(inputs: Tensor, theta: float) -> Tensor:
    """Rotary positions over halves of the head: (T, heads, D)."""
    half = inputs.shape[-1] // 2
    angles = torch.arange(len(inputs))[:, None] * theta ** (-torch.arange(half) / half)[None]
    cos, sin = angles.cos()[:, None], angles.sin()[:, None]
    left, right = inputs[..., :half], inputs[..., half:]
    return torch.cat([left * cos - right * sin, right * cos + left * sin], dim=-1)
