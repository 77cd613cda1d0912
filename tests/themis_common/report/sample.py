"""A report with every section filled and with the awkward cases in it: long names, ties, a missing cell."""

import dataclasses
import math

from themis_common.report.model import (
    Biases,
    Bin,
    Chart,
    Curve,
    ExamplePair,
    Fact,
    FunnelStage,
    Histogram,
    Leaderboard,
    LeaderboardRow,
    ManifestLine,
    Report,
    Score,
    SliceCurve,
    StageSeconds,
    TrainingRun,
    Versus,
)
from themis_common.statistics import wilson

CRITERIA = {
    "Functional Correctness": 96,
    "Memory Efficiency": 24,
    "Readability and Maintainability": 48,
    "Runtime Efficiency": 40,
    "Security Hardness": 32,
}
LANGUAGES = {"C": 20, "C#": 12, "C++": 36, "Go": 30, "Java": 40, "JavaScript": 32, "Python": 50, "Ruby": 20}
FUNNEL: tuple[tuple[str, int, dict[str, int], int], ...] = (
    (
        "dataset.mine_commits",
        1843,
        {"merge_commit": 210, "more_than_one_file": 402, "blocked_subject": 31},
        1200,
    ),
    ("dataset.filter_commits", 1200, {"unwanted_language": 288, "message_too_short": 97}, 815),
    ("dataset.retrieve_contents", 815, {"not_utf8": 4, "too_large": 11}, 800),
    ("dataset.deduplicate", 800, {"near_duplicate": 56}, 744),
    ("dataset.classify_aspects", 744, {"no_criterion": 301}, 443),
    ("dataset.rate_changes", 443, {"rating_below_threshold": 120}, 361),
    ("dataset.assemble_preferences", 361, {}, 361),
)
"""Stage, rows in, rows dropped by reason, rows out."""
SECONDS = {
    "dataset.mine_commits": 4.2,
    "dataset.deduplicate": 6.9,
    "training.train_reward_model (PT)": 121.0,
    "training.train_reward_model (PM)": 74.4,
    "evaluation.score_benchmark (trained)": 14.8,
}

SLOW = '''def duplicates(names):
    """Names that occur more than once."""
    found = []
    for i in range(len(names)):
        for j in range(len(names)):
            if i != j and names[i] == names[j]:
                if names[i] not in found:
                    found.append(names[i])
    return found


def unrelated():
    return 1
'''
FAST = '''def duplicates(names):
    """Names that occur more than once."""
    seen, found = set(), {}
    for name in names:
        if name in seen:
            found[name] = None
        seen.add(name)
    return list(found)


def unrelated():
    return 1
'''
UNSAFE = """import java.sql.*;

class Users {
    ResultSet byName(Connection db, String name) throws SQLException {
        Statement query = db.createStatement();
        return query.executeQuery("SELECT * FROM users WHERE name = '" + name + "'");
    }
}
"""
SAFE = """import java.sql.*;

class Users {
    ResultSet byName(Connection db, String name) throws SQLException {
        PreparedStatement query = db.prepareStatement("SELECT * FROM users WHERE name = ?");
        query.setString(1, name);
        return query.executeQuery();
    }
}
"""


def score(correct: int, pairs: int) -> Score:
    """A score with its Wilson interval."""
    interval = wilson(correct, pairs)
    return Score(accuracy=correct / pairs, low=interval.low, high=interval.high, pairs=pairs)


def _row(
    cell: str,
    architecture: str,
    share: float,
    *,
    ranks: tuple[int, int],
    ties: int = 0,
    versus: Versus | None = None,
) -> LeaderboardRow:
    total = sum(CRITERIA.values())
    spread = (0.06, -0.08, 0.02, -0.05, 0.04, 0.0, 0.03, -0.04)
    return LeaderboardRow(
        cell=cell,
        architecture=architecture,
        prompt_mode="criterion" if architecture == "seqcls" else "",
        overall=score(round(share * total), total),
        macro=share - 0.012,
        half_credit=share + ties / 2 / total,
        tie_excluded=share * total / (total - ties),
        ties=ties,
        coverage=1.0 if architecture != "seqcls" else 0.9917,
        by_criterion={
            k: score(round((share + d) * n), n) for (k, n), d in zip(CRITERIA.items(), spread, strict=False)
        },
        by_language={
            k: score(round((share + d) * n), n) for (k, n), d in zip(LANGUAGES.items(), spread, strict=True)
        },
        versus=versus,
        ranks=ranks,
        biases=Biases(
            prefers_longer=0.61,
            longer_is_chosen=0.52,
            chosen_longer=share + 0.1,
            chosen_shorter=share - 0.1,
            margin_auc=0.58 if ties == 0 else None,
            calibration_error=0.07,
        ),
        failures={"too_long": 2} if architecture == "seqcls" else {},
    )


def _decay(first: float, last: float, steps: int) -> tuple[tuple[int, float], ...]:
    return tuple(
        (s, last + (first - last) * math.exp(-4 * s / steps) + 0.1 * last * math.sin(s * 1.7))
        for s in range(0, steps + 1, 2)
    )


def _run(name: str, steps: int, gain: float) -> TrainingRun:
    def rise(offset: float) -> tuple[tuple[int, float], ...]:
        return tuple(
            (s, min(0.98, 0.5 + (gain + offset) * (1 - math.exp(-3 * s / steps))))
            for s in range(0, steps + 1, 20)
        )

    return TrainingRun(
        name=name,
        remark=f"{steps} steps of 16 pairs, bradley-terry loss with a language-model term",
        charts=(
            Chart(
                title="Loss",
                curves=(
                    Curve(name="total", points=_decay(1.02, 0.61, steps)),
                    Curve(name="bradley-terry", points=_decay(0.69, 0.41, steps)),
                    Curve(name="language model", points=_decay(0.32, 0.2, steps)),
                    Curve(name="magnitude", points=_decay(0.02, 0.01, steps)),
                ),
            ),
            Chart(
                title="Reward margin",
                curves=(Curve(name="chosen minus rejected", points=_decay(0.0, 1.4, steps)),),
            ),
            Chart(
                title="Accuracy",
                curves=(
                    Curve(name="training batch", points=rise(0.05)),
                    Curve(name="held out", points=rise(0.0)),
                ),
                unit="share",
            ),
        ),
        histograms=(
            Histogram(
                title="Rewards of held-out pairs",
                series=("chosen", "rejected"),
                bins=tuple(
                    Bin(
                        low=low / 2,
                        high=low / 2 + 0.5,
                        counts={"chosen": 7 + low, "rejected": 7 - low},
                    )
                    for low in range(-6, 6)
                ),
            ),
        ),
        by_criterion=tuple(
            SliceCurve(name=key, points=rise(0.02 * i - 0.04), pairs=n)
            for i, (key, n) in enumerate(CRITERIA.items())
        ),
        by_language=tuple(
            SliceCurve(name=key, points=rise(0.01 * i - 0.04), pairs=n)
            for i, (key, n) in enumerate(LANGUAGES.items())
        ),
    )


def _examples() -> tuple[ExamplePair, ...]:
    return (
        ExamplePair(
            criterion="Runtime Efficiency",
            language="Python",
            instruction="Find the names that occur more than once in a list.",
            chosen=FAST,
            rejected=SLOW,
            origin="example/names, src/names.py, 4f1c9a2",
        ),
        ExamplePair(
            criterion="Security Hardness",
            language="Java",
            instruction="Look up users by their name in the database.",
            chosen=SAFE,
            rejected=UNSAFE,
            origin="example/users, src/main/java/org/example/users/Users.java, 90aa31b",
        ),
    )


def _leaderboard() -> Leaderboard:
    """A model that beats its reference, one that does not, and one without scores."""
    better = Versus(estimate=0.116, low=0.03, high=0.2, p_value=0.009)
    maybe_better = Versus(estimate=0.054, low=-0.03, high=0.14, p_value=0.21)
    return Leaderboard(
        benchmark="CodeRewardBench sample",
        pairs=240,
        rows=(
            _row("trained", "seqcls", 0.6125, ranks=(1, 1), versus=better),
            _row("longer-response", "longer-response", 0.55, ranks=(2, 3), ties=9, versus=maybe_better),
            _row("untrained", "seqcls", 0.4958, ranks=(2, 3)),
            LeaderboardRow(
                cell="skywork-8b",
                architecture="seqcls",
                prompt_mode="none",
                failure="The pod was killed for memory (exit code 137).",
            ),
        ),
        reference="untrained",
    )


def sample_report() -> Report:
    """The sample; numbers are made up but consistent."""
    return Report(
        title="End to end on the sample data",
        summary=(
            "843 commits of 6 local repositories became 361 preference pairs; a reward model trained on them prefers "
            "the better code in 61.2% of 240 benchmark pairs, the untrained one in 49.6%."
        ),
        engine="rules engine",
        engine_is_rules=True,
        facts=(
            Fact(value="61.2%", label="trained model", remark="95% interval 55.0% to 67.2%"),
            Fact(value="49.6%", label="untrained base", remark="95% interval 43.3% to 55.9%"),
            Fact(value="361", label="preference pairs", remark="5 criteria, 8 languages"),
            Fact(value="3 min 41 s", label="from commits to this page"),
        ),
        notices=("Cell skywork-8b left no scores: the pod was killed for memory (exit code 137).",),
        funnel=tuple(
            FunnelStage(
                stage=name,
                rows_in=rows_in,
                emitted=rows_in - sum(drops.values()),
                dropped=drops,
                rows_out=out,
            )
            for name, rows_in, drops, out in FUNNEL
        ),
        examples=_examples(),
        training=(
            _run("Preference pre-training (PT)", 200, 0.12),
            _run("Preference modelling (PM)", 120, 0.15),
        ),
        leaderboard=_leaderboard(),
        seconds=tuple(
            StageSeconds(stage=name, seconds=seconds, reused=name.startswith("dataset."))
            for name, seconds in SECONDS.items()
        ),
        manifests=tuple(
            ManifestLine(
                stage=name,
                version=1,
                config_hash=f"{index:x}" * 64,
                content_digest=f"{15 - index:x}" * 64,
                rows=out,
                inputs={"commits": "ab" * 32} if index else {},
            )
            for index, (name, _, _, out) in enumerate(FUNNEL)
        ),
    )


def every_text_replaced(report: Report, text: str) -> Report:
    """The same report with every string in it replaced by `text`, and every key led by it."""
    replaced = _replaced(report, text)
    assert isinstance(replaced, Report)
    return replaced


def _replaced(value: object, text: str) -> object:
    if isinstance(value, str):
        return text
    if isinstance(value, tuple):
        return tuple(_replaced(item, text) for item in value)
    if isinstance(value, dict):
        return {f"{text}{key}": _replaced(item, text) for key, item in value.items()}
    if isinstance(value, Chart):
        return Chart(
            title=text, curves=tuple(Curve(name=text, points=curve.points) for curve in value.curves)
        )
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        values = {
            field.name: _replaced(getattr(value, field.name), text) for field in dataclasses.fields(value)
        }
        return type(value)(**values)
    return value
