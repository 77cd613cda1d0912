"""A container engine for tests: podman's Docker API, a base image made on the spot, stage images built on it."""

import os
import re
import resource
import shutil
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

from images.build import BuiltImage, build
from images.local_base import ensure_local_base
from images.lock import TORCH_VERSION
from themis_common.images import IMAGES, ImageName

NEEDED = ("podman", "runc", "conmon", "debootstrap")

CONTAINERS_CONF = """
[containers]
default_ulimits = ["nofile={nofile}:{nofile}", "nproc={nproc}:{nproc}"]
netns = "host"
[engine]
runtime = "runc"
"""


def skip_or_fail(reason: str) -> None:
    """Containers are optional for people and required where THEMIS_REQUIRE_CONTAINERS=1 says so."""
    if os.environ.get("THEMIS_REQUIRE_CONTAINERS") == "1":
        pytest.fail(f"THEMIS_REQUIRE_CONTAINERS=1, but {reason}", pytrace=False)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def podman(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Make podman usable, with settings of our own and none of the machine's changed."""
    if missing := [tool for tool in NEEDED if not shutil.which(tool)]:
        skip_or_fail(f"not installed: {', '.join(missing)} (apt-get install {' '.join(NEEDED)})")
    if os.geteuid() != 0:
        skip_or_fail("debootstrap and podman with the host's network need root")
    conf = tmp_path_factory.mktemp("podman") / "containers.conf"
    # More than this process itself may have is refused by the kernel in a container without privileges.
    limits = {
        name: min(4096, limit) if limit != resource.RLIM_INFINITY else 4096
        for name, limit in (
            ("nofile", resource.getrlimit(resource.RLIMIT_NOFILE)[1]),
            ("nproc", resource.getrlimit(resource.RLIMIT_NPROC)[1]),
        )
    }
    conf.write_text(CONTAINERS_CONF.format(**limits))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CONTAINERS_CONF", str(conf))
        yield


@pytest.fixture(scope="session")
def built(podman: None) -> Callable[[ImageName], BuiltImage]:
    """Builds an image of this checkout for CPUs; layers of an earlier build are reused."""

    @cache
    def make(name: ImageName) -> BuiltImage:
        certificates = ssl.get_default_verify_paths().cafile
        mounts = [f"{certificates}:/etc/ssl/certs/ca-certificates.crt:ro"] if certificates else []
        wheels = _torch_wheels() if IMAGES[name].has_torch else None
        return build(
            name,
            engine="podman",
            base_image=os.environ.get("THEMIS_TEST_BASE_IMAGE") or ensure_local_base(),
            network="host",
            volumes=[*mounts, *([f"{wheels}:/torch:ro"] if wheels else [])],
            torch="cpu",
            torch_wheels="/torch",
        )

    return make


def _torch_wheels() -> Path:
    """The folder from which this machine installed its CPU build of torch."""
    listed = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=True
    )
    folders = [Path(word) for word in re.findall(r"find-links='([^']+)'", listed.stdout)]
    for folder in folders:
        if list(folder.glob(f"torch-{TORCH_VERSION}+cpu-*.whl")):
            return folder
    skip_or_fail(f"no folder of pip's find-links has the wheel torch-{TORCH_VERSION}+cpu")
    raise AssertionError


@pytest.fixture(scope="session")
def data_image(built: Callable[[ImageName], BuiltImage]) -> BuiltImage:
    """The image that runs the dataset stages."""
    return built("data")


@pytest.fixture
def engine(data_image: BuiltImage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Serve the Docker API at DOCKER_HOST for the time of one test."""
    socket = tmp_path / "podman.sock"
    service = subprocess.Popen(["podman", "system", "service", "--time=0", f"unix://{socket}"])
    deadline = time.monotonic() + 20
    while not socket.exists():
        assert service.poll() is None, "podman system service ended"
        assert time.monotonic() < deadline, "podman system service made no socket"
        time.sleep(0.05)
    monkeypatch.setenv("DOCKER_HOST", f"unix://{socket}")
    yield
    service.terminate()
    service.wait(timeout=20)
