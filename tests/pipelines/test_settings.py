"""Recipes, overrides, and the source of every value."""

from pathlib import Path

import pytest

from pipelines.recipes.reading import recipe_names
from pipelines.settings import resolve
from pipelines.tasks import ALL_TASKS, PIPELINE_TASKS, load_stage
from themis_common.config import fields_of
from themis_common.errors import UserError


def test_every_recipe_resolves_for_every_pipeline() -> None:
    assert {"local", "demo"} <= set(recipe_names())
    for recipe in recipe_names():
        for pipeline in PIPELINE_TASKS:
            assert resolve(pipeline, recipe).tasks.keys() == PIPELINE_TASKS[pipeline].keys()


def test_each_value_knows_its_source(tmp_path: Path) -> None:
    recipe = tmp_path / "mine.yaml"
    recipe.write_text("extends: local\nseed: 5\ndeduplicate: {threshold: 0.9}\n")
    resolved = resolve("dataset", str(recipe), ["deduplicate.threshold=0.8", "git_repos=[a, /b]"])
    threshold = resolved.tasks["deduplicate"]["threshold"]
    assert (threshold.value, threshold.source) == (0.8, "--set deduplicate.threshold")
    seed = resolved.tasks["rate_changes"]["seed"]
    assert (seed.value, seed.source) == (5, f"seed ({recipe})")
    repositories = resolved.tasks["mine_commits"]["repositories"]
    assert repositories.value == [str(Path.cwd() / "a"), "/b"]


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["deduplcate.threshold=1"], "unknown key 'deduplcate'; did you mean deduplicate?"),
        (["deduplicate.treshold=1"], "unknown key 'treshold'; did you mean threshold?"),
        (["deduplicate=1"], "deduplicate is a section of options"),
        (["seed"], "--set seed: write KEY=VALUE"),
        (["git_repos=[a"], "--set git_repos: '[a' is no YAML value"),
        (["deduplicate.threshold=high"], "deduplicate: threshold: Input should be a valid number"),
        (["map_pods=0"], "map_pods must be a whole number from 1 to 200"),
    ],
)
def test_wrong_overrides_cost_one_line(overrides: list[str], message: str) -> None:
    with pytest.raises(UserError) as caught:
        resolve("dataset", "local", overrides)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        # an option that its class refuses, one of the wrong kind, one that nobody knows
        ("max_tokens=0", "max_tokens: score_benchmark: max_tokens must be at least 1"),
        ("batch_tokens=many", "batch_tokens: score_benchmark: batch_tokens: Input should be"),
        ("max_token=5", "max_token: score_benchmark: unknown key 'max_token'; did you mean"),
    ],
)
def test_an_error_is_blamed_on_the_option_that_is_wrong(wrong: str, message: str) -> None:
    given = [f"score_benchmark.{text}" for text in ("dtype=float32", "device=cpu", wrong)]
    with pytest.raises(UserError) as caught:
        resolve("evaluation", "local", given)
    assert str(caught.value).startswith(f"--set score_benchmark.{message}")


def test_an_error_in_a_setting_that_sections_follow_is_blamed_on_it() -> None:
    with pytest.raises(UserError, match="^seed \\(--set seed\\): [a-z_]+: seed: Input should be"):
        resolve("dataset", "local", ["deduplicate.threshold=0.8", "seed=often"])


def test_an_error_that_names_no_option_is_blamed_on_the_section() -> None:
    cells = (
        "plan_cells.cells=[{id: x, architecture: longer-response}, {id: X, architecture: longer-response}]"
    )
    with pytest.raises(UserError, match="^--set plan_cells.cells: plan_cells: cell id 'X' is used twice"):
        resolve("evaluation", "local", ["score_benchmark.dtype=float32", cells])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("seed: [1", "YAML syntax error at line 1, column 9"),
        ("- a\n- b\n", "a recipe is a mapping of settings, found list"),
        ("deduplicate:\n  thresold: 1\n", "unknown key 'thresold'; did you mean threshold?"),
        ("extends: nowhere\n", "recipe: unknown key 'nowhere'"),
    ],
)
def test_wrong_recipes_cost_one_line(tmp_path: Path, text: str, message: str) -> None:
    recipe = tmp_path / "mine.yaml"
    recipe.write_text(text)
    with pytest.raises(UserError) as caught:
        resolve("dataset", str(recipe))
    assert message in str(caught.value)


def test_recipes_may_not_extend_themselves(tmp_path: Path) -> None:
    recipe = tmp_path / "mine.yaml"
    recipe.write_text(f"extends: {recipe}\n")
    with pytest.raises(UserError, match="extends itself"):
        resolve("dataset", str(recipe))


def test_every_option_is_described() -> None:
    for stage in sorted(set(ALL_TASKS.values())):
        for option in fields_of(load_stage(stage).config):
            assert option.metadata.get("help"), f"{stage}: {option.name} has no help text"


def test_stages_carry_the_name_of_their_folder() -> None:
    for stage in sorted(set(ALL_TASKS.values())):
        assert load_stage(stage).name == stage


def test_paid_answers_are_kept_in_the_store_unless_told_otherwise() -> None:
    engine = "llm={engine: openai, model: m, base_url: 'http://localhost/v1'}"
    document = resolve("dataset", "local", [engine]).document(store="/store")
    assert document["tasks"]["rate_changes"]["llm"]["responses"] == "/store/responses"
    elsewhere = resolve("dataset", "local", [engine.replace("{", "{responses: /kept, ")]).document(
        store="/store"
    )
    assert elsewhere["tasks"]["rate_changes"]["llm"]["responses"] == "/kept"
    rules = resolve("dataset", "local").document(store="/store")
    assert rules["tasks"]["rate_changes"]["llm"]["responses"] == ""
