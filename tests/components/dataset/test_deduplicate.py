"""Removing copies and near-duplicates over a whole dataset."""

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from components.dataset.deduplicate.config import DeduplicateConfig
from components.dataset.deduplicate.signatures import SIGNATURES
from components.dataset.deduplicate.stage import CLUSTERS, STAGE
from tests.components.dataset.mined import change_row
from tests.components.dataset.written import write_dataset
from themis_common.config import load_config
from themis_common.datasets.reader import DatasetReader
from themis_common.errors import UserError
from themis_common.hashing import row_key
from themis_common.schemas import CHANGES
from themis_common.stages import run_stage
from themis_common.stages.rounds import round_location

NOON = 1_500_000_000


def words(prefix: str, count: int = 200, **replaced: str) -> str:
    """A text of numbered words, some replaced: `words("w", w50="q50")`."""
    return " ".join(replaced.get(f"{prefix}{number}", f"{prefix}{number}") for number in range(count))


def rows_of(texts: Sequence[str], **values: Any) -> list[dict[str, Any]]:
    """A change for each text, a second apart, in order."""
    return [
        change_row(f"c{number}", new_contents=text, unix_time=NOON + number, **values)
        for number, text in enumerate(texts)
    ]


def deduplicate(
    folder: Path, rows: Sequence[dict[str, Any]], shards: int = 1, **options: Any
) -> DatasetReader:
    folder.mkdir(exist_ok=True)
    source = write_dataset(folder / "in", CHANGES, rows, shards)
    report = run_stage(STAGE, DeduplicateConfig(**options), {"changes": source}, str(folder / "out"))
    return DatasetReader(report.uri, CHANGES)


def kept(dataset: DatasetReader) -> set[str]:
    return {row["commit"] for row in dataset.rows()}


def test_the_published_example_keeps_what_a_fixed_implementation_keeps(tmp_path: Path) -> None:
    """facts/dataset.md section 18.3: 0, 1, 2, 4, 5; the published code loses 1 and 5."""
    texts = ["x = 1", "print(2)", words("w"), words("w", w50="q50"), words("k"), "", words("w")]
    dataset = deduplicate(tmp_path, rows_of(texts))
    assert kept(dataset) == {"c0", "c1", "c2", "c4", "c5"}
    assert {row["row_key"]: (row["reason"], row["detail"]) for row in dataset.rejected()} == {
        row_key("c3"): ("near_duplicate", f"kept {row_key('c2')}, similarity 0.9502"),
        row_key("c6"): ("exact_duplicate", f"kept {row_key('c2')}, similarity 1.0000"),
    }


def test_short_files_are_duplicates_only_of_their_exact_copies(tmp_path: Path) -> None:
    texts = ["x = 1", "x = 1", "x = 1 ", "a b c d", "a b c e", ""]
    assert kept(deduplicate(tmp_path, rows_of(texts))) == {"c0", "c2", "c3", "c4", "c5"}


def test_the_earliest_row_stays_whatever_the_order_of_the_input(tmp_path: Path) -> None:
    rows = rows_of([words("w"), words("w", w3="q"), words("w", w9="q"), words("w")])
    for number, order in enumerate([rows, rows[::-1], [rows[2], rows[0], rows[3], rows[1]]]):
        assert kept(deduplicate(tmp_path / str(number), order)) == {"c0"}
    for row in rows:
        row["unix_time"] = NOON
    first = min(rows, key=lambda row: row["row_key"])
    assert kept(deduplicate(tmp_path / "equal", rows)) == {first["commit"]}


def test_copies_of_a_removed_file_name_the_row_that_stays(tmp_path: Path) -> None:
    texts = [words("w"), words("w", w3="q"), words("w", w3="q")]
    dataset = deduplicate(tmp_path, rows_of(texts))
    details = {row["detail"] for row in dataset.rejected()}
    assert len(details) == 1
    assert row_key("c0") in details.pop()
    assert dataset.manifest.counts.dropped == {"near_duplicate": 2}


def test_the_compared_text_is_the_one_asked_for(tmp_path: Path) -> None:
    rows = [
        change_row("one", old_contents=words("w"), new_contents=words("a")),
        change_row("two", old_contents=words("w"), new_contents=words("b")),
    ]
    assert deduplicate(tmp_path / "new", rows).manifest.rows == 2
    assert deduplicate(tmp_path / "old", rows, compare="old_contents").manifest.rows == 1


def test_several_changes_of_one_file_stay_when_changed_lines_are_compared(tmp_path: Path) -> None:
    file = words("w").replace(" ", "\n")
    edit = {"w5": "if value is None : return w5", "w90": "for item in list ( items ) : w90"}
    first, second = (
        words("w", w5=edit["w5"]).replace(" w", "\nw"),
        words("w", w90=edit["w90"]).replace(" w", "\nw"),
    )
    rows = [
        change_row("one", old_contents=file, new_contents=first, unix_time=1),
        change_row("two", old_contents=file, new_contents=second, unix_time=2),
        change_row("fork of two", old_contents=f"{file}\nmore", new_contents=f"{second}\nmore", unix_time=3),
    ]
    assert kept(deduplicate(tmp_path / "file", rows)) == {"one"}
    assert kept(deduplicate(tmp_path / "lines", rows, compare="changed_lines")) == {"one", "two"}


def test_the_threshold_decides(tmp_path: Path) -> None:
    rows = rows_of([words("w"), words("w", **{f"w{place}": f"q{place}" for place in range(2, 200, 25)})])
    assert deduplicate(tmp_path / "low", rows, threshold=0.6).manifest.rows == 1
    assert deduplicate(tmp_path / "high", rows, threshold=0.9).manifest.rows == 2


def families(seed: int) -> list[str]:
    """Texts of 200 words with copies that differ in some words."""
    rng = random.Random(seed)
    texts = []
    for family in range(12):
        base = words(f"f{family}_")
        texts.append(base)
        for _ in range(4):
            places = rng.sample(range(200), rng.randrange(1, 30))
            texts.append(
                words(f"f{family}_", **{f"f{family}_{place}": f"q{rng.random()}" for place in places})
            )
    return texts


def digests_of(dataset: DatasetReader) -> dict[str, str]:
    """The start of the content digest of every table."""
    return {name: table.content_digest[:16] for name, table in dataset.manifest.tables.items()}


def test_sharding_changes_nothing_and_output_changes_only_with_a_new_version(tmp_path: Path) -> None:
    rows = rows_of(families(5))
    datasets = [deduplicate(tmp_path / str(shards), rows, shards) for shards in (1, 2, 16)]
    datasets.append(deduplicate(tmp_path / "parts", rows, 2, rows_at_once=9))
    assert 12 < datasets[0].manifest.rows < 60
    assert STAGE.version == 2
    for dataset in datasets:
        assert digests_of(dataset) == {
            "data": "38171c5fbd215b81",
            "rejected": "65a98263b94b99bd",
            "clusters": "cecf735dda107802",
        }


@pytest.mark.parametrize("seed", [5, 6])
@pytest.mark.parametrize("options", [{}, {"keep": "longest"}, {"threshold": 0.8}], ids=str)
def test_engines_and_threads_give_equal_tables(tmp_path: Path, seed: int, options: dict[str, Any]) -> None:
    rows = rows_of([*families(seed), "x = 1", "x = 1", "", words("w"), words("w")])
    variants: list[dict[str, Any]] = [{}, {"threads": 3}, {"engine": "datasketch"}]
    datasets = [
        deduplicate(tmp_path / str(number), rows, 2, **variant, **options)
        for number, variant in enumerate(variants)
    ]
    assert digests_of(datasets[0]) == digests_of(datasets[1]) == digests_of(datasets[2])
    assert len({dataset.manifest.config_hash for dataset in datasets}) == 1
    signatures = [
        DatasetReader(round_location(dataset.uri, "signatures"), SIGNATURES) for dataset in datasets
    ]
    assert len({each.digest for each in signatures}) == 1
    assert datasets[0].manifest.counts.dropped["near_duplicate"] >= 2


def test_every_dropped_row_is_in_the_cluster_of_a_row_that_stays(tmp_path: Path) -> None:
    dataset = deduplicate(tmp_path, rows_of([*families(5), "x = 1", "x = 1"]))
    clusters = list(dataset.side_rows("clusters", CLUSTERS))
    assert {row["row_key"] for row in clusters} == {row["row_key"] for row in dataset.rejected()}
    assert {row["kept_key"] for row in clusters} <= {row["row_key"] for row in dataset.rows()}
    assert min(row["similarity"] for row in clusters) >= 0.7
    (copy,) = [row for row in clusters if row["kept_key"] == row_key("c60")]
    assert (copy["row_key"], copy["similarity"]) == (row_key("c61"), 1.0)


def test_the_longest_of_rows_alike_can_stay(tmp_path: Path) -> None:
    texts = [words("w"), words("w") + " and more", words("w") + " and more", words("k")]
    assert kept(deduplicate(tmp_path / "earliest", rows_of(texts))) == {"c0", "c3"}
    assert kept(deduplicate(tmp_path / "longest", rows_of(texts), keep="longest")) == {"c1", "c3"}


def test_the_published_method_keeps_what_the_published_code_keeps(tmp_path: Path) -> None:
    """facts/dataset.md section 18.3: 0, 2, 4; of the short texts one survives."""
    rows = rows_of(["x = 1", "print(2)", words("w"), words("w", w50="q50"), words("k"), "", words("w")])
    datasets = [deduplicate(tmp_path / str(shards), rows, shards, method="published") for shards in (1, 3)]
    assert kept(datasets[0]) == {"c0", "c2", "c4"}
    assert digests_of(datasets[0]) == digests_of(datasets[1])
    assert datasets[0].manifest.counts.dropped == {"near_duplicate": 3, "exact_duplicate": 1}
    details = {row["row_key"]: row["detail"] for row in datasets[0].rejected()}
    assert details[row_key("c1")] == f"kept {row_key('c0')}, not verified"
    assert details[row_key("c6")] == f"kept {row_key('c2')}, similarity 1.0000"
    clusters = {row["row_key"]: row for row in datasets[0].side_rows("clusters", CLUSTERS)}
    assert clusters[row_key("c3")] == {
        "row_key": row_key("c3"), "kept_key": row_key("c2"), "similarity": None,
    }  # fmt: skip


def test_the_published_method_has_the_published_bands() -> None:
    signing = DeduplicateConfig(method="published").signing()
    assert (signing.bands, signing.rows) == (25, 10)


def test_an_empty_dataset_stays_empty(tmp_path: Path) -> None:
    assert deduplicate(tmp_path, []).manifest.rows == 0


@pytest.mark.parametrize(
    "values",
    [
        {"threshold": 0.0},
        {"shingle_size": 0},
        {"permutations": 4},
        {"seed": -1},
        {"compare": "diff"},
        {"threads": 0},
        {"rows_at_once": 0},
    ],
)
def test_wrong_options_are_named(values: dict[str, Any]) -> None:
    with pytest.raises(UserError, match=next(iter(values))):
        load_config(DeduplicateConfig, values, where="recipe.yaml: deduplicate")
