"""Tiny random checkpoints in the published tensor layouts, one for each scalar architecture.

Names and shapes are written down here from facts/evaluation.md section 4, not taken from the registry.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor
from transformers import PreTrainedTokenizerFast

from tests.components.evaluation.scalar import published_tokenizers as tokenizers

Tensors = dict[str, Tensor]
HIDDEN = 32
_HEADS, _GROUPS, _WIDTH = 4, 2, 8


@dataclass(frozen=True, kw_only=True)
class Published:
    """A checkpoint to be written.

    Attributes:
        config: content of config.json beyond the common sizes.
        prefix: of the body's tensors.
        head: makes the tensors outside the body.
    """

    architecture: str
    config: dict[str, Any]
    tokenizer: Callable[[], PreTrainedTokenizerFast]
    head: Callable[[torch.Generator], Tensors]
    prefix: str = "model."
    extra_config: dict[str, Any] = field(default_factory=dict)

    def full_config(self) -> dict[str, Any]:
        """The whole of config.json."""
        return {**_COMMON, **self.config, **self.extra_config}


_COMMON: dict[str, Any] = {
    "hidden_size": HIDDEN,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": _HEADS,
    "num_key_value_heads": _GROUPS,
    "max_position_embeddings": 4096,
    "rms_norm_eps": 1e-5,
    "rope_theta": 10000.0,
    "vocab_size": 5000,
    "torch_dtype": "float32",
    "tie_word_embeddings": False,
}
LLAMA3 = {"model_type": "llama", "vocab_size": 128012, "rope_theta": 500000.0, "hidden_act": "silu"}
LLAMA2 = {"model_type": "llama", "hidden_act": "silu"}
MISTRAL = {"model_type": "mistral", "sliding_window": 4096, "hidden_act": "silu"}
QWEN2 = {"model_type": "qwen2", "rope_theta": 1000000.0, "use_sliding_window": False, "hidden_act": "silu"}
QWEN3 = {"model_type": "qwen3", "head_dim": _WIDTH, "hidden_act": "silu"}
GEMMA2 = {
    "model_type": "gemma2",
    "head_dim": _WIDTH,
    "query_pre_attn_scalar": 12,
    "attn_logit_softcapping": 2.0,
    "final_logit_softcapping": 30.0,
    "sliding_window": 24,
    "hidden_activation": "gelu_pytorch_tanh",
}
INTERNLM2 = {
    "model_type": "internlm2",
    "vocab_size": 92544,
    "bias": False,
    "hidden_act": "silu",
    "rope_scaling": {"type": "dynamic", "factor": 2.0},
    "auto_map": {"AutoModel": "modeling_internlm2.InternLM2ForRewardModel"},
}


def _normal(generator: torch.Generator, *shape: int, std: float = 0.3) -> Tensor:
    return torch.randn(shape, generator=generator) * std


def body_tensors(config: dict[str, Any], prefix: str, generator: torch.Generator) -> Tensors:
    """Random weights of the body, large enough that a wrong mask, position or order shows."""
    kind, inner = config["model_type"], config["intermediate_size"]

    def norm(size: int = HIDDEN) -> Tensor:
        return _normal(generator, size) + (0 if kind == "gemma2" else 1)

    query, kv = _HEADS * _WIDTH, _GROUPS * _WIDTH
    tensors: Tensors = {
        "tok_embeddings.weight" if kind == "internlm2" else "embed_tokens.weight": _normal(
            generator, config["vocab_size"], HIDDEN, std=1.0
        ),
        "norm.weight": norm(),
    }
    for number in range(config["num_hidden_layers"]):
        if kind == "internlm2":
            layer = {
                "attention.wqkv.weight": _normal(generator, query + 2 * kv, HIDDEN),
                "attention.wo.weight": _normal(generator, HIDDEN, query),
                "feed_forward.w1.weight": _normal(generator, inner, HIDDEN),
                "feed_forward.w3.weight": _normal(generator, inner, HIDDEN),
                "feed_forward.w2.weight": _normal(generator, HIDDEN, inner),
                "attention_norm.weight": norm(),
                "ffn_norm.weight": norm(),
            }
        else:
            layer = {
                "self_attn.q_proj.weight": _normal(generator, query, HIDDEN),
                "self_attn.k_proj.weight": _normal(generator, kv, HIDDEN),
                "self_attn.v_proj.weight": _normal(generator, kv, HIDDEN),
                "self_attn.o_proj.weight": _normal(generator, HIDDEN, query),
                "mlp.gate_proj.weight": _normal(generator, inner, HIDDEN),
                "mlp.up_proj.weight": _normal(generator, inner, HIDDEN),
                "mlp.down_proj.weight": _normal(generator, HIDDEN, inner),
                "input_layernorm.weight": norm(),
                "post_attention_layernorm.weight": norm(),
            }
        if kind == "gemma2":
            layer |= {f"{place}_feedforward_layernorm.weight": norm() for place in ("pre", "post")}
        if kind == "qwen2":
            layer |= {
                f"self_attn.{letter}_proj.bias": _normal(generator, size)
                for letter, size in (("q", query), ("k", kv), ("v", kv))
            }
        if kind == "qwen3":
            layer |= {f"self_attn.{letter}_norm.weight": norm(_WIDTH) for letter in "qk"}
        tensors |= {f"layers.{number}.{name}": tensor for name, tensor in layer.items()}
    return {prefix + name: tensor for name, tensor in tensors.items()}


def _linear(name: str, *, bias: bool = False) -> Callable[[torch.Generator], Tensors]:
    def make(generator: torch.Generator) -> Tensors:
        tensors = {f"{name}.weight": _normal(generator, 1, HIDDEN)}
        return tensors | ({f"{name}.bias": _normal(generator, 1)} if bias else {})

    return make


def _mlp(name: str, width: int) -> Callable[[torch.Generator], Tensors]:
    def make(generator: torch.Generator) -> Tensors:
        return _layers(generator, name, {0: (width, HIDDEN), 2: (1, width)})

    return make


def _layers(
    generator: torch.Generator, name: str, shapes: dict[int, tuple[int, int]], no_bias: tuple[int, ...] = ()
) -> Tensors:
    tensors: Tensors = {}
    for number, (outputs, inputs) in shapes.items():
        tensors[f"{name}.{number}.weight"] = _normal(generator, outputs, inputs, std=inputs**-0.5)
        if number not in no_bias:
            tensors[f"{name}.{number}.bias"] = _normal(generator, outputs)
    return tensors


def _with_lm_head(
    head: Callable[[torch.Generator], Tensors], vocabulary: int
) -> Callable[[torch.Generator], Tensors]:
    def make(generator: torch.Generator) -> Tensors:
        return head(generator) | {"lm_head.weight": _normal(generator, vocabulary, HIDDEN)}

    return make


def armo_head(generator: torch.Generator) -> Tensors:
    """Section 4.4."""
    return {
        "regression_layer.weight": _normal(generator, 19, HIDDEN),
        "reward_transform_matrix": _normal(generator, 19, 19),
        "gating.logit_scale": torch.tensor([1.3]),
        **_layers(
            generator, "gating.layers", {0: (1024, HIDDEN), 1: (1024, 1024), 2: (1024, 1024), 3: (19, 1024)}
        ),
    }


def _quantile_head(linears: tuple[int, ...], norms: tuple[int, ...]) -> Callable[[torch.Generator], Tensors]:
    def make(generator: torch.Generator) -> Tensors:
        widths = [(1024, HIDDEN), (1024, 1024), (1024, 1024), (5, 1024)]
        tensors = {
            "regression_layer.weight": _normal(generator, 95, HIDDEN),
            "gating.logit_scale": torch.tensor([1.7]),
            **_layers(
                generator, "gating.layers", dict(zip(linears, widths, strict=True)), no_bias=linears[:-1]
            ),
        }
        for number in norms:
            name = f"gating.layers.{number}"
            tensors[f"{name}.weight"] = _normal(generator, 1024) + 1
            tensors[f"{name}.bias"] = _normal(generator, 1024)
            tensors[f"{name}.running_mean"] = _normal(generator, 1024)
            tensors[f"{name}.running_var"] = torch.rand(1024, generator=generator) + 0.5
            tensors[f"{name}.num_batches_tracked"] = torch.tensor(100)
        return tensors

    return make


def ldl_pickles(generator: torch.Generator, width: int = 24) -> dict[str, Tensors]:
    """Section 4.10: the two pickles beside the weights; published with a width of 4096."""
    regression = _layers(generator, "network", {0: (width, HIDDEN), 2: (width, width), 4: (220, width)})
    gate = _layers(generator, "network", {0: (width, HIDDEN), 3: (width, width), 6: (22, width)})
    return {"regression_layer.pt": regression, "gating_layer.pt": gate}


def _ldl_head(generator: torch.Generator) -> Tensors:
    pickles = ldl_pickles(generator)
    return {
        f"{file.removesuffix('.pt')}.{name}": tensor
        for file, tensors in pickles.items()
        for name, tensor in tensors.items()
    }


def _urm_head(generator: torch.Generator) -> Tensors:
    """Five objectives of two outputs each, and the gate under the names by which SGLang loads it."""
    gate = {0: (HIDDEN, HIDDEN), 2: (HIDDEN, HIDDEN), 4: (5, HIDDEN)}
    return {"score.weight": _normal(generator, 10, HIDDEN), **_layers(generator, "weights.fc", gate)}


_CASES = (
    Published(architecture="seqcls", config=QWEN3, tokenizer=tokenizers.qwen, head=_linear("score")),
    Published(architecture="armo", config=LLAMA3, tokenizer=tokenizers.llama3, head=armo_head),
    Published(
        architecture="qrm-gemma",
        config=GEMMA2,
        tokenizer=tokenizers.gemma,
        head=_quantile_head((0, 4, 8, 11), (2, 6, 10)),
        extra_config={"num_objectives": 5, "num_quantiles": 19},
    ),
    Published(
        architecture="qrm-llama",
        config=LLAMA3,
        tokenizer=tokenizers.llama3,
        head=_quantile_head((0, 3, 6, 9), (2, 5, 8)),
        extra_config={"num_objectives": 5, "num_quantiles": 19},
    ),
    Published(architecture="athene", config=LLAMA3, tokenizer=tokenizers.llama3, head=_linear("v_head")),
    Published(architecture="inform", config=LLAMA3, tokenizer=tokenizers.llama3, head=_mlp("score", HIDDEN)),
    Published(
        architecture="qwen2-reward", config=QWEN2, tokenizer=tokenizers.qwen, head=_mlp("score", HIDDEN)
    ),
    Published(
        architecture="worldpm",
        config=QWEN2,
        tokenizer=lambda: tokenizers.qwen(tokenizers.QWEN_TEMPLATE),
        head=_mlp("score", HIDDEN),
    ),
    Published(
        architecture="acecode",
        config=QWEN2,
        tokenizer=tokenizers.qwen,
        head=_with_lm_head(_linear("v_head.summary", bias=True), 5000),
    ),
    Published(
        architecture="grm",
        config=LLAMA3,
        tokenizer=tokenizers.llama3,
        head=_mlp("v_head.summary", 1024),
        extra_config={"tie_word_embeddings": True, "vhead_layer_type": "mlp"},
    ),
    Published(
        architecture="grm-linear",
        config=LLAMA3,
        tokenizer=tokenizers.llama3,
        head=_linear("v_head.summary", bias=True),
        extra_config={"tie_word_embeddings": True, "vhead_layer_type": "linear"},
    ),
    Published(architecture="ldl", config=GEMMA2, tokenizer=tokenizers.gemma, head=_ldl_head, prefix=""),
    Published(
        architecture="internlm2", config=INTERNLM2, tokenizer=tokenizers.internlm2, head=_linear("v_head")
    ),
    Published(
        architecture="nemotron",
        config=LLAMA3,
        tokenizer=tokenizers.llama3,
        head=_with_lm_head(lambda _: {}, 128012),
    ),
    Published(
        architecture="starling",
        config=LLAMA2,
        tokenizer=tokenizers.yi,
        head=_linear("v_head"),
        prefix="transformer.",
    ),
    Published(
        architecture="eurus",
        config=MISTRAL,
        tokenizer=lambda: tokenizers.llama2(None),
        head=_linear("regression_head"),
    ),
    Published(
        architecture="ultra",
        config=LLAMA2,
        tokenizer=lambda: tokenizers.llama2(None),
        head=_linear("regression_head"),
    ),
    Published(
        architecture="urm",
        config=LLAMA3,
        tokenizer=tokenizers.llama3,
        head=_urm_head,
        extra_config={
            "architectures": ["LlamaForSequenceClassificationWithNormal_Weights"],
            "id2label": {str(number): f"LABEL_{number}" for number in range(10)},
        },
    ),
)
PUBLISHED = {case.architecture: case for case in _CASES}


def write_checkpoint(case: Published, folder: Path) -> Tensors:
    """Write the checkpoint into a new folder; its tensors by published name."""
    folder.mkdir(parents=True)
    generator = torch.Generator().manual_seed(sum(map(ord, case.architecture)))
    config = case.full_config()
    tensors = case.head(generator) | body_tensors(config, case.prefix, generator)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    (folder / "config.json").write_text(json.dumps(config, indent=1))
    case.tokenizer().save_pretrained(folder)
    return tensors
