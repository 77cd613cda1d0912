"""TRL's own reward trainer on tokenised pairs: its collator, its loss, its loop, with activations computed twice.

Weights are float32 under bfloat16 autocast, attention is the default of transformers (SDPA on padded rows), the
optimiser is fused AdamW. trl and datasets are imported when a case runs, because not every machine has them.
"""

import importlib
import tempfile
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, models
from torch.utils.data import SequentialSampler
from transformers import AutoModelForSequenceClassification, PreTrainedTokenizerFast, TrainerCallback

from components.training.train_reward_model.config import TrainRewardModelConfig
from tests.benchmarks.reference_trainer import PAD
from tests.gpu.device_clock import forget, peak_gib, synchronised
from tests.gpu.measured_trainer import Timing
from tests.gpu.scale import Scale
from tests.gpu.sketch import Sketch, sketch_of
from themis_common.modeling.token_pair import TokenPair


def why_no_trl() -> str | None:
    """What is not installed of what TRL needs; None where all is there."""
    missing = [name for name in ("trl", "datasets") if find_spec(name) is None]
    return f"{' and '.join(missing)} not installed" if missing else None


class StepTimes(TrainerCallback):
    """Takes the time at the end of the last warm step and of the last step."""

    def __init__(self, device: torch.device, warm: int, steps: int) -> None:
        self._device = device
        self._at = (warm, warm + steps)
        self.marks: list[float] = []

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002
        """Called by the trainer after every optimiser step."""
        if state.global_step in self._at:
            self.marks.append(synchronised(self._device))


class TrlSide:
    """A trainer for the pairs of all steps, in their order.

    Args:
        classifier: folder of a sequence classifier with the weights of the other sides.
        config: the objective of ours; its optimiser and clipping.
    """

    def __init__(
        self,
        classifier: Path,
        pairs: Sequence[TokenPair],
        config: TrainRewardModelConfig,
        scale: Scale,
        micro_batch: int,
    ) -> None:
        forget(scale.device)
        self._scale = scale
        self._scratch = tempfile.TemporaryDirectory()
        on_cpu = scale.device.type == "cpu"
        trl = importlib.import_module("trl")
        datasets = importlib.import_module("datasets")
        options = trl.RewardConfig(
            output_dir=self._scratch.name,
            per_device_train_batch_size=micro_batch,
            gradient_accumulation_steps=config.global_batch // micro_batch,
            max_steps=scale.warm_steps + scale.steps,
            gradient_checkpointing=True,
            bf16=config.compute_dtype == "bfloat16",
            use_cpu=on_cpu,
            optim="adamw_torch" if on_cpu else "adamw_torch_fused",
            learning_rate=config.learning_rate,
            weight_decay=config.weight_decay,
            max_grad_norm=config.gradient_clip,
            max_length=None,
            save_strategy="no",
            logging_strategy="no",
            report_to="none",
            disable_tqdm=True,
        )
        self._times = StepTimes(scale.device, scale.warm_steps, scale.steps)
        model = AutoModelForSequenceClassification.from_pretrained(
            classifier, dtype=torch.float32, attn_implementation="sdpa"
        )
        self._trainer = _in_order(trl.RewardTrainer)(
            model=model,
            args=options,
            train_dataset=datasets.Dataset.from_list([_example(pair) for pair in pairs]),
            processing_class=_padding(),
            callbacks=[self._times],
        )

    def gradients(self, pairs: Sequence[TokenPair]) -> Sketch:
        """Of the mean loss on a few pairs, under the names of a model folder."""
        model = self._trainer.model.to(self._scale.device)
        collator = importlib.import_module("trl.trainer.reward_trainer").DataCollatorForPreference(PAD)
        batch = {
            name: tensor.to(self._scale.device)
            for name, tensor in collator([_example(pair) for pair in pairs]).items()
        }
        model.train()
        with torch.autocast(self._scale.device.type, dtype=torch.bfloat16, enabled=self._trainer.args.bf16):
            loss = self._trainer.compute_loss(model, batch)
        loss.backward()
        found = sketch_of(model.named_parameters())
        model.zero_grad()
        return found

    def time(self) -> Timing:
        """Train to the end; the seconds of the timed steps."""
        with self._scratch:
            self._trainer.train()
        start, end = self._times.marks
        return Timing(seconds=end - start, peak_gib=peak_gib(self._scale.device))


def _in_order(trainer: Any) -> Any:
    """The trainer without shuffling, so that all sides have the same pairs in the same steps."""

    class InOrder(trainer):  # type: ignore[misc]
        def _get_train_sampler(self, *_: Any) -> SequentialSampler:
            return SequentialSampler(self.train_dataset)

    return InOrder


def _example(pair: TokenPair) -> dict[str, list[int]]:
    return {
        "chosen_ids": [*pair.prefix.tolist(), *pair.chosen.tolist()],
        "rejected_ids": [*pair.prefix.tolist(), *pair.rejected.tolist()],
    }


def _padding() -> PreTrainedTokenizerFast:
    """A tokenizer that is there for its padding token alone."""
    words = models.WordLevel({"<pad>": PAD, "<eos>": 1}, unk_token="<pad>")
    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=Tokenizer(words), pad_token="<pad>", eos_token="<eos>"
    )
