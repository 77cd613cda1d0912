"""Both sizes of the sample data, written once for all tests of this folder."""

from pathlib import Path

import pytest

from pipelines.sample_data import SampleData, write_sample_data


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> SampleData:
    return write_sample_data(tmp_path_factory.mktemp("small"))


@pytest.fixture(scope="session")
def full(tmp_path_factory: pytest.TempPathFactory) -> SampleData:
    return write_sample_data(tmp_path_factory.mktemp("full"), size="full")


@pytest.fixture(scope="session")
def full_repositories(full: SampleData) -> dict[str, Path]:
    return {path.stem: path for path in full.repositories}
