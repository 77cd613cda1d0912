"""How a training row is prompted: a draw between no, one and all criteria, made once when data is assembled.

Source: facts/dataset.md section 11. Code and cards of the published work say 15 / 60 / 25 %, the paper says
15 / 65 / 20 %.
"""

from dataclasses import dataclass

from themis_common.errors import UserError
from themis_common.hashing import rng
from themis_common.prompts.registry import EVALUATION_ORDER, PromptMode, SystemPrompt, system_prompt
from themis_common.taxonomy import CODE_CRITERIA, Criterion

_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class TreatmentShares:
    """Shares of rows, between 0 and 1, that sum to 1.

    Raises:
        UserError: a share is negative, or the sum is another.
    """

    none: float
    criterion: float
    all: float

    def __post_init__(self) -> None:
        shares = (self.none, self.criterion, self.all)
        if min(shares) < 0 or abs(sum(shares) - 1) > _ROUNDING:
            raise UserError(
                f"system prompt shares none={self.none}, criterion={self.criterion}, all={self.all} "
                f"sum to {sum(shares):g}: give three shares from 0 to 1 that sum to 1"
            )


SHARES: dict[str, TreatmentShares] = {
    "script": TreatmentShares(none=0.15, criterion=0.60, all=0.25),
    "paper": TreatmentShares(none=0.15, criterion=0.65, all=0.20),
    "none": TreatmentShares(none=1.0, criterion=0.0, all=0.0),
}
"""Named mixes; `none` is the paper's ablation without criteria prompts."""


@dataclass(frozen=True, slots=True)
class Treatment:
    """The mode of one row and, for mode `all`, the order of the code criteria."""

    mode: PromptMode
    order: tuple[Criterion, ...] = EVALUATION_ORDER

    def system_prompt(self, criterion: Criterion) -> SystemPrompt | None:
        """The prompt for a row of that criterion; None in mode `none`."""
        return system_prompt(self.mode, criterion, self.order)


def treatment_at(draw: float, shares: TreatmentShares) -> PromptMode:
    """The mode that a uniform draw from [0, 1) selects: first none, then one criterion, then all."""
    if draw < shares.none:
        return PromptMode.NONE
    return PromptMode.CRITERION if draw < shares.none + shares.criterion else PromptMode.ALL


def draw_treatment(seed: int, row_key: str, shares: TreatmentShares) -> Treatment:
    """The treatment of one row; equal arguments give equal treatments in every process."""
    generator = rng(seed, row_key, "system-prompt")
    mode = treatment_at(generator.random(), shares)
    if mode is not PromptMode.ALL:
        return Treatment(mode)
    order = list(CODE_CRITERIA)
    generator.shuffle(order)
    return Treatment(mode, tuple(order))
