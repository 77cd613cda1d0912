"""Reading the READMEs of the tree: their commands, links and tables."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]

_FOREIGN = {"runs", "dist", "build", "node_modules"}
_FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_INDENTED = re.compile(r"(?<=\n\n)(?:    .*\n)+")
_SPAN = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_PROGRAMS = ("themis", "make", "python")


@dataclass(frozen=True)
class Command:
    """A command of ours as a README tells it: the program (themis, make, python) and its arguments.

    `complete` ones stand in a block and can be typed as they are; those inside a sentence or a table may have gaps.
    """

    readme: Path
    text: str
    program: str
    arguments: tuple[str, ...]
    complete: bool

    def __str__(self) -> str:
        return f"{self.readme.relative_to(ROOT)}: {self.text}"


def readmes() -> list[Path]:
    """Every README of the tree that is ours."""
    return sorted(
        file
        for file in ROOT.rglob("README.md")
        if not any(part.startswith(".") or part in _FOREIGN for part in file.relative_to(ROOT).parts)
    )


def commands(readme: Path) -> list[Command]:
    """The commands of a README, those in blocks first."""
    text = readme.read_text()
    blocks = [body for language, body in _FENCED.findall(text) if language in {"", "sh", "bash"}]
    prose = _FENCED.sub("", text)
    blocks += [block.replace("\n    ", "\n").strip() for block in _INDENTED.findall(prose)]
    found = [
        command
        for block in blocks
        for line in block.replace("\\\n", " ").splitlines()
        for command in _commands_of_line(readme, line, complete=True)
    ]
    for span in _SPAN.findall(_INDENTED.sub("", prose)):
        found += _commands_of_line(readme, span.replace("\\|", "|"), complete=False)
    return found


def _commands_of_line(readme: Path, line: str, *, complete: bool) -> Iterator[Command]:
    # brackets around an option say that it may be left out
    for piece in re.split(r"\|\||\||&&|;|\$\(|\)", re.sub(r"\[(--[^\]]*)\]", r"\1", line)):
        try:
            words = shlex.split(piece, comments=True)
        except ValueError:
            # prose with an apostrophe, or quotes around the pipe sign
            continue
        while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
            words.pop(0)
        program = words[0].rpartition("/")[2] if words else ""
        if program in _PROGRAMS and len(words) > 1:
            arguments = tuple(word for word in words[1:] if word not in {"...", "&"})
            yield Command(readme, " ".join(words), program, arguments, complete)


def links(readme: Path) -> list[str]:
    """The targets of links that point into the tree, without what follows a `#`."""
    targets = _LINK.findall(_FENCED.sub("", readme.read_text()))
    return [
        target.partition("#")[0] for target in targets if "://" not in target and not target.startswith("#")
    ]


def section(readme: Path, title: str) -> str:
    """The text under a heading of the second level; empty where there is none."""
    found = re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", readme.read_text(), re.DOTALL | re.MULTILINE)
    return found[1] if found else ""


def rows(text: str) -> list[list[str]]:
    """The cells of all tables of a text, row by row, without the blanks around them."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def first_cells(text: str) -> list[str]:
    """The names in backticks in the first column of all tables of a text."""
    return [name for row in rows(text) for name in _SPAN.findall(row[0])]
