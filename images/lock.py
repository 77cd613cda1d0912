"""Write the lock files of the images: `python -m images.lock data`, or `build` for what builds our wheel.

An image's lock holds what its extras of pyproject.toml need, at the versions of the development lock (so that images
run what the tests ran), plus kfp without its dependencies, of which a task's executor imports none.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from themis_common.images import IMAGE_NAMES, IMAGES, ImageName

ROOT: Final = Path(__file__).parents[1]
BUILD_LOCK: Final = ROOT / "images" / "build.lock"
DEVELOPMENT_LOCK: Final = ROOT / "images" / "development.lock"


def lock_file(name: ImageName) -> Path:
    """Return the path of an image's lock file."""
    return ROOT / "images" / name / "requirements.lock"


def image_lock(name: ImageName) -> str:
    """Resolve an image's requirements: every package with its version and the hashes of all its files."""
    extras = [part for extra in IMAGES[name].extras for part in ("--extra", extra)]
    requirements = _compile([*extras, "--constraint", str(DEVELOPMENT_LOCK)])
    return f"# Written by: python -m images.lock {name}\n{requirements}{entry('kfp', DEVELOPMENT_LOCK)}"


def build_lock() -> str:
    """Resolve the build system that pyproject.toml names."""
    requirements = _compile(["--only-build-deps", "--build-deps-for", "wheel"])
    return f"# Written by: python -m images.lock build\n{requirements}"


def entry(package: str, lock: Path) -> str:
    """Return the lines of one package in a lock file: its version and hashes."""
    lines = lock.read_text().splitlines(keepends=True)
    start = next(number for number, line in enumerate(lines) if line.startswith(f"{package}=="))
    end = start + 1
    while lines[end].lstrip().startswith("--hash="):
        end += 1
    return "".join(lines[start:end])


def _compile(arguments: list[str]) -> str:
    form = [
        "--quiet",
        "--generate-hashes",
        "--allow-unsafe",
        "--strip-extras",
        "--no-header",
        "--no-annotate",
    ]
    sources = ["--no-emit-index-url", "--no-emit-find-links", "--no-emit-trusted-host"]
    # Folders of wheels that only this machine has would put their hashes into the lock.
    local = {"PIP_FIND_LINKS", "PIP_EXTRA_INDEX_URL"}
    environment = {name: value for name, value in os.environ.items() if name not in local}
    environment["PIP_CONFIG_FILE"] = os.devnull
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder, "requirements.lock")
        command = [sys.executable, "-m", "piptools", "compile", *form, *sources, *arguments]
        command += ["--output-file", str(output), "pyproject.toml"]
        subprocess.run(command, cwd=ROOT, env=environment, check=True)
        return output.read_text()


def main() -> None:
    """Write one lock file."""
    parser = argparse.ArgumentParser(description="Write the lock file of an image.")
    parser.add_argument("image", choices=[*IMAGE_NAMES, "build"])
    name = parser.parse_args().image
    if name == "build":
        BUILD_LOCK.write_text(build_lock())
    else:
        lock_file(name).write_text(image_lock(name))


if __name__ == "__main__":
    main()
