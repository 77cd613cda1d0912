import json
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.sample_data import SampleData, write_sample_data
from pipelines.sample_data.__main__ import main
from tests.pipelines.sample_data.git_reading import git
from themis_common.errors import UserError


def heads(sample: SampleData) -> list[bytes]:
    return [git(repository, "rev-parse", "main") for repository in sample.repositories]


def tables(sample: SampleData) -> list[bytes]:
    return [sample.general_pairs.read_bytes(), sample.benchmark.read_bytes()]


def test_two_folders_are_equal_byte_for_byte(small: SampleData, tmp_path: Path) -> None:
    again = write_sample_data(tmp_path / "again")
    assert heads(again) == heads(small)
    assert tables(again) == tables(small)


def test_another_process_writes_the_same(small: SampleData, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pipelines.sample_data", str(tmp_path / "elsewhere")]
    environment = {"PATH": "/usr/bin:/bin", "PYTHONHASHSEED": "5", "TZ": "Asia/Tokyo", "LC_ALL": "C"}
    printed = subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout
    assert len(printed.splitlines()) == 5
    repository = Path(printed.splitlines()[0])
    assert git(repository, "rev-parse", "main") == heads(small)[0]


def test_the_seed_changes_everything(small: SampleData, tmp_path: Path) -> None:
    other = write_sample_data(tmp_path / "other", seed=8)
    assert not set(heads(other)) & set(heads(small))
    assert not set(tables(other)) & set(tables(small))


def test_a_finished_folder_is_left_alone(tmp_path: Path) -> None:
    sample = write_sample_data(tmp_path)
    sample.benchmark.write_bytes(b"touched")
    assert write_sample_data(tmp_path) == sample
    assert sample.benchmark.read_bytes() == b"touched"


@pytest.mark.parametrize("change", [{"finished": False}, {"generator": "older"}, {"seed": 1}])
def test_any_other_folder_of_ours_is_written_anew(
    small: SampleData, tmp_path: Path, change: dict[str, object]
) -> None:
    sample = write_sample_data(tmp_path)
    marker = tmp_path / "sample_data.json"
    marker.write_text(json.dumps({**json.loads(marker.read_text()), **change}))
    (sample.repositories[0] / "HEAD").unlink()
    sample.benchmark.unlink()
    write_sample_data(tmp_path)
    assert heads(sample) == heads(small)
    assert tables(sample) == tables(small)


@pytest.mark.parametrize("marker", [None, "no JSON", '{"made": "by hand"}', "[]"])
def test_what_is_not_ours_is_never_deleted(tmp_path: Path, marker: str | None) -> None:
    if marker is not None:
        (tmp_path / "sample_data.json").write_text(marker)
    treasure = tmp_path / "repositories" / "mine.txt"
    treasure.parent.mkdir()
    treasure.write_text("treasure")
    with pytest.raises(UserError, match="name another folder"):
        write_sample_data(tmp_path)
    assert treasure.read_text() == "treasure"


def test_an_unknown_size_is_a_user_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="use one of small, full"):
        write_sample_data(tmp_path, size="huge")  # type: ignore[arg-type]


def test_the_command_says_what_is_wrong_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("here first")
    assert main([str(tmp_path)]) == 2
    assert capsys.readouterr().err.count("\n") == 1
