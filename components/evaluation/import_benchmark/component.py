"""The KFP task around `task.py`."""

from kfp import dsl

from themis_common.images import image


@dsl.component(base_image=image("evaluate"), install_kfp_package=False)
def import_benchmark(
    run: str,
    task: str,
    benchmark: dsl.Output[dsl.Dataset],
) -> None:
    """Import and check a benchmark."""
    from components.evaluation.import_benchmark.task import import_in_run

    benchmark.metadata.update(import_in_run(run=run, task=task, artifact=benchmark.path))
