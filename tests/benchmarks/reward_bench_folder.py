"""Writes what `peers/reward_bench.py` computes on: a sequence classifier with its tokenizer, and pairs as messages."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

from tests.benchmarks.text_pairs import TextPair
from themis_common.prompts.chat import Conversation


def write_reward_bench_folder(model: Path, pairs: Sequence[TextPair], folder: Path) -> None:
    """Fill `folder` from a checkpoint's folder, so that transformers 4.51 can read it."""
    shutil.copytree(model, folder / "model")
    settings_file = folder / "model" / "tokenizer_config.json"
    settings = json.loads(settings_file.read_text())
    settings["tokenizer_class"] = "PreTrainedTokenizerFast"
    settings["model_input_names"] = ["input_ids", "attention_mask"]
    # tokenizer.json has these too; 4.51 takes them here as a mapping only
    del settings["extra_special_tokens"]
    settings_file.write_text(json.dumps(settings))
    rows = [{"chosen": _messages(pair.chosen), "rejected": _messages(pair.rejected)} for pair in pairs]
    (folder / "pairs.json").write_text("".join(json.dumps(row) + "\n" for row in rows))


def _messages(conversation: Conversation) -> list[dict[str, str]]:
    # the package would take a system turn for one of the user's
    assert conversation.system is None
    return [
        {"role": "user", "content": conversation.user},
        {"role": "assistant", "content": conversation.assistant},
    ]
