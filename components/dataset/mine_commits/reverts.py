"""Recognising commits that take another one back, and the ones that were taken back.

A commit that was reverted is no improvement, and its revert is none either (facts/dataset.md section 8). History is
walked from the newest commit to the oldest, so a revert is met before what it takes back.
"""

import re
from collections import Counter

_SUBJECT = re.compile(r'Revert "(?P<subject>.+)"')
_NAMED = re.compile(r"\bThis reverts commit (?P<sha>[0-9a-f]{7,64})")


class RevertTracker:
    """What the commits met so far take back."""

    def __init__(self) -> None:
        self._shas: set[str] = set()
        self._short_shas: set[str] = set()
        self._subjects: Counter[str] = Counter()

    def role(self, sha: str, subject: str, message: str) -> str | None:
        """Note the next older commit: "revert", "reverted", or None where it is neither."""
        taken_back = self._is_taken_back(sha, subject)
        named = _NAMED.findall(message)
        quoted = _SUBJECT.fullmatch(subject)
        if not named and quoted is None:
            return "reverted" if taken_back else None
        # a revert that was itself taken back leaves its target standing
        if not taken_back:
            self._shas.update(named)
            self._short_shas.update(name for name in named if len(name) < len(sha))
            if not named and quoted is not None:
                self._subjects[quoted["subject"]] += 1
        return "revert"

    def _is_taken_back(self, sha: str, subject: str) -> bool:
        if sha in self._shas or any(sha.startswith(short) for short in self._short_shas):
            return True
        if self._subjects[subject]:
            self._subjects[subject] -= 1
            return True
        return False
