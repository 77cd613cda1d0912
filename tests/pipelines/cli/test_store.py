"""`themis store gc`: what it says, and that a dry run deletes nothing."""

import json
from pathlib import Path

from tests.e2e.runs import themis
from tests.pipelines.small_runs import small_run


def test_a_dry_run_says_what_a_real_one_does(tmp_path: Path) -> None:
    old = {record["uri"] for record in small_run(tmp_path / "run", count=10).tasks().values()}
    new = {record["uri"] for record in small_run(tmp_path / "run", count=12).tasks().values()}
    arguments = ("store", "gc", str(tmp_path / "run"), "--keep-runs", "1")
    dry = json.loads(themis(*arguments, "--dry-run", "--json").stdout)
    (store,) = dry["stores"]
    assert dry["dry_run"]
    assert {deletion["folder"] for deletion in store["deleted"]} == old
    assert set(store["kept"]) == new
    text = themis(*arguments, "--dry-run").stdout.splitlines()
    assert text[0] == f"{tmp_path}/run/store: keeps {tmp_path}/run"
    assert text[-1] == f"  would delete 3 outputs, {store['bytes']:,} bytes; 3 stay"
    assert all(Path(uri).is_dir() for uri in old | new)
    real = themis(*arguments)
    assert real.returncode == 0, real.stderr
    assert real.stdout == "\n".join(text).replace("would delete", "deleted") + "\n"
    assert [Path(uri).is_dir() for uri in old] == [False] * 3
    assert all(Path(uri).is_dir() for uri in new)


def test_wrong_use_costs_one_line(tmp_path: Path) -> None:
    done = themis("store", "gc", str(tmp_path), "--keep-runs", "1")
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert done.stderr.startswith(f"error: {tmp_path} is neither a run folder")
    none_kept = themis("store", "gc", str(tmp_path), "--keep-runs", "0")
    assert none_kept.returncode == 2
