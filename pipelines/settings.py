"""From a recipe and `--set` overrides to the resolved configuration of a run.

A recipe (pipelines/recipes) holds pipeline-wide settings, listed in `SHARED`, and one section for each task. Values
come, the later winning, from the stage's defaults, shared settings, extended recipes, the recipe, and `--set`; the
source of each value is kept for `themis config show`.
"""

import dataclasses
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from pipelines.recipes.reading import recipe_layers
from pipelines.tasks import ALL_TASKS, PIPELINE_TASKS, load_stage
from themis_common.config import as_values, check_key, fields_of, load_config
from themis_common.errors import UserError
from themis_common.hub import hub_source


@dataclass(frozen=True)
class SharedSetting:
    """A pipeline-wide setting that stage options may follow."""

    default: Any
    help: str
    is_path: bool = False


SHARED: dict[str, SharedSetting] = {
    "seed": SharedSetting(7, "seed of everything drawn at random"),
    "git_repos": SharedSetting([], "local git repositories to mine", is_path=True),
    "tables": SharedSetting("", "tables to mine instead, shaped like BigQuery's github_repos", is_path=True),
    "allowlists": SharedSetting(
        [],
        "lists of repositories to keep: JSON files, folders of them, or outputs of build_allowlists",
        is_path=True,
    ),
    "code_pairs": SharedSetting("", "code preference pairs, for the training pipeline alone", is_path=True),
    "general_pairs": SharedSetting("", "general preference pairs for the first training stage", is_path=True),
    "benchmark": SharedSetting("", "benchmark in the CodeRewardBench schema", is_path=True),
    "prompts": SharedSetting(
        "", "published system prompts to score under, as `themis prompts import` wrote them", is_path=True
    ),
    "base_model": SharedSetting(
        "tiny", "folder of the model to start from, or `tiny` to make one on the spot"
    ),
    "training_stage": SharedSetting(
        "PM", "what `themis train` trains: PT (general pairs) or PM (code pairs)"
    ),
    "gpus": SharedSetting(1, "GPUs that training is planned for, over all machines"),
    "llm": SharedSetting({"engine": "rules"}, "the engine that rates and judges"),
    "map_pods": SharedSetting(2, "parallel tasks of a fan-out, at most 200"),
}

_WORD = re.compile(r"\w+")

TRAINING_STAGES = {"PT": "general", "PM": "code"}
"""The two training stages of the paper, each with the name of the pairs that it trains on."""

TASK_FOLLOWS: dict[str, dict[str, str]] = {
    "mine_commits": {"tables": "tables"},
    "import_general": {"path": "general_pairs"},
    "import_code": {"path": "code_pairs"},
    "prepare_base_model": {"base": "base_model"},
}
"""Options that follow a shared setting in one task only, because their stage runs in several tasks."""


@dataclass(frozen=True)
class Value:
    """A configuration value and where it was set."""

    value: Any
    source: str


@dataclass
class Resolved:
    """The configuration of a run: shared settings and the section of each task, with the source of each value.

    `layers` are the recipes that were applied, in order; a run's `config.json` names them.
    """

    recipe: str
    layers: tuple[str, ...] = ()
    shared: dict[str, Value] = field(default_factory=dict)
    tasks: dict[str, dict[str, Value]] = field(default_factory=dict)

    def document(self, store: str) -> dict[str, Any]:
        """The content of a run folder's `config.json`."""
        return {
            "recipe": self.recipe,
            "layers": list(self.layers),
            "store": store,
            "map_pods": self.shared["map_pods"].value,
            "shared": {name: value.value for name, value in self.shared.items()},
            "tasks": {
                task: {name: _with_responses(value.value, store) for name, value in section.items()}
                for task, section in self.tasks.items()
            },
        }


def _with_responses(value: Any, store: str) -> Any:
    """An engine that costs money keeps its answers in the store, so that another configuration finds them again."""
    if isinstance(value, Mapping) and value.get("engine", "rules") != "rules" and not value.get("responses"):
        return {**value, "responses": f"{store}/responses"}
    return value


def resolve(pipeline: str, recipe: str, overrides: Sequence[str] = ()) -> Resolved:
    """Resolve the configuration of every task of a pipeline; see `resolve_tasks`."""
    return resolve_tasks(PIPELINE_TASKS[pipeline], recipe, overrides)


def resolve_tasks(tasks: Mapping[str, str], recipe: str, overrides: Sequence[str] = ()) -> Resolved:
    """Resolve the configuration of tasks (each with its stage's name), and check all of it.

    Args:
        recipe: the name of a recipe, or the path of a YAML file; or several joined by commas, the later winning.
        overrides: `key=value` texts; the key is a shared setting or `task.option`, the value is YAML.

    Raises:
        UserError: an unknown recipe, key or task, a YAML error, or a value of the wrong kind.
    """
    recipes = recipe_layers(recipe)
    layers = [
        *((layer.source, layer.settings) for layer in recipes),
        *(_override_layer(text) for text in overrides),
    ]
    shared = {name: Value(setting.default, "default") for name, setting in SHARED.items()}
    sections: dict[str, dict[str, Value]] = {task: {} for task in ALL_TASKS}
    for source, layer in layers:
        for key, value in layer.items():
            check_key(key, [*SHARED, *ALL_TASKS], where=source)
            if key in SHARED:
                shared[key] = Value(_absolute(value) if SHARED[key].is_path else value, source)
                continue
            if not isinstance(value, Mapping):
                raise UserError(
                    f"{source}: {key} is a section of options, found {value!r}; write {key}.OPTION=VALUE"
                )
            sections[key].update({name: Value(item, source) for name, item in value.items()})
    _check_shared(shared)
    resolved = Resolved(recipe=recipe, layers=tuple(layer.name for layer in recipes), shared=shared)
    for task, stage in tasks.items():
        resolved.tasks[task] = _resolve_section(task, stage, sections[task], shared)
    return resolved


def _resolve_section(
    task: str, stage: str, section: Mapping[str, Value], shared: Mapping[str, Value]
) -> dict[str, Value]:
    cls = load_stage(stage).config
    values = dict(section)
    for option in fields_of(cls):
        follows = TASK_FOLLOWS.get(task, {}).get(option.name) or option.metadata.get("shared")
        if follows and option.name not in values:
            source = shared[follows]
            values[option.name] = Value(source.value, f"{follows} ({source.source})")
    try:
        loaded = load_config(cls, {name: value.value for name, value in values.items()}, where=task)
    except UserError as error:
        given = {name: value.source for name, value in values.items()}
        raise UserError(f"{_blamed(str(error), given, section)}: {error}") from error
    plain = as_values(loaded)
    return {name: Value(plain[name], values[name].source if name in values else "default") for name in plain}


def _blamed(message: str, given: Mapping[str, str], section: Iterable[str]) -> str:
    """Where the option was set that the message names first; where it names none, whence all of the section came.

    Args:
        given: where each option was set that does not have its default.
        section: those of them that were set for this task.
    """
    named = [given[word] for word in _WORD.findall(message) if word in given]
    sources = named[:1] or list({given[name] for name in section})
    return sources[0] if len(sources) == 1 else "configuration"


def _override_layer(text: str) -> tuple[str, Mapping[str, Any]]:
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise UserError(f"--set {text}: write KEY=VALUE, for example --set seed=7")
    try:
        parsed = yaml.safe_load(value)
    except yaml.YAMLError as error:
        raise UserError(
            f"--set {key}: {value!r} is no YAML value; quote it, or write lists as [a, b]"
        ) from error
    source = f"--set {key}"
    task, dot, option = key.partition(".")
    return source, {task: {option: parsed}} if dot else {key: parsed}


def _absolute(value: Any) -> Any:
    """Paths are taken from where the user stands; tasks run elsewhere."""
    if isinstance(value, str):
        is_path = value and "://" not in value and hub_source(value) is None
        return str(Path(value).expanduser().absolute()) if is_path else value
    if isinstance(value, Iterable) and not isinstance(value, Mapping):
        return [_absolute(item) for item in value]
    return value


def _check_shared(shared: Mapping[str, Value]) -> None:
    for name, most in {"map_pods": 200, "gpus": 65_536}.items():
        found = shared[name]
        if not isinstance(found.value, int) or not 1 <= found.value <= most:
            raise UserError(
                f"{found.source}: {name} must be a whole number from 1 to {most}, found {found.value!r}"
            )
    stage = shared["training_stage"]
    if stage.value not in TRAINING_STAGES:
        raise UserError(
            f"{stage.source}: training_stage must be {' or '.join(TRAINING_STAGES)}, found {stage.value!r}"
        )


def describe_options(stage: str) -> Iterable[tuple[str, str]]:
    """Name and help text of every option of a stage."""
    for option in dataclasses.fields(load_stage(stage).config):
        yield option.name, option.metadata.get("help", "")
