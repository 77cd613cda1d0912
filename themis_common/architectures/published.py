"""The models of the published leaderboard: which architecture each is, and what it takes to score it."""

from dataclasses import dataclass
from functools import cache
from importlib import resources

import yaml

from themis_common.architectures.architecture import Architecture
from themis_common.architectures.registry import architecture


@dataclass(frozen=True, kw_only=True, slots=True)
class PublishedModel:
    """A row of `published.yaml`.

    Attributes:
        run: folder of its published scores.
        script: the published script that is said to have scored it (facts/evaluation.md section 7).
        billions: parameters.
        gpus: accelerators of 80 GB that hold it in 16 bit.
        note: why its published scores, or ours, need a second look.
    """

    hub_id: str
    run: str
    script: str
    architecture: str
    billions: float
    gpus: int
    note: str = ""

    @property
    def row(self) -> Architecture:
        """Its architecture."""
        return architecture(self.architecture)


@cache
def published_models() -> tuple[PublishedModel, ...]:
    """All 51, best first."""
    text = (resources.files(__package__) / "published.yaml").read_text(encoding="utf-8")
    return tuple(PublishedModel(**entry) for entry in yaml.safe_load(text))
