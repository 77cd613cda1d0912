"""The licences of a repository, read from the files at the top of its HEAD, and which of them are allowed.

A licence is known by phrases that no other licence has. Texts are compared in lower case with every run of other
characters than letters and digits as one blank, so that line breaks, quotes and list marks do not matter.
"""

import re
from typing import Literal

from themis_common.git import GitRepository

Policy = Literal["any", "permissive-only", "published-12"]

UNKNOWN = "unknown"

_PERMISSIVE = frozenset(
    {
        "apache-2.0",
        "artistic-2.0",
        "bsd-2-clause",
        "bsd-3-clause",
        "cc0-1.0",
        "isc",
        "mit",
        "unlicense",
    }
)
_WEAK_OR_NETWORK_COPYLEFT = frozenset({"agpl-3.0", "epl-1.0", "lgpl-2.1", "mpl-2.0"})
ALLOWED: dict[Policy, frozenset[str]] = {
    "permissive-only": _PERMISSIVE,
    # facts/dataset.md section 1.4; the published documents call all twelve permissive
    "published-12": _PERMISSIVE | _WEAK_OR_NETWORK_COPYLEFT,
}

_PHRASES: dict[str, tuple[tuple[str, ...], ...]] = {
    "agpl-3.0": (("gnu affero general public license version 3 19 november 2007",),),
    "apache-2.0": (
        ("apache license version 2 0 january 2004",),
        ("licensed under the apache license version 2 0",),
    ),
    "artistic-2.0": (("the artistic license 2 0",), ("artistic license version 2 0",)),
    "cc0-1.0": (("cc0 1 0 universal",),),
    "epl-1.0": (("eclipse public license v 1 0",), ("eclipse public license version 1 0",)),
    "gpl-2.0": (("gnu general public license version 2 june 1991",),),
    "gpl-3.0": (("gnu general public license version 3 29 june 2007",),),
    "isc": (
        (
            "this software for any purpose with or without fee is hereby granted provided that the above "
            "copyright notice and this permission notice appear in all copies",
        ),
    ),
    "lgpl-2.1": (("gnu lesser general public license version 2 1 february 1999",),),
    "mit": (
        (
            "permission is hereby granted free of charge to any person obtaining a copy",
            "notice and this permission notice shall be included in all copies",
        ),
    ),
    "mpl-2.0": (("mozilla public license version 2 0",), ("mozilla public license v 2 0",)),
    "unlicense": (("this is free and unencumbered software released into the public domain",),),
}
"""For each licence the alternatives by which it is known; of one alternative all phrases must be there."""

_BSD = (
    "redistributions of source code must retain the above copyright notice",
    "redistributions in binary form must reproduce the above copyright notice",
)
_BSD_NO_ENDORSEMENT = "to endorse or promote products derived from"
_BSD_ADVERTISING = "all advertising materials mentioning features or use of this software"

_SPDX_LINE = re.compile(r"SPDX-License-Identifier:\s*([A-Za-z0-9.+() \t-]+)", re.IGNORECASE)
_KNOWN = frozenset({*_PHRASES, "bsd-2-clause", "bsd-3-clause"})

_FILE_NAME = re.compile(
    rb"(?:[a-z0-9]+-)?(?:(?:un)?licen[cs]es?|copying|copyright)(?:[.-][a-z0-9.-]+)?", re.IGNORECASE
)
_MAX_FILE_BYTES = 200_000


def identify_licences(text: str) -> frozenset[str]:
    """The lower-case SPDX identifiers of the licences that a licence file contains; empty where none is known."""
    found = {known for line in _SPDX_LINE.findall(text) for known in _identifiers(line)}
    folded = re.sub(r"[^a-z0-9]+", " ", text.lower())
    for identifier, alternatives in _PHRASES.items():
        if any(all(phrase in folded for phrase in phrases) for phrases in alternatives):
            found.add(identifier)
    if all(phrase in folded for phrase in _BSD) and _BSD_ADVERTISING not in folded:
        found.add("bsd-3-clause" if _BSD_NO_ENDORSEMENT in folded else "bsd-2-clause")
    return frozenset(found)


def repository_licences(repository: GitRepository) -> frozenset[str]:
    """The licences of all licence files at the top of HEAD; {"unknown"} where there is none that we know."""
    found: set[str] = set()
    with repository.blob_reader(_MAX_FILE_BYTES) as reader:
        for entry in repository.top_level():
            if entry.kind == "blob" and _FILE_NAME.fullmatch(entry.name):
                contents = reader.read(entry.id)
                if isinstance(contents, bytes):
                    found |= identify_licences(contents.decode("utf-8", "replace"))
    return frozenset(found) or frozenset({UNKNOWN})


def is_allowed(licences: frozenset[str], policy: Policy) -> bool:
    """Whether a repository under `licences` may be used: under every policy but `any`, all must be allowed."""
    return policy == "any" or licences <= ALLOWED[policy]


def _identifiers(expression: str) -> set[str]:
    """The known licences of an SPDX expression; what follows WITH is an exception, not a licence."""
    without = re.sub(r"\bWITH\s+\S+", " ", expression, flags=re.IGNORECASE)
    names = re.findall(r"[a-z0-9.-]+", without.lower())
    return {re.sub(r"-(?:only|or-later)$", "", name) for name in names} & _KNOWN
