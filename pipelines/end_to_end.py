"""From git repositories to scored reward models: the dataset, training and evaluation pipelines in one run."""

from kfp import dsl

from pipelines.dataset import build_pairs
from pipelines.evaluation import evaluation
from pipelines.steps import uncached
from pipelines.training import train_and_export


@dsl.pipeline(name="themis-end-to-end", description="Mine, train and evaluate in one run.")
def end_to_end(run: str) -> None:
    """Run everything in the run folder `run`."""
    pairs = uncached(build_pairs(run=run))
    models = uncached(train_and_export(run=run, general=pairs.outputs["general"], code=pairs.outputs["code"]))
    uncached(evaluation(run=run)).after(models)
