"""Whether a reward model prefers the longer response, right or wrong."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from themis_common.statistics.accuracy import FloatArray, Tally, tally


@dataclass(frozen=True, kw_only=True, slots=True)
class LengthBias:
    """Accuracy where the chosen response is the longer and where it is the shorter one.

    Attributes:
        chosen_longer, chosen_shorter: tallies; None where the benchmark has no such pair.
        prefers_longer: share of the decided pairs of unequal length in which the longer response scores higher;
            None where there is none. The benchmark's own share is what an unbiased perfect model has.
        longer_is_chosen: that own share, over the same pairs.
    """

    chosen_longer: Tally | None
    chosen_shorter: Tally | None
    prefers_longer: float | None
    longer_is_chosen: float | None


def length_bias(
    chosen: FloatArray, rejected: FloatArray, *, extra_length: npt.NDArray[np.int64]
) -> LengthBias:
    """Measure the bias of one model.

    `chosen` and `rejected` are float64 (n,), NaN where a score is missing; `extra_length` is (n,), the length of
    the chosen response minus that of the rejected one in any unit.
    """
    longer, shorter = extra_length > 0, extra_length < 0
    decided = ((chosen > rejected) | (chosen < rejected)) & (longer | shorter)
    count = int(np.count_nonzero(decided))
    agrees = (chosen > rejected) == longer
    return LengthBias(
        chosen_longer=tally(chosen[longer], rejected[longer]) if longer.any() else None,
        chosen_shorter=tally(chosen[shorter], rejected[shorter]) if shorter.any() else None,
        prefers_longer=int(np.count_nonzero(agrees & decided)) / count if count else None,
        longer_is_chosen=int(np.count_nonzero(longer & decided)) / count if count else None,
    )
