"""Pairs scored per CPU second: packs with shared prefixes against the padded loops of `padded_scoring.py`.

Equal work: the same weights (a random Qwen3 of two layers with one label), token ids, dtype (float32) and one thread;
scores must agree. The pairs are PM-like (`length_sets.py`), lengths x0.25, with system texts that begin alike, as those
of an evaluation do. Texts are tokenised beforehand on all sides.

How to read it: "x / ours" is how much longer a loop takes. The column of tokens says what to expect: what goes through
the model, padding and repeated prompts included, over what ours computes. Seconds are reported, and asserted with
slack.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import PreTrainedModel, Qwen3Config, Qwen3ForSequenceClassification

from components.evaluation.score_benchmark.scalar.encoding import Encoded
from components.evaluation.score_benchmark.scalar.loading import LoadOptions, load_scalar_model
from components.evaluation.score_benchmark.scalar.prefixes import packed_tokens
from components.evaluation.score_benchmark.scalar.scorer import ScalarModel
from tests.benchmarks.length_sets import PM, scaled, token_pairs
from tests.benchmarks.measure import interleaved, timed
from tests.benchmarks.padded_scoring import PUBLISHED, REWARD_BENCH
from tests.benchmarks.report import Report, Table, at_least
from themis_common.architectures import architecture
from themis_common.modeling.tiny import train_tokenizer
from themis_common.modeling.token_pair import TokenPair

pytestmark = pytest.mark.slow

NUM_PAIRS = 64
FACTOR = 0.25
SEED = 11
BATCH_TOKENS = 8192
"""The default of the stage."""
REPETITIONS = 2
TARGETS = {PUBLISHED.name: 2.5, REWARD_BENCH.name: 1.5}
_SLACK = 0.8
_LARGEST_DIFFERENCE = 1e-4


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random sequence classifier with a tokenizer, which nothing here calls."""
    folder = tmp_path_factory.mktemp("qwen3")
    tokenizer = train_tokenizer(["def f(): return 1"], vocabulary=400, max_tokens=4096)
    tokenizer.save_pretrained(folder)
    config = Qwen3Config(
        vocab_size=len(tokenizer),
        hidden_size=256,
        intermediate_size=768,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=64,
        max_position_embeddings=4096,
        pad_token_id=tokenizer.pad_token_id,
    )
    config.num_labels = 1
    torch.manual_seed(SEED)
    Qwen3ForSequenceClassification(config).save_pretrained(folder)
    return folder


def _score_packed(model: ScalarModel, pairs: Sequence[TokenPair]) -> list[float]:
    """Plan and score; chosen and rejected of each pair in turn."""
    encoded = _encoded(pairs)
    scores: dict[str, float] = {}
    for batch in model.plan(encoded, BATCH_TOKENS):
        scores.update(zip(batch, model.score([encoded[key] for key in batch]), strict=True))
    return [scores[key] for key in encoded]


def _encoded(pairs: Sequence[TokenPair]) -> dict[str, Encoded]:
    sides = {
        f"{pair.row_key}-{side}": np.concatenate([pair.prefix, getattr(pair, side)])
        for pair in pairs
        for side in ("chosen", "rejected")
    }
    return {key: Encoded(ids, (len(ids) - 1,)) for key, ids in sides.items()}


def _packed_tokens(model: ScalarModel, pairs: Sequence[TokenPair]) -> int:
    encoded = _encoded(pairs)
    packs = model.plan(encoded, BATCH_TOKENS)
    return sum(packed_tokens([encoded[key].ids for key in pack]) for pack in packs)


def test_scoring(report: Report, folder: Path) -> None:
    torch.set_num_threads(1)
    ours = load_scalar_model(folder, architecture("seqcls"), LoadOptions(dtype="float32"))
    assert ours.packs
    plain: PreTrainedModel = Qwen3ForSequenceClassification.from_pretrained(folder, dtype=torch.float32)
    lengths = scaled(PM.draw(NUM_PAIRS, SEED), FACTOR)
    pairs = token_pairs(lengths, plain.config.vocab_size, SEED, with_preamble=True)
    found = interleaved(
        {
            "ours": timed(lambda: _score_packed(ours, pairs)),
            PUBLISHED.name: timed(lambda: PUBLISHED.score(plain, pairs)),
            REWARD_BENCH.name: timed(lambda: REWARD_BENCH.score(plain, pairs)),
        },
        REPETITIONS,
    )
    scores = np.array(found["ours"].result)
    packed = _packed_tokens(ours, pairs)
    rows = [("ours: shared prefixes, no padding", f"{packed:,}", f"{NUM_PAIRS / found['ours'].cpu:.1f}", "1")]
    ratios = {}
    for loop in (PUBLISHED, REWARD_BENCH):
        sample = found[loop.name]
        assert np.abs(scores - np.array(sample.result)).max() < _LARGEST_DIFFERENCE * np.abs(scores).max()
        ratios[loop.name] = sample.cpu / found["ours"].cpu
        tokens = loop.computed_tokens(pairs)
        rows.append(
            (
                loop.name,
                f"{tokens:,} ({tokens / packed:.2f} x)",
                f"{NUM_PAIRS / sample.cpu:.1f}",
                at_least(ratios[loop.name], TARGETS[loop.name]),
            )
        )
    report.add(
        Table(
            title=f"Scoring {NUM_PAIRS} PM-like pairs, lengths x{FACTOR}",
            columns=("method", "tokens computed", "pairs per CPU second", "x / ours"),
            rows=rows,
        )
    )
    for name, target in TARGETS.items():
        assert ratios[name] > _SLACK * target
