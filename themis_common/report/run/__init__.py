"""From the datasets that a run left in its folder to the report tree and its files."""

from themis_common.report.run.build import build_report
from themis_common.report.run.outputs import TaskOutput, task_outputs
from themis_common.report.run.write import write_report

__all__ = ["TaskOutput", "build_report", "task_outputs", "write_report"]
