"""The whole demo with its datasets in a bucket gives what it gives on a local disk."""

from pathlib import Path

import pytest

from tests.e2e.runs import DEMO, digests, themis
from tests.fixtures.gcs_emulator import GcsEmulator

pytestmark = pytest.mark.slow


def test_a_bucket_makes_no_difference(demo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with GcsEmulator() as emulator:
        emulator.buckets.create("themis")
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", emulator.endpoint)
        remote = themis(*DEMO, str(tmp_path / "bucket"), "--store", "gs://themis/demo")
        assert remote.returncode == 0, remote.stderr
        assert not (tmp_path / "bucket/store").exists()
    assert digests(tmp_path / "bucket") == digests(demo)
