"""Small pipelines that end in every way that a run can end."""

# ruff: noqa: UP006, UP035 - kfp knows only the old spellings of types

from typing import Any, Final, List, NamedTuple

from kfp import dsl

from pipelines.steps import uncached
from themis_common.images import image

OURS: Final[dict[str, Any]] = {"base_image": image("data"), "install_kfp_package": False}


@dsl.component(**OURS)
def plan(count: int) -> List[str]:
    return [str(cell) for cell in range(count)]


@dsl.component(**OURS)
def score(cell: str, bad_cell: str, scores: dsl.Output[dsl.Dataset]) -> None:
    import pathlib

    if cell == bad_cell:
        raise RuntimeError(f"no scores for {cell}")
    pathlib.Path(scores.path).write_text(cell)


@dsl.component(**OURS)
def gather(folder: str) -> None:
    import pathlib

    pathlib.Path(folder, "gathered").touch()


@dsl.pipeline(name="cells")
def cells(folder: str, bad_cell: str = "", count: int = 2) -> None:
    with dsl.ParallelFor(uncached(plan(count=count)).output) as cell:
        scored = uncached(score(cell=cell, bad_cell=bad_cell))
    uncached(gather(folder=folder)).after(scored).ignore_upstream_failure()


@dsl.component(**OURS)
def plan_groups(
    count: int,
) -> NamedTuple("Groups", [("few", List[str]), ("none", List[str]), ("rest", List[str])]):
    cells = [str(cell) for cell in range(count)]
    return cells[:1], [], cells[1:]


@dsl.pipeline(name="group")
def group(cells: List[str], bad_cell: str) -> None:
    with dsl.ParallelFor(cells) as cell:
        uncached(score(cell=cell, bad_cell=bad_cell))


@dsl.pipeline(name="groups")
def groups(folder: str, bad_cell: str = "", count: int = 3) -> None:
    planned = uncached(plan_groups(count=count))
    scored = [
        uncached(group(cells=planned.outputs[name], bad_cell=bad_cell)) for name in ("few", "none", "rest")
    ]
    uncached(gather(folder=folder)).after(*scored).ignore_upstream_failure()


@dsl.component(**OURS)
def say(text: str, said: dsl.Output[dsl.Dataset]) -> str:
    import pathlib
    import sys

    import pipelines

    print("themis: say: half way", file=sys.stderr)
    pathlib.Path(said.path).write_text(f"{text} {pipelines.__file__} {pathlib.Path.cwd()}")
    return text


@dsl.pipeline(name="talk")
def talk(text: str = "hello", times: int = 1, loud: bool = False, volume: float = 0.5) -> None:
    task = uncached(say(text=text))
    # Settings that mean nothing here, of which kfp warns.
    task.set_cpu_limit("1").set_memory_limit("1G")


@dsl.component(**OURS)
def forget(scores: dsl.Output[dsl.Dataset]) -> None:
    print("nothing written")


@dsl.pipeline(name="forgetful")
def forgetful() -> None:
    uncached(forget())


@dsl.component(**OURS)
def leave_early(scores: dsl.Output[dsl.Dataset]) -> None:
    import os
    import pathlib

    pathlib.Path(scores.path).write_text("half")
    os._exit(0)


@dsl.pipeline(name="early")
def early() -> None:
    uncached(leave_early())


@dsl.component(**OURS)
def kill_itself() -> None:
    import os
    import signal

    os.kill(os.getpid(), signal.SIGKILL)


@dsl.pipeline(name="killed")
def killed() -> None:
    uncached(kill_itself())


@dsl.component(**OURS)
def complain(run: str, task: str) -> None:
    import pathlib

    from themis_common.errors import UserError
    from themis_common.stages.task import reporting_errors

    with pathlib.Path(run, "attempts").open("a") as attempts:
        attempts.write("x")
    with reporting_errors(run, task):
        raise UserError("repos.yaml: no key `branch`; add one")


@dsl.pipeline(name="complaint")
def complaint(run: str) -> None:
    complained = uncached(complain(run=run, task="mine_commits")).set_retry(2, backoff_duration="0s")
    uncached(gather(folder=run)).after(complained)


@dsl.component(**OURS)
def weigh(run: str, task: str, cell: str, bad_cells: List[str]) -> None:
    import pathlib
    import sys

    from themis_common.errors import UserError
    from themis_common.stages.task import reporting_errors

    with pathlib.Path(run, "attempts").open("a") as attempts:
        attempts.write(cell)
    with reporting_errors(run, task):
        if cell in bad_cells:
            sys.excepthook = lambda *error: (sys.__excepthook__(*error), print("goodbye", file=sys.stderr))
            raise UserError("it is broken; mend it" if len(bad_cells) > 2 else f"{cell} is broken; mend it")


@dsl.component(**OURS)
def weigh_all(run: str, task: str, fail: bool) -> None:
    from themis_common.errors import UserError
    from themis_common.stages.task import reporting_errors

    with reporting_errors(run, task):
        if fail:
            raise UserError("some are missing")


@dsl.pipeline(name="gated")
def gated(run: str, bad_cells: List[str]) -> None:
    with dsl.ParallelFor(["a", "b", "c"]) as cell:
        weighed = uncached(weigh(run=run, task="weigh", cell=cell, bad_cells=bad_cells))
        weighed.set_retry(2, backoff_duration="0s")
    gate = uncached(weigh_all(run=run, task="weigh_all", fail=True)).after(weighed).ignore_upstream_failure()
    gate.set_retry(2, backoff_duration="0s")
    uncached(gather(folder=run)).after(gate).ignore_upstream_failure()


@dsl.component(**OURS)
def flake(folder: str) -> None:
    import pathlib

    marker = pathlib.Path(folder, "flaked")
    if not marker.exists():
        marker.touch()
        raise RuntimeError("try again")


@dsl.pipeline(name="flaky")
def flaky(folder: str) -> None:
    uncached(flake(folder=folder)).set_retry(1, backoff_duration="0s")


@dsl.component(**OURS)
def echo(text: str) -> str:
    return text


@dsl.pipeline(name="chooser")
def chooser(text: str, folder: str) -> None:
    with dsl.If(uncached(echo(text=text)).output == "left"):
        uncached(echo(text="left"))
    with dsl.Else():
        uncached(gather(folder=folder))


@dsl.component(**OURS)
def sleep_with_family(folder: str, cell: str) -> None:
    from tests.pipelines.runners.sleepers import sleep_with_family

    sleep_with_family(folder, cell)


@dsl.pipeline(name="sleepers")
def sleepers(folder: str) -> None:
    with dsl.ParallelFor(["polite", "stubborn"]) as cell:
        uncached(sleep_with_family(folder=folder, cell=cell))


@dsl.component(**OURS)
def wait() -> None:
    import time

    time.sleep(600)


@dsl.pipeline(name="waiting")
def waiting() -> None:
    uncached(wait())
