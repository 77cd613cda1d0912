"""What GitHub answered, written down as it comes and found again by every later run.

A folder of files of JSON lines, each written whole and never again, named by its content; any number of runs may add
to it. All of them are held in memory, about 0.5 kB a repository.
"""

import hashlib
import json
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from components.dataset.build_allowlists.reputation import Reputation
from themis_common.errors import UserError
from themis_common.hashing import canonical_json
from themis_common.store import Store

_READERS = 16
"""Files read at a time, for those of a bucket are small and far."""
_SUFFIX = ".jsonl"

Notes = Mapping[str, Mapping[str, Any]]
"""What was learned at a time: some fields of `Reputation`, by repository."""


class Answers:
    """The answers in one folder, as they are when it is opened, and those that are added."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: dict[str, Reputation] = {}
        self._lock = threading.Lock()
        names = [name for name in store.list() if name.endswith(_SUFFIX)]
        with ThreadPoolExecutor(_READERS) as readers:
            for name, content in zip(names, readers.map(store.read_bytes, names), strict=True):
                for notes in self._parsed(name, content):
                    self._learn(notes)

    def __contains__(self, repo: str) -> bool:
        return repo in self._known

    def __getitem__(self, repo: str) -> Reputation:
        return self._known[repo]

    def add(self, notes: Notes) -> None:
        """Write down what was learned; when this returns, it outlives the process."""
        lines = [canonical_json({"repo": repo, **fields}) + "\n" for repo, fields in sorted(notes.items())]
        content = "".join(lines).encode()
        self._store.write_bytes(f"{hashlib.sha256(content).hexdigest()[:32]}{_SUFFIX}", content)
        with self._lock:
            self._learn(notes)

    def _learn(self, notes: Notes) -> None:
        """Fields that one answer leaves open may be known from another."""
        for repo, fields in notes.items():
            known = self._known.get(repo, Reputation(repo=repo))
            told = {name: value for name, value in fields.items() if value is not None}
            self._known[repo] = replace(known, **told)

    def _parsed(self, name: str, content: bytes) -> list[Notes]:
        notes: list[Notes] = []
        try:
            for line in content.splitlines():
                fields = json.loads(line)
                notes.append({fields.pop("repo"): fields})
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise UserError(
                f"{self._store.uri}/{name} holds no answers ({error}); delete it, they are asked for again"
            ) from error
        return notes
