"""What a report says, as plain data: the page, the Markdown table and the summary are three views of it.

Shares (accuracies, interval ends) are in [0, 1]; durations are in seconds. All text may come from mined
repositories and is treated as hostile by every view.
"""

from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, kw_only=True, slots=True)
class Fact:
    """One headline figure, already formatted: "61.2 %" with the label under it and an optional remark."""

    value: str
    label: str
    remark: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class FunnelStage:
    """Row accounting of one stage. Every input key is emitted or dropped under one reason."""

    stage: str
    rows_in: int
    emitted: int
    dropped: dict[str, int]
    rows_out: int
    unit: str = "rows"

    def __post_init__(self) -> None:
        if self.rows_in != self.emitted + self.num_dropped:
            raise ValueError(
                f"funnel of {self.stage}: {self.rows_in} in is not {self.emitted} emitted + {self.num_dropped} dropped"
            )

    @property
    def num_dropped(self) -> int:
        """Input keys dropped, all reasons together."""
        return sum(self.dropped.values())


@dataclass(frozen=True, kw_only=True, slots=True)
class ExamplePair:
    """One preference pair to look at; `origin` says where it came from (repository, path, commit)."""

    criterion: str
    language: str
    instruction: str
    chosen: str
    rejected: str
    origin: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Curve:
    """One quantity over the steps of a run; points are (step, value) with finite values, in step order."""

    name: str
    points: tuple[tuple[int, float], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Chart:
    """Curves that share one vertical axis. `unit` is "" or "share" (drawn as per cent)."""

    title: str
    curves: tuple[Curve, ...]
    unit: Literal["", "share"] = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Bin:
    """Values from `low` to below `high`: how many there are of each series."""

    low: float
    high: float
    counts: dict[str, int]


@dataclass(frozen=True, kw_only=True, slots=True)
class Histogram:
    """Where values lie; bins ascend, and are all equally wide. Empty ones may be left out."""

    title: str
    series: tuple[str, ...]
    bins: tuple[Bin, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class SliceCurve:
    """Held-out accuracy (shares) of one slice over a run, with the number of held-out pairs where known."""

    name: str
    points: tuple[tuple[int, float], ...]
    pairs: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainingRun:
    """One training phase: charts, and held-out accuracy per criterion and per language."""

    name: str
    remark: str
    charts: tuple[Chart, ...]
    histograms: tuple[Histogram, ...] = ()
    by_criterion: tuple[SliceCurve, ...] = ()
    by_language: tuple[SliceCurve, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Score:
    """Strict accuracy with its 95 % interval over `pairs` benchmark pairs."""

    accuracy: float
    low: float
    high: float
    pairs: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Versus:
    """Accuracy of a cell minus that of the reference cell on the same pairs; the interval is 95 %."""

    estimate: float
    low: float
    high: float
    p_value: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Biases:
    """What accuracy does not tell of a cell, as shares; None where the benchmark or the scores do not give it.

    Attributes:
        prefers_longer, longer_is_chosen: how often the longer response scores higher, and how often it is the
            chosen one.
        chosen_longer, chosen_shorter: accuracy where the chosen response is the longer or the shorter one.
        margin_auc: chance that a correct pair has a larger margin than a wrong one.
        calibration_error: mean gap between the sigmoid of the margin and the share of correct pairs.
    """

    prefers_longer: float | None = None
    longer_is_chosen: float | None = None
    chosen_longer: float | None = None
    chosen_shorter: float | None = None
    margin_auc: float | None = None
    calibration_error: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class LeaderboardRow:
    """One evaluated cell. `failure` says why there are no scores; then every number but those of `failures` is absent.

    `ranks` are the best and the worst rank that the cell may hold, from 1.
    """

    cell: str
    architecture: str
    prompt_mode: str
    overall: Score | None = None
    macro: float | None = None
    half_credit: float | None = None
    tie_excluded: float | None = None
    ties: int = 0
    coverage: float = 0.0
    by_criterion: dict[str, Score] = field(default_factory=dict)
    by_language: dict[str, Score] = field(default_factory=dict)
    versus: Versus | None = None
    ranks: tuple[int, int] | None = None
    biases: Biases | None = None
    failures: dict[str, int] = field(default_factory=dict)
    failure: str = ""


ClusterBy = Literal["prompt", "subset"]
"""Pairs that are drawn together; those of a subset are variants of one problem where it says subset."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Leaderboard:
    """All cells on one benchmark of `subsets` subsets, best first; cells without scores last."""

    benchmark: str
    pairs: int
    rows: tuple[LeaderboardRow, ...]
    reference: str = ""
    cluster_by: ClusterBy = "prompt"
    subsets: int = 0

    @property
    def independence(self) -> str:
        """What the intervals, ranks and p-values count, where that is not simply every pair."""
        if self.cluster_by == "prompt" or self.subsets == self.pairs:
            return ""
        return (
            f"The {self.pairs:,} pairs are variants of {self.subsets:,} problems, one in each subset, and those of one "
            "problem are not independent: intervals, ranks and p-values are over the problems."
        )

    @property
    def missing(self) -> tuple[LeaderboardRow, ...]:
        """Cells that left no scores."""
        return tuple(row for row in self.rows if row.overall is None)


@dataclass(frozen=True, kw_only=True, slots=True)
class StageSeconds:
    """Wall time of making the output of one stage; `reused` when an earlier run has made it."""

    stage: str
    seconds: float
    reused: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class ManifestLine:
    """What makes one dataset reproducible: who wrote it, with what configuration, from what."""

    stage: str
    version: int
    config_hash: str
    content_digest: str
    rows: int
    inputs: dict[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """Everything one run has to say. `engine` names what did the language-model work, if any was done."""

    title: str
    summary: str
    engine: str = ""
    engine_is_rules: bool = False
    facts: tuple[Fact, ...] = ()
    notices: tuple[str, ...] = ()
    funnel: tuple[FunnelStage, ...] = ()
    examples: tuple[ExamplePair, ...] = ()
    training: tuple[TrainingRun, ...] = ()
    leaderboard: Leaderboard | None = None
    seconds: tuple[StageSeconds, ...] = ()
    manifests: tuple[ManifestLine, ...] = ()
