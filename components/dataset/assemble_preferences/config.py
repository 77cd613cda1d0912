"""The options of the stage."""

from typing import Literal

from themis_common.config import config, option
from themis_common.errors import UserError


@config
class AssemblePreferencesConfig:
    """How pairs are prompted and how they are split."""

    system_prompts: Literal["script", "paper", "none"] = option(
        default="script",
        help="mix of system prompts: script is 15 % none, 60 % one criterion, 25 % all; paper 15 / 65 / 20; "
        "none gives no row one (dataset.md 11)",
    )
    held_out_share: float = option(default=0.05, help="share of pairs kept from training, 0 to below 1")
    split_by: Literal["repository", "prompt"] = option(
        default="repository",
        help="what stays on one side of the split: all pairs of connected repositories, or all pairs of one prompt",
    )
    source: str = option(
        default="Commit-Preference", help="name of the source of judged changes (dataset.md 12.2)"
    )
    seed: int = option(default=7, help="seed of system prompts and split", shared="seed")

    def __post_init__(self) -> None:
        if not 0 <= self.held_out_share < 1:
            raise UserError(f"held_out_share must be 0 or more and less than 1, found {self.held_out_share}")
