"""Run a pipeline as containers of the stages' images, on the engine at DOCKER_HOST (Docker, or podman's service).

The containers get what a strict cluster would give them: the image's numeric user, a read-only file system, no
capabilities, and of this machine only the folder of the run (so the store and local inputs must lie in it) and the
host's network (so that local endpoints answer).
"""

import os
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pipelines.ir_linter import CompiledPipeline, ir
from pipelines.runners.container_attempt import LABEL
from pipelines.runners.local_runner import ignore_event
from pipelines.runners.protocol import ContainerSettings
from pipelines.runners.supervisor import GRACE_SECONDS, OnEvent, RunOutcome, supervise
from themis_common.errors import UserError


def run_docker(
    pipeline: CompiledPipeline,
    arguments: Mapping[str, Any],
    *,
    run_root: Path,
    log: Path,
    on_event: OnEvent = ignore_event,
    grace_seconds: float = GRACE_SECONDS,
) -> RunOutcome:
    """Run a pipeline to its end, or to the user error of a task that all others wait for.

    As root, `run_root` and all in it are given to the images' user; as anybody else, the containers run as the caller.
    Variables whose names start with THEMIS_ are passed on to the containers.

    Args:
        pipeline: What `@dsl.pipeline` returned.
        arguments: Values of its parameters; their paths must lie in `run_root`, which has one path inside and out.
        run_root: The run's folder; kfp's files and the tasks' logs go to `kfp/` in it.
        log: File for everything that kfp says.
        on_event: Called with each event as it happens.
        grace_seconds: Time for the run to end in when it is ended early.

    Raises:
        UserError: no engine answers, an image is missing or runs as root, or an argument does not fit.
    """
    run_root.mkdir(parents=True, exist_ok=True)
    executors = ir(pipeline)["deploymentSpec"]["executors"].values()
    names = sorted({executor["container"]["image"] for executor in executors})
    with _engine() as engine:
        images = {name: _find_image(engine, name) for name in names}
        # Only root can own files for another user; everybody else works under their own id.
        if os.geteuid() == 0:
            user, group = _image_user(images)
            _hand_over(run_root, user, group)
        else:
            user, group = os.geteuid(), os.getegid()
        containers = ContainerSettings(
            label=uuid.uuid4().hex,
            images={name: image.id for name, image in images.items()},
            user=user,
            group=group,
        )
        try:
            return supervise(
                pipeline,
                arguments,
                run_root=run_root,
                log=log,
                on_event=on_event,
                grace_seconds=grace_seconds,
                containers=containers,
            )
        finally:
            # Those of an orchestrator that had no time to do it.
            label = {"label": f"{LABEL}={containers.label}"}
            for container in engine.containers.list(all=True, filters=label):
                container.remove(force=True)


@contextmanager
def _engine() -> Iterator[Any]:
    import docker
    from docker.errors import DockerException

    try:
        engine = docker.from_env()
        engine.ping()
    except DockerException as error:
        where = os.environ.get("DOCKER_HOST", "the default socket")
        raise UserError(
            f"no container engine answers at {where}; start Docker, or `podman system service` and set DOCKER_HOST"
        ) from error
    try:
        yield engine
    finally:
        engine.close()


def _find_image(engine: Any, name: str) -> Any:
    """Find an image on this machine, or pull it."""
    from docker.errors import DockerException, ImageNotFound

    try:
        return engine.images.get(name)
    except ImageNotFound:
        pass
    try:
        return engine.images.pull(name)
    except DockerException as error:
        folder = name.rpartition("/")[2].partition(":")[0].partition("@")[0]
        raise UserError(
            f"image {name} is not on this machine and cannot be pulled; build it: python -m images.build {folder}"
        ) from error


def _image_user(images: Mapping[str, Any]) -> tuple[int, int]:
    """Return the user and group ids that all images share."""
    found: dict[tuple[int, int], str] = {}
    for name, image in images.items():
        user = image.attrs["Config"].get("User") or "0"
        number, _, group = user.partition(":")
        if not number.isdigit() or int(number) == 0:
            raise UserError(f"image {name} runs as {user!r}; rebuild it with a numeric USER other than 0")
        found[int(number), int(group or number)] = name
    if len(found) > 1:
        raise UserError(
            f"{' and '.join(found.values())} run as different users; rebuild them with the same USER"
        )
    return next(iter(found))


def _hand_over(folder: Path, user: int, group: int) -> None:
    for parent, _folders, files in os.walk(folder):
        for name in (".", *files):
            os.chown(os.path.join(parent, name), user, group, follow_symlinks=False)
