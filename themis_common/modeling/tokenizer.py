"""Loads the tokenizer of a local model folder, never code from it."""

from pathlib import Path
from typing import TYPE_CHECKING

from themis_common.errors import UserError
from themis_common.prompts.chat import ChatRenderer, Conversation

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


def load_tokenizer(folder: Path) -> "PreTrainedTokenizerBase":
    """The tokenizer in `folder`.

    Raises:
        UserError: there is none that transformers knows.
    """
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except (OSError, ValueError, KeyError) as error:
        raise UserError(f"{folder}: no usable tokenizer ({error})") from error


def check_padding(tokenizer: "PreTrainedTokenizerBase", folder: Path) -> int:
    """The padding id, once it is sure that a conversation never ends with it.

    Sequence classifiers of transformers score the last token that is not padding, so a conversation that ends with
    the padding token would be scored one token too early.

    Raises:
        UserError: there is no padding token, or conversations end with it.
    """
    pad = tokenizer.pad_token_id
    if pad is None:
        raise UserError(
            f"{folder}: the tokenizer has no padding token; set pad_token in tokenizer_config.json"
        )
    last = ChatRenderer(tokenizer).encode(Conversation(None, "u", "a")).ids[-1]
    if last == pad:
        raise UserError(
            f"{folder}: conversations end with the padding token {tokenizer.pad_token!r}, so classifiers would score "
            "the token before it; set another pad_token in tokenizer_config.json"
        )
    return int(pad)
