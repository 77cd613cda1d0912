"""What the READMEs say is true: their commands can be typed, their links lead somewhere, their tables are complete."""

import importlib.util
import json
import re
from pathlib import Path
from typing import Any

import pytest
import typer

from pipelines.cli.main import app
from pipelines.settings import resolve
from pipelines.tasks import ALL_TASKS, load_stage
from tests.e2e.runs import themis
from tests.readmes import ROOT, Command, commands, first_cells, links, readmes, rows, section
from themis_common.config import fields_of
from themis_common.errors import UserError

READMES = readmes()
COMMANDS = [command for readme in READMES for command in commands(readme)]
STAGES = sorted(set(ALL_TASKS.values()))
FOLDERS = sorted(path.parent for path in (ROOT / "components").glob("*/*/__init__.py"))

# NoSuchOption, MissingParameter and all others that wrong use raises
USAGE_ERROR: Any = typer.BadParameter.__base__


def problems(command: Command) -> list[str]:
    """What is wrong with a command."""
    check = {"themis": themis_problems, "make": make_problems, "python": module_problems}[command.program]
    return check(command)


def themis_problems(command: Command) -> list[str]:
    verb: Any = typer.main.get_command(app)
    words = list(command.arguments)
    while hasattr(verb, "commands") and words and not words[0].startswith("-"):
        name = words.pop(0)
        if name not in verb.commands:
            return [f"there is no verb {name!r}"]
        verb = verb.commands[name]
    known = {"--help", *(flag for parameter in verb.params for flag in parameter.opts)}
    flags = [word.partition("=")[0] for word in words if word.startswith("--")]
    found = [f"there is no option {flag}" for flag in flags if flag not in known]
    if found or not command.complete:
        return found
    try:
        values = verb.make_context(verb.name, words).params
    except USAGE_ERROR as error:
        return [str(error)]
    return setting_problems(verb.name, values)


def setting_problems(verb: str, values: dict[str, Any]) -> list[str]:
    """Whether recipe and settings exist, and hold values of the right kind."""
    overrides = values.get("overrides") or []
    try:
        if verb == "stage":
            stage = values["name"]
            task = next(task for task, name in ALL_TASKS.items() if stage in (task, name))
            own = {field.name for field in fields_of(load_stage(ALL_TASKS[task]).config)}
            overrides = [f"{task}.{text}" if text.partition("=")[0] in own else text for text in overrides]
        pipeline = values.get("pipeline", "end_to_end")
        recipe = values.get("recipe") or values.get("config") or {"demo": "demo"}.get(verb, "local")
        resolve(str(pipeline), recipe, overrides)
    except UserError as error:
        return [str(error)]
    return []


def make_problems(command: Command) -> list[str]:
    makefile = (ROOT / "Makefile").read_text()
    targets = [word for word in command.arguments if "=" not in word and not word.startswith("-")]
    return [
        f"there is no make target {target!r}"
        for target in targets
        if not re.search(rf"^{re.escape(target)}:", makefile, re.MULTILINE)
    ]


def module_problems(command: Command) -> list[str]:
    """Modules are looked up and their sources searched for the options, because some of them start work at once."""
    if command.arguments[0] != "-m":
        return []
    name, *words = command.arguments[1:]
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        return [f"there is no module {name}"]
    source = Path(spec.origin)
    if ROOT not in source.parents:
        return []
    source = source.with_name("__main__.py") if source.name == "__init__.py" else source
    flags = [word.partition("=")[0] for word in words if word.startswith("--")]
    return [f"{name} has no option {flag}" for flag in flags if f'"{flag}"' not in source.read_text()]


@pytest.mark.parametrize("command", COMMANDS, ids=str)
def test_every_command_can_be_typed(command: Command) -> None:
    assert problems(command) == []


@pytest.mark.parametrize(
    ("program", "text"),
    [
        ("themis", "dream"),
        ("themis", "data shew DIR"),
        ("themis", "run dataset --runer docker"),
        ("themis", "run datasets"),
        ("themis", "run dataset --config remote"),
        ("themis", "run dataset --set deduplicate.treshold=0.8"),
        ("themis", "run dataset --set deduplicate.threshold=high"),
        ("themis", "stage dataset.deduplicate --set treshold=0.8 --output out"),
        ("themis", "data show"),
        ("themis", "config show remote"),
        ("make", "tea"),
        ("python", "-m images.bild data"),
        ("python", "-m images.build data --tga x"),
    ],
)
def test_the_check_can_fail(program: str, text: str) -> None:
    command = Command(ROOT / "README.md", text, program, tuple(text.split()), complete=True)
    assert len(problems(command)) == 1


def test_the_readmes_and_their_commands_are_found() -> None:
    assert len(READMES) > 20
    complete = [command for command in COMMANDS if command.complete]
    assert {command.program for command in complete} == {"themis", "make", "python"}
    root = [command.arguments[0] for command in complete if command.readme == ROOT / "README.md"]
    assert {"demo", "test", "run", "config"} <= set(root)


@pytest.mark.parametrize(
    "command",
    [one for one in COMMANDS if one.complete and one.program == "themis" and one.arguments[0] == "config"],
    ids=str,
)
def test_cheap_commands_do_what_they_say(command: Command) -> None:
    done = themis(*command.arguments)
    assert done.returncode == 0, done.stderr
    assert "deduplicate:" in done.stdout


def verbs() -> list[tuple[str, ...]]:
    """Every verb with its group: ("demo",), ("data", "show"), ..."""
    root: Any = typer.main.get_command(app)
    return [
        (name, inner) if inner else (name,)
        for name, command in root.commands.items()
        for inner in getattr(command, "commands", {"": None})
    ]


@pytest.mark.parametrize("verb", verbs(), ids=" ".join)
def test_every_verb_is_in_the_table_of_the_command_line(verb: tuple[str, ...]) -> None:
    # a cell may tell of several verbs of a group, as in `themis data show\|diff`
    told = [re.findall(r"\w+", text) for text in first_cells(section(ROOT / "README.md", "The command line"))]
    assert any(words[:2] == ["themis", verb[0]] and verb[-1] in words for words in told)


@pytest.mark.parametrize("readme", READMES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_somewhere(readme: Path) -> None:
    assert [target for target in links(readme) if not (readme.parent / target).exists()] == []


def test_links_that_lead_nowhere_are_found(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text("[a](gone.py), [b](https://example.org), [c](#here), [d](README.md#here)\n")
    assert links(readme) == ["gone.py", "README.md"]


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: path.name)
def test_every_stage_folder_has_a_readme_that_names_it(folder: Path) -> None:
    title = (folder / "README.md").read_text().splitlines()[0]
    assert title == f"# {folder.parent.name}.{folder.name}"


@pytest.mark.parametrize("stage", STAGES)
def test_the_options_table_lists_the_options(stage: str) -> None:
    readme = ROOT.joinpath("components", *stage.split("."), "README.md")
    told = first_cells(section(readme, "Options"))
    assert sorted(told) == sorted(field.name for field in fields_of(load_stage(stage).config))


def told_defaults(stage: str) -> dict[str, object]:
    """The defaults of the options table that are values and no description, by option."""
    readme = ROOT.joinpath("components", *stage.split("."), "README.md")
    told = {}
    for option, default, *_ in rows(section(readme, "Options")):
        name = re.fullmatch(r"`(\w+)`", option)
        value = re.fullmatch(r"`([^`{}]+)`|(true|false|\d+(?:\.\d+)?)", default)
        if name and value:
            told[name[1]] = value[1] or json.loads(value[2])
    return told


@pytest.mark.parametrize("stage", STAGES)
def test_the_options_table_tells_the_defaults(stage: str) -> None:
    defaults = {field.name: field.default for field in fields_of(load_stage(stage).config)}
    told = told_defaults(stage)
    assert told == {name: defaults.get(name) for name in told}


def test_many_defaults_are_compared() -> None:
    assert sum(len(told_defaults(stage)) for stage in STAGES) > 60


def test_the_table_of_stages_is_complete_and_in_order() -> None:
    text = (ROOT / "README.md").read_text()
    rows = re.findall(r"^\| (\d+) \| \[`(\w+)`\]\(([\w/]+)\) \|", text, re.MULTILINE)
    assert [int(number) for number, _, _ in rows] == list(range(1, len(rows) + 1))
    assert [name for _, name, _ in rows] == [path.rpartition("/")[2] for _, _, path in rows]
    assert sorted(ROOT / path for _, _, path in rows) == FOLDERS
