"""The options of the stage."""

from themis_common.config import config, option
from themis_common.errors import UserError
from themis_common.llm.config import EngineConfig


@config
class RateChangesConfig:
    """How changes are rated and which ratings suffice."""

    llm: EngineConfig = option(
        default_factory=EngineConfig, help="the engine that rates and how it samples", shared="llm"
    )
    num_samples: int = option(
        default=3,
        help="answers per change and criterion; the rating is their median (dataset.md 10.2 names no number)",
    )
    min_rating: float = option(
        default=4.0, help="lowest median rating that is kept, 1 to 5 (dataset.md 17: unspecified, likely 4)"
    )
    max_chars: int = option(
        default=60_000, help="longest file, either version, in characters; longer ones do not fit a prompt"
    )
    seed: int = option(default=7, help="seed of problem styles and samples", shared="seed")

    def __post_init__(self) -> None:
        if self.num_samples < 1:
            raise UserError(f"num_samples must be at least 1, found {self.num_samples}")
        if not 1 <= self.min_rating <= 5:
            raise UserError(f"min_rating must lie between 1 and 5, found {self.min_rating}")
        if self.max_chars < 1:
            raise UserError(f"max_chars must be at least 1, found {self.max_chars}")
