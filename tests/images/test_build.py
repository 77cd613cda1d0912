"""Building images: what is refused before an engine is asked, what it is told, and what the Dockerfile must say."""

import itertools
import re
import shutil
from pathlib import Path

import pytest

from images.build import build, default_tag, find_engine
from images.lock import ROOT, TORCH_VERSION, Torch
from themis_common import __version__
from themis_common.errors import UserError
from themis_common.images import ImageName


def test_image_without_a_lock_is_named_with_those_that_have_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "images" / "data").mkdir(parents=True)
    (tmp_path / "images" / "data" / "requirements.lock").touch()
    monkeypatch.setattr("images.lock.ROOT", tmp_path)
    with pytest.raises(UserError, match="image train has no lock file; there are: data"):
        build("train", engine="podman")


def test_a_cpu_build_must_be_told_where_torch_is() -> None:
    with pytest.raises(UserError, match=r"say where the wheel torch-2\.13\.0\+cpu is with --torch-wheels"):
        build("train", engine="podman", torch="cpu")


@pytest.mark.parametrize(
    ("name", "torch", "arguments"),
    [
        ("data", "cuda", ["LOCK=images/data/requirements.lock"]),
        ("train", "cuda", ["LOCK=images/train/requirements.lock", "COMPILER=gcc g++ python3-dev"]),
        (
            "evaluate",
            "cpu",
            ["LOCK=images/evaluate/cpu.lock", f"CPU_TORCH={TORCH_VERSION}", "TORCH_WHEELS=/wheels"],
        ),
    ],
)
def test_the_engine_is_told_what_the_table_says(
    name: ImageName, torch: Torch, arguments: list[str], tmp_path: Path
) -> None:
    engine = tmp_path / "engine"
    engine.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" >> {tmp_path}/said\necho "sha256:0 1"\n')
    engine.chmod(0o755)
    build(name, engine=str(engine), torch=torch, torch_wheels="/wheels")
    said = (tmp_path / "said").read_text().splitlines()
    assert [after for before, after in itertools.pairwise(said) if before == "--build-arg"] == arguments
    assert str(ROOT / "images" / "Dockerfile") in said


def test_docker_cannot_mount_during_a_build() -> None:
    with pytest.raises(UserError, match="docker cannot mount"):
        build("data", engine="docker", volumes=["/a:/b:ro"])


def test_default_tag_is_what_pipelines_name_and_never_a_digest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THEMIS_IMAGE_REPOSITORY", "example.org/team")
    monkeypatch.setenv("THEMIS_IMAGE_DIGEST_DATA", "sha256:" + "0" * 64)
    assert default_tag("data") == f"example.org/team/data:{__version__}"


def test_machine_without_an_engine_is_told_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert shutil.which("podman") is None
    with pytest.raises(UserError, match="neither docker nor podman"):
        find_engine()


def test_the_dockerfile_keeps_the_rules_of_the_cluster() -> None:
    text = (ROOT / "images" / "Dockerfile").read_text()
    final_stage = text[text.rindex("\nFROM ") :]
    assert re.search(r"^ARG BASE_IMAGE=\S+:\S+$", text, re.MULTILINE)
    assert set(re.findall(r"^FROM (\S+)", text, re.MULTILINE)) == {"${BASE_IMAGE}"}
    assert re.search(r"^USER [1-9]\d*:[1-9]\d*$", final_stage, re.MULTILINE)
    assert "HOME=/tmp" in final_stage
    installs = [
        line for line in text.replace("\\\n", " ").splitlines() if "pip" in line and "install" in line
    ]
    assert all("--require-hashes" in line or "--no-index" in line for line in installs)
