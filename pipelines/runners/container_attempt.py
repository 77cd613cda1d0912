"""A task as a container of its stage's image, on any engine that speaks the Docker API.

kfp's own handler lets the engine remove the container when it ends and takes one that is gone before its status was
read for a success. Here the container stays until its exit code is known.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipelines.runners.tasks import Attempt

LABEL = "themis.run"
PASSED_ON = "THEMIS_"


class ContainerAttempt(Attempt):
    """Runs the command that a cluster would run, with the rights that a cluster would give it."""

    _container: Any

    def start(self) -> None:
        """Start the container: read-only, without capabilities, and with no folder but the run's."""
        import docker

        root = str(self.session.request.run_root)
        settings = self._settings()
        for folder in self.call.output_file.relative_to(root).parents:
            os.chown(Path(root, folder), settings.user, settings.group)
        self._client = docker.from_env()
        self._container = self._client.containers.run(
            image=settings.images[self.image],
            command=self.command,
            detach=True,
            labels={LABEL: settings.label},
            # Values never pass through a file, because some are secrets.
            environment=self.environment | {k: v for k, v in os.environ.items() if k.startswith(PASSED_ON)},
            user=f"{settings.user}:{settings.group}",
            volumes={root: {"bind": root, "mode": "rw"}},
            working_dir=root,
            read_only=True,
            tmpfs={"/tmp": ""},  # noqa: S108 - the folder inside the container
            network_mode="host",
            cap_drop=["ALL"],
            security_opt=["no-new-privileges"],
        )

    def lines(self) -> Iterator[bytes]:
        """Yield what the container prints."""
        rest = b""
        for chunk in self._container.logs(stream=True, follow=True):
            *whole, rest = (rest + chunk).split(b"\n")
            yield from (line + b"\n" for line in whole)
        if rest:
            yield rest

    def wait(self) -> int:
        """Return the exit code and remove the container."""
        code = int(self._container.wait()["StatusCode"])
        self._container.remove(force=True)
        self._client.close()
        return code

    def terminate(self) -> None:
        """Do nothing: the shell that is a container's first process ignores SIGTERM."""

    def kill_after(self, seconds: float) -> None:  # noqa: ARG002
        """Remove the container at once; stages resume from their last finished shard."""
        self._container.remove(force=True)

    def _settings(self) -> Any:
        settings = self.session.request.containers
        assert settings is not None
        return settings
