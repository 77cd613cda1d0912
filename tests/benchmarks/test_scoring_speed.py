"""Pairs scored per CPU second: packs with shared prefixes, against allenai/reward-bench and the published loop.

Equal work: the same weights (a random Qwen3 of two layers with one label), texts, dtype (float32) and one thread;
scores must agree. The pairs are PM-like (`length_sets.py`), lengths x0.25, with texts that begin alike, as those of an
evaluation with system texts do. reward-bench runs as published on PyPI, in an environment of its own (README.md), and
is left out where that is absent; the published scripts are written out (`padded_scoring.py`).

How to read it: "x / ours" is how much longer a loop takes. The column of tokens says what to expect: what goes through
the model, padding and repeated prompts included, over what ours computes. Ours renders, tokenises, plans and scores;
reward-bench's calls of its pipeline count, which tokenise and score; the published loop gets token ids. Seconds are
reported, and asserted with slack.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import PreTrainedModel, Qwen3ForSequenceClassification

from components.evaluation.score_benchmark.scalar.encoding import Encoded
from components.evaluation.score_benchmark.scalar.loading import LoadOptions, load_scalar_model
from components.evaluation.score_benchmark.scalar.prefixes import packed_tokens
from components.evaluation.score_benchmark.scalar.scorer import ScalarModel
from tests.benchmarks.length_sets import PM, scaled
from tests.benchmarks.measure import REWARD_BENCH, Case, Peer, interleaved, timed, why_no_peer
from tests.benchmarks.padded_scoring import BATCH_SIZE, padded_tokens, published_scores
from tests.benchmarks.report import Report, Table, at_least
from tests.benchmarks.reward_bench_folder import write_reward_bench_folder
from tests.benchmarks.text_pairs import TextPair, letter_tokenizer, text_pairs
from tests.fixtures.small_qwen3 import qwen3_config
from themis_common.architectures import architecture

pytestmark = pytest.mark.slow

NUM_PAIRS = 64
FACTOR = 0.25
SEED = 11
BATCH_TOKENS = 8192
"""The default of the stage."""
REPETITIONS = 3
OURS = "ours: shared prefixes, no padding"
PUBLISHED = "published scripts: padded batches of 32"
PEER = "allenai/reward-bench: padded batches of 8"
TARGETS = {PUBLISHED: 2.5, PEER: 1.5}
BATCH_SIZES = {PUBLISHED: BATCH_SIZE, PEER: 8}
_SLACK = 0.8
_LARGEST_DIFFERENCE = 1e-4


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random sequence classifier with its tokenizer."""
    folder = tmp_path_factory.mktemp("qwen3")
    tokenizer = letter_tokenizer(max_tokens=4096)
    tokenizer.save_pretrained(folder)
    config = qwen3_config(
        vocabulary=len(tokenizer),
        hidden=256,
        mlp=768,
        tied=False,
        max_position_embeddings=4096,
        pad_token_id=tokenizer.pad_token_id,
    )
    config.num_labels = 1
    torch.manual_seed(SEED)
    Qwen3ForSequenceClassification(config).save_pretrained(folder)
    return folder


def _encode(model: ScalarModel, pairs: Sequence[TextPair]) -> dict[str, Encoded]:
    return {
        f"{number}-{side}": model.encoder.encode(getattr(pair, side))
        for number, pair in enumerate(pairs)
        for side in ("chosen", "rejected")
    }


def _score_packed(model: ScalarModel, pairs: Sequence[TextPair]) -> list[float]:
    """Scores from texts; chosen and rejected of each pair in turn."""
    encoded = _encode(model, pairs)
    scores: dict[str, float] = {}
    for batch in model.plan(encoded, BATCH_TOKENS):
        scores.update(zip(batch, model.score([encoded[key] for key in batch]), strict=True))
    return [scores[key] for key in encoded]


def test_scoring(report: Report, checkpoint: Path, tmp_path: Path) -> None:
    torch.set_num_threads(1)
    model = load_scalar_model(checkpoint, architecture("seqcls"), LoadOptions(dtype="float32"))
    assert model.packs
    plain: PreTrainedModel = Qwen3ForSequenceClassification.from_pretrained(checkpoint, dtype=torch.float32)
    pairs = text_pairs(scaled(PM.draw(NUM_PAIRS, SEED), FACTOR), SEED)
    encoded = _encode(model, pairs)
    ids = [one.ids for one in encoded.values()]
    tokenised = list(zip(ids[::2], ids[1::2], strict=True))
    cases: dict[str, Case] = {
        OURS: timed(lambda: _score_packed(model, pairs)),
        PUBLISHED: timed(lambda: published_scores(plain, tokenised)),
    }
    missing = why_no_peer("rewardbench", environment=REWARD_BENCH)
    notes = []
    with ExitStack() as stack:
        if not missing:
            write_reward_bench_folder(checkpoint, pairs, tmp_path)
            peer = Peer("tests.benchmarks.peers.reward_bench", [str(tmp_path)], REWARD_BENCH)
            stack.enter_context(peer)
            cases[PEER] = peer.case("score")
            notes.append(f"reward-bench as its command runs it: {peer.case('versions')().result}")
        found = interleaved(cases, REPETITIONS)

    packed = sum(
        packed_tokens([encoded[key].ids for key in pack]) for pack in model.plan(encoded, BATCH_TOKENS)
    )
    scores = np.array(found[OURS].result)
    tolerance = _LARGEST_DIFFERENCE * np.abs(scores).max()
    rows = [(OURS, f"{packed:,}", f"{NUM_PAIRS / found[OURS].cpu:.1f}", "1")]
    ratios = {name: sample.cpu / found[OURS].cpu for name, sample in found.items() if name in TARGETS}
    for name, ratio in ratios.items():
        assert np.abs(scores - np.array(found[name].result)).max() < tolerance
        tokens = padded_tokens(tokenised, BATCH_SIZES[name])
        rows.append(
            (
                name,
                f"{tokens:,} ({tokens / packed:.2f} x)",
                f"{NUM_PAIRS / found[name].cpu:.1f}",
                at_least(ratio, TARGETS[name]),
            )
        )
    if missing:
        rows.append((PEER, f"not run: {missing}", "", ""))
    report.add(
        Table(
            title=f"Scoring {NUM_PAIRS} PM-like pairs, lengths x{FACTOR}",
            columns=("method", "tokens computed", "pairs per CPU second", "x / ours"),
            rows=rows,
            notes=notes,
        )
    )
    for name, ratio in ratios.items():
        assert ratio > _SLACK * TARGETS[name]
