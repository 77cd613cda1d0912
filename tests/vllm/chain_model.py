"""A language model that writes what we want: a real Qwen3 in which the next token depends on the last one alone.

Attention and feed-forward layers add nothing (their last projections are zero), every token of the chain is a unit
vector of its own, all others share one, and the language head holds the logits of what follows.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

import torch
from transformers import Qwen3ForCausalLM

from themis_common.modeling.tiny import END_OF_TURN, save_tiny_model, tiny_config, train_tokenizer
from themis_common.modeling.weights import save_weights

HIDDEN = 64
_NEVER = -30.0
"""The logit of all tokens that do not follow."""

Follows = Mapping[str, Mapping[str, float]]
"""The logits of what follows a token, all by their texts."""

START = "\n"
"""What an answer follows: the ChatML template opens the assistant's turn with a line end."""


def score_chain(scores: Mapping[str, float], yes: float, no: float) -> Follows:
    """Answers such as `{"score":4} Yes`: the digit and the last word are drawn with the logits given."""
    return {
        START: {'{"': 0.0},
        '{"': {"score": 0.0},
        "score": {'":': 0.0},
        '":': scores,
        **{digit: {"}": 0.0} for digit in scores},
        "}": {" Yes": yes, " No": no},
        " Yes": {END_OF_TURN: 0.0},
        " No": {END_OF_TURN: 0.0},
    }


def save_chain_model(folder: Path, follows: Follows, texts: Iterable[str], max_tokens: int) -> None:
    """Write the model with a tokenizer that has every text of the chain as a token.

    Args:
        texts: what the tokenizer learns from besides.
        max_tokens: the window.
    """
    # often enough that merges end in whole tokens
    written = "".join(token for token in follows if token != START)
    tokenizer = train_tokenizer([*texts, *[written] * 200], vocabulary=800, max_tokens=max_tokens)
    config = tiny_config(tokenizer, layers=1, hidden=HIDDEN, max_tokens=max_tokens, tied=False)
    save_tiny_model(folder, config, tokenizer, seed=5)

    def token(text: str) -> int:
        ids = tokenizer.encode(text, add_special_tokens=False)
        assert len(ids) == 1, f"{text!r} is {len(ids)} tokens"
        return int(ids[0])

    weights = Qwen3ForCausalLM.from_pretrained(folder).state_dict()
    for name, tensor in weights.items():
        if name.endswith(("o_proj.weight", "down_proj.weight")):
            tensor.zero_()
    states = torch.zeros(len(tokenizer), dtype=torch.long)
    logits = torch.full((len(tokenizer), HIDDEN), _NEVER)
    for state, (text, following) in enumerate(follows.items(), start=1):
        states[token(text)] = state
        for after, logit in following.items():
            logits[token(after), state] = logit
    weights["model.embed_tokens.weight"].copy_(torch.eye(HIDDEN)[states])
    # the norm in between makes a unit vector HIDDEN ** 0.5 long
    weights["lm_head.weight"].copy_(logits / HIDDEN**0.5)
    save_weights(folder, {name: tensor.nbytes for name, tensor in weights.items()}, weights.__getitem__)
