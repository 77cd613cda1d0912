"""The draw of system prompts for training rows (facts/dataset.md section 18.9)."""

from collections import Counter

import pytest

from themis_common.errors import UserError
from themis_common.prompts.registry import PromptMode, system_prompt
from themis_common.prompts.treatment import (
    SHARES,
    TreatmentShares,
    draw_treatment,
    treatment_at,
)
from themis_common.taxonomy import CODE_CRITERIA, Criterion

ROWS = 6000


@pytest.mark.parametrize(
    ("draw", "mode"),
    [
        (0.0, PromptMode.NONE),
        (0.10, PromptMode.NONE),
        (0.15, PromptMode.CRITERION),
        (0.50, PromptMode.CRITERION),
        (0.75, PromptMode.ALL),
        (0.90, PromptMode.ALL),
    ],
)
def test_draws_select_the_published_treatments(draw: float, mode: PromptMode) -> None:
    assert treatment_at(draw, SHARES["script"]) is mode


@pytest.mark.parametrize("shares", list(SHARES.values()))
def test_shares_are_met_within_three_standard_deviations(shares: TreatmentShares) -> None:
    counts = Counter(draw_treatment(7, f"row-{n}", shares).mode for n in range(ROWS))
    for mode, share in (
        (PromptMode.NONE, shares.none),
        (PromptMode.CRITERION, shares.criterion),
        (PromptMode.ALL, shares.all),
    ):
        deviation = (ROWS * share * (1 - share)) ** 0.5
        assert abs(counts[mode] - ROWS * share) <= 3 * deviation


def test_presets_are_the_mixes_of_the_script_and_of_the_paper() -> None:
    mixes = {name: (shares.none, shares.criterion, shares.all) for name, shares in SHARES.items()}
    assert mixes == {"script": (0.15, 0.60, 0.25), "paper": (0.15, 0.65, 0.20), "none": (1.0, 0.0, 0.0)}


def test_draw_depends_on_seed_and_row_only() -> None:
    first = [draw_treatment(7, f"row-{n}", SHARES["script"]) for n in range(50)]
    assert first == [draw_treatment(7, f"row-{n}", SHARES["script"]) for n in range(50)]
    assert first != [draw_treatment(8, f"row-{n}", SHARES["script"]) for n in range(50)]


def test_order_of_all_criteria_is_drawn() -> None:
    everything = TreatmentShares(none=0, criterion=0, all=1)
    orders = {draw_treatment(7, f"row-{n}", everything).order for n in range(600)}
    assert len(orders) > 110  # of 120 permutations
    assert all(sorted(order, key=lambda c: c.id) == list(CODE_CRITERIA) for order in orders)


def test_training_and_evaluation_say_the_same_for_the_same_treatment() -> None:
    single = TreatmentShares(none=0, criterion=1, all=0)
    for criterion in Criterion:
        trained = draw_treatment(7, "row", single).system_prompt(criterion)
        assert trained == system_prompt(PromptMode.CRITERION, criterion)


@pytest.mark.parametrize("shares", [(0.5, 0.5, 0.5), (-0.1, 0.6, 0.5), (0.1, 0.1, 0.1)])
def test_shares_must_be_a_distribution(shares: tuple[float, float, float]) -> None:
    with pytest.raises(UserError, match="sum to 1"):
        TreatmentShares(*shares)
