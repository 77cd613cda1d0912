"""The training loop: deal, compute, sum, step, and be ready to be killed at any point.

A restarted run goes on from the newest complete checkpoint and, at the same number of ranks on the same kind of
machine, ends with the same bytes as one that was never interrupted.
"""

import json
import math
from collections.abc import Callable
from dataclasses import dataclass

import torch

from components.training.train_reward_model.checkpoint import Checkpoints, Progress
from components.training.train_reward_model.dealing import PairCost, deal
from components.training.train_reward_model.evaluate import evaluate
from components.training.train_reward_model.job import Job
from components.training.train_reward_model.metrics import ALL, MetricRow, StepSums
from components.training.train_reward_model.optimizer import (
    clip_gradients,
    learning_rate,
    make_optimizer,
    set_learning_rate,
)
from components.training.train_reward_model.pair_file import PairFile
from components.training.train_reward_model.parallel import Ranks, make_sharded_model
from components.training.train_reward_model.sampler import DataState, PairSampler
from components.training.train_reward_model.trained_model import save_trained_model
from themis_common.errors import UserError
from themis_common.modeling.model import PairOutputs, read_model_config
from themis_common.modeling.packing import PairPack, pack_pairs
from themis_common.modeling.token_pair import TokenPair
from themis_common.modeling.weights import has_reward_head, load_weights

_NAMED_ROWS = 5


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What the loop takes from outside: its peers, a way to speak, a clock in seconds, and a request to stop."""

    ranks: Ranks
    say: Callable[[str], None]
    clock: Callable[[], float]
    stop_requested: Callable[[], bool]


class Trainer:
    """One training run, from the first step or from the newest checkpoint.

    Raises:
        UserError: the model, the pairs or an earlier checkpoint do not fit the job.
    """

    def __init__(self, job: Job, surroundings: Surroundings) -> None:
        self._job = job
        self._config = job.config
        self._around = surroundings
        self._ranks = surroundings.ranks
        self._pairs = PairFile(job.pairs, "train")
        self._held_out = PairFile(job.pairs, "held_out")
        if not len(self._pairs):
            raise UserError("no tokenised pair has split 'train': there is nothing to train on")
        for pairs in (self._pairs, self._held_out):
            pairs.check_fits(self._config.max_tokens_per_pack)

        model_config = read_model_config(job.model)
        self._cost = PairCost.of_model(model_config)
        self._model = make_sharded_model(model_config, self._config, self._ranks)
        self._optimizer = make_optimizer(self._model, self._config)
        self._sampler = PairSampler(
            self._pairs.row_keys, self._config.global_batch, DataState(seed=self._config.seed)
        )
        self._total = self._config.epochs * self._sampler.steps_per_epoch
        self._step = 0
        self._metrics: list[MetricRow] = []
        self._checkpoints = Checkpoints(
            job.checkpoints, job.identity, self._config.keep_checkpoints, self._ranks
        )

    def run(self) -> bool:
        """Train to the end and write the model; false when asked to stop before, with everything saved."""
        self._restore()
        self._model.train()
        while self._step < self._total:
            started = self._around.clock()
            stop = self._train_step()
            self._write_timing(self._around.clock() - started)
            last = self._step == self._total
            if last or (self._config.evaluate_every and self._step % self._config.evaluate_every == 0):
                self._evaluate()
            if last or stop or self._step % self._config.save_every == 0:
                self._save()
            self._checkpoints.settle()
            if stop and not last:
                self._checkpoints.finish()
                self._around.say(f"asked to stop: saved after step {self._step} of {self._total}")
                return False
        self._checkpoints.finish()
        save_trained_model(
            self._model,
            self._job.model,
            self._job.output,
            self._config.save_dtype,
            self._metrics,
            self._ranks,
        )
        return True

    def _restore(self) -> None:
        latest = self._checkpoints.latest()
        if latest is None:
            carried = self._config.reward_head == "carry" and has_reward_head(self._job.model)
            load_weights(self._model, self._job.model, with_reward_head=carried)
            head = "the model's own reward head" if carried else "a new reward head"
            self._around.say(
                f"{len(self._pairs)} pairs, {self._total} steps on {self._ranks.world} processes, with {head}"
            )
            return
        progress, self._metrics = self._checkpoints.load(latest, self._model, self._optimizer)
        self._step = progress.step
        self._sampler.state = progress.data
        self._around.say(f"goes on after step {self._step} of {self._total}")

    def _train_step(self) -> bool:
        """One optimiser step; returns whether any rank was asked to stop."""
        batch = [self._pairs.pair(number) for number in self._sampler.next_batch()]
        rate = learning_rate(self._step, self._total, self._config)
        sums = StepSums(self._config, len(batch), sum(pair.num_labels for pair in batch), self._ranks.device)
        computed: list[tuple[PairPack, PairOutputs]] = []
        for pack in self._own_packs(batch):
            outputs = self._model(pack, with_lm=self._config.lm_weight > 0)
            # FSDP averages gradients over ranks; the objective sums over them
            (sums.add(outputs) * self._ranks.world).backward()  # type: ignore[no-untyped-call]
            computed.append((pack, PairOutputs(*(tensor.detach() for tensor in outputs))))
        norm = clip_gradients(self._model, self._config.gradient_clip).item()
        means, stop = sums.reduce(self._ranks, self._around.stop_requested())
        if not (math.isfinite(means["loss/total"]) and math.isfinite(norm)):
            raise UserError(self._blame(computed, batch))
        set_learning_rate(self._optimizer, rate)
        self._optimizer.step()
        self._optimizer.zero_grad()
        self._step += 1
        self._record({**means, "grad_norm": norm, "learning_rate": rate})
        return stop

    def _own_packs(self, batch: list[TokenPair]) -> list[PairPack]:
        """The own part of the step, one pack for each micro-step."""
        slots = deal(
            [self._cost(pair) for pair in batch],
            [pair.num_tokens for pair in batch],
            self._ranks.world,
            self._config.max_tokens_per_pack,
        )
        own = (micro_step[self._ranks.rank] for micro_step in slots)
        return [pack_pairs([batch[number] for number in numbers]).to(self._ranks.device) for numbers in own]

    def _blame(self, computed: list[tuple[PairPack, PairOutputs]], batch: list[TokenPair]) -> str:
        """Which rows made the step's numbers infinite or NaN; all ranks call this together."""
        own = []
        for pack, outputs in computed:
            finite = (outputs.chosen + outputs.rejected).isfinite().tolist()
            bad_pack = not torch.isfinite(outputs.lm_loss)
            own += [key for key, fine in zip(pack.row_keys, finite, strict=True) if bad_pack or not fine]
        keys = sorted(key for part in self._ranks.gather(own) for key in part)
        what = "rows" if keys else "no single row; all rows of the step are"
        keys = keys or sorted(pair.row_key for pair in batch)
        shown = ", ".join(keys[:_NAMED_ROWS]) + (
            f" and {len(keys) - _NAMED_ROWS} more" if keys[_NAMED_ROWS:] else ""
        )
        return (
            f"step {self._step + 1}: loss or gradient is not finite ({what} {shown}): "
            "look at these rows or lower learning_rate"
        )

    def _record(self, values: dict[str, float]) -> None:
        rows = [
            MetricRow(step=self._step, metric=name, slice=ALL, value=value) for name, value in values.items()
        ]
        self._metrics += rows
        self._around.say(
            f"step {self._step} of {self._total}: loss {values['loss/total']:.4f}, "
            f"margin {values['reward/margin']:.3f}, accuracy {values['reward/accuracy']:.3f}"
        )

    def _evaluate(self) -> None:
        if len(self._held_out):
            self._metrics += evaluate(
                self._model,
                self._held_out,
                self._step,
                self._cost,
                self._config.max_tokens_per_pack,
                self._ranks,
            )

    def _save(self) -> None:
        progress = Progress(step=self._step, data=self._sampler.state)
        self._checkpoints.save(progress, self._model, self._optimizer, self._metrics)

    def _write_timing(self, seconds: float) -> None:
        if self._ranks.is_first:
            with (self._job.checkpoints / "timings.jsonl").open("a") as file:
                file.write(json.dumps({"step": self._step, "seconds": round(seconds, 4)}) + "\n")
