"""What a plan says of one cell: a reward model to score, a baseline, or published scores to import."""

import re
from pathlib import Path
from typing import Final, Literal

from components.evaluation.plan_cells.groups import GPU_COUNTS
from themis_common.architectures import AUTO, architecture
from themis_common.config import config, option

MAX_PODS: Final = 64
_PATH_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")


@config
class Cell:
    """One reward model to score."""

    id: str = option(help="short name of the cell; part of paths: letters, digits, dot, dash, underscore")
    architecture: str = option(
        default=AUTO,
        help="how the model is loaded and read out (`themis models`); auto: as the checkpoint shows",
    )
    model: str = option(
        default="", help="a task of this run that makes a model, or the location of a dataset of model files"
    )
    scores: str = option(
        default="", help="instead of a model, the location of a published scores.parquet to import"
    )
    prompt_mode: Literal["none", "all", "criterion"] = option(
        default="none", help="criteria named in the system prompt: none, all five, or the row's own"
    )
    gpus: int = option(
        default=0,
        help="GPUs of a pod that scores it: 1, 2, 4 or 8; 0: as many of 80 GB as hold it as stored; where they hold "
        "it several times, as many copies score side by side",
    )
    pods: int = option(default=1, help=f"pods that score it together, each a share: 1 to {MAX_PODS}")

    def __post_init__(self) -> None:
        if not _PATH_SAFE.fullmatch(self.id):
            raise ValueError(
                f"cell id {self.id!r} must be 1 to 63 letters, digits, dots, dashes or underscores and start with a "
                "letter or digit"
            )
        if self.gpus not in (0, *GPU_COUNTS):
            raise ValueError(
                f"cell {self.id}: gpus must be 1, 2, 4 or 8, or 0 to go by the model, found {self.gpus}"
            )
        if not 1 <= self.pods <= MAX_PODS:
            raise ValueError(f"cell {self.id}: pods must be from 1 to {MAX_PODS}, found {self.pods}")
        self._make_paths_absolute()
        if self.scores:
            self._check_imported()
        else:
            self._check_scored()

    def _make_paths_absolute(self) -> None:
        # the tasks of a run work elsewhere: a path counts from where the configuration is first read
        for name, is_path in {"model": "/" in self.model, "scores": bool(self.scores)}.items():
            location = getattr(self, name)
            if is_path and "://" not in location:
                object.__setattr__(self, name, str(Path(location).expanduser().absolute()))

    def _check_imported(self) -> None:
        scoring = (
            self.model,
            self.architecture != AUTO,
            self.prompt_mode != "none",
            self.gpus,
            self.pods > 1,
        )
        if any(scoring):
            raise ValueError(
                f"cell {self.id}: imported scores need nothing else; remove model, architecture, prompt_mode, gpus, "
                "pods"
            )

    def _check_scored(self) -> None:
        how = None if self.architecture == AUTO else architecture(self.architecture)
        # a judge may be served elsewhere, where only the scoring stage knows
        if not self.model and (how is None or (how.needs_model and how.kind != "generative")):
            raise ValueError(f"cell {self.id}: architecture {self.architecture} needs a model; set it")
        reads = self.model or self.prompt_mode != "none" or self.pods > 1
        if how is not None and not how.needs_model and reads:
            raise ValueError(
                f"cell {self.id}: architecture {self.architecture} reads no model and no prompt; remove model, "
                "prompt_mode and pods"
            )
