"""The memory-mapped pairs: what was written comes back, split by split."""

from collections.abc import Callable
from typing import Any

from components.training.train_reward_model.job import Job
from components.training.train_reward_model.pair_file import PairFile


def test_pairs_come_back_in_their_split(make_job: Callable[..., Job], rows: list[dict[str, Any]]) -> None:
    job = make_job()
    for split in ("train", "held_out"):
        wanted = [row for row in rows if row["split"] == split]
        pairs = PairFile(job.pairs, split)
        assert len(pairs) == len(wanted) > 0
        assert pairs.row_keys == [row["row_key"] for row in wanted]
        assert pairs.languages == [row["language"] for row in wanted]
        for number, row in enumerate(wanted):
            pair = pairs.pair(number)
            assert pair.prefix.tolist() == row["prefix_ids"]
            assert pair.chosen.tolist() == row["chosen_ids"]
            assert pair.rejected.tolist() == row["rejected_ids"]
            assert pair.prompt_tokens == row["prompt_tokens"]
