"""The rules by which a change is rated without a language model.

A change starts at 2 (no effect). It gains one point each when its message names the criterion, when the code
it adds serves the criterion better than the code it takes away, and when it is focused. It loses one when the
code serves the criterion worse and one when it sprawls. Then caps: comments and white space alone are at most
3 for readability and 2 for anything else, changes of tests likewise; a revert is 1.
"""

import re
from collections import Counter
from dataclasses import dataclass

from themis_common.llm.evidence import names_criterion, net_evidence
from themis_common.taxonomy import Criterion

FOCUSED_LINES = 40
"""Lines added and removed up to which a change counts as focused."""
SPRAWLING_LINES = 200
"""Lines added and removed from which a change counts as sprawling."""

_TEST_PATH = re.compile(
    r"(^|/)(tests?|specs?|__tests__)/|(^|/)test_|[._-](test|tests|spec)\.\w+$|Tests?\.\w+$"
)
_HASH_COMMENTS = frozenset({"Python", "Ruby"})


@dataclass(frozen=True, slots=True)
class Change:
    """A change of one file; `language` is `Language.label` and decides what a comment looks like."""

    language: str
    path: str
    message: str
    old_contents: str
    new_contents: str


@dataclass(frozen=True, slots=True)
class ChangeRating:
    """A rating from 1 to 5 with the rules that led to it, in order."""

    rating: int
    reasons: tuple[str, ...]


def rate_change(criterion: Criterion, change: Change) -> ChangeRating:
    """Rate one change on one criterion by the rules on top of this module."""
    old, new = change.old_contents.splitlines(), change.new_contents.splitlines()
    added, removed = _only_in(new, old), _only_in(old, new)
    if re.match(r"\s*revert\b", change.message, re.IGNORECASE):
        return ChangeRating(1, ("the message says that the change is a revert",))
    rating, reasons = 2, []
    if names_criterion(criterion, change.message):
        rating += 1
        reasons.append("the message names the criterion")
    evidence = net_evidence(criterion, added, removed)
    if evidence:
        rating += 1 if evidence > 0 else -1
        reasons.append(
            f"the code serves the criterion {'better' if evidence > 0 else 'worse'} ({evidence:+d})"
        )
    size = len(added) + len(removed)
    if size <= FOCUSED_LINES:
        rating += 1
        reasons.append(f"the change is focused ({size} lines)")
    elif size >= SPRAWLING_LINES:
        rating -= 1
        reasons.append(f"the change sprawls ({size} lines)")
    cap = 3 if criterion is Criterion.READABILITY_MAINTAINABILITY else 2
    if rating > cap and _TEST_PATH.search(change.path):
        rating, reasons = cap, [*reasons, "only a test changed"]
    if rating > cap and _is_comment_only(change.language, added, removed):
        rating, reasons = cap, [*reasons, "only comments or white space changed"]
    return ChangeRating(max(1, min(5, rating)), tuple(reasons))


def _only_in(ours: list[str], theirs: list[str]) -> list[str]:
    difference = Counter(ours) - Counter(theirs)
    return list(difference.elements())


def _is_comment_only(language: str, added: list[str], removed: list[str]) -> bool:
    marks = ("#", '"""', "'''") if language in _HASH_COMMENTS else ("//", "/*", "*")
    code = [
        Counter(
            "".join(line.split()) for line in lines if line.strip() and not line.lstrip().startswith(marks)
        )
        for lines in (added, removed)
    ]
    return code[0] == code[1]
