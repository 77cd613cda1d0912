"""Which commit messages say enough.

Source: facts/dataset.md section 3, predicates 3 to 5, with the repair of section 16.1 row 4: messages end with a
line feed, so they are trimmed before they are measured and compared.
"""

import functools
from importlib import resources

MIN_CHARS = 10
MAX_CHARS = 15_000
"""Both limits are exclusive and count characters of the trimmed message."""

BLOCKED_PREFIX = "merge"
BLOCKED_PARTS = ("pi push", "push pi")


def why_refused(message: str) -> str | None:
    """The reason to drop a commit for its (trimmed) message, or None."""
    if len(message) <= MIN_CHARS:
        return "message_too_short"
    if len(message) >= MAX_CHARS:
        return "message_too_long"
    folded = message.lower()
    if (
        folded in blocked_messages()
        or folded.startswith(BLOCKED_PREFIX)
        or any(part in folded for part in BLOCKED_PARTS)
    ):
        return "message_blocked"
    return None


def subject_of(message: str) -> str:
    """The first line of a trimmed message."""
    return message.partition("\n")[0].rstrip()


@functools.cache
def blocked_messages() -> frozenset[str]:
    """The messages, in lower case, that say nothing."""
    text = (resources.files(__package__) / "blocked_messages.txt").read_text("utf-8")
    return frozenset(text.splitlines())
