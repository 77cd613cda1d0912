"""The names of the lists: one for each language, as the published ones are called (facts/dataset.md section 4)."""

import re

NO_LANGUAGE = "other"
"""The list of repositories of which no language is known."""

_UNLIKE_THEIR_LANGUAGE = {
    "go": "golang",
    "shell": "bash",
    "common lisp": "lisp",
    "emacs lisp": "lisp",
    "newlisp": "lisp",
    "visual basic .net": "basic",
    "visual basic": "basic",
    "freebasic": "basic",
    "purebasic": "basic",
}


def list_name(language: str | None) -> str:
    """The list for repositories of a language, however its case: `C++` gives `c-plus-plus`, `Go` gives `golang`."""
    folded = (language or "").strip().lower()
    if folded in _UNLIKE_THEIR_LANGUAGE:
        return _UNLIKE_THEIR_LANGUAGE[folded]
    spelled = folded.replace("+", "-plus-").replace("#", "-sharp-")
    return re.sub(r"[^a-z0-9]+", "-", spelled).strip("-") or NO_LANGUAGE
