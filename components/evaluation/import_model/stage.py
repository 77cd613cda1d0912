"""Makes a reward model in a local folder a dataset of files: data only, pickled weights converted to safetensors."""

from collections.abc import Mapping
from pathlib import Path

from themis_common.architectures.checkpoint import checkpoint_in_folder, read_config
from themis_common.architectures.pickles import convert_file, unconverted_files
from themis_common.config import config, option
from themis_common.errors import UserError
from themis_common.hashing import digest_of, file_digest
from themis_common.modeling.model_files import model_files, publish_model
from themis_common.schemas import MODEL_FILES
from themis_common.stages import Context, Stage, UnitOutput
from themis_common.stages.stage import plan_whole


@config
class ImportModelConfig:
    """Which model to import."""

    model: str = option(help="folder with config.json, weights and tokenizer, as downloaded from the hub")


def work(context: Context[ImportModelConfig], unit: str, output: UnitOutput) -> None:
    """Publish the files of the model, one pickle in memory at a time."""
    folder = _folder(context.config)
    read_config(folder)
    pickles = unconverted_files(folder)
    if any(folder.glob("*.safetensors")):
        _check_weights(folder)
    elif not pickles:
        raise UserError(f"{folder} holds no weights: neither .safetensors nor pytorch_model.bin")
    publish_model(folder, output)
    for number, pickled in enumerate(pickles):
        context.progress.say(f"converts {pickled.name}")
        converted = context.scratch / str(number)
        converted.mkdir()
        target = converted / f"{pickled.stem}.safetensors"
        convert_file(pickled, target)
        publish_model(converted, output)
        target.unlink()


def _check_weights(folder: Path) -> None:
    """Look at the files that are there to be copied, while a message can still name the user's own."""
    from themis_common.modeling.weights import StoredWeights

    checkpoint_in_folder(folder)
    StoredWeights(folder)


def _folder(options: ImportModelConfig) -> Path:
    folder = Path(options.model)
    if not folder.is_dir():
        raise UserError(f"model {options.model!r} is no folder: download the model and name its folder")
    return folder


def _fingerprint(options: ImportModelConfig) -> Mapping[str, str]:
    """The content of the folder, which is read from outside the store."""
    folder = _folder(options)
    files = {*model_files(folder), *unconverted_files(folder)}
    return {"model": digest_of({path.name: file_digest(path) for path in sorted(files)})}


STAGE = Stage(
    name="evaluation.import_model",
    version=1,
    config=ImportModelConfig,
    output=MODEL_FILES,
    work=work,
    plan=plan_whole,
    fingerprint=_fingerprint,
)
