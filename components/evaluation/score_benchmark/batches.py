"""How conversations are put together for the model: by length, within a budget of padded tokens.

Batches depend on nothing but the conversations and the budget. Floating point sums differ by an ulp between batch
shapes, so a fixed composition is what makes a second run give the same bytes.
"""

from collections.abc import Mapping


def plan_batches(lengths: Mapping[str, int], budget: int) -> list[list[str]]:
    """Cut conversations into batches whose rows times longest row is at most `budget` tokens.

    The longest come first, so that a model that does not fit fails at once. A conversation longer than the budget
    makes a batch of its own.

    Args:
        lengths: tokens of every conversation, by key.
    """
    batches: list[list[str]] = []
    longest = 0
    for key in sorted(lengths, key=lambda key: (-lengths[key], key)):
        if batches and (len(batches[-1]) + 1) * longest <= budget:
            batches[-1].append(key)
        else:
            batches.append([key])
            longest = lengths[key]
    return batches
