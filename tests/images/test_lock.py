"""The lock files: complete for what pyproject.toml asks, and free of anything about the machine that wrote them."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from images.lock import (
    BUILD_LOCK,
    DEVELOPMENT_LOCK,
    ROOT,
    TORCH_VERSION,
    Torch,
    entry,
    lock_file,
    without_torch,
)
from themis_common.images import IMAGES, ImageName

LOCKED: list[tuple[ImageName, Torch]] = [
    ("data", "cuda"),
    ("train", "cuda"),
    ("train", "cpu"),
    ("evaluate", "cuda"),
    ("evaluate", "cpu"),
    ("llm", "cuda"),
]
each_lock = pytest.mark.parametrize(("name", "torch"), LOCKED)


def versions(lock: Path) -> dict[str, Version]:
    pins = re.findall(r"^([\w.-]+)==(\S+)", lock.read_text(), re.MULTILINE)
    return {canonicalize_name(name): Version(version) for name, version in pins}


def requirements(name: ImageName, torch: Torch) -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    spec = IMAGES[name]
    extras = [*spec.extras, *(spec.gpu_extras if torch == "cuda" else ())]
    lines = [line for extra in extras for line in project["optional-dependencies"][extra]]
    wanted = [Requirement(line) for line in [*project["dependencies"], *lines, "kfp"]]
    return [one for one in wanted if not (torch == "cpu" and one.name == "torch")]


@each_lock
def test_lock_has_a_fitting_version_of_all_that_its_extras_name(name: ImageName, torch: Torch) -> None:
    locked = versions(lock_file(name, torch))
    unmet = [
        str(requirement)
        for requirement in requirements(name, torch)
        if (version := locked.get(canonicalize_name(requirement.name))) is None
        or version not in requirement.specifier
    ]
    assert unmet == [], f"write it again: python -m images.lock {name}"


@pytest.mark.parametrize(("name", "torch"), [one for one in LOCKED if not IMAGES[one[0]].own_versions])
def test_images_run_the_versions_that_the_tests_run(name: ImageName, torch: Torch) -> None:
    tested = {**versions(DEVELOPMENT_LOCK), "torch": Version(TORCH_VERSION)}
    other = {
        package: str(version)
        for package, version in versions(lock_file(name, torch)).items()
        if package in tested and tested[package] != version
    }
    assert other == {}


@pytest.mark.parametrize("name", ["train", "evaluate"])
def test_only_the_gpu_lock_brings_cuda(name: ImageName) -> None:
    for_gpus, for_cpus = versions(lock_file(name, "cuda")), versions(lock_file(name, "cpu"))
    assert {"torch", "triton"} <= for_gpus.keys()
    assert [package for package in for_cpus if re.match("torch|triton|nvidia|cuda|liger", package)] == []
    assert for_cpus.keys() < for_gpus.keys()


def test_the_makefile_installs_the_same_torch() -> None:
    assert f"TORCH_VERSION := {TORCH_VERSION}\n" in (ROOT / "Makefile").read_text()


@pytest.mark.parametrize(
    "file",
    [BUILD_LOCK, *(lock_file(*one) for one in LOCKED)],
    ids=lambda file: f"{file.parent.name}-{file.stem}",
)
def test_every_line_is_a_pin_or_a_hash(file: Path) -> None:
    lines = [line for line in file.read_text().splitlines() if line and not line.startswith("#")]
    form = re.compile(r"[\w.-]+==\S+ \\|    --hash=sha256:[0-9a-f]{64}(?: \\)?")
    assert [line for line in lines if not form.fullmatch(line)] == []
    assert any("--hash" in line for line in lines)


def test_entry_takes_one_package_with_its_hashes(tmp_path: Path) -> None:
    lock = tmp_path / "some.lock"
    lock.write_text(
        "a==1 \\\n    --hash=sha256:1\nkfp==2 \\\n    --hash=sha256:2 \\\n    --hash=sha256:3\n    # via x\nz==1\n"
    )
    assert entry("kfp", lock) == "kfp==2 \\\n    --hash=sha256:2 \\\n    --hash=sha256:3\n"


def test_what_only_cuda_needs_is_left_out_of_a_cpu_lock() -> None:
    def entry_of(pin: str) -> str:
        return f"{pin} \\\n    --hash=sha256:1\n"

    lock = "# note\n" + "".join(map(entry_of, ("a==1", "nvidia-cublas==2", "torch==3", "torchmetrics==4")))
    assert without_torch(lock) == "# note\n" + entry_of("a==1") + entry_of("torchmetrics==4")
