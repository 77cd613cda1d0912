"""The KFP task around `task.py`."""

from kfp import dsl

from themis_common.images import image


@dsl.component(base_image=image("data"), install_kfp_package=False)
def write_report(
    run: str,
    page: dsl.Output[dsl.HTML],
    table: dsl.Output[dsl.Markdown],
    headline: dsl.Output[dsl.Metrics],
) -> None:
    """Write the report of a run: one page, one table, headline metrics."""
    from components.evaluation.write_report.task import report_run

    headline.metadata.update(report_run(run=run, page=page.path, table=table.path))
