"""Where the curves go while a run lasts: lines of JSON always, TensorBoard and Weights & Biases when asked for."""

import json
import os
from collections.abc import Callable, Iterable, Sequence
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

import torch

from components.training.train_reward_model.metrics import ALL, MetricRow
from themis_common.errors import UserError

LINES = "curves.jsonl"
_PROJECT = "themis"


class Tracker(Protocol):
    """What takes named values of a step."""

    def log(self, values: dict[str, Any], step: int | None) -> None:
        """Take them."""

    def finish(self) -> None:
        """Nothing more comes."""


class Trackers:
    """All that a run writes its curves to; a context manager. Only the first rank has one.

    Args:
        folder: gets `curves.jsonl`, and what the others leave on disk.
        names: any of `tensorboard` and `wandb`.
        configuration: shown beside the curves.

    Raises:
        UserError: a package is missing.
    """

    def __init__(
        self,
        folder: Path,
        names: Sequence[str],
        configuration: dict[str, Any],
        device: torch.device,
        say: Callable[[str], None],
    ) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        for name in names:
            if find_spec(name) is None:
                raise UserError(
                    f"trackers has {name}, which is not installed: pip install 'themis[trackers]'"
                )
        self._trackers: list[Tracker] = [_started(name, folder, configuration, device, say) for name in names]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for tracker in self._trackers:
            tracker.finish()

    def log(self, step: int, rows: Iterable[MetricRow]) -> None:
        """Hand on the rows of one step; a slice becomes the last part of the name."""
        values = {row.metric if row.slice == ALL else f"{row.metric}/{row.slice}": row.value for row in rows}
        with (self._folder / LINES).open("a") as file:
            file.write(json.dumps({"step": step, **values}) + "\n")
        for tracker in self._trackers:
            tracker.log(values, step)


def _started(
    name: str, folder: Path, configuration: dict[str, Any], device: torch.device, say: Callable[[str], None]
) -> Tracker:
    from accelerate.state import PartialState
    from accelerate.tracking import TensorBoardTracker, WandBTracker

    # accelerate's loggers refuse to work without it; it takes over the process group that is there
    PartialState(cpu=device.type == "cpu")
    tracker: Any
    if name == "tensorboard":
        tracker = TensorBoardTracker("tensorboard", logging_dir=folder)
    else:
        mode = None
        if not {"WANDB_API_KEY", "WANDB_MODE"} & os.environ.keys():
            mode = "offline"
            say(f"WANDB_API_KEY is not set, so wandb writes to {folder}; send that later with `wandb sync`")
        tracker = WandBTracker(_PROJECT, dir=str(folder), mode=mode, config=configuration)
    tracker.start()
    found: Tracker = tracker
    return found
