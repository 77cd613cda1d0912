"""Model folders as datasets: which files belong to a model, how they are stored and fetched. Needs no torch."""

import shutil
from collections.abc import Collection, Iterator
from pathlib import Path

from themis_common.datasets.reader import FILES, DatasetReader
from themis_common.errors import UserError
from themis_common.hashing import file_digest, row_key
from themis_common.stages import UnitOutput
from themis_common.store.local import LocalStore

CONFIG = "config.json"
TOKENIZER_FILES = (
    "tokenizer.json",
    "tokenizer_config.json",
    "chat_template.jinja",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "merges.txt",
    "tokenizer.model",
)
_OTHER_FILES = (CONFIG, "generation_config.json", "model.safetensors.index.json", "README.md")
_BLOCK = 1 << 20

FOR_TOKENIZING = (CONFIG, *TOKENIZER_FILES)
"""What turning text into token ids takes."""


def model_files(folder: Path) -> Iterator[Path]:
    """The files of a model folder that are kept, sorted by name: data only, never code or pickles."""
    for path in sorted(folder.iterdir()):
        wanted = path.suffix == ".safetensors" or path.name in (*TOKENIZER_FILES, *_OTHER_FILES)
        if wanted and path.is_file():
            yield path


def publish_model(folder: Path, output: UnitOutput) -> None:
    """Copy the model in `folder` into a MODEL_FILES dataset, one row for each file."""
    for path in model_files(folder):
        with path.open("rb") as source, output.open_file(path.name) as target:
            shutil.copyfileobj(source, target, _BLOCK)
        row = {
            "row_key": row_key(path.name),
            "path": path.name,
            "bytes": path.stat().st_size,
            "sha256": file_digest(path),
        }
        output.emit(row, sources=())


def fetch_model(model: DatasetReader, scratch: Path, only: Collection[str] | None = None) -> Path:
    """A local folder with the files of a MODEL_FILES dataset, each checked against its digest.

    Args:
        scratch: an empty folder, used where the store is not a local disk.
        only: the files that are needed, where not all are.

    Raises:
        UserError: a file is missing or changed.
    """
    local = isinstance(model.store, LocalStore)
    folder = model.store.root / FILES if isinstance(model.store, LocalStore) else scratch / "model"
    if not local:
        folder.mkdir()
    for row in model.rows():
        if only is not None and row["path"] not in only:
            continue
        if not local:
            with model.open_file(row["path"]) as source, (folder / row["path"]).open("wb") as target:
                shutil.copyfileobj(source, target, _BLOCK)
        _check_file(folder / row["path"], row["sha256"])
    return folder


def _check_file(path: Path, expected: str) -> None:
    try:
        found = file_digest(path)
    except FileNotFoundError as error:
        raise UserError(f"{path} is missing: delete the dataset's folder and run its stage again") from error
    if found != expected:
        raise UserError(
            f"{path} was changed after it was written: delete the dataset's folder and run its stage again"
        )
