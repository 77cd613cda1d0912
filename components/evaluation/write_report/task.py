"""The report as a task of a run: files in the run folder, and the same as artifacts that the Kubeflow UI draws."""

from pathlib import Path

from themis_common.report.run.write import PAGE, TABLE, write_report
from themis_common.report.summary import headline_metrics
from themis_common.stages.task import reporting_errors


def report_run(*, run: str, page: str, table: str) -> dict[str, float | str]:
    """Write the report of whatever has finished in the run folder.

    Args:
        page: artifact file for the HTML page.
        table: artifact file for the Markdown table.

    Returns:
        Headline metrics for the Kubeflow UI.
    """
    with reporting_errors(run, "write_report") as folder:
        report = write_report(folder)
        for path, name in ((page, PAGE), (table, TABLE)):
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            Path(path).write_bytes(folder.store.read_bytes(name))
        return headline_metrics(report)
