"""Assembly: treatments, duplicates, and a split that no repository or prompt straddles."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from components.dataset.assemble_preferences.config import AssemblePreferencesConfig
from components.dataset.assemble_preferences.stage import STAGE
from tests.components.dataset.changes import NEW, OLD, judged
from tests.components.dataset.written import write_dataset
from themis_common.config import load_config
from themis_common.datasets.reader import DatasetReader
from themis_common.errors import UserError
from themis_common.hashing import row_key
from themis_common.prompts.registry import PromptMode, system_prompt
from themis_common.schemas import JUDGED_CHANGES, PAIRS
from themis_common.stages import run_stage
from themis_common.taxonomy import Criterion


def pair(name: str, **values: Any) -> dict[str, Any]:
    row = {
        "row_key": row_key("pair", name),
        "system": None,
        "input": f"Question {name}?",
        "chosen": "yes",
        "rejected": "no",
        "language": "NL",
        "criterion": "Helpfulness",
        "source": "general",
        "split": "train",
        "repo": None,
        "commit": None,
        "path": None,
        "license": None,
    }
    return {**row, **values}


def assemble(
    folder: Path,
    *,
    judged_rows: list[dict[str, Any]] | None = None,
    imported_rows: list[dict[str, Any]] | None = None,
    shards: int = 1,
    **options: Any,
) -> DatasetReader:
    inputs = {}
    if judged_rows is not None:
        inputs["judged"] = write_dataset(folder / "judged", JUDGED_CHANGES, judged_rows, shards)
    if imported_rows is not None:
        inputs["imported"] = write_dataset(folder / "imported", PAIRS, imported_rows, shards)
    report = run_stage(STAGE, AssemblePreferencesConfig(**options), inputs, str(folder / "out"))
    return DatasetReader(report.uri, PAIRS)


def repositories(number: int, pairs_each: int = 3) -> list[dict[str, Any]]:
    """Judged changes of that many unconnected repositories."""
    return [
        judged(f"c{repo}-{change}", repo=f"acme/r{repo}", repos=[f"acme/r{repo}"])
        for repo in range(number)
        for change in range(pairs_each)
    ]


def sides(dataset: DatasetReader) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for row in dataset.rows():
        found.setdefault(row["repo"], set()).add(row["split"])
    return found


def test_a_judged_change_becomes_a_pair(tmp_path: Path) -> None:
    change = judged("c1", licenses=["apache-2.0", "mit"])
    [row] = assemble(tmp_path, judged_rows=[change], system_prompts="none").rows()
    assert row == {
        "row_key": change["row_key"],
        "system": None,
        "input": change["instruction"],
        "chosen": NEW,
        "rejected": OLD,
        "language": "Python",
        "criterion": "Security_Hardness",
        "source": "Commit-Preference",
        "split": "train",
        "repo": "acme/shop",
        "commit": "c1",
        "path": "shop/find.py",
        "license": "apache-2.0, mit",
    }


def test_system_prompts_are_those_of_evaluation_in_the_shares_of_the_script(tmp_path: Path) -> None:
    rows = [judged(f"c{number}") for number in range(400)]
    prompts = Counter(row["system"] for row in assemble(tmp_path, judged_rows=rows).rows())
    own = system_prompt(PromptMode.CRITERION, Criterion.SECURITY_HARDNESS)
    assert own is not None
    number_all = 400 - prompts[None] - prompts[own.text]
    assert 39 <= prompts[None] <= 81  # 15 %, three standard deviations
    assert 211 <= prompts[own.text] <= 269  # 60 %
    assert 74 <= number_all <= 126  # 25 %
    assert len(prompts) > 50  # the five criteria in many orders


def test_imported_pairs_keep_the_system_prompt_they_bring(tmp_path: Path) -> None:
    rows = [pair(str(number), system="Be brief.") for number in range(20)]
    assert {row["system"] for row in assemble(tmp_path, imported_rows=rows).rows()} == {"Be brief."}


def test_general_criteria_get_the_general_prompt(tmp_path: Path) -> None:
    rows = [pair(str(number)) for number in range(60)]
    general = system_prompt(PromptMode.CRITERION, Criterion.HELPFULNESS)
    assert general is not None
    assert general.text in {row["system"] for row in assemble(tmp_path, imported_rows=rows).rows()}


def test_exact_duplicates_go_wherever_they_come_from(tmp_path: Path) -> None:
    change = judged("c1")
    same = {"input": change["instruction"], "chosen": NEW, "rejected": OLD, "criterion": "Security_Hardness"}
    rows = [pair("1", **same), pair("2", **same), pair("3", **{**same, "criterion": "FC"}), pair("4")]
    dataset = assemble(tmp_path, judged_rows=[change], imported_rows=rows)
    kept = min(change["row_key"], rows[0]["row_key"], rows[1]["row_key"])
    assert {row["row_key"] for row in dataset.rows()} == {kept, rows[2]["row_key"], rows[3]["row_key"]}
    assert dict(dataset.manifest.counts.dropped) == {"duplicate": 2}
    assert {row["detail"] for row in dataset.rejected()} == {f"repeats {kept}"}


def test_no_repository_is_on_both_sides(tmp_path: Path) -> None:
    found = sides(assemble(tmp_path, judged_rows=repositories(60), held_out_share=0.3))
    assert all(len(split) == 1 for split in found.values())
    held_out = sum(split == {"held_out"} for split in found.values())
    assert held_out == 18


def test_repositories_that_share_commits_stay_together(tmp_path: Path) -> None:
    rows = repositories(40)
    # a chain of forks over half of the repositories, one link by repository list, the next by commit hash
    for index in range(0, 20, 2):
        rows.append(
            judged(f"fork{index}", repo=f"acme/r{index}", repos=[f"acme/r{index}", f"ACME/R{index + 1}"])
        )
        for repo in (index + 1, index + 2):
            rows.append(
                judged(
                    f"pick{index}",
                    row_key=row_key(f"pick{index}", repo),
                    repo=f"acme/r{repo}",
                    repos=[f"acme/r{repo}"],
                )
            )
    found = sides(assemble(tmp_path, judged_rows=rows, held_out_share=0.5))
    assert len({frozenset(found[f"acme/r{index}"]) for index in range(21)}) == 1
    assert {frozenset(split) for split in found.values()} == {frozenset({"train"}), frozenset({"held_out"})}


@pytest.mark.parametrize("seed", range(5))
def test_share_is_met_with_few_repositories_of_different_size(tmp_path: Path, seed: int) -> None:
    sizes = (1, 2, 3, 4, 5, 15, 30)
    rows = [
        judged(f"c{repo}-{change}", repo=f"acme/r{repo}", repos=[f"acme/r{repo}"])
        for repo, size in enumerate(sizes)
        for change in range(size)
    ]
    dataset = assemble(tmp_path, judged_rows=rows, held_out_share=0.2, seed=seed)
    assert 9 <= sum(row["split"] == "held_out" for row in dataset.rows()) <= 12  # of 60


def test_another_seed_holds_out_other_repositories(tmp_path: Path) -> None:
    rows = repositories(30)
    held_out = {
        frozenset(name for name, split in sides(dataset).items() if split == {"held_out"})
        for dataset in (
            assemble(tmp_path / str(seed), judged_rows=rows, held_out_share=0.2, seed=seed) for seed in (1, 2)
        )
    }
    assert len(held_out) == 2


@pytest.mark.parametrize("share", [0.0001, 0.9999])
def test_both_sides_get_something_when_there_are_two_groups(tmp_path: Path, share: float) -> None:
    found = sides(assemble(tmp_path, judged_rows=repositories(2), held_out_share=share))
    assert sorted(map(sorted, found.values())) == [["held_out"], ["train"]]


def test_one_repository_is_not_torn_apart_but_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = sides(assemble(tmp_path, judged_rows=repositories(1), held_out_share=0.5))
    assert found == {"acme/r0": {"train"}}
    assert "set split_by to prompt" in capsys.readouterr().err


def test_split_by_prompt_tears_repositories_but_no_prompt(tmp_path: Path) -> None:
    rows = [judged(f"c{number}", instruction=f"Task {number % 30}") for number in range(90)]
    dataset = assemble(tmp_path, judged_rows=rows, held_out_share=0.3, split_by="prompt")
    by_prompt: dict[str, set[str]] = {}
    for row in dataset.rows():
        by_prompt.setdefault(row["input"], set()).add(row["split"])
    assert all(len(split) == 1 for split in by_prompt.values())
    assert sides(dataset) == {"acme/shop": {"train", "held_out"}}


def test_nothing_is_held_out_when_the_share_is_zero(tmp_path: Path) -> None:
    dataset = assemble(tmp_path, imported_rows=[pair(str(n)) for n in range(30)], held_out_share=0)
    assert {row["split"] for row in dataset.rows()} == {"train"}


def test_pairs_without_repository_are_split_by_prompt(tmp_path: Path) -> None:
    rows = [pair(str(n), input=f"Question {n // 2}?", chosen=f"yes {n}") for n in range(200)]
    found: dict[str, set[str]] = {}
    for row in assemble(tmp_path, imported_rows=rows, held_out_share=0.3).rows():
        found.setdefault(row["input"], set()).add(row["split"])
    assert all(len(split) == 1 for split in found.values())
    assert sum(split == {"held_out"} for split in found.values()) == 30


def test_sharding_does_not_change_the_result(tmp_path: Path) -> None:
    rows = [*repositories(12), *(judged(f"c{n}", row_key=row_key("again", n)) for n in range(3))]
    pairs = [pair(str(number)) for number in range(10)]
    digests = {
        assemble(tmp_path / str(shards), judged_rows=rows, imported_rows=pairs, shards=shards).digest
        for shards in (1, 2, 5)
    }
    assert len(digests) == 1


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"held_out_share": 1}, "held_out_share must be 0 or more and less than 1"),
        ({"system_prompts": "all"}, "system_prompts"),
        ({"split_by": "row"}, "split_by"),
    ],
)
def test_bad_options_are_named(values: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        load_config(AssemblePreferencesConfig, values, where="recipe.yaml: assemble_code")


def test_output_changes_only_with_a_new_version(tmp_path: Path) -> None:
    rows = repositories(6)
    dataset = assemble(tmp_path, judged_rows=rows, imported_rows=[pair("1"), pair("2")], held_out_share=0.3)
    assert (STAGE.version, dataset.digest[:16]) == (1, "30009aba19096dbf")
