"""Writes the report of a run into its folder: page, table and summary."""

import json

from themis_common.report.markdown import render_markdown
from themis_common.report.model import Report
from themis_common.report.page import render_page
from themis_common.report.run.build import build_report
from themis_common.report.run.outputs import task_outputs
from themis_common.report.summary import summary
from themis_common.stages.task import RunFolder
from themis_common.store import Store

PAGE = "report/index.html"
TABLE = "report/table.md"
SUMMARY = "report/summary.json"


def write_report(folder: RunFolder) -> Report:
    """Build the report of the run's finished tasks and write its three files."""
    recipe = folder.config()["recipe"]
    outputs = task_outputs(folder)
    report = build_report(outputs, title=f"Run of the recipe {recipe}", errors=folder.errors())
    write_files(folder.store, report)
    return report


def write_files(store: Store, report: Report) -> None:
    """Write page, table and summary of a report below `report/` of a store."""
    content = json.dumps(summary(report), indent=1, allow_nan=False) + "\n"
    store.write_bytes(PAGE, render_page(report).encode())
    store.write_bytes(TABLE, render_markdown(report).encode())
    store.write_bytes(SUMMARY, content.encode())
