"""Commits that a program made: dependency bumps, generated files, mirrored releases."""

import re

NAMES = frozenset(
    {
        "allcontributors",
        "circleci",
        "codacy-badger",
        "dependabot",
        "dependabot-preview",
        "github actions",
        "github-actions",
        "greenkeeper",
        "greenkeeperio-bot",
        "imgbot",
        "jenkins",
        "mergify",
        "pre-commit-ci",
        "pyup-bot",
        "renovate",
        "renovate-bot",
        "semantic-release-bot",
        "snyk-bot",
        "travis ci",
        "weblate",
    }
)
"""Names of programs, in lower case."""

_MARK = re.compile(r"\[bot\]", re.IGNORECASE)


def is_bot(author_name: bytes, author_email: bytes) -> bool:
    """Whether the author is marked as a bot or is a program known by name."""
    name = author_name.decode("utf-8", "replace").strip()
    mailbox = author_email.decode("utf-8", "replace").partition("@")[0]
    return name.lower() in NAMES or bool(_MARK.search(name) or _MARK.search(mailbox))
