"""Forward and backward of TRL's reward trainer on a folder of pairs and weights; runs in the peers' environment.

`python -m tests.benchmarks.peers.trl_reward FOLDER [CENTRE]` serves the case `step`, at micro-batch 4, and the case
`gradients`, which leaves those of the last step in `gradients.safetensors`. TRL's own collator and
`RewardTrainer.compute_loss` do the work, with float32 weights, plain attention (SDPA) and no recomputed activations, so
that both sides do equal work. FOLDER is what `trl_folder.py` writes; CENTRE is the weight of the centring term.
"""

import json
import logging
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from safetensors.torch import save_file
from tokenizers import Tokenizer, models
from transformers import AutoModelForSequenceClassification, PreTrainedTokenizerFast
from trl import RewardConfig, RewardTrainer
from trl.trainer.reward_trainer import DataCollatorForPreference

from tests.benchmarks.measure import serve

PAD = 0
MICRO_BATCH = 4


def main(folder: Path, centre: float | None) -> None:
    """Serve the cases."""
    logging.disable(logging.WARNING)
    torch.set_num_threads(1)
    examples = json.loads((folder / "pairs.json").read_text())
    model = AutoModelForSequenceClassification.from_pretrained(
        folder / "model", dtype=torch.float32, attn_implementation="sdpa"
    )
    with tempfile.TemporaryDirectory() as scratch:
        trainer = make_trainer(model, examples, scratch, centre)

        def gradients() -> None:
            found = {name: p.grad for name, p in model.named_parameters() if p.grad is not None}
            save_file(found, folder / "gradients.safetensors")

        serve({"step": make_step(trainer, examples), "gradients": gradients})


def make_trainer(
    model: Any, examples: list[dict[str, Any]], scratch: str, centre: float | None
) -> RewardTrainer:
    """A trainer for tokenised pairs; the tokenizer is there for its padding token alone."""
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer(models.WordLevel({"<pad>": PAD, "<eos>": 1}, unk_token="<pad>")),
        pad_token="<pad>",
        eos_token="<eos>",
    )
    options = RewardConfig(
        output_dir=scratch,
        gradient_checkpointing=False,
        bf16=False,
        use_cpu=True,
        report_to="none",
        max_length=None,
        center_rewards_coefficient=centre,
        disable_tqdm=True,
    )
    return RewardTrainer(
        model=model, args=options, train_dataset=Dataset.from_list(examples), processing_class=tokenizer
    )


def make_step(trainer: RewardTrainer, examples: list[dict[str, Any]]) -> Callable[[], dict[str, float]]:
    """Collate, forward and backward over all pairs; gives the mean loss and the gradient's norm."""
    collator = DataCollatorForPreference(pad_token_id=PAD)
    batches = [examples[start : start + MICRO_BATCH] for start in range(0, len(examples), MICRO_BATCH)]

    def step() -> dict[str, float]:
        trainer.model.train()
        trainer.model.zero_grad()
        total = 0.0
        for batch in batches:
            loss = trainer.compute_loss(trainer.model, collator(batch)) / len(batches)
            loss.backward()
            total += loss.item()
        gradients = [p.grad for p in trainer.model.parameters() if p.grad is not None]
        return {"loss": total, "gradient_norm": torch.nn.utils.get_total_norm(gradients).item()}

    return step


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]) if sys.argv[2:] else None)
