"""Rules that every compiled pipeline must keep, checked on its intermediate representation (IR).

kfp's compiler accepts all that is refused here. Each rule stands for something that then fails on a cluster,
differs between a laptop and a cluster, or is skipped in silence. `lint(ir(pipeline))` returns one finding per
broken rule and place; an empty list means that the pipeline runs alike under every runner.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final, Protocol

from themis_common.images import image_references

# What each rule asks for.
RULES: Final[Mapping[str, str]] = {
    "lightweight": "must be a lightweight @dsl.component; nothing else runs under every runner",
    "pip-install": "installs packages at start; set install_kfp_package=False and put them into its image",
    "image": "uses an image that is not in themis_common/images.py",
    "secret": "looks like a secret, which would be printed and stored; reference it through the environment",
    "optional": 'has the default None, which no runner reads; use ""',
    "parameter-size": "make the API server refuse the run; pass the URI of a file instead",
    "caching": "leaves KFP's cache on; call set_caching_options(False), because the store is the cache",
    "artifact-iterator": "loops over artifacts, which no cluster runs; loop over List[str]",
    "collected": "reads dsl.Collected; join through the store instead, in a task after the loop's tasks",
    "float-condition": "compares a float: kfp.local skips both branches and succeeds; decide inside a task",
    "quoted-condition": "compares a string that holds a quote: kfp.local skips both branches and succeeds",
    "loop-item": "must loop over a List[str], the single output of its task, and hand each item on as it is",
    "nested-loop": "stands inside another loop; move it into a nested pipeline",
    "loop-in-exit-handler": "stands inside an ExitHandler, where a cluster loses its status",
    "ir-size": "does not fit a Workflow object; use dsl.ParallelFor in place of a Python loop over tasks",
}

# The API server refuses run parameters whose JSON exceeds this many bytes in total.
MAX_PARAMETER_BYTES: Final = 10_000
# One etcd object (about 1.5 MiB) holds the Workflow, which is about three times the size of its IR.
MAX_IR_BYTES: Final = 400_000

# Components that kfp makes for a `with` block; every other DAG is a pipeline nested by its author.
_GROUP = re.compile(r"comp-(for-loop|condition-branches|condition|exit-handler)(-\d+)+")

_EXECUTOR_PROGRAM = re.compile(r"python3? -m kfp\.dsl\.executor_main\s")
_PIP_INSTALL = re.compile(r"\bpip3?\b[\s\"',]+install\b")

_REFERENCE = re.compile(r"inputs\.parameter_values\['([\w.-]+)'\]")
_OPERAND = rf"(?:(?:int\()?{_REFERENCE.pattern}\)?|'[^'\"\\]*'|-?\d+|true|false)"
_COMPARISON = re.compile(rf"!?\(?{_OPERAND}(?: (?:==|!=|<|<=|>|>=) {_OPERAND})?\)?")
_CONNECTIVE = re.compile(r" (?:&&|\|\|) ")

_SECRET_WORDS: Final = frozenset(
    {"secret", "secrets", "password", "passwd", "credential", "credentials", "apikey"}
)
_SECRET_PAIRS: Final = frozenset({("api", "key"), ("access", "key"), ("private", "key"), ("signing", "key")})
# What a tokenizer calls a token is no secret: `pad_token` is a word, `max_tokens` a number.
_TOKENIZER_WORDS: Final = frozenset({"pad", "eos", "bos", "unk", "mask", "sep", "cls"})


@dataclass(frozen=True, slots=True)
class Finding:
    """One broken rule: a key of `RULES`, the place, and what was found there if that adds to it."""

    rule: str
    where: str
    found: str = ""

    def __str__(self) -> str:
        return f"{self.where}{' (' + self.found + ')' if self.found else ''} {RULES[self.rule]} [{self.rule}]"


class CompiledPipeline(Protocol):
    """What `@dsl.pipeline` returns, as far as it is read here."""

    @property
    def pipeline_spec(self) -> Any:
        """The `PipelineSpec` protobuf message."""


def ir(pipeline: CompiledPipeline) -> dict[str, Any]:
    """Return the IR of a pipeline as a plain dict, with the field names of its YAML form."""
    from google.protobuf.json_format import MessageToDict

    spec: dict[str, Any] = MessageToDict(pipeline.pipeline_spec)
    return spec


def lint(pipeline_spec: Mapping[str, Any]) -> list[Finding]:
    """Check every rule over one IR.

    Args:
        pipeline_spec: The IR as `ir()` or the compiled YAML gives it.

    Returns:
        The findings on executors, parameters, tasks, loops and size; empty when every rule is kept.
    """
    return [
        *_executor_findings(pipeline_spec),
        *_parameter_findings(pipeline_spec),
        *_task_findings(pipeline_spec),
        *_loop_findings(pipeline_spec),
        *_nesting_findings(pipeline_spec, pipeline_spec["root"], "root", enclosing=()),
        *_size_findings(pipeline_spec),
    ]


def looks_secret(name: str) -> bool:
    """Whether a parameter or variable of this name would hold a secret."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower()
    words = re.findall(r"[a-z0-9]+", spaced)
    if _SECRET_WORDS.intersection(words) or _SECRET_PAIRS.intersection(pairwise(words)):
        return True
    return words[-1:] == ["token"] and not _TOKENIZER_WORDS.intersection(words)


def _executor_findings(spec: Mapping[str, Any]) -> Iterator[Finding]:
    known_images = image_references()
    for label, executor in spec["deploymentSpec"]["executors"].items():
        where = f"executor {label}"
        if "container" not in executor:
            yield Finding("lightweight", where, found=next(iter(executor)))
            continue
        container = executor["container"]
        command = [*container.get("command", ()), *container.get("args", ())]
        if not _runs_executor_main(command):
            yield Finding("lightweight", where)
        if any(_PIP_INSTALL.search(part) for part in command):
            yield Finding("pip-install", where)
        if container["image"] not in known_images:
            yield Finding("image", where, found=container["image"])
        for variable in container.get("env", ()):
            if looks_secret(variable["name"]) and variable.get("value"):
                yield Finding("secret", f"environment variable {variable['name']} of {where}")


def _runs_executor_main(command: list[str]) -> bool:
    """Whether the program itself, not an argument that merely mentions it, is kfp's lightweight executor."""
    match command:
        case ["sh", "-c" | "-ec", script, *rest]:
            # A script that installs packages first hands on to the rest of the command.
            hands_on = script.rstrip().endswith('"$0" "$@"') and _runs_executor_main(rest)
            return hands_on or _EXECUTOR_PROGRAM.search(script) is not None
    return False


def _parameter_findings(spec: Mapping[str, Any]) -> Iterator[Finding]:
    parameters = _parameters(spec["root"])
    for name, parameter in parameters.items():
        if parameter.get("isOptional") and "defaultValue" not in parameter:
            yield Finding("optional", f"pipeline parameter {name}")
    defaults = {name: p["defaultValue"] for name, p in parameters.items() if "defaultValue" in p}
    size = len(json.dumps(defaults).encode())
    if size > MAX_PARAMETER_BYTES:
        yield Finding("parameter-size", "pipeline defaults", found=f"{size} of {MAX_PARAMETER_BYTES} bytes")
    for owner, component in _components(spec):
        for name in _parameters(component):
            if looks_secret(name):
                yield Finding("secret", f"parameter {name} of {owner}")


def _task_findings(spec: Mapping[str, Any]) -> Iterator[Finding]:
    for owner, component in _components(spec):
        tasks = _tasks(component)
        loops = {name for name, task in tasks.items() if _is_loop(task)}
        for name, task in tasks.items():
            where = f"task {name} of {owner}"
            if task.get("cachingOptions", {}).get("enableCache"):
                yield Finding("caching", where)
            if "artifactIterator" in task:
                yield Finding("artifact-iterator", where)
            if loops.intersection(_producers(task)):
                yield Finding("collected", where)
            if "condition" in task.get("triggerPolicy", {}):
                yield from _condition_findings(spec, task, where)
        selectors = json.dumps(component.get("dag", {}).get("outputs", {}))
        if any(f'"producerSubtask": "{loop}"' in selectors for loop in loops):
            yield Finding("collected", f"the output of {owner}")


def _condition_findings(spec: Mapping[str, Any], task: Mapping[str, Any], where: str) -> Iterator[Finding]:
    condition = task["triggerPolicy"]["condition"]
    parameters = _parameters(_component_of(spec, task))
    types = {parameters[name]["parameterType"] for name in _REFERENCE.findall(condition)}
    if "double(" in condition or "NUMBER_DOUBLE" in types:
        yield Finding("float-condition", where, found=condition)
    elif not all(_COMPARISON.fullmatch(term) for term in _CONNECTIVE.split(condition)):
        yield Finding("quoted-condition", where, found=condition)


def _loop_findings(spec: Mapping[str, Any]) -> Iterator[Finding]:
    for owner, component in _components(spec):
        for name, task in _tasks(component).items():
            if "parameterIterator" not in task:
                continue
            where = f"loop {name} of {owner}"
            iterator = task["parameterIterator"]
            body = _component_of(spec, task)
            item_type = _parameters(body)[iterator["itemInput"]]["parameterType"]
            if item_type != "STRING":
                yield Finding("loop-item", where, found=f"its items are {item_type}")
            items = _sources(task).get(iterator["items"].get("inputParameter"), {})
            # kfp.local finds the items of a task's single output only.
            if items.get("taskOutputParameter", {}).get("outputParameterKey", "Output") != "Output":
                yield Finding("loop-item", where, found="its items are a named output")
            yield from _consumer_findings(spec, body, iterator["itemInput"], item_type, where)


def _consumer_findings(
    spec: Mapping[str, Any], body: Mapping[str, Any], item: str, item_type: str, where: str
) -> Iterator[Finding]:
    """Find consumers of another type than the item's: a cluster's driver refuses them, kfp.local does not."""
    for name, task in _tasks(body).items():
        component = _component_of(spec, task)
        for parameter, source in _sources(task).items():
            if source.get("componentInputParameter") != item:
                continue
            expected = _parameters(component)[parameter]["parameterType"]
            if "parameterExpressionSelector" in source:
                yield Finding("loop-item", where, found=f"task {name} reads a field of the item")
            elif expected != item_type:
                yield Finding(
                    "loop-item", where, found=f"items are {item_type}, {parameter} of {name} is {expected}"
                )
            elif "dag" in component:
                yield from _consumer_findings(spec, component, parameter, item_type, where)


def _nesting_findings(
    spec: Mapping[str, Any], component: Mapping[str, Any], owner: str, enclosing: tuple[str, ...]
) -> Iterator[Finding]:
    """Walk the DAGs from the root, remembering the loops and exit handlers around each task.

    A nested pipeline ends the reach of the loops around it (it is the way out), but not of an exit handler.
    """
    for name, task in _tasks(component).items():
        where = f"loop {name} of {owner}"
        if _is_loop(task) and "for-loop" in enclosing:
            yield Finding("nested-loop", where)
        if _is_loop(task) and "exit-handler" in enclosing:
            yield Finding("loop-in-exit-handler", where)
        reference = task["componentRef"]["name"]
        group = _GROUP.fullmatch(reference)
        around = (*enclosing, group[1]) if group else tuple(kind for kind in enclosing if kind != "for-loop")
        yield from _nesting_findings(spec, _component_of(spec, task), reference, around)


def _size_findings(spec: Mapping[str, Any]) -> Iterator[Finding]:
    size = len(json.dumps(spec).encode())
    if size > MAX_IR_BYTES:
        yield Finding("ir-size", "the pipeline", found=f"{size} of {MAX_IR_BYTES} bytes")


def _components(spec: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    yield "root", spec["root"]
    yield from spec["components"].items()


def _component_of(spec: Mapping[str, Any], task: Mapping[str, Any]) -> Mapping[str, Any]:
    component: Mapping[str, Any] = spec["components"][task["componentRef"]["name"]]
    return component


def _tasks(component: Mapping[str, Any]) -> Mapping[str, Any]:
    tasks: Mapping[str, Any] = component.get("dag", {}).get("tasks", {})
    return tasks


def _parameters(component: Mapping[str, Any]) -> Mapping[str, Any]:
    parameters: Mapping[str, Any] = component.get("inputDefinitions", {}).get("parameters", {})
    return parameters


def _sources(task: Mapping[str, Any]) -> Mapping[str, Any]:
    """Where each input parameter of a task comes from."""
    sources: Mapping[str, Any] = task.get("inputs", {}).get("parameters", {})
    return sources


def _is_loop(task: Mapping[str, Any]) -> bool:
    return "parameterIterator" in task or "artifactIterator" in task


def _producers(task: Mapping[str, Any]) -> Iterator[str]:
    artifacts = task.get("inputs", {}).get("artifacts", {})
    for source in [*_sources(task).values(), *artifacts.values()]:
        for kind in ("taskOutputParameter", "taskOutputArtifact"):
            if kind in source:
                yield source[kind]["producerTask"]
