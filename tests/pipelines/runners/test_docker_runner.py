"""What the docker runner says without an engine; tests/containers has the rest."""

from pathlib import Path

import pytest

from pipelines.runners.docker_runner import run_docker
from tests.pipelines.runners.sample_pipelines import talk
from themis_common.errors import UserError


def test_no_engine_is_a_user_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no.sock")
    with pytest.raises(UserError, match="no container engine answers at unix://"):
        run_docker(talk, {}, run_root=tmp_path / "run", log=tmp_path / "kfp.log")
