"""The training pipeline: general preferences first (PT), code preferences second (PM), then export (paper section 4).

`train_and_export` is the graph over pairs that another pipeline made; `training` imports the pairs from files.
"""

from typing import NamedTuple

from kfp import dsl

from components.dataset.assemble_preferences.component import assemble_imported
from components.dataset.import_sources.component import import_sources
from components.evaluation.write_report.component import write_report
from components.training.export_model.component import export_model
from components.training.pack_pairs.component import pack_pairs
from components.training.prepare_base_model.component import prepare_base_model
from components.training.train_reward_model.component import train_reward_model
from pipelines.steps import uncached


class Models(NamedTuple):
    """The model that training started from and the exported reward model."""

    base: dsl.Dataset
    exported: dsl.Dataset


@dsl.pipeline(name="themis-train-and-export")
def train_and_export(run: str, general: dsl.Input[dsl.Dataset], code: dsl.Input[dsl.Dataset]) -> Models:
    """Train on two sets of preference pairs in the run folder `run`."""
    base = uncached(prepare_base_model(run=run, task="prepare_base_model", general=general, code=code))
    start = base.outputs["model"]
    packed_general = uncached(pack_pairs(run=run, task="pack_general", pairs=general, model=start))
    first = uncached(
        train_reward_model(run=run, task="train_general", pairs=packed_general.outputs["packed"], model=start)
    )
    packed_code = uncached(pack_pairs(run=run, task="pack_code", pairs=code, model=start))
    second = uncached(
        train_reward_model(
            run=run, task="train_code", pairs=packed_code.outputs["packed"], model=first.outputs["trained"]
        )
    )
    exported = uncached(export_model(run=run, task="export_model", model=second.outputs["trained"]))
    return Models(base=start, exported=exported.outputs["exported"])


@dsl.pipeline(name="themis-training", description="Train a reward model in two stages and export it.")
def training(run: str) -> None:
    """Import general and code pairs from files, then train and export."""
    general = uncached(import_sources(run=run, task="import_general"))
    code = uncached(import_sources(run=run, task="import_code"))
    models = uncached(
        train_and_export(
            run=run,
            general=uncached(
                assemble_imported(run=run, task="assemble_general", imported=general.outputs["pairs"])
            ).outputs["pairs"],
            code=uncached(
                assemble_imported(run=run, task="assemble_code", imported=code.outputs["pairs"])
            ).outputs["pairs"],
        )
    )
    uncached(write_report(run=run)).after(models)
