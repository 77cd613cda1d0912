"""How recipes build on each other."""

from pathlib import Path

import pytest

from pipelines.recipes.reading import read_recipe, recipe_layers, recipe_names
from pipelines.settings import resolve
from themis_common.errors import UserError


def write(folder: Path, name: str, text: str) -> str:
    (folder / name).write_text(text)
    return str(folder / name)


def test_a_recipe_may_extend_several_and_the_later_wins(tmp_path: Path) -> None:
    first = write(tmp_path, "a.yaml", "seed: 1\ndeduplicate: {threshold: 0.6, compare: changed_lines}\n")
    second = write(tmp_path, "b.yaml", "seed: 2\ndeduplicate: {threshold: 0.9}\n")
    both = write(tmp_path, "c.yaml", f"extends: [{first}, {second}]\n")
    resolved = resolve("dataset", both)
    assert (resolved.shared["seed"].value, resolved.shared["seed"].source) == (2, second)
    options = resolved.tasks["deduplicate"]
    assert (options["threshold"].value, options["compare"].value) == (0.9, "changed_lines")
    assert resolved.layers == (first, second, both)


def test_recipes_joined_by_commas_apply_in_order() -> None:
    assert [layer.name for layer in recipe_layers("8b-pt, script")] == [
        "paper",
        "8b",
        "pt",
        "8b-pt",
        "script",
    ]


def test_a_recipe_reached_twice_is_applied_once_where_it_is_met_first(tmp_path: Path) -> None:
    base = write(tmp_path, "base.yaml", "seed: 1\n")
    left = write(tmp_path, "left.yaml", f"extends: {base}\nseed: 2\n")
    right = write(tmp_path, "right.yaml", f"extends: {base}\nmap_pods: 3\n")
    shared = resolve("dataset", f"{left},{right}").shared
    assert (shared["seed"].value, shared["map_pods"].value) == (2, 3)


def test_recipes_may_not_extend_each_other(tmp_path: Path) -> None:
    left, right = tmp_path / "left.yaml", tmp_path / "right.yaml"
    left.write_text(f"extends: {right}\n")
    right.write_text(f"extends: {left}\n")
    with pytest.raises(UserError, match="extends itself by way of"):
        recipe_layers(str(left))


def test_a_run_records_the_recipes_that_were_applied() -> None:
    document = resolve("training", "8b-pm,script").document(store="/store")
    assert (document["recipe"], document["layers"]) == (
        "8b-pm,script",
        ["paper", "8b", "pm", "8b-pm", "script"],
    )


def test_every_recipe_describes_itself_in_one_line() -> None:
    for name in recipe_names():
        description = read_recipe(name).description
        assert description.endswith("."), name
        assert "\n" not in description, name


def test_recipes_are_listed_by_size() -> None:
    sizes = [name.removesuffix("-pm") for name in recipe_names() if name.endswith("b-pm")]
    assert sizes == ["0.6b", "1.7b", "4b", "8b", "14b", "32b"]
