"""What is in the data image, seen from inside."""

import subprocess

import pytest

from images.build import ROOT, BuiltImage
from themis_common import __version__

pytestmark = [pytest.mark.container, pytest.mark.slow]

MAX_BYTES = 1_250_000_000


def inside(image: BuiltImage, *command: str) -> str:
    """Run a command as a cluster with strict pod security would."""
    strict = ["--read-only", "--tmpfs=/tmp", "--cap-drop=ALL", "--security-opt=no-new-privileges"]
    arguments = ["podman", "run", "--rm", *strict, image.tag, *command]
    return subprocess.run(arguments, check=True, capture_output=True, text=True).stdout.strip()


def test_user_is_a_number_other_than_root_with_a_writable_home(data_image: BuiltImage) -> None:
    assert inside(data_image, "id", "-u") == "10001"
    assert (
        inside(data_image, "sh", "-c", "touch ~/x && mkdir -p $NUMBA_CACHE_DIR && echo written") == "written"
    )


def test_our_package_and_all_that_it_needs_can_be_imported(data_image: BuiltImage) -> None:
    program = (
        "import themis_common, components, pipelines, datasketch, duckdb, numba, pyarrow, scipy, sqlglot\n"
        "from google.cloud import bigquery, storage\n"
        "print(themis_common.__version__)"
    )
    assert inside(data_image, "python3", "-c", program) == __version__


def test_every_file_of_our_packages_is_in_it(data_image: BuiltImage) -> None:
    rooms = ("themis_common", "components", "pipelines")
    script = f"cd /opt/themis/lib/python3.11/site-packages && find {' '.join(rooms)} -type f"
    installed = {
        name for name in inside(data_image, "sh", "-c", script).splitlines() if "__pycache__" not in name
    }
    checkout = {
        str(file.relative_to(ROOT))
        for room in rooms
        for file in (ROOT / room).rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }
    assert checkout - installed == set(), "add their suffixes to package-data in pyproject.toml"


def test_there_is_git_and_neither_a_compiler_nor_pip(data_image: BuiltImage) -> None:
    assert inside(data_image, "git", "--version").startswith("git version 2.")
    script = "for tool in gcc cc /opt/themis/bin/pip; do command -v $tool; done; true"
    assert inside(data_image, "sh", "-c", script) == ""


def test_image_stays_within_its_size(data_image: BuiltImage) -> None:
    assert data_image.bytes < MAX_BYTES
