"""Write the sample data into a folder, once.

A finished folder is left alone, an unfinished one is written anew.
"""

import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq

from pipelines.sample_data.benchmark import benchmark_table
from pipelines.sample_data.fast_import import create_repository
from pipelines.sample_data.general_pairs import general_pairs_table
from pipelines.sample_data.history import build_history, forked
from pipelines.sample_data.plans import PLANS, Size
from themis_common.errors import UserError

_MARKER = "sample_data.json"


@dataclass(frozen=True)
class SampleData:
    """Where the sample data lie.

    Attributes:
        repositories: bare git repositories.
        general_pairs: parquet, the columns of `general_pairs.COLUMNS`.
        benchmark: parquet, the columns of `benchmark.COLUMNS`.
    """

    repositories: tuple[Path, ...]
    general_pairs: Path
    benchmark: Path


def write_sample_data(folder: Path, *, seed: int = 7, size: Size = "small") -> SampleData:
    """Write repositories, general pairs and benchmark below `folder`; equal arguments give equal bytes.

    A folder that this very code finished with the same seed and size is left untouched.

    Raises:
        UserError: the folder holds something else, the size is unknown, or there is no git.
    """
    if size not in PLANS:
        raise UserError(f"unknown size {size!r} of the sample data: use one of {', '.join(PLANS)}")
    plan = PLANS[size]
    sample = SampleData(
        repositories=tuple(folder / "repositories" / f"{one.name}.git" for one in plan.repositories),
        general_pairs=folder / "general_pairs.parquet",
        benchmark=folder / "benchmark.parquet",
    )
    wanted = {"seed": seed, "size": size, "generator": _generator_digest(), "finished": True}
    if _marker(folder) == wanted:
        return sample
    _clear(folder)
    _write_marker(folder, {**wanted, "finished": False})
    sample.repositories[0].parent.mkdir()
    for one, repository in zip(plan.repositories, sample.repositories, strict=True):
        commits = build_history(one.project, one.licence, one.languages, one.changes, one.steps, seed)
        create_repository(repository, forked(commits) if one.fork else commits)
    pq.write_table(general_pairs_table(plan.general_pairs, seed), sample.general_pairs)
    pq.write_table(benchmark_table(plan.benchmark_pairs, seed), sample.benchmark)
    _write_marker(folder, wanted)
    return sample


def _generator_digest() -> str:
    """SHA-256 over the modules of this package: another text of a template is another version of the data."""
    digest = hashlib.sha256()
    package = Path(__file__).parent
    for module in sorted(package.rglob("*.py")):
        digest.update(str(module.relative_to(package)).encode() + b"\0" + module.read_bytes() + b"\0")
    return digest.hexdigest()


def _marker(folder: Path) -> dict[str, object] | None:
    """What the marker says, or None where there is none of ours."""
    try:
        marker = json.loads((folder / _MARKER).read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return None
    return marker if isinstance(marker, dict) and "generator" in marker else None


def _write_marker(folder: Path, content: Mapping[str, object]) -> None:
    unfinished = folder / f"{_MARKER}.part"
    unfinished.write_text(json.dumps(content, indent=2) + "\n")
    unfinished.replace(folder / _MARKER)


def _clear(folder: Path) -> None:
    """Make the folder empty of earlier sample data; nothing that is not sample data is ever deleted."""
    folder.mkdir(parents=True, exist_ok=True)
    if not any(folder.iterdir()):
        return
    if _marker(folder) is None:
        raise UserError(f"{folder} is not empty and holds no sample data: name another folder")
    shutil.rmtree(folder / "repositories", ignore_errors=True)
    for name in ("general_pairs.parquet", "benchmark.parquet"):
        (folder / name).unlink(missing_ok=True)
