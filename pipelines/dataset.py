"""The dataset pipeline: from git repositories and general pairs to the preference pairs of both training stages.

`build_pairs` is the graph; `dataset` runs it alone and reports.
"""

from typing import NamedTuple

from kfp import dsl

from components.dataset.assemble_preferences.component import assemble_imported, assemble_judged
from components.dataset.classify_aspects.component import classify_aspects
from components.dataset.import_sources.component import import_sources
from components.evaluation.write_report.component import write_report
from pipelines.fan_out import fan_out
from pipelines.steps import uncached

mine_commits = fan_out("dataset.mine_commits", on="data")
filter_commits = fan_out("dataset.filter_commits", on="data")
retrieve_contents = fan_out("dataset.retrieve_contents", on="data")
deduplicate = fan_out("dataset.deduplicate", on="data")
rate_changes = fan_out("dataset.rate_changes", on="data")
judge_preferences = fan_out("dataset.judge_preferences", on="data")


class Pairs(NamedTuple):
    """The two data sets that training takes."""

    general: dsl.Dataset
    code: dsl.Dataset


@dsl.pipeline(name="themis-build-pairs")
def build_pairs(run: str) -> Pairs:
    """Build both sets of preference pairs in the run folder `run`."""
    mined = uncached(mine_commits(run=run, task="mine_commits"))
    filtered = uncached(filter_commits(run=run, task="filter_commits", source=mined.output))
    retrieved = uncached(retrieve_contents(run=run, task="retrieve_contents", source=filtered.output))
    unique = uncached(deduplicate(run=run, task="deduplicate", source=retrieved.output))
    classified = uncached(classify_aspects(run=run, task="classify_aspects", changes=unique.output))
    rated = uncached(rate_changes(run=run, task="rate_changes", source=classified.outputs["classified"]))
    judged = uncached(judge_preferences(run=run, task="judge_preferences", source=rated.output))
    code = uncached(assemble_judged(run=run, task="assemble_code", judged=judged.output))
    imported = uncached(import_sources(run=run, task="import_general"))
    general = uncached(
        assemble_imported(run=run, task="assemble_general", imported=imported.outputs["pairs"])
    )
    return Pairs(general=general.outputs["pairs"], code=code.outputs["pairs"])


@dsl.pipeline(name="themis-dataset", description="Mine code changes and make preference pairs of them.")
def dataset(run: str) -> None:
    """Build both sets of preference pairs in the run folder `run`, and report."""
    pairs = uncached(build_pairs(run=run))
    uncached(write_report(run=run)).after(pairs)
