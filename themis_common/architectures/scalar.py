"""The scalar architectures: one row for each way in which published checkpoints store and read their reward head.

Names and indices are those of facts/evaluation.md section 4. Where the published scripts differ in their rule for the
last token (section 4.0), all rows read the last real token: it is what every rule means, and the rules only disagree
where they are wrong. The head of `urm` is published as code of the hub, which is never run; its names and indices are
those under which SGLang loads the checkpoint (class LlamaForSequenceClassificationWithNormal_Weights).
"""

from themis_common.architectures.architecture import (
    Architecture,
    Body,
    LastOccurrence,
    LastToken,
    Readout,
    Rendering,
)
from themis_common.architectures.heads import (
    AS_STORED,
    Chain,
    GatedHead,
    Head,
    LabelDistributionHead,
    LinearHead,
    MlpHead,
    NormalDistributionHead,
    RandomHead,
    Setting,
    TokenLogitHead,
)

_LM_HEAD = ("lm_head.weight",)
_LLAMA3_ANSWER = LastOccurrence((128009, 128006, 78191, 128007, 271))
"""End of turn, header start, "assistant", header end, blank line."""
_GEMMA_ANSWER = LastOccurrence((107, 108, 106, 2516, 108))
"""End of turn, line end, start of turn, "model", line end."""
_ATHENE_MARKER = 128003
_INTERNLM2_MARKER = Setting("reward_token_id", 92527)
_TWO_LAYERS = MlpHead(chain=Chain(prefix="score.", width="h", stride=2))


def _row(name: str, description: str, readout: Readout) -> Architecture:
    return Architecture(name=name, description=description, kind="scalar", readout=readout)


def _quantile_head(*, stride: int, last_gap: int, temperature: float, scales_gate: bool) -> Head:
    return GatedHead(
        regression="regression_layer.weight",
        objectives=Setting("num_objectives", 5),
        quantiles=Setting("num_quantiles", 19),
        gate=Chain(
            prefix="gating.layers.",
            width=1024,
            depth=3,
            stride=stride,
            last_gap=last_gap,
            norms=True,
            hidden_bias=False,
        ),
        temperature=Setting("gating_temperature", temperature),
        logit_scale="gating.logit_scale",
        scales_gate=scales_gate,
    )


SCALAR: tuple[Architecture, ...] = (
    _row(
        "seqcls",
        "a sequence classifier of transformers with one label",
        Readout(body=Body(), head=LinearHead(weight="score.weight")),
    ),
    _row(
        "seqcls-random-head",
        "a causal language model with a reward head drawn at random: what a model is worth untrained",
        Readout(body=Body(unread=_LM_HEAD), head=RandomHead(), detectable=False),
    ),
    _row(
        "armo",
        "19 objectives, weighted by a gate that reads the prompt",
        Readout(
            body=Body(model_types=("llama",), prefixes=("model.",)),
            head=GatedHead(
                regression="regression_layer.weight",
                objectives=Setting("num_objectives", 19),
                transform="reward_transform_matrix",
                gate=Chain(
                    prefix="gating.layers.",
                    width=Setting("gating_hidden_dim", 1024),
                    depth=Setting("gating_n_hidden", 3),
                ),
                temperature=Setting("gating_temperature", 10),
                logit_scale="gating.logit_scale",
            ),
            positions=(LastToken(), _LLAMA3_ANSWER),
        ),
    ),
    _row(
        "qrm-gemma",
        "5 objectives of 19 quantiles each, weighted by a gate that reads the prompt (Gemma 2)",
        Readout(
            body=Body(model_types=("gemma2",), prefixes=("model.",)),
            head=_quantile_head(stride=4, last_gap=1, temperature=1, scales_gate=True),
            positions=(LastToken(), _GEMMA_ANSWER),
        ),
    ),
    _row(
        "qrm-llama",
        "5 objectives of 19 quantiles each, weighted by a gate that reads the prompt (Llama 3); its scale is stored "
        "and, as published, not applied",
        Readout(
            body=Body(model_types=("llama",), prefixes=("model.",)),
            head=_quantile_head(stride=3, last_gap=0, temperature=10, scales_gate=False),
            positions=(LastToken(), _LLAMA3_ANSWER),
        ),
    ),
    _row(
        "athene",
        "a value head at a marker token that follows the conversation",
        Readout(
            body=Body(model_types=("llama",), prefixes=("model.",)),
            head=LinearHead(weight="v_head.weight"),
            positions=(LastOccurrence((_ATHENE_MARKER,)),),
            rendering=Rendering(appended=_ATHENE_MARKER),
        ),
    ),
    _row(
        "inform",
        "two layers on the last token (Llama 3)",
        Readout(body=Body(model_types=("llama",), prefixes=("model.",)), head=_TWO_LAYERS),
    ),
    _row(
        "qwen2-reward",
        "two layers on the last token (Qwen 2)",
        Readout(body=Body(model_types=("qwen2",), prefixes=("model.",)), head=_TWO_LAYERS),
    ),
    _row(
        "worldpm",
        "as qwen2-reward, trained with an empty system turn",
        Readout(
            body=Body(model_types=("qwen2",), prefixes=("model.",)),
            head=_TWO_LAYERS,
            rendering=Rendering(empty_system_turn=True),
        ),
    ),
    _row(
        "acecode",
        "a causal language model of Qwen 2 with a linear value head",
        Readout(
            body=Body(model_types=("qwen2",), prefixes=("model.",), unread=_LM_HEAD),
            head=LinearHead(weight="v_head.summary.weight", bias="v_head.summary.bias"),
        ),
    ),
    _row(
        "grm",
        "a causal language model of Llama 3 with a value head of two layers",
        Readout(
            body=Body(model_types=("llama",), prefixes=("model.",), unread=_LM_HEAD),
            head=MlpHead(
                chain=Chain(
                    prefix="v_head.summary.",
                    width=Setting("vhead_num_neurons", 1024),
                    depth=Setting("vhead_num_layers", 1),
                    stride=2,
                )
            ),
        ),
    ),
    _row(
        "grm-linear",
        "a causal language model of Llama 3 with a linear value head",
        Readout(
            body=Body(model_types=("llama",), prefixes=("model.",), unread=_LM_HEAD),
            head=LinearHead(weight="v_head.summary.weight", bias="v_head.summary.bias"),
        ),
    ),
    _row(
        "ldl",
        "22 objectives as distributions over 10 bins, and a gate; heads in pickles beside the weights (Gemma 2)",
        Readout(
            body=Body(model_types=("gemma2",), prefixes=("model.", "")),
            head=LabelDistributionHead(
                regression=Chain(
                    prefix="regression_layer.network.",
                    width=AS_STORED,
                    depth=2,
                    stride=2,
                    activation="leaky_relu",
                ),
                gate=Chain(
                    prefix="gating_layer.network.",
                    width=AS_STORED,
                    depth=2,
                    stride=3,
                    activation="leaky_relu",
                ),
                objectives=22,
                bins=10,
                softmax=Setting("softmax", False),
            ),
            pickles=(("regression_layer.pt", "regression_layer."), ("gating_layer.pt", "gating_layer.")),
        ),
    ),
    _row(
        "internlm2",
        "a value head at InternLM2's reward token, which follows the conversation",
        Readout(
            body=Body(model_types=("internlm2",), prefixes=("model.",), layout="internlm2"),
            head=LinearHead(weight="v_head.weight"),
            rendering=Rendering(appended=_INTERNLM2_MARKER),
        ),
    ),
    _row(
        "nemotron",
        "a causal language model; the reward is the logit of vocabulary entry 0 after the conversation",
        Readout(
            body=Body(model_types=("llama",), prefixes=("model.",)),
            head=TokenLogitHead(weight="lm_head.weight", token=0),
            detectable=False,
        ),
    ),
    _row(
        "starling",
        "a value head on a Llama whose tensors are called transformer.*",
        Readout(
            body=Body(model_types=("llama",), prefixes=("transformer.",)),
            head=LinearHead(weight="v_head.weight"),
            rendering=Rendering(template="chatml", tokenizer_of="01-ai/Yi-34B-Chat"),
        ),
    ),
    _row(
        "eurus",
        "a regression head on Mistral",
        Readout(
            body=Body(model_types=("mistral",), prefixes=("model.",)),
            head=LinearHead(weight="regression_head.weight"),
            rendering=Rendering(template="eurus"),
        ),
    ),
    _row(
        "ultra",
        "a regression head on Llama",
        Readout(
            body=Body(model_types=("llama",), prefixes=("model.",)),
            head=LinearHead(weight="regression_head.weight"),
            rendering=Rendering(template="ultra"),
        ),
    ),
    _row(
        "urm",
        "5 objectives as normal distributions, whose means a gate weights (Llama 3)",
        Readout(
            body=Body(model_types=("llama",), prefixes=("model.",)),
            head=NormalDistributionHead(
                regression="score.weight",
                gate=Chain(prefix="weights.fc.", width="h", depth=2, stride=2, activation="selu"),
            ),
        ),
    ),
)
