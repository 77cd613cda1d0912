"""The history of one sample repository: files are added in groups, then changed one by one.

Most commits change one file along a template: those are what the dataset pipeline looks for. Between them
stands what any repository has and what the pipeline must leave out (`routine.py`); repositories that ask for
it also get what makes tools stumble (`oddities.py`).
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, replace

from pipelines.sample_data.change import FileVersions, MinedChange, fill, render
from pipelines.sample_data.fast_import import Commit, Delete, Person, Rename, Write
from pipelines.sample_data.licences import licence_text
from pipelines.sample_data.templates.catalogue import FRAGMENTS, mined_changes
from pipelines.sample_data.words import MINED_PROJECTS, Project, draw_words
from themis_common.hashing import rng
from themis_common.taxonomy import Language

MARCH_2016 = 1457000000
"""Unix time in seconds; histories span about two years, inside the training window of every recipe."""

_LONGEST_PAUSE = 14 * 24 * 3600

_PEOPLE = (
    Person("Ada Brandt", "ada.brandt@example.org"),
    Person("Jonas Okafor", "jonas@example.org"),
    Person("Mei Castellanos", "mei.castellanos@example.com"),
    Person("Petra Nystrom", "petra@example.net"),
    Person("R. Wolters", "rwolters@example.org"),
)


@dataclass(frozen=True)
class Planned:
    """One instance of a template that a repository will hold."""

    path: bytes
    versions: FileVersions
    message: str
    language: Language
    entity: str


class History:
    """The commits so far, and what is needed to add the next one."""

    def __init__(self, project: Project, random: random.Random) -> None:
        self.project = project
        self.random = random
        self.commits: list[Commit] = []
        self.settled: list[Planned] = []
        self._time = MARCH_2016 + random.randrange(_LONGEST_PAUSE)

    @property
    def tip(self) -> int:
        """The position of the newest commit."""
        return len(self.commits) - 1

    def commit(
        self,
        message: str,
        *changes: Write | Delete | Rename,
        author: Person | None = None,
        parents: tuple[int, ...] | None = None,
    ) -> int:
        """Add a commit, on top of the newest one unless told otherwise, and return its position."""
        self._time += self.random.randrange(600, _LONGEST_PAUSE)
        if parents is None:
            parents = (self.tip,) if self.commits else ()
        author = author or self.random.choice(_PEOPLE)
        self.commits.append(Commit(message.rstrip("\n") + "\n", author, self._time, parents, changes))
        return self.tip

    def improve(
        self, planned: Planned, *, path: bytes | None = None, parents: tuple[int, ...] | None = None
    ) -> int:
        """Commit the version after the change, alone, with its message; `path` if it was moved before."""
        self.settled.append(planned)
        change = after(planned)
        return self.commit(planned.message, replace(change, path=path or change.path), parents=parents)


Step = Callable[[History, list[Planned]], None]
"""Adds commits to a history; takes at most two planned changes from the end of the list that it is given."""


def before(planned: Planned) -> Write:
    """The file as it is first added."""
    return Write(planned.path, planned.versions.before.encode())


def after(planned: Planned) -> Write:
    """The file as the change leaves it."""
    return Write(planned.path, planned.versions.after.encode())


def build_history(
    project_name: str,
    licence: str | None,
    languages: tuple[Language, ...],
    changes: int,
    steps: tuple[Step, ...],
    seed: int,
) -> list[Commit]:
    """The commits of one repository, oldest first; equal arguments give equal commits.

    Args:
        licence: SPDX identifier of the LICENSE file, None for a repository without one.
        changes: how many template instances the repository holds.
        steps: taken in turn, spread evenly over the history.
    """
    project = MINED_PROJECTS[project_name]
    random = rng(seed, project_name, "history")
    history = History(project, random)
    history.commit("Initial commit", *_first_files(project, licence))
    waiting = plan_changes(project, languages, changes, seed)
    random.shuffle(waiting)
    added: list[Planned] = []
    taken = 0
    while waiting or added:
        group = [waiting.pop() for _ in range(min(len(waiting), random.randint(3, 6)))]
        if group:
            history.commit(_addition(group), *[before(planned) for planned in group])
        added += group
        random.shuffle(added)
        # Some files wait for later rounds, so that the change of a file seldom follows right on its addition.
        while len(added) > (6 if waiting else 0):
            due = (taken + 1) * changes // (len(steps) + 1)
            if taken < len(steps) and len(history.settled) >= due and len(added) >= 2:
                steps[taken](history, added)
                taken += 1
            else:
                history.improve(added.pop())
    assert taken == len(steps), f"{project_name}: {changes} changes leave no room for {len(steps)} steps"
    return history.commits


def forked(commits: list[Commit]) -> list[Commit]:
    """The history of a fork: the older half of the commits, and one of its own."""
    shared = commits[: len(commits) // 2]
    notice = Write(b"FORK.md", b"This fork is not maintained.\n")
    last = shared[-1]
    parents = (len(shared) - 1,)
    return [*shared, Commit("Say that this is a fork\n", _PEOPLE[0], last.unix_time + 60, parents, (notice,))]


def plan_changes(project: Project, languages: tuple[Language, ...], changes: int, seed: int) -> list[Planned]:
    """`changes` instances of the templates of these languages, every template as often as every other (+-1).

    Which templates come once less is drawn per project: what is rare in one is frequent in another.
    """
    templates = mined_changes(languages)
    rng(seed, project.name, "order of templates").shuffle(templates)
    planned = []
    for number in range(changes):
        template, round_ = templates[number % len(templates)], number // len(templates)
        planned.append(_plan_one(template, project, round_, seed))
    assert len({one.path for one in planned}) == changes, f"{project.name}: two changes share a path"
    return planned


def _plan_one(template: MinedChange, project: Project, round_: int, seed: int) -> Planned:
    """The `round_`-th instance of a template in a project: each round takes another entity."""
    assert round_ < len(project.entities), f"{project.name} has too few entities for round {round_}"
    order = list(range(len(project.entities)))
    rng(seed, f"{project.name}/{template.id}", "entity order").shuffle(order)
    random = rng(seed, f"{project.name}/{template.id}/{round_}", "words")
    words = draw_words(project, order[round_], random)
    return Planned(
        path=fill(template.path, words).encode(),
        versions=render(template, words, FRAGMENTS[template.language], random),
        message=fill(random.choice(template.messages), words),
        language=template.language,
        entity=words["entity"],
    )


def _addition(group: list[Planned]) -> str:
    """The message with which a group of files arrives."""
    names = sorted({planned.entity for planned in group})
    return f"Add {', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else f"Add {names[0]} files"


def _first_files(project: Project, licence: str | None) -> list[Write]:
    readme = (
        f"# {project.name}\n\n{project.summary}.\n\nSee `docs/` for how the {project.owners[0]} uses it.\n"
    )
    files = [
        Write(b"README.md", readme.encode()),
        Write(b"docs/usage.md", f"# Usage\n\nAsk the {project.owners[0]}.\n".encode()),
        Write(b".gitignore", b"build/\n*.o\n*.class\n__pycache__/\nnode_modules/\n"),
    ]
    if licence is not None:
        files.append(Write(b"LICENSE", licence_text(licence, project.name, 2016).encode()))
    return files
