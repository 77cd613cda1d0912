"""Statistics of reward-model evaluation: accuracy under three tie policies, intervals, paired comparison.

Numpy and the standard library only, so that scores can be aggregated where no torch is installed.
"""

from themis_common.statistics.accuracy import Breakdown, Margins, Tally, breakdown, credit, margins, tally
from themis_common.statistics.comparison import Difference, paired_difference
from themis_common.statistics.intervals import Interval, wilson

__all__ = [
    "Breakdown",
    "Difference",
    "Interval",
    "Margins",
    "Tally",
    "breakdown",
    "credit",
    "margins",
    "paired_difference",
    "tally",
    "wilson",
]
