"""An instruction for a file, put together from what both of its versions say about themselves.

Only names and a leading comment that stand in both versions are used, so that the instruction leads to either
with equal ease and tells nothing of the change.
"""

import hashlib
import re
from functools import cache
from importlib import resources
from pathlib import PurePosixPath

from themis_common.prompts.templates import render_text

_MODIFIERS = (
    r"export|default|public|private|protected|internal|static|final|abstract|async|virtual|inline"
    r"|sealed|override"
)
_DEFINITION = re.compile(
    rf"^[ \t]*(?:(?:{_MODIFIERS})[ \t]+)*"
    r"(?:def|class|function|func|struct|interface|enum|module|trait)[ \t]+"
    r"(?:\([^)\n]*\)[ \t]*)?(?:self\.)?([A-Za-z_]\w+)",
    re.MULTILINE,
)
# Functions without a keyword of their own: at the margin as in C, or behind a modifier as in Java and C#.
_TYPED_FUNCTION = re.compile(
    rf"^(?:[ \t]+(?=(?:{_MODIFIERS})\b))?[A-Za-z_][\w:<>,*&?.\[\] \t]*?[ \t*&]([A-Za-z_]\w+)[ \t]*"
    r"\([^;{}()]*\)[ \t]*(?:const[ \t]*)?\{?[ \t]*$",
    re.MULTILINE,
)
_KEYWORDS = frozenset({"if", "for", "while", "switch", "return", "else", "catch", "new", "main", "sizeof"})
_COMMENT = re.compile(
    r'"""\s*(.+?)(?:"""|\n)|/\*[\s*]*(.+?)(?:\*/|\n)|^[ \t]*(?://+|\#)\s+(.+)$', re.MULTILINE
)
_MARKUP = re.compile(r"</?[a-z]+/?>")
_LEGAL = re.compile(r"copyright|licen[cs]e|spdx|coding[:=]", re.IGNORECASE)
_MOST_NAMES = 4
_MOST_PURPOSE_CHARS = 200


def write_instruction(language: str, path: str, old_contents: str, new_contents: str, style: str) -> str:
    """A task that both versions of the file answer, in one of the five problem styles (facts/dataset.md 1.3)."""
    both = set(defined_names(new_contents))
    names = [name for name in defined_names(old_contents) if name in both][:_MOST_NAMES]
    values = {
        "style": style,
        "language": language,
        "file": _plain(PurePosixPath(path).name),
        "subject": _subject(path),
        "names": names,
        "purpose": _shared_purpose(old_contents, new_contents),
        # several wordings of equal meaning, so that prompts do not all begin alike
        "variant": int(hashlib.sha256(path.encode()).hexdigest(), 16),
    }
    return re.sub(r"[ \n]+", " ", render_text(_wording(), values)).strip()


def defined_names(contents: str) -> list[str]:
    """Names of functions, classes and types that the file defines, in order, each once."""
    found = [(match.start(1), match[1]) for match in _DEFINITION.finditer(contents)]
    found += [(match.start(1), match[1]) for match in _TYPED_FUNCTION.finditer(contents)]
    names = (name for _, name in sorted(found) if name not in _KEYWORDS and not name.startswith("__"))
    return list(dict.fromkeys(names))


def _shared_purpose(old_contents: str, new_contents: str) -> str:
    """The first comment of the old version that the new one has too, without its full stop."""
    for match in _COMMENT.finditer(old_contents):
        comment = _MARKUP.sub("", next(group for group in match.groups() if group is not None)).strip()
        if comment in new_contents and len(comment.split()) >= 3 and not _LEGAL.search(comment):
            return _plain(comment[:_MOST_PURPOSE_CHARS].rstrip(". "))
    return ""


def _subject(path: str) -> str:
    """What the file is about, going by its name: `src/orderHistory.js` gives `order history`."""
    stem = PurePosixPath(path).name.partition(".")[0]
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|[_\W]+", " ", stem).lower().split()
    return " ".join(words) or "this file"


def _plain(text: str) -> str:
    """Text from the file without the brackets that answer tags are made of."""
    return text.replace("[", "(").replace("]", ")")


@cache
def _wording() -> str:
    return (resources.files("themis_common.prompts") / "texts" / "rules" / "instruction.j2").read_text(
        "utf-8"
    )
