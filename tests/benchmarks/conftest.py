"""The report that every benchmark adds its tables to."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.benchmarks.report import Report


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--results", type=Path, default=None, help="Markdown file for the tables of the benchmarks"
    )


@pytest.fixture(scope="session")
def report(request: pytest.FixtureRequest) -> Iterator[Report]:
    collected = Report()
    yield collected
    path = request.config.getoption("--results", default=None)
    if path is not None:
        collected.write(path)
