"""What a change template is, and how it becomes the two versions of one file.

A template is written as readers of changes know it: lines that begin with a blank are in both versions, `-` in
the version before, `+` in the version after (an empty line is in both). `$name` placeholders take their
words from `words.py`; `$$` is a dollar sign. A line that holds nothing but `$surrounding` takes in code that
has no part in the change: fragments in the same language, drawn per instance, so that files differ in what
stands around the change as files in real repositories do.
"""

import random
import re
import string
from collections.abc import Sequence
from dataclasses import dataclass

from themis_common.taxonomy import Criterion, Language

_SURROUNDING = "$surrounding"
_ARTICLE = re.compile(r"\b([Aa])n? (\$\{?(\w+))")
_TAB_INDENTED = frozenset({Language.GO})


@dataclass(frozen=True, kw_only=True)
class ChangeTemplate:
    """A change that makes one file better on one criterion.

    Attributes:
        name: unique among the templates of its language and criterion.
        about: what is wrong before, in one line for a reader of the catalogue.
        change: the marked text described at the top of this module.
    """

    language: Language
    criterion: Criterion
    name: str
    about: str
    change: str

    @property
    def id(self) -> str:
        """`<language>/<criterion>/<name>`, unique in the catalogue."""
        return f"{self.language.key}/{self.criterion.key}/{self.name}"


@dataclass(frozen=True, kw_only=True)
class MinedChange(ChangeTemplate):
    """A template that is committed to the sample repositories.

    Attributes:
        path: of the file in its repository, with placeholders.
        messages: commit messages in the manner of real commits, of which an instance takes one.
    """

    path: str
    messages: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class BenchmarkChange(ChangeTemplate):
    """A template that is held out for the sample benchmark.

    Attributes:
        instruction: a request that both versions answer and that does not name the criterion.
    """

    instruction: str


@dataclass(frozen=True)
class FileVersions:
    """One instance of a template: the same file before and after the change."""

    before: str
    after: str


def fill(text: str, words: dict[str, str]) -> str:
    """Put the words into a text, with `a` or `an` before them as they need it. Raises KeyError for unknown names."""

    def article(match: re.Match[str]) -> str:
        vowel = words[match[3]][0].lower() in "aeiou"
        return f"{match[1]}{'n' if vowel else ''} {match[2]}"

    return string.Template(_ARTICLE.sub(article, text)).substitute(words)


def render(
    template: ChangeTemplate, words: dict[str, str], fragments: Sequence[str], random: random.Random
) -> FileVersions:
    """Both versions of the file, with up to three of the language's `fragments` around the change."""
    drawn = random.sample(fragments, random.choice((0, 1, 1, 2, 2, 3)))
    versions = []
    for mark in "-+":
        text = fill(_surround(_version(template, mark), drawn), words)
        versions.append(_tabs(text) if template.language in _TAB_INDENTED else text)
    return FileVersions(*versions)


def _version(template: ChangeTemplate, mark: str) -> str:
    """The lines of the version that `mark` stands for, without their marks."""
    lines = []
    for line in template.change.strip("\n").split("\n"):
        assert not line or line[0] in " -+", f"{template.id}: unmarked line {line!r}"
        if not line or line[0] in (" ", mark):
            lines.append(line[1:])
    return "\n".join(lines) + "\n"


def _surround(text: str, fragments: Sequence[str]) -> str:
    """Replace the `$surrounding` line by the fragments at its indentation, spaced as what follows it is."""
    lines = text.split("\n")
    at = next(number for number, line in enumerate(lines) if line.strip() == _SURROUNDING)
    follows = next(number for number in range(at + 1, len(lines)) if lines[number])
    indent = lines[at].removesuffix(_SURROUNDING)
    gap = lines[at + 1 : follows]
    inserted: list[str] = []
    for fragment in fragments:
        inserted += [indent + line if line else "" for line in fragment.strip("\n").split("\n")] + gap
    return "\n".join(lines[:at] + inserted + lines[follows:])


def _tabs(text: str) -> str:
    """Indent with tabs, as gofmt does."""
    lines = []
    for line in text.split("\n"):
        body = line.lstrip(" ")
        depth, rest = divmod(len(line) - len(body), 4)
        lines.append("\t" * depth + " " * rest + body)
    return "\n".join(lines)
