"""The lock files: complete for what pyproject.toml asks, and free of anything about the machine that wrote them."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from images.lock import BUILD_LOCK, DEVELOPMENT_LOCK, ROOT, entry, lock_file
from themis_common.images import IMAGE_NAMES, IMAGES, ImageName

LOCKED: list[ImageName] = [name for name in IMAGE_NAMES if (ROOT / "images" / name / "Dockerfile").exists()]


def versions(lock: Path) -> dict[str, Version]:
    pins = re.findall(r"^([\w.-]+)==(\S+)", lock.read_text(), re.MULTILINE)
    return {canonicalize_name(name): Version(version) for name, version in pins}


def requirements(name: ImageName) -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = [line for extra in IMAGES[name].extras for line in project["optional-dependencies"][extra]]
    return [Requirement(line) for line in [*project["dependencies"], *extras, "kfp"]]


def test_there_are_images_to_check() -> None:
    assert "data" in LOCKED


@pytest.mark.parametrize("name", LOCKED)
def test_lock_has_a_fitting_version_of_all_that_its_extras_name(name: ImageName) -> None:
    locked = versions(lock_file(name))
    unmet = [
        str(requirement)
        for requirement in requirements(name)
        if (version := locked.get(canonicalize_name(requirement.name))) is None
        or version not in requirement.specifier
    ]
    assert unmet == [], f"write it again: python -m images.lock {name}"


@pytest.mark.parametrize("name", LOCKED)
def test_images_run_the_versions_that_the_tests_run(name: ImageName) -> None:
    tested = versions(DEVELOPMENT_LOCK)
    other = {
        package: str(version)
        for package, version in versions(lock_file(name)).items()
        if tested.get(package) != version
    }
    assert other == {}


@pytest.mark.parametrize("file", [BUILD_LOCK, *map(lock_file, LOCKED)], ids=lambda file: file.parent.name)
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
