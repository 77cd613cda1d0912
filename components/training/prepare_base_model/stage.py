"""Makes the base model of a training run a dataset: a checked local folder, or a tiny random model.

The tiny model is for demos and tests: a Qwen3 shape with seeded random weights and a tokenizer trained on the texts
of the pairs, so that a whole training run needs no download.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

from themis_common.config import config, option
from themis_common.errors import UserError
from themis_common.hashing import digest_of, file_digest
from themis_common.modeling.model_files import model_files, publish_model
from themis_common.schemas import MODEL_FILES, PAIRS
from themis_common.stages import Context, Stage, UnitOutput
from themis_common.stages.stage import plan_whole

TINY = "tiny"
_TEXTS = ("system", "input", "chosen", "rejected")


@config
class PrepareBaseModelConfig:
    """Which model to start from."""

    base: str = option(
        TINY,
        help="folder with config.json, .safetensors files and tokenizer; or tiny: random weights made here",
    )
    seed: int = option(42, help="tiny: seed of the random weights", shared="seed")
    layers: int = option(2, help="tiny: decoder layers")
    hidden: int = option(64, help="tiny: width of the hidden states; a multiple of 32")
    vocabulary: int = option(2048, help="tiny: most tokens of the tokenizer")
    max_tokens: int = option(4096, help="tiny: longest conversation")
    tied: bool = option(True, help="tiny: one matrix for input and output embeddings, as in Qwen3 up to 4B")

    def __post_init__(self) -> None:
        if self.hidden % 32 or self.hidden < 32:
            raise ValueError(f"hidden must be a multiple of 32, found {self.hidden}")
        if self.vocabulary < 512:
            raise ValueError(f"vocabulary must be at least 512, found {self.vocabulary}")


def prepare_base_model(context: Context[PrepareBaseModelConfig], unit: str, output: UnitOutput) -> None:
    """Publish the files of the base model."""
    if context.config.base == TINY:
        folder = _make_tiny(context, output)
    else:
        folder = Path(context.config.base)
        _check_folder(folder)
    publish_model(folder, output)


def _make_tiny(context: Context[PrepareBaseModelConfig], output: UnitOutput) -> Path:
    from themis_common.modeling.tiny import save_tiny_model, tiny_config, train_tokenizer

    if not context.inputs:
        raise UserError(
            "base is tiny, whose tokenizer learns from pairs: pass --input pairs/NAME=DIR, or set base"
        )
    options = context.config
    context.progress.say("trains a tokenizer on the pairs")
    tokenizer = train_tokenizer(_texts(context, output), options.vocabulary, options.max_tokens)
    shape = tiny_config(
        tokenizer,
        layers=options.layers,
        hidden=options.hidden,
        max_tokens=options.max_tokens,
        tied=options.tied,
    )
    folder = context.scratch / TINY
    save_tiny_model(folder, shape, tokenizer, options.seed)
    return folder


def _texts(context: Context[PrepareBaseModelConfig], output: UnitOutput) -> Iterator[str]:
    """All texts of the training pairs; held-out pairs teach the tokenizer nothing."""
    for name, pairs in context.inputs.items():
        for row in pairs.rows(columns=["row_key", "split", *_TEXTS]):
            # a pair may stand in more than one data set
            key = f"{name}:{row['row_key']}"
            output.read([key])
            output.consume([key])
            if row["split"] == "train":
                yield from (row[name] for name in _TEXTS if row[name])


def _check_folder(folder: Path) -> None:
    """Refuse a folder that training or export would stumble over.

    Raises:
        UserError: names the file and what is wrong with it.
    """
    from themis_common.modeling.model import empty_reward_model, read_model_config
    from themis_common.modeling.tokenizer import check_padding, load_tokenizer
    from themis_common.modeling.weights import check_weights, has_reward_head

    if not folder.is_dir():
        raise UserError(f"base {str(folder)!r} is neither 'tiny' nor a folder")
    model = empty_reward_model(read_model_config(folder))
    check_weights(model, folder, with_reward_head=has_reward_head(folder))
    check_padding(load_tokenizer(folder), folder)


def _fingerprint(options: PrepareBaseModelConfig) -> Mapping[str, str]:
    """The content of a local folder, which is read from outside the store."""
    folder = Path(options.base)
    if options.base == TINY or not folder.is_dir():
        return {}
    return {"base": digest_of({path.name: file_digest(path) for path in model_files(folder)})}


STAGE = Stage(
    name="training.prepare_base_model",
    version=2,
    config=PrepareBaseModelConfig,
    inputs={"pairs/*": PAIRS},
    optional=frozenset({"pairs/*"}),
    output=MODEL_FILES,
    plan=plan_whole,
    work=prepare_base_model,
    fingerprint=_fingerprint,
)
