"""Runs that several end-to-end tests look at."""

from pathlib import Path

import pytest

from tests.e2e.runs import DEMO, themis


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An undisturbed run of the small demo."""
    folder = tmp_path_factory.mktemp("demo") / "run"
    done = themis(*DEMO, str(folder))
    assert done.returncode == 0, done.stderr
    return folder
