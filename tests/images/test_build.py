"""Building images: what is refused before an engine is asked, and what every Dockerfile must say."""

import re
import shutil
from pathlib import Path

import pytest

from images.build import ROOT, build, default_tag, find_engine
from themis_common import __version__
from themis_common.errors import UserError

DOCKERFILES = sorted((ROOT / "images").glob("*/Dockerfile"))


def test_image_without_a_dockerfile_is_named_with_those_that_have_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "images" / "data").mkdir(parents=True)
    (tmp_path / "images" / "data" / "Dockerfile").touch()
    monkeypatch.setattr("images.build.ROOT", tmp_path)
    with pytest.raises(UserError, match="image llm has no Dockerfile; there are: data"):
        build("llm", engine="podman")


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


@pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=lambda file: file.parent.name)
def test_dockerfile_keeps_the_rules_of_the_cluster(dockerfile: Path) -> None:
    text = dockerfile.read_text()
    final_stage = text[text.rindex("\nFROM ") :]
    assert re.search(r"^ARG BASE_IMAGE=\S+:\S+$", text, re.MULTILINE)
    assert set(re.findall(r"^FROM (\S+)", text, re.MULTILINE)) == {"${BASE_IMAGE}"}
    assert re.search(r"^USER [1-9]\d*:[1-9]\d*$", final_stage, re.MULTILINE)
    assert "HOME=/tmp" in final_stage
    installs = [
        line for line in text.replace("\\\n", " ").splitlines() if "pip" in line and "install" in line
    ]
    assert all("--require-hashes" in line or "--no-index" in line for line in installs)
