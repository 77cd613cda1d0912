"""Write the lock files of the images: `python -m images.lock data`, or `build` for what builds our wheel.

Images with torch have two locks: one for GPUs with the CUDA build and all that it brings, and one for CPUs without
torch, whose CPU build is in no public index and is installed first (images/Dockerfile).

An image's lock holds what its extras of pyproject.toml need, at the versions of the development lock (so that images
run what the tests ran), plus kfp without its dependencies, of which a task's executor imports none. A version that the
lock has already stays as long as it fits: a change of pyproject.toml moves only what it must.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final, Literal

from themis_common.images import IMAGE_NAMES, IMAGES, ImageName

ROOT: Final = Path(__file__).parents[1]
BUILD_LOCK: Final = ROOT / "images" / "build.lock"
DEVELOPMENT_LOCK: Final = ROOT / "images" / "development.lock"
_ONLY_WITH_CUDA: Final = re.compile(r"(torch|triton|cuda-[\w-]+|nvidia-[\w-]+)==")


TORCH_VERSION: Final = "2.13.0"
"""The torch of every image and of the development environment."""

Torch = Literal["cuda", "cpu"]


def lock_file(name: ImageName, torch: Torch = "cuda") -> Path:
    """Return the path of an image's lock file; `torch` matters where the image has it."""
    file = "cpu.lock" if IMAGES[name].has_torch and torch == "cpu" else "requirements.lock"
    return ROOT / "images" / name / file


def image_lock(name: ImageName, torch: Torch = "cuda") -> str:
    """Resolve an image's requirements: every package with its version and the hashes of all its files."""
    spec = IMAGES[name]
    extras = [*spec.extras, *(spec.gpu_extras if torch == "cuda" else ())]
    arguments = [part for extra in extras for part in ("--extra", extra)]
    if not spec.own_versions:
        arguments += ["--constraint", str(DEVELOPMENT_LOCK)]
    with tempfile.TemporaryDirectory() as folder:
        if spec.has_torch:
            exact = Path(folder, "torch.txt")
            exact.write_text(f"torch=={TORCH_VERSION}\n")
            arguments += ["--constraint", str(exact)]
        requirements = _compile(arguments, lock_file(name, torch))
    if spec.has_torch and torch == "cpu":
        requirements = without_torch(requirements)
    return f"# Written by: python -m images.lock {name}\n{requirements}{entry('kfp', DEVELOPMENT_LOCK)}"


def without_torch(lock: str) -> str:
    """A lock without torch and what only its CUDA build asks for."""
    kept = re.split(r"^(?=[\w.-]+==)", lock, flags=re.MULTILINE)
    return "".join(part for part in kept if not _ONLY_WITH_CUDA.match(part))


def build_lock() -> str:
    """Resolve the build system that pyproject.toml names."""
    requirements = _compile(["--only-build-deps", "--build-deps-for", "wheel"], BUILD_LOCK)
    return f"# Written by: python -m images.lock build\n{requirements}"


def entry(package: str, lock: Path) -> str:
    """Return the lines of one package in a lock file: its version and hashes."""
    lines = lock.read_text().splitlines(keepends=True)
    start = next(number for number, line in enumerate(lines) if line.startswith(f"{package}=="))
    end = start + 1
    while lines[end].lstrip().startswith("--hash="):
        end += 1
    return "".join(lines[start:end])


def _compile(arguments: list[str], current: Path) -> str:
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
        if current.is_file():
            # pip-compile keeps the versions and hashes of the file that it replaces
            shutil.copy(current, output)
        command = [sys.executable, "-m", "piptools", "compile", *form, *sources, *arguments]
        command += ["--output-file", str(output), "pyproject.toml"]
        subprocess.run(command, cwd=ROOT, env=environment, check=True)
        return output.read_text()


def main() -> None:
    """Write the lock files of one image."""
    parser = argparse.ArgumentParser(description="Write the lock file of an image.")
    parser.add_argument("image", choices=[*IMAGE_NAMES, "build"])
    name = parser.parse_args().image
    if name == "build":
        BUILD_LOCK.write_text(build_lock())
    else:
        # vLLM's CPU build is another package, with a lock of its own: make lock-vllm
        has_both = IMAGES[name].has_torch and not IMAGES[name].own_versions
        builds: tuple[Torch, ...] = ("cuda", "cpu") if has_both else ("cuda",)
        for torch in builds:
            lock_file(name, torch).write_text(image_lock(name, torch))


if __name__ == "__main__":
    main()
