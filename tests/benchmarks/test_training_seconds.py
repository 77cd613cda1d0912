"""CPU seconds of forward and backward: ours against plain packing, the padded reference, and TRL 1.16.

Equal work: the same weights, pairs, dtype (float32) and loss terms, no recomputed activations, one thread; losses and
gradient norms must agree. The full objective (Bradley-Terry, language model, magnitude) runs against
`reference_trainer.py` and against our own model with sharing off; the reward-only objective runs against TRL's collator
and `RewardTrainer.compute_loss`, in the peers' environment (README.md), and is left out where that is absent. Layer
width of Qwen3-0.6B, 2 of 28 layers, 8 PM-like pairs with lengths x0.2, in the draw nearest to the mean of the set;
once with system texts that begin alike, as they do in the data, and once with no two prompts alike.

How to read it: "x / ours" above 1 is how much longer the other takes. The FLOPs column says what to expect by
arithmetic, attention included as the CPU kernel executes it. Seconds are reported and asserted with slack: 1.8 for the
target of 2.0 against TRL.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from transformers import Qwen3Config

from tests.benchmarks import flops
from tests.benchmarks.flops import Work
from tests.benchmarks.length_sets import PM, PairLengths, token_pairs
from tests.benchmarks.measure import Peer, Sample, interleaved, timed, why_no_peer
from tests.benchmarks.qwen3 import qwen3
from tests.benchmarks.reference_trainer import MICRO_BATCH, ReferenceModel, collate, micro_batches
from tests.benchmarks.report import Report, Table, at_least
from tests.benchmarks.small_draws import typical_draw
from tests.benchmarks.trl_folder import write_trl_folder
from tests.benchmarks.unshared_packing import pack_without_sharing
from themis_common.modeling.losses import bradley_terry_sum, magnitude_sum
from themis_common.modeling.model import RewardModel
from themis_common.modeling.packing import PairPack, pack_pairs
from themis_common.modeling.token_pair import TokenPair

pytestmark = pytest.mark.slow

NUM_PAIRS = 8
FACTOR = 0.2
SEED = 42
REPETITIONS = 2
LM_WEIGHT, MAGNITUDE_WEIGHT = 0.25, 0.001
OURS = "ours: shared prompt"
UNSHARED = "packed, sharing off"
PADDED = f"reference: padded, micro-batch {MICRO_BATCH}"
TRL = f"TRL 1.16, micro-batch {MICRO_BATCH}"
TARGET_TRL = 2.0

Step = Callable[[], dict[str, float]]


@dataclass(frozen=True)
class Setting:
    """What all sides compute on."""

    config: Qwen3Config
    lengths: list[PairLengths]
    pairs: list[TokenPair]
    model: RewardModel
    reference: ReferenceModel
    with_preamble: bool

    @property
    def name(self) -> str:
        """What the titles of tables call it."""
        starts = "system texts that begin alike" if self.with_preamble else "no two prompts alike"
        return f"{NUM_PAIRS} PM-like pairs x{FACTOR}, {starts}"


@pytest.fixture(scope="module", params=[True, False], ids=["with-preamble", "without-preamble"])
def setting(request: pytest.FixtureRequest) -> Setting:
    torch.set_num_threads(1)
    torch.manual_seed(SEED)
    config = qwen3("0.6B", layers=2)
    lengths = typical_draw(PM, NUM_PAIRS, FACTOR)
    pairs = token_pairs(lengths, config.vocab_size, SEED, with_preamble=request.param)
    model = RewardModel(config)
    # a zero head would give every loss the same value
    torch.nn.init.normal_(model.reward_head.weight, std=0.02)
    reference = ReferenceModel(config)
    reference.copy_weights(model)
    return Setting(config, lengths, pairs, model, reference, request.param)


def ours(setting: Setting, pack: Callable[[list[TokenPair]], PairPack], *, full: bool) -> Step:
    """Pack all pairs into one row, compute on it, divide by the counts of the step."""

    def step() -> dict[str, float]:
        setting.model.zero_grad()
        chosen, rejected, lm_loss = setting.model(pack(setting.pairs), with_lm=full)
        loss = bradley_terry_sum(chosen, rejected) / len(setting.pairs)
        if full:
            magnitude = magnitude_sum(chosen, rejected, "absolute") / len(setting.pairs)
            loss = loss + LM_WEIGHT * lm_loss / num_labels(setting.pairs) + MAGNITUDE_WEIGHT * magnitude
        loss.backward()
        return {"loss": loss.item(), "gradient_norm": gradient_norm(setting.model)}

    return step


def padded(setting: Setting) -> Step:
    """The reference over its micro-batches, each language-model mean weighted by its tokens: the same objective."""

    def step() -> dict[str, float]:
        setting.reference.zero_grad()
        total = 0.0
        for batch in micro_batches(setting.pairs):
            losses = setting.reference(collate(batch))
            share = len(batch) / len(setting.pairs)
            lm_share = num_labels(batch) / num_labels(setting.pairs)
            loss = share * (losses.bradley_terry + MAGNITUDE_WEIGHT * losses.magnitude)
            loss = loss + LM_WEIGHT * lm_share * losses.language_model
            loss.backward()
            total += loss.item()
        return {"loss": total, "gradient_norm": gradient_norm(setting.reference)}

    return step


def num_labels(pairs: Sequence[TokenPair]) -> int:
    return sum(pair.num_labels for pair in pairs)


def gradient_norm(model: torch.nn.Module) -> float:
    gradients = [parameter.grad for parameter in model.parameters() if parameter.grad is not None]
    return torch.nn.utils.get_total_norm(gradients).item()


def check_equal_work(samples: dict[str, Sample]) -> float:
    """The largest relative difference of a loss or a gradient norm from the first case's, which must be rounding."""
    first, *others = (sample.result for sample in samples.values())
    largest = max(abs(other[name] / first[name] - 1) for other in others for name in first)
    assert largest < 1e-4, [sample.result for sample in samples.values()]
    return largest


def comparison(
    title: str, samples: dict[str, Sample], works: dict[str, Work], setting: Setting, notes: list[str]
) -> Table:
    """Seconds and ratios of all cases; the first is ours."""
    first = next(iter(samples))
    largest = check_equal_work(samples)
    return Table(
        title=title,
        columns=("case", "rows", "CPU s", "x / ours", "FLOPs: x / ours"),
        rows=[
            (
                name,
                f"{works[name].rows:,.0f}",
                f"{sample.cpu:.2f}",
                at_least(sample.cpu / samples[first].cpu, TARGET_TRL)
                if name == TRL
                else f"{sample.cpu / samples[first].cpu:.2f}",
                f"{works[name].flops(setting.config) / works[first].flops(setting.config):.2f}",
            )
            for name, sample in samples.items()
        ],
        notes=[f"Losses and gradient norms differ by {largest:.1e} at most.", *notes],
    )


def test_full_objective_against_packing_and_padding(setting: Setting, report: Report) -> None:
    cases = {
        OURS: timed(ours(setting, pack_pairs, full=True)),
        UNSHARED: timed(ours(setting, pack_without_sharing, full=True)),
        PADDED: timed(padded(setting)),
    }
    samples = interleaved(cases, REPETITIONS)
    lengths = setting.lengths
    works = {
        OURS: flops.shared(lengths, flash=False, with_preamble=setting.with_preamble),
        UNSHARED: flops.unshared(lengths),
        PADDED: flops.padded(lengths, MICRO_BATCH, flash=False),
    }
    title = f"Training: CPU seconds of the full objective, {setting.name}"
    note = (
        "The targets of facts/training_peers.md section 5.2 (1.22 and 2.2) are for GPUs, whose kernels leave the "
        "causal half out, and for a reference that recomputes activations: reported here, not judged."
    )
    report.add(comparison(title, samples, works, setting, [note]))
    assert samples[PADDED].cpu > 1.3 * samples[OURS].cpu


def test_reward_only_against_trl(setting: Setting, report: Report, tmp_path: Path) -> None:
    missing = why_no_peer("trl")
    title = f"Training: CPU seconds reward-only against TRL 1.16, {setting.name}"
    if missing:
        report.add(Table(title=title, columns=("case", "CPU s"), rows=[("TRL", f"not run: {missing}")]))
        pytest.skip(missing)
    write_trl_folder(setting.model, setting.pairs, tmp_path)
    with Peer("tests.benchmarks.peers.trl_reward", [str(tmp_path)]) as trl:
        cases = {OURS: timed(ours(setting, pack_pairs, full=False)), TRL: trl.case("step")}
        samples = interleaved(cases, REPETITIONS)
    works = {
        OURS: without_lm(flops.shared(setting.lengths, flash=False, with_preamble=setting.with_preamble)),
        TRL: trl_work(setting.lengths),
    }
    note = "TRL pads chosen and rejected of a micro-batch to one length; recomputation, its default, is off here."
    report.add(comparison(title, samples, works, setting, [note]))
    assert samples[TRL].cpu > 0.9 * TARGET_TRL * samples[OURS].cpu


def without_lm(work: Work) -> Work:
    """The same without the language-model head."""
    return Work(work.rows, work.attended, 0)


def trl_work(lengths: list[PairLengths]) -> Work:
    """Both sides of a micro-batch padded to its longest sequence, attention as whole squares."""
    rows = attended = 0.0
    for batch in micro_batches(lengths):
        longest = max(pair.prompt + max(pair.chosen, pair.rejected) for pair in batch)
        rows += 2 * len(batch) * longest
        attended += 2 * len(batch) * longest**2
    return Work(rows, attended, 0)
