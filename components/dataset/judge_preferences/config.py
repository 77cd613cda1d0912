"""The options of the stage."""

from themis_common.config import config, option
from themis_common.errors import UserError
from themis_common.llm.config import EngineConfig
from themis_common.llm.parser import JudgeReading


@config
class JudgePreferencesConfig:
    """How pairs are judged and which votes suffice."""

    llm: EngineConfig = option(
        default_factory=EngineConfig, help="the engine that judges and how it samples", shared="llm"
    )
    num_responses: int = option(default=8, help="votes per pair (dataset.md 10.3)")
    min_margin: int = option(
        default=1,
        help="votes for the new version less votes for the old one, at least (dataset.md 17: unspecified)",
    )
    min_match_share: float = option(
        default=0.5,
        help="share of all votes that must be for the new version, 0 to 1 (dataset.md 17: unspecified)",
    )
    reading: JudgeReading = option(
        default=JudgeReading.TOLERANT,
        help="how answers are read: tolerant, or strict-upstream as the published script does",
    )
    seed: int = option(
        default=7, help="seed of the order in which versions are shown, and of samples", shared="seed"
    )

    def __post_init__(self) -> None:
        if self.num_responses < 1:
            raise UserError(f"num_responses must be at least 1, found {self.num_responses}")
        if not 0 <= self.min_match_share <= 1:
            raise UserError(f"min_match_share must lie between 0 and 1, found {self.min_match_share}")
        if self.min_margin > self.num_responses:
            raise UserError(
                f"min_margin {self.min_margin} is more than the {self.num_responses} votes: lower it"
            )
