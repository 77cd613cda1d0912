"""The plan of the dataset pipeline: its arithmetic, its assumptions, and that its figures are from somewhere."""

import itertools
import json
import math
import re
from pathlib import Path
from typing import Any

import pytest

from pipelines.scale_plan.dataset_plan import STAGES, StagePlan, plan_dataset
from pipelines.scale_plan.document import render
from pipelines.scale_plan.figures import Figures, load_figures
from pipelines.tasks import PIPELINE_TASKS
from tests.e2e.runs import themis
from themis_common.errors import UserError

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "tests" / "benchmarks" / "results"
FIGURES = load_figures()


def planned(commits: float = 28e6, pods: int = 20, *assumptions: str) -> dict[str, StagePlan]:
    return {stage.task: stage for stage in plan_dataset(commits, pods, FIGURES.given(assumptions)).stages}


def test_rows_flow_from_stage_to_stage() -> None:
    stages = list(planned().values())
    assert [stage.task for stage in stages] == [task for task in PIPELINE_TASKS["dataset"] if task in STAGES]
    assert stages[0].rows_out == stages[1].rows_in == 28e6
    for earlier, later in itertools.pairwise(stages[1:]):
        assert later.rows_in == earlier.rows_out > 0


def test_seconds_memory_and_dollars_by_hand() -> None:
    stage = planned(
        10e6,
        5,
        "filter_commits.cpu_seconds=36",
        "filter_commits.kept=0.5",
        "filter_commits.stored_bytes=200",
        "price.vcpu_hour=2",
        "run.pod_start_seconds=120",
    )["filter_commits"]
    assert stage.cpu_hours == pytest.approx(0.1)
    # three pods in a row start, then five share 360 seconds
    assert stage.hours == pytest.approx(3 * 120 / 3600 + 0.1 / 5)
    assert stage.pod_dollars == pytest.approx(5 * stage.hours * 2)
    assert stage.stored_gib == pytest.approx(5e6 * 200 / 2**30)
    assert (stage.rows_out, stage.bound_by, stage.service_dollars) == (5e6, "CPU", 0)


def test_what_bigquery_scans_costs_the_same_for_any_number_of_commits() -> None:
    assert planned(1e3)["mine_commits"].service_dollars == planned(28e6)["mine_commits"].service_dollars > 0
    assert planned(28e6)["mine_commits"].rows_in == 28e6 * FIGURES["mine_commits.met"]


def test_a_host_is_not_asked_for_more_by_more_pods() -> None:
    few, many = planned(28e6, 20)["retrieve_contents"], planned(28e6, 200)["retrieve_contents"]
    assert few.bound_by == many.bound_by == "host"
    assert few == many
    one = planned(28e6, 1)["retrieve_contents"]
    assert one.hours > few.hours
    slow_at_20, slow_at_40 = (
        planned(
            28e6,
            20,
            "retrieve_contents.connection_seconds=10",
            f"retrieve_contents.connections_at_host={at_once}",
        )["retrieve_contents"]
        for at_once in (20, 40)
    )
    seconds = 28e6 / FIGURES["retrieve_contents.rows_a_connection"] * 10
    assert slow_at_20.hours - slow_at_40.hours == pytest.approx(seconds / 3600 * (1 / 20 - 1 / 40))


def test_grouping_grows_with_rows_and_parts() -> None:
    small, large = planned(2e6)["deduplicate"], planned(20e6)["deduplicate"]
    assert large.cpu_hours > 10 * small.cpu_hours
    assert large.memory_gib == small.memory_gib
    assert large.pods == math.ceil(large.rows_in / FIGURES["deduplicate.rows_a_part"])


def test_a_language_model_is_paid_by_tokens() -> None:
    stage = planned(1e6, 20, "price.million_answer_tokens=0")["rate_changes"]
    tokens = stage.rows_in * FIGURES["rate_changes.requests"] * FIGURES["rate_changes.prompt_tokens"]
    assert stage.service_dollars == pytest.approx(tokens / 1e6 * FIGURES["price.million_prompt_tokens"])
    assert stage.bound_by == "endpoint"
    assert planned(1e6, 20, "rate_changes.requests_a_second=1e9")["rate_changes"].bound_by == "CPU"


@pytest.mark.parametrize("commits", [1, 1e3, 28e6, 1e10])
@pytest.mark.parametrize("pods", [1, 200])
def test_every_size_has_a_plan(commits: float, pods: int) -> None:
    plan = plan_dataset(commits, pods, FIGURES)
    assert all(1 <= stage.pods <= pods for stage in plan.stages)
    assert all(stage.hours * stage.pods >= stage.cpu_hours for stage in plan.stages)
    assert plan.dollars > 0


@pytest.mark.parametrize(
    ("assumption", "message"),
    [
        ("price.vcpu_hours=1", "unknown key 'price.vcpu_hours'; did you mean price.vcpu_hour"),
        ("price.vcpu_hour", "write NAME=VALUE"),
        ("price.vcpu_hour=cheap", "'cheap' is no number"),
        ("filter_commits.kept=0", "must be more than 0"),
        ("price.vcpu_hour=-1", "must be more than 0"),
        ("price.vcpu_hour=nan", "must be more than 0"),
    ],
)
def test_an_assumption_that_cannot_be_is_named(assumption: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        FIGURES.given([assumption])


@pytest.mark.parametrize(("commits", "pods"), [(0, 20), (math.nan, 20), (math.inf, 20), (1e6, 0), (1e6, 201)])
def test_a_size_that_cannot_be_is_named(commits: float, pods: int) -> None:
    with pytest.raises(UserError, match="--commits must be|--pods must be"):
        plan_dataset(commits, pods, FIGURES)


def test_every_figure_says_where_it_is_from() -> None:
    for name, figure in FIGURES.by_name.items():
        assert figure.unit, name
        assert figure.source, name
        for benchmark in re.findall(r"test_\w+\.py", figure.source):
            assert (ROOT / "tests" / "benchmarks" / benchmark).is_file(), f"{name}: {benchmark}"
        for stage in re.findall(r"(\w+) README", figure.source):
            assert (ROOT / "components" / "dataset" / stage / "README.md").is_file(), f"{name}: {stage}"


def test_no_figure_is_idle() -> None:
    class Watched(dict[str, Any]):
        def __init__(self, content: Any) -> None:
            super().__init__(content)
            self.read: set[str] = set()

        def __getitem__(self, name: str) -> Any:
            self.read.add(name)
            return super().__getitem__(name)

    watched = Watched(FIGURES.by_name)
    plan_dataset(28e6, 20, Figures(FIGURES.machine, watched))
    assert watched.read == set(FIGURES.by_name)


def test_the_committed_page_is_what_the_command_prints() -> None:
    newest = max(RESULTS.glob("*-scale-plan.md"))
    assert newest.read_text() == render(plan_dataset(28e6, 20, FIGURES), FIGURES) + "\n"


def test_the_command_prints_the_page_or_json() -> None:
    page = themis("plan", "dataset", "--commits", "1e6", "--pods", "7")
    assert page.stdout.startswith("# Plan of the dataset pipeline for 1,000,000 commits\n")
    assert all(f"| {task} |" in page.stdout for task in STAGES)
    document = json.loads(themis("plan", "dataset", "--commits", "1e6", "--json").stdout)
    assert document["dollars"] == pytest.approx(plan_dataset(1e6, 20, FIGURES).dollars)
    wrong = themis("plan", "dataset", "--assume", "price.vcpu_hour")
    assert (wrong.returncode, wrong.stderr.count("\n")) == (2, 1)
