"""Reading recipes: YAML files that hold settings, may extend others, and are applied one after another.

    extends: [8b, script]        a recipe, or several of which the later wins
    description: one line        told by `themis recipes`
    train_code: {epochs: 2}      everything else is settings (see pipelines/settings.py)

A recipe that is reached twice is applied once, where it is met first: `8b,script` puts the differences of `script`
on top of 8b although both extend `paper`.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import yaml

from themis_common.config import check_key
from themis_common.errors import UserError

_SUFFIXES = {".yaml", ".yml"}
_BETWEEN = ","


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """One recipe file.

    Attributes:
        name: what people call it: the name of a recipe of ours, or a path.
        source: the file, as told beside values that come from it.
        extends: the recipes that it builds on, in the order in which they apply.
        settings: its own settings.
    """

    name: str
    source: str
    description: str
    extends: tuple[str, ...]
    settings: Mapping[str, Any]


def recipe_names() -> list[str]:
    """The recipes that come with Themis; those of a model size first, small before large."""
    files = (entry.name for entry in resources.files(__package__).iterdir())
    return sorted((name.removesuffix(".yaml") for name in files if name.endswith(".yaml")), key=_by_size)


def recipe_layers(names: str) -> list[Recipe]:
    """The recipes behind `names`, in the order in which they apply.

    Args:
        names: a recipe by name or path, or several joined by commas, the later winning.

    Raises:
        UserError: an unknown or unreadable recipe, a YAML error, or recipes that extend each other.
    """
    layers: dict[str, Recipe] = {}
    for name in names.split(_BETWEEN):
        _collect(name.strip(), (), layers)
    return list(layers.values())


def read_recipe(name: str) -> Recipe:
    """One recipe alone.

    Raises:
        UserError: it is unknown, cannot be read, or is no mapping of settings.
    """
    source, text = _text(name)
    try:
        document = yaml.safe_load(text) or {}
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        problem = getattr(error, "problem", None) or str(error)
        raise UserError(f"{source}: YAML syntax error{place}: {problem}") from error
    if not isinstance(document, Mapping):
        raise UserError(f"{source}: a recipe is a mapping of settings, found {type(document).__name__}")
    base = document.get("extends") or []
    return Recipe(
        name=name,
        source=source,
        description=str(document.get("description", "")),
        extends=tuple(map(str, base)) if isinstance(base, list) else (str(base),),
        settings={
            str(key): value for key, value in document.items() if key not in {"extends", "description"}
        },
    )


def _by_size(name: str) -> tuple[float, str]:
    size = re.match(r"([\d.]+)b", name)
    return float(size[1]) if size else math.inf, name


def _collect(name: str, below: tuple[str, ...], layers: dict[str, Recipe]) -> None:
    if name in below:
        raise UserError(f"recipe {name} extends itself by way of {' -> '.join(below)}; remove one `extends`")
    if name in layers:
        return
    recipe = read_recipe(name)
    for base in recipe.extends:
        _collect(base, (*below, name), layers)
    layers[name] = recipe


def _text(recipe: str) -> tuple[str, str]:
    path = Path(recipe)
    if path.suffix in _SUFFIXES or "/" in recipe:
        try:
            return recipe, path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
            raise UserError(f"cannot read the recipe {recipe}: {reason}") from error
    check_key(recipe, recipe_names(), where="recipe")
    return f"{recipe}.yaml", (resources.files(__package__) / f"{recipe}.yaml").read_text("utf-8")
