"""Commits that every repository has and that are not what the dataset pipeline looks for.

Each function is one `Step` of `history.py`: it adds one or a few commits to a history.
"""

from pipelines.sample_data.fast_import import Person, Rename, Write
from pipelines.sample_data.history import History, Planned, Step, after, before
from themis_common.taxonomy import Language

BOT = Person("dependabot[bot]", "49699333+dependabot[bot]@users.noreply.github.com")

_CONSTANTS: dict[Language, tuple[str, str]] = {
    Language.PYTHON: ("{project}/limits.py", '"""Limits."""\n\nMAX_{ENTITY} = {value}\n'),
    Language.JAVASCRIPT: ("src/limits.js", "// Limits.\nmodule.exports = {{ max{Entity}: {value} }};\n"),
    Language.RUBY: ("lib/limits.rb", "# Limits.\nmodule Limits\n  MAX_{ENTITY} = {value}\nend\n"),
    Language.GO: ("limits/limits.go", "package limits\n\nconst Max{Entity} = {value}\n"),
    Language.JAVA: (
        "src/main/java/{project}/Limits.java",
        "package {project};\n\nfinal class Limits {{\n    static final int MAX_{ENTITY} = {value};\n}}\n",
    ),
    Language.CSHARP: (
        "src/Limits.cs",
        "static class Limits\n{{\n    public const int Max{Entity} = {value};\n}}\n",
    ),
    Language.C: (
        "src/limits.h",
        "#ifndef LIMITS_H\n#define LIMITS_H\n\n#define MAX_{ENTITY} {value}\n\n#endif\n",
    ),
    Language.CPP: (
        "src/limits.cpp",
        "namespace {project} {{\nextern const int kMax{Entity} = {value};\n}}\n",
    ),
}
"""Path and text of a file with one number in it, for commits that change little."""


def _constants(history: History, language: Language, value: int) -> Write:
    path, text = _CONSTANTS[language]
    entity = history.project.entities[0][0]
    words = {
        "project": history.project.name,
        "Entity": entity.capitalize(),
        "ENTITY": entity.upper(),
        "value": str(value),
    }
    return Write(path.format(**words).encode(), text.format(**words).encode())


def readme_only(history: History, added: list[Planned]) -> None:
    """A commit to the documentation, in a language that nobody asked for."""
    project = history.project
    text = f"# {project.name}\n\n{project.summary}.\n\n## Status\n\nUsed by {history.random.randint(3, 40)} people.\n"
    history.commit(f"Explain the status of {project.name} in the README", Write(b"README.md", text.encode()))


def unspecific_messages(history: History, added: list[Planned]) -> None:
    """Changes of one code file whose messages say nothing: too short, and on the block list."""
    language = history.settled[-1].language if history.settled else Language.PYTHON
    history.commit("Add limits for new installations", _constants(history, language, 10))
    history.commit("tweak", _constants(history, language, 12))
    history.commit("Update README.md", _constants(history, language, 15))
    history.commit("Work in progress\n", _constants(history, language, 20))


def neutral_message(history: History, added: list[Planned]) -> None:
    """A change of one code file that speaks of none of the criteria."""
    language = history.settled[0].language if history.settled else Language.PYTHON
    people = history.project.owners[-1]
    history.commit("Note the number that was agreed on", _constants(history, language, 30))
    history.commit(f"Go from 30 to 60, as the {people} wanted", _constants(history, language, 60))


def other_extension(history: History, added: list[Planned]) -> None:
    """A single-file commit to a file that is not code in any of the languages."""
    history.commit("Add deployment settings", Write(b"deploy/settings.yml", b"workers: 2\nretries: 3\n"))
    history.commit(
        "Fix memory leak warning by lowering the number of workers",
        Write(b"deploy/settings.yml", b"workers: 1\nretries: 3\n"),
    )


def version_bump(history: History, added: list[Planned]) -> None:
    """A dependency bump by a bot."""
    low, high = history.random.randint(1, 4), history.random.randint(5, 9)
    history.commit(
        "Pin the formatter", Write(b"requirements-dev.txt", b"formatter==1.%d.0\n" % low), author=BOT
    )
    history.commit(
        f"Bump formatter from 1.{low}.0 to 1.{high}.0\n\nSigned-off-by: {BOT.name} <support@github.com>",
        Write(b"requirements-dev.txt", b"formatter==1.%d.0\n" % high),
        author=BOT,
    )


def two_files_at_once(history: History, added: list[Planned]) -> None:
    """Two improvements in one commit: not a single-file commit, although each would be a pair."""
    first, second = added.pop(), added.pop()
    subject = first.message.split("\n")[0]
    history.commit(f"{subject}\n\nAlso: {second.message}", after(first), after(second))
    history.settled += [first, second]


def moved_file(history: History, added: list[Planned]) -> None:
    """A pure rename: the path before is not the path after."""
    path = history.settled[-1].path
    folder, _, name = path.rpartition(b"/")
    target = (folder + b"/" if folder else b"") + b"legacy/" + name
    history.commit(f"Rename {path.decode()} to {target.decode()}", Rename(path, target))


def merged_branch(history: History, added: list[Planned]) -> None:
    """A branch with one improvement while the main line goes on, and the merge of the two."""
    on_branch, on_main = added.pop(), added.pop()
    fork = history.tip
    branch = history.improve(on_branch)
    main = history.improve(on_main, parents=(fork,))
    history.commit(f"Merge branch 'improve-{on_branch.entity}'", after(on_branch), parents=(main, branch))


def reverted_change(history: History, added: list[Planned]) -> None:
    """An improvement that is taken back by the next commit."""
    planned = added.pop()
    history.improve(planned)
    subject = planned.message.split("\n")[0]
    history.commit(f'Revert "{subject}"\n\nThe {history.project.owners[0]} depended on it.', before(planned))


EVERYDAY: tuple[Step, ...] = (
    readme_only,
    merged_branch,
    unspecific_messages,
    two_files_at_once,
    other_extension,
    moved_file,
    neutral_message,
    version_bump,
)
"""What every sample repository has."""
