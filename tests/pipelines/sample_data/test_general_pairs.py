from collections import Counter

import pyarrow.parquet as pq

from pipelines.sample_data import SampleData
from pipelines.sample_data.general_pairs import COLUMNS, general_pairs_table


def test_small_and_full_have_both_criteria_in_equal_parts(small: SampleData, full: SampleData) -> None:
    for sample, rows in ((small, 40), (full, 72)):
        table = pq.read_table(sample.general_pairs)
        assert table.schema.equals(COLUMNS)
        counts = Counter(table["criterion"].to_pylist())
        assert counts == {"Helpfulness": rows // 2, "Harmlessness": rows // 2}
        assert set(table["language"].to_pylist()) == {"NL"}


def test_pairs_are_distinct_and_no_placeholder_is_left() -> None:
    rows = general_pairs_table(72, seed=7).to_pylist()
    assert len({row["input"] for row in rows}) == 72
    for row in rows:
        assert row["chosen"] != row["rejected"]
        assert "$" not in row["input"] + row["chosen"] + row["rejected"]


def test_the_longer_answer_is_not_always_the_better_one() -> None:
    rows = general_pairs_table(72, seed=7).to_pylist()
    longer = sum(len(row["chosen"]) > len(row["rejected"]) for row in rows)
    assert 0.35 <= longer / len(rows) <= 0.75


def test_the_order_depends_on_the_seed_and_on_nothing_else() -> None:
    assert general_pairs_table(40, seed=7).equals(general_pairs_table(40, seed=7))
    assert not general_pairs_table(40, seed=7).equals(general_pairs_table(40, seed=8))
