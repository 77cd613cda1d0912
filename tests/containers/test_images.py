"""What is in the stage images, seen from inside."""

import subprocess
from collections.abc import Callable

import pytest

from images.build import BuiltImage
from images.lock import ROOT, TORCH_VERSION
from themis_common import __version__
from themis_common.images import ImageName

pytestmark = [pytest.mark.container, pytest.mark.slow]

MAX_BYTES: dict[ImageName, int] = {"data": 1_250_000_000, "train": 2_600_000_000, "evaluate": 2_000_000_000}
IMPORTS: dict[ImageName, str] = {
    "data": "datasketch, duckdb, numba, scipy, sqlglot, google.cloud.bigquery, google.cloud.storage",
    "train": "torch, transformers, accelerate, peft, tensorboard, wandb, google.cloud.storage",
    "evaluate": "torch, transformers, accelerate, scipy, httpx, google.cloud.storage",
}


@pytest.fixture(params=sorted(IMPORTS))
def image(
    request: pytest.FixtureRequest, built: Callable[[ImageName], BuiltImage]
) -> tuple[ImageName, BuiltImage]:
    """Each image that has a lock."""
    name: ImageName = request.param
    return name, built(name)


def inside(image: BuiltImage, *command: str) -> str:
    """Run a command as a cluster with strict pod security would."""
    strict = ["--read-only", "--tmpfs=/tmp", "--cap-drop=ALL", "--security-opt=no-new-privileges"]
    arguments = ["podman", "run", "--rm", *strict, image.tag, *command]
    return subprocess.run(arguments, check=True, capture_output=True, text=True).stdout.strip()


def test_user_is_a_number_other_than_root_with_a_writable_home(image: tuple[ImageName, BuiltImage]) -> None:
    _, made = image
    assert inside(made, "id", "-u") == "10001"
    assert inside(made, "sh", "-c", "touch ~/x && mkdir -p $NUMBA_CACHE_DIR && echo written") == "written"


def test_our_package_and_all_that_it_needs_can_be_imported(image: tuple[ImageName, BuiltImage]) -> None:
    name, made = image
    program = f"import themis_common, components, pipelines, pyarrow, {IMPORTS[name]}; print(themis_common.__version__)"
    assert inside(made, "python3", "-c", program) == __version__


def test_every_file_of_our_packages_is_in_it(image: tuple[ImageName, BuiltImage]) -> None:
    _, made = image
    rooms = ("themis_common", "components", "pipelines")
    script = f"cd /opt/themis/lib/python3.11/site-packages && find {' '.join(rooms)} -type f"
    installed = {name for name in inside(made, "sh", "-c", script).splitlines() if "__pycache__" not in name}
    checkout = {
        str(file.relative_to(ROOT))
        for room in rooms
        for file in (ROOT / room).rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }
    assert checkout - installed == set(), "add their suffixes to package-data in pyproject.toml"


def test_there_is_git_but_no_pip_and_a_compiler_only_where_triton_needs_it(
    image: tuple[ImageName, BuiltImage],
) -> None:
    name, made = image
    assert inside(made, "git", "--version").startswith("git version 2.")
    assert inside(made, "sh", "-c", "command -v ssh") == "/usr/bin/ssh"
    script = "for tool in gcc /opt/themis/bin/pip; do command -v $tool; done; true"
    assert inside(made, "sh", "-c", script) == ("/usr/bin/gcc" if name == "train" else "")


def test_torch_is_the_cpu_build_that_was_asked_for(built: Callable[[ImageName], BuiltImage]) -> None:
    found = inside(
        built("train"), "python3", "-c", "import torch; print(torch.__version__, torch.cuda.is_available())"
    )
    assert found == f"{TORCH_VERSION}+cpu False"


def test_image_stays_within_its_size(image: tuple[ImageName, BuiltImage]) -> None:
    name, made = image
    assert made.bytes < MAX_BYTES[name]
