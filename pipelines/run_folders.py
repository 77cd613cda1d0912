"""Which run folders there are, which store each uses, and which of them a process on this machine is working in.

Only local folders are looked at: an object store tells neither which folder is a run's nor when it was started.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from themis_common.errors import UserError
from themis_common.stages.task import CONFIG, RunFolder


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """A run folder.

    Attributes:
        folder: where it is.
        store: where its configuration says that outputs go.
        started: when its last attempt began, in seconds of the clock of the file system.
        config: the content of its `config.json`.
    """

    folder: Path
    store: Path
    started: float
    config: dict[str, Any]

    def uris(self) -> set[str]:
        """Locations of the outputs of all finished tasks."""
        return {str(record["uri"]) for record in RunFolder(str(self.folder)).tasks().values()}

    def unfinished(self) -> set[str]:
        """Tasks that have yet to write an output; of a loop nobody knows while anything else is missing."""
        tasks: set[str] = set(self.config["tasks"])
        recorded = RunFolder(str(self.folder)).tasks().keys()
        # a loop records its items as `<task>.<item>`
        loops = {name.partition(".")[0] for name in recorded if "." in name}
        missing = tasks - recorded
        return missing if missing - loops else set()


def read_run(folder: Path) -> Run | None:
    """The run in a folder; None where there is none, or one whose store is not a local folder."""
    file = folder / CONFIG
    try:
        config = json.loads(file.read_bytes())
        started = file.stat().st_mtime
    except (OSError, ValueError):
        return None
    if not isinstance(config, dict) or not isinstance(config.get("tasks"), dict):
        return None
    store = str(config.get("store", ""))
    if not store or "://" in store:
        return None
    return Run(folder=folder.resolve(), store=Path(store).resolve(), started=started, config=config)


def runs_in(folder: Path) -> list[Run]:
    """The runs whose folders lie directly in `folder`."""
    if not folder.is_dir():
        return []
    found = (read_run(child) for child in sorted(folder.iterdir()) if child.is_dir())
    return [run for run in found if run is not None]


def local_folder(location: str) -> Path:
    """An existing local folder.

    Raises:
        UserError: it is none.
    """
    if "://" in location:
        raise UserError(f"{location} is not a local folder; in a bucket, set lifecycle rules instead")
    folder = Path(location)
    if not folder.is_dir():
        raise UserError(f"{location} is no folder; give a run folder, a folder of runs, or a store")
    return folder.resolve()


def processes_at_work(runs: Iterable[Run]) -> Iterator[tuple[Run, int]]:
    """The runs that `themis` is working on, each with the id of the process.

    A run in progress has an orchestrator process that names the run's request file on its command line, with either
    runner. Runs on other machines and on Kubernetes cannot be seen.
    """
    import psutil

    from pipelines.runners import orchestrator
    from pipelines.runners.protocol import RunRequest

    requests = {str(RunRequest(run_root=run.folder, grace_seconds=0).file): run for run in runs}
    for process in psutil.process_iter(["cmdline"]):
        command = process.info["cmdline"] or []
        if orchestrator.__name__ not in command:
            continue
        for argument in command:
            run = requests.get(str(Path(argument).resolve()))
            if run is not None:
                yield run, process.pid
