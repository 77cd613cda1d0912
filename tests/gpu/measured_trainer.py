"""The trainer as it is, run for a few steps between two looks at the clock, and its gradients by themselves.

The trainer asks once in every step whether it is told to stop. The question is where time is taken, and after the last
timed step it is answered with an exception, so that nothing is saved.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch

from components.training.train_reward_model.config import TrainRewardModelConfig
from components.training.train_reward_model.dealing import PairCost, deal
from components.training.train_reward_model.job import Job
from components.training.train_reward_model.metrics import StepSums
from components.training.train_reward_model.parallel import Ranks, make_sharded_model
from components.training.train_reward_model.trainer import Surroundings, Trainer
from tests.benchmarks.unshared_packing import pack_without_sharing
from tests.gpu.device_clock import forget, peak_gib, synchronised
from tests.gpu.sketch import Sketch, sketch_of
from themis_common.modeling.model import read_model_config
from themis_common.modeling.packing import PairPack, pack_pairs
from themis_common.modeling.token_pair import TokenPair
from themis_common.modeling.weights import load_weights, stored_parameters

Pack = Callable[[Sequence[TokenPair]], PairPack]


class UnsharedTrainer(Trainer):
    """The trainer with sharing off: packs of whole conversations, dealt by what these cost."""

    def _own_packs(self, batch: list[TokenPair]) -> list[PairPack]:
        costs = [self._cost(pair) + self._cost.of_start(len(pair.prefix)) for pair in batch]
        tokens = [pair.num_tokens + len(pair.prefix) for pair in batch]
        slots = deal(costs, tokens, 1, self._config.max_tokens_per_pack)
        return [
            pack_without_sharing([batch[number] for number in slot]).to(self._ranks.device)
            for (slot,) in slots
        ]


class _EnoughError(Exception):
    """All timed steps are done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Seconds of the timed steps together, and the largest memory in use."""

    seconds: float
    peak_gib: float


@dataclass(kw_only=True)
class StepClock:
    """Takes the time of steps `warm`+1 to `warm`+`steps`, by being asked in the middle of every step.

    Attributes:
        between: called at the beginning and at the end of the timed region.
    """

    device: torch.device
    warm: int
    steps: int
    between: Callable[[], object] | None = None
    _asked: int = 0
    _marks: list[float] = field(default_factory=list)

    def ask(self) -> bool:
        """Whether to stop, which is never answered with yes.

        Raises:
            _EnoughError: after the last timed step.
        """
        self._asked += 1
        if self._asked in (self.warm, self.warm + self.steps):
            self._marks.append(synchronised(self.device))
            if self.between is not None:
                self.between()
        if self._asked == self.warm + self.steps:
            raise _EnoughError
        return False

    def run(self, trainer: Trainer) -> Timing:
        """Let a trainer work until enough is known."""
        try:
            trainer.run()
        except _EnoughError:
            start, end = self._marks
            return Timing(seconds=end - start, peak_gib=peak_gib(self.device))
        raise AssertionError("the run ended before all steps were timed")


def time_trainer(kind: type[Trainer], job: Job, ranks: Ranks, clock: StepClock) -> Timing:
    """Train on a job as far as the clock wants."""
    forget(ranks.device)
    around = Surroundings(
        ranks=ranks,
        say=print,
        clock=lambda: synchronised(torch.device("cpu")),
        stop_requested=clock.ask,
    )
    return clock.run(kind(job, around))


def gradients_of_ours(job: Job, ranks: Ranks, pairs: Sequence[TokenPair], pack: Pack = pack_pairs) -> Sketch:
    """The gradients of the objective on a few pairs, one pack at a time."""
    forget(ranks.device)
    config: TrainRewardModelConfig = job.config
    model_config = read_model_config(job.model)
    model = make_sharded_model(model_config, config, ranks)
    load_weights(model, job.model, with_reward_head=True)
    model.train()
    sums = StepSums(config, len(pairs), sum(pair.num_labels for pair in pairs), ranks.device)
    cost = PairCost.of_model(model_config)
    tokens = [pair.num_tokens + len(pair.prefix) for pair in pairs]
    for (slot,) in deal([cost(pair) for pair in pairs], tokens, 1, config.max_tokens_per_pack):
        outputs = model(
            pack([pairs[number] for number in slot]).to(ranks.device), with_lm=config.lm_weight > 0
        )
        sums.add(outputs).backward()  # type: ignore[no-untyped-call]
    return sketch_of(stored_parameters(model).items())
