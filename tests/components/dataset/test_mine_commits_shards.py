"""Dealing what the query of mining finds over shards: rows do not depend on their number, nor on interruptions."""

from pathlib import Path
from typing import Any

import pytest

from components.dataset.mine_commits import shards
from tests.components.dataset.test_mine_commits_tables import GOOD, mine, planted


def test_shards_are_ranges_of_commit_ids_and_change_no_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = planted()
    for number in range(60):
        made.commit(GOOD if number % 3 else "short", commit=f"{number * 4:02x}" * 20)
    whole = mine(tmp_path / "whole", made)
    monkeypatch.setattr(shards, "COMMITS_PER_SHARD", 10)
    dealt = mine(tmp_path / "dealt", made)
    again = mine(tmp_path / "again", made)
    assert (len(whole.shards), len(dealt.shards)) == (1, 15)
    assert dealt.digest == whole.digest
    assert dealt.manifest.counts == whole.manifest.counts
    assert dealt.manifest.to_json() == again.manifest.to_json()
    for shard in dealt.shards:
        commits = [row["commit"] for row in dealt.rows(shard.name)]
        assert len({commit[0] for commit in commits}) == 1
        assert commits == sorted(commits)


@pytest.mark.parametrize("failing", ["keep", "finish", "rows"])
def test_an_interrupted_run_goes_on_and_gives_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    made = planted()
    for number in range(60):
        made.commit(GOOD if number % 3 else "short", commit=f"{number * 4:02x}" * 20)
    monkeypatch.setattr(shards, "COMMITS_PER_SHARD", 10)
    whole = mine(tmp_path / "whole", made)
    calls = 0

    def dies(self: shards.Shards, *values: Any) -> Any:
        nonlocal calls
        calls += 1
        if failing != "rows" or calls == 8:
            raise KeyboardInterrupt
        return done(self, *values)

    done = getattr(shards.Shards, failing)
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(shards.Shards, failing, dies)
        mine(tmp_path / "cut", made)
    assert mine(tmp_path / "cut", made).manifest.to_json() == whole.manifest.to_json()


@pytest.mark.parametrize(
    ("commits", "digits"),
    [(0, 0), (200_000, 0), (200_001, 1), (3_200_000, 1), (3_200_001, 2), (300_000_000, 3)],
)
def test_shards_stay_small(commits: int, digits: int) -> None:
    assert shards.shard_digits(commits) == digits
