"""Statistics of reward-model evaluation: accuracy under three tie policies, intervals, comparisons, ranks, biases.

Numpy and the standard library only, so that scores can be aggregated where no torch is installed.
"""

from themis_common.statistics.accuracy import Breakdown, Margins, Tally, breakdown, credit, margins, tally
from themis_common.statistics.calibration import Calibration, MarginBin, calibration
from themis_common.statistics.comparison import Difference, exact_mcnemar, paired_difference
from themis_common.statistics.intervals import Interval, wilson
from themis_common.statistics.length_bias import LengthBias, length_bias
from themis_common.statistics.ranking import RankRange, decided, holm, rank_ranges

__all__ = [
    "Breakdown",
    "Calibration",
    "Difference",
    "Interval",
    "LengthBias",
    "MarginBin",
    "Margins",
    "RankRange",
    "Tally",
    "breakdown",
    "calibration",
    "credit",
    "decided",
    "exact_mcnemar",
    "holm",
    "length_bias",
    "margins",
    "paired_difference",
    "rank_ranges",
    "tally",
    "wilson",
]
