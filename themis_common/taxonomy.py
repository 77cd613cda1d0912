"""The seven criteria and the nine languages, with every spelling under which published data names them.

Source: facts/dataset.md sections 1.1 and 1.2. The integer ids are the ClassLabel order of the published
training sets; the keys are the spellings of CodeRewardBench.
"""

import enum
import re
from typing import Self

from themis_common.errors import UserError


def _fold(name: str) -> str:
    """Spelling without case, blanks and separators, but with `+` and `#`, which tell C from C++ and C#."""
    return re.sub(r"[^a-z0-9+#]", "", name.lower().replace("&", "and"))


class _Labelled(enum.Enum):
    """An enum whose members carry (id, key, label, aliases) and are found again under any of these names."""

    def __init__(self, id: int, key: str, label: str, aliases: tuple[str, ...]) -> None:
        self.id = id
        self.key = key
        self.label = label
        self.aliases = aliases

    @classmethod
    def parse(cls, name: str | int) -> Self:
        """Return the member that `name` (key, label, alias or ClassLabel id) stands for.

        Raises:
            UserError: no member is known under that name; the message lists the keys.
        """
        for member in cls:
            if isinstance(name, int):
                if name == member.id:
                    return member
            elif _fold(name) in {_fold(known) for known in (member.key, member.label, *member.aliases)}:
                return member
        known = ", ".join(member.key for member in cls)
        raise UserError(f"unknown {cls.__name__.lower()} {name!r}: use one of {known}")

    def __str__(self) -> str:
        return self.key


class Criterion(_Labelled):
    """What a preference pair is judged on."""

    READABILITY_MAINTAINABILITY = (
        0,
        "Readability_Maintainability",
        "Readability and Maintainability",
        ("R&M", "RM", "Read", "READABILITY"),
    )
    RUNTIME_EFFICIENCY = (
        1,
        "Runtime_Efficiency",
        "Runtime Efficiency",
        ("RE", "RT", "EE", "Execution Efficiency", "RUNTIME"),
    )
    SECURITY_HARDNESS = (2, "Security_Hardness", "Security Hardness", ("SH", "Sec", "SECURITY"))
    FUNCTIONAL_CORRECTNESS = (3, "Functional_Correctness", "Functional Correctness", ("FC", "FUNCTIONAL"))
    MEMORY_EFFICIENCY = (4, "Memory_Efficiency", "Memory Efficiency", ("ME", "Mem", "MEMORY"))
    HELPFULNESS = (5, "Helpfulness", "Helpfulness", ("H", "Help"))
    HARMLESSNESS = (6, "Harmlessness", "Harmlessness", ("HL", "Harm"))


CODE_CRITERIA: tuple[Criterion, ...] = tuple(c for c in Criterion if c.id <= 4)
"""The five criteria that code is judged on, in ClassLabel order."""


class Language(_Labelled):
    """The language of a preference pair; NL is natural language."""

    JAVASCRIPT = (0, "JavaScript", "JavaScript", ("js",))
    PYTHON = (1, "Python", "Python", ("py",))
    RUBY = (2, "Ruby", "Ruby", ("rb",))
    CPP = (3, "Cpp", "C++", ("c-plus-plus", "cplusplus", "cxx"))
    C = (4, "C", "C", ())
    GO = (5, "Go", "Go", ("golang",))
    JAVA = (6, "Java", "Java", ())
    CSHARP = (7, "CSharp", "C#", ("c-sharp", "cs"))
    NL = (8, "NL", "NL", ("natural language", "english", "text"))


CODE_LANGUAGES: tuple[Language, ...] = tuple(lang for lang in Language if lang is not Language.NL)
"""The eight programming languages, in ClassLabel order."""
