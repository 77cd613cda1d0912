"""The training loop: deal, compute, sum, step, and be ready to be killed at any point.

A restarted run goes on from the newest complete checkpoint and, at the same number of ranks on the same kind of
machine, ends with the same bytes as one that was never interrupted.
"""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from components.training.train_reward_model.alarms import Alarms
from components.training.train_reward_model.batch_costs import batch_costs
from components.training.train_reward_model.checkpoint import Checkpoints, Progress
from components.training.train_reward_model.dealing import PairCost, deal
from components.training.train_reward_model.evaluate import evaluate
from components.training.train_reward_model.job import Job
from components.training.train_reward_model.lease import Lease
from components.training.train_reward_model.metrics import ALL, Curves, MetricRow, StepSums, metric_rows
from components.training.train_reward_model.optimizer import clip_gradients, make_optimizer, set_learning_rate
from components.training.train_reward_model.pair_file import PairFile
from components.training.train_reward_model.parallel import Ranks, make_sharded_model
from components.training.train_reward_model.sampler import DataState, PairSampler
from components.training.train_reward_model.schedule import learning_rate, schedule_length
from components.training.train_reward_model.speed import Speed, peak_flops
from components.training.train_reward_model.stop import StopVote
from components.training.train_reward_model.trackers import Trackers
from components.training.train_reward_model.trained_model import save_trained_model
from components.training.train_reward_model.window import PackOutputs, StepRecord, Window
from themis_common.config import as_values
from themis_common.errors import UserError
from themis_common.modeling.model import read_model_config
from themis_common.modeling.packing import PairPack, pack_pairs
from themis_common.modeling.token_pair import TokenPair
from themis_common.modeling.weights import has_reward_head, load_weights
from themis_common.plural import counted
from themis_common.store import open_store


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What the loop takes from outside: its peers, a way to speak, a clock in seconds, and a request to stop.

    Attributes:
        lease: the right to write checkpoints, on the first rank of a run that may have rivals.
    """

    ranks: Ranks
    say: Callable[[str], None]
    clock: Callable[[], float]
    stop_requested: Callable[[], bool]
    lease: Lease | None = None


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
        self._schedule_length = schedule_length(len(self._pairs), self._config)
        self._step = 0
        self._curves = Curves()
        self._checkpoints = Checkpoints(
            open_store(job.checkpoints),
            job.identity,
            self._config.keep_checkpoints,
            self._ranks,
            surroundings.lease,
        )
        self._stop = StopVote(self._ranks, surroundings.stop_requested)
        self._window = Window(ranks=self._ranks)
        self._speed = Speed(
            self._cost,
            self._ranks,
            peak_flops(self._config.peak_tflops, self._ranks.device, self._config.compute_dtype),
            surroundings.clock,
        )
        self._trackers: Trackers | None = None

    def run(self) -> bool:
        """Train to the end and write the model; false when asked to stop before, with everything saved."""
        with ExitStack() as stack:
            stack.callback(self._checkpoints.close)
            if self._ranks.is_first:
                trackers = Trackers(
                    self._job.log,
                    self._config.trackers,
                    as_values(self._config),
                    self._ranks.device,
                    self._around.say,
                )
                self._trackers = stack.enter_context(trackers)
            return self._run()

    def _run(self) -> bool:
        self._speed.pause()
        self._restore()
        self._alarms = Alarms(self._config, self._ranks, self._curves.losses)
        self._model.train()
        self._speed.go_on()
        while self._step < self._total:
            stop = self._train_step()
            last = self._step == self._total
            self._speed.pause()
            if self._evaluates():
                self._evaluate()
            if self._saves() or stop:
                self._save()
            if stop and not last:
                self._checkpoints.finish()
                self._around.say(f"asked to stop: saved after step {self._step} of {self._total}")
                return False
            self._speed.go_on()
        self._checkpoints.finish()
        save_trained_model(
            self._model,
            self._job.model,
            self._job.output,
            self._config.save_dtype,
            self._curves,
            self._ranks,
        )
        return True

    def _restore(self) -> None:
        latest = self._checkpoints.latest()
        carried = self._config.reward_head == "carry" and has_reward_head(self._job.model)
        if latest is None or self._config.lora_rank:
            # a checkpoint holds what is trained, not a frozen decoder
            load_weights(self._model, self._job.model, with_reward_head=carried)
        if latest is None:
            head = "the model's own reward head" if carried else "a new reward head"
            pairs, steps = counted(len(self._pairs), "pair"), counted(self._total, "step")
            processes = counted(self._ranks.world, "process", "processes")
            self._around.say(f"{pairs}, {steps} on {processes}, with {head}")
            return
        progress, self._curves = self._checkpoints.load(latest, self._model, self._optimizer)
        self._step = progress.step
        self._sampler.state = progress.data
        self._around.say(f"goes on after step {self._step} of {self._total}")

    def _train_step(self) -> bool:
        """One optimiser step; returns whether any rank was asked to stop."""
        batch = [self._pairs.pair(number) for number in self._sampler.next_batch()]
        rate = learning_rate(self._step, self._schedule_length, self._config)
        sums = StepSums(self._config, len(batch), sum(pair.num_labels for pair in batch), self._ranks.device)
        packs = []
        for pack in self._own_packs(batch):
            outputs = self._model(pack, with_lm=self._config.lm_weight > 0)
            # FSDP averages gradients over ranks; the objective sums over them
            (sums.add(outputs) * self._ranks.world).backward()  # type: ignore[no-untyped-call]
            packs.append(PackOutputs.of(pack, outputs))
        norm = clip_gradients(self._model, self._config.gradient_clip)
        self._step += 1
        self._window.records.append(
            StepRecord(
                step=self._step,
                rate=rate,
                sums=sums,
                norm=norm,
                packs=packs,
                batch=tuple(pair.row_key for pair in batch),
            )
        )
        self._speed.add(batch)
        stop = self._stop()
        # before anything is evaluated or saved, and before this step changes a weight
        if stop or self._logs() or self._evaluates() or self._saves():
            self._look()
        self._checkpoints.wait_for_copy()
        set_learning_rate(self._optimizer, rate)
        self._optimizer.step()
        self._optimizer.zero_grad()
        return stop

    def _logs(self) -> bool:
        return self._step % self._config.log_every == 0

    def _evaluates(self) -> bool:
        every = self._config.evaluate_every
        return self._step == self._total or (every > 0 and self._step % every == 0)

    def _saves(self) -> bool:
        return self._step == self._total or self._step % self._config.save_every == 0

    def _own_packs(self, batch: list[TokenPair]) -> list[PairPack]:
        """The own part of the step, one pack for each micro-step."""
        slots = deal(
            batch_costs(batch, self._cost, self._ranks.world),
            [pair.num_tokens for pair in batch],
            self._ranks.world,
            self._config.max_tokens_per_pack,
        )
        own = (micro_step[self._ranks.rank] for micro_step in slots)
        packs = (
            pack_pairs([batch[number] for number in numbers], self._config.pad_packs_to) for numbers in own
        )
        return [pack.to(self._ranks.device) for pack in packs]

    def _look(self) -> None:
        """Fetch the numbers of the steps since the last look, judge them, and hand them on."""
        values: dict[str, float] = {}
        for record, values in self._window.look():
            self._alarms.check(record, values)
            self._hand_on(record.step, metric_rows(record.step, values), self._curves.results)
        self._hand_on(self._step, self._speed.look(self._step), self._curves.speed)
        self._around.say(
            f"step {self._step} of {self._total}: loss {values['loss/total']:.4f}, "
            f"margin {values['reward/margin']:.3f}, accuracy {values['reward/accuracy']:.3f}"
        )

    def _hand_on(self, step: int, rows: Sequence[MetricRow], curves: list[MetricRow]) -> None:
        curves.extend(rows)
        if self._trackers is not None:
            self._trackers.log(step, rows)

    def _evaluate(self) -> None:
        if len(self._held_out):
            rows = evaluate(
                self._model,
                self._held_out,
                self._step,
                self._cost,
                self._config,
                self._ranks,
            )
            self._hand_on(self._step, rows, self._curves.results)
            accuracy = next(
                row.value for row in rows if (row.metric, row.slice) == ("held_out/accuracy", ALL)
            )
            self._around.say(f"step {self._step} of {self._total}: held-out accuracy {accuracy:.3f}")

    def _save(self) -> None:
        progress = Progress(step=self._step, data=self._sampler.state)
        self._checkpoints.save(progress, self._model, self._optimizer, self._curves)
