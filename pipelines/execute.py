"""Running a pipeline from start to report: resolve, check, run, collect.

What can be found wrong before anything runs is found here: every option is checked, every outside source (a
repository, a file of pairs, a benchmark) is opened once.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.progress import TaskLines
from pipelines.run_lock import alone_in
from pipelines.runners.supervisor import RunOutcome
from pipelines.settings import Resolved, resolve
from pipelines.tasks import PIPELINE_TASKS, load_stage
from themis_common.config import load_config
from themis_common.stages.task import CONFIG, RunFolder
from themis_common.store import open_store

_REPORT_TASK = "write_report"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a run came to.

    Attributes:
        summary: the report for machines; empty where the run did not get as far as a report.
        markdown: the report as a table.
        report: the page.
        log: what the runner printed.
        user_errors: lines of what only the user can mend; what does not depend on it has been done.
        failure: what else failed.
    """

    summary: dict[str, Any]
    markdown: str
    report: Path
    log: Path
    user_errors: tuple[str, ...]
    failure: str | None


def execute(
    pipeline: str, recipe: str, overrides: list[str], runner: str, folder: Path, store: str | None = None
) -> Outcome:
    """Run a pipeline in a local run folder.

    Args:
        folder: the run folder: configuration, records, logs and report.
        store: where datasets go, locally or in a bucket; by default into the run folder.

    Raises:
        UserError: the configuration or an input is unusable, or another run is at work in the folder.
    """
    root = folder.absolute()
    resolved = resolve(pipeline, recipe, overrides)
    check_writable(root)
    with alone_in(root):
        check_sources(pipeline, resolved)
        return _execute_in(root, pipeline, runner, resolved.document(open_store(store or root / "store").uri))


def _execute_in(root: Path, pipeline: str, runner: str, document: Mapping[str, Any]) -> Outcome:
    run = RunFolder(str(root))
    run.clear()
    run.store.write_bytes(CONFIG, (json.dumps(document, indent=1) + "\n").encode())
    log = root / "kfp.log"
    outcome = _run_tasks(pipeline, runner, root, log)
    report = root / "report"
    # a report of an earlier run says nothing of this one
    written = any(task.task == _REPORT_TASK and task.state == "succeeded" for task in outcome.tasks)
    return Outcome(
        summary=json.loads((report / "summary.json").read_text()) if written else {},
        markdown=(report / "table.md").read_text() if written else "",
        report=report / "index.html",
        log=log,
        user_errors=outcome.user_errors,
        failure=outcome.failure,
    )


def check_writable(folder: Path) -> None:
    """Try the run folder before anything is computed for it.

    Raises:
        UserError: nothing can be written there.
    """
    store = open_store(folder)
    store.write_bytes("_writable", b"")
    store.delete("_writable")


def _run_tasks(pipeline: str, runner: str, root: Path, log: Path) -> RunOutcome:
    """Run the graph with the chosen runner."""
    from pipelines.graphs import load_pipeline
    from pipelines.runners.docker_runner import run_docker
    from pipelines.runners.local_runner import run_local

    run = {"subprocess": run_local, "docker": run_docker}[runner]
    return run(load_pipeline(pipeline), {"run": str(root)}, run_root=root, log=log, on_event=TaskLines().show)


def check_sources(pipeline: str, resolved: Resolved) -> None:
    """Open what the tasks will read from outside the store.

    Raises:
        UserError: a source is missing or unusable; names it.
    """
    for task, name in PIPELINE_TASKS[pipeline].items():
        stage = load_stage(name)
        if stage.fingerprint is not None:
            values = {key: value.value for key, value in resolved.tasks[task].items()}
            stage.fingerprint(load_config(stage.config, values, where=task))
