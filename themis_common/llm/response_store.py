"""Answers that were paid for: kept once, found again by every later run.

A folder of segments, each a file of JSON lines that is written whole and never again. Segments have unique names, so
that any number of processes may add to one folder; where two of them answered the same request, the segment whose
name sorts first (the older one) counts. Only keys and positions are held in memory, about 0.2 kB an answer.
"""

import json
import re
import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any

from themis_common.errors import UserError
from themis_common.llm.chat_completions import Response
from themis_common.llm.engine import Choice, Usage
from themis_common.store import Store

_SEGMENTS = "segments/"
_READERS = 8
"""Segments read at a time, for those of a bucket are small and far."""
_LINE_START = re.compile(rb'\{"key": "([0-9a-f]{64})", ')


@dataclass(frozen=True, slots=True)
class Record:
    """An answer with its key and what is worth knowing about how it came about (prompt, model, sampling)."""

    key: str
    response: Response
    origin: Mapping[str, Any]

    def to_line(self) -> bytes:
        """One JSON line; the key comes first, for the index is made by looking at nothing else."""
        document = {"key": self.key, "response": asdict(self.response), "origin": dict(self.origin)}
        return json.dumps(document).encode() + b"\n"


def segment_name() -> str:
    """A new name that sorts after older ones: UTC to the microsecond, and 64 random bits."""
    now = time.time()
    stamp = time.strftime("%Y%m%dT%H%M%S", time.gmtime(now))
    return f"{stamp}.{int(now % 1 * 1e6):06d}Z-{uuid.uuid4().hex[:16]}"


class ResponseStore:
    """The answers in one folder, as they are when first looked for, and those that are added through this object.

    Args:
        new_name: makes the name of a segment, unlike any other.
    """

    def __init__(self, store: Store, *, new_name: Callable[[], str] = segment_name) -> None:
        self.uri = store.uri
        self._store = store
        self._new_name = new_name
        self._segments: list[str] = []
        self._places: dict[bytes, tuple[int, int]] | None = None

    def __len__(self) -> int:
        return len(self._index())

    def find(self, keys: Iterable[str]) -> dict[str, Response]:
        """The answers that there are, by key.

        Raises:
            UserError: a segment is damaged; names it.
        """
        index = self._index()
        wanted: dict[int, list[tuple[str, int]]] = defaultdict(list)
        for key in dict.fromkeys(keys):
            place = index.get(bytes.fromhex(key))
            if place is not None:
                wanted[place[0]].append((key, place[1]))
        found: dict[str, Response] = {}
        with ThreadPoolExecutor(_READERS) as readers:
            for responses in readers.map(self._responses, wanted, wanted.values()):
                found.update(responses)
        return found

    def append(self, records: Sequence[Record]) -> None:
        """Write answers down; when this returns, they outlive the process.

        Raises:
            OSError: the medium failed.
            TransientError: a bucket could not be reached.
        """
        if not records:
            return
        index = self._index()
        name = f"{_SEGMENTS}{self._new_name()}.jsonl"
        lines = [record.to_line() for record in records]
        self._store.write_bytes(name, b"".join(lines), exclusive=True)
        self._segments.append(name)
        offset = 0
        for record, line in zip(records, lines, strict=True):
            index.setdefault(bytes.fromhex(record.key), (len(self._segments) - 1, offset))
            offset += len(line)

    def _index(self) -> dict[bytes, tuple[int, int]]:
        """Segment number and offset of each key; made on first use."""
        if self._places is None:
            places: dict[bytes, tuple[int, int]] = {}
            self._segments = [name for name in self._store.list(_SEGMENTS) if name.endswith(".jsonl")]
            with ThreadPoolExecutor(_READERS) as readers:
                for number, offsets in enumerate(readers.map(self._offsets, self._segments)):
                    for key, offset in offsets:
                        places.setdefault(key, (number, offset))
            self._places = places
        return self._places

    def _offsets(self, name: str) -> list[tuple[bytes, int]]:
        """Where the line of each key begins in one segment."""
        content = self._store.read_bytes(name)
        found, offset = [], 0
        while offset < len(content):
            start = _LINE_START.match(content, offset)
            end = content.find(b"\n", offset)
            if start is None or end < 0:
                raise UserError(
                    f"{self.uri}/{name}: no answer at byte {offset}; delete the file, its answers are asked for again"
                )
            found.append((bytes.fromhex(start[1].decode()), offset))
            offset = end + 1
        return found

    def _responses(self, number: int, lines: Sequence[tuple[str, int]]) -> dict[str, Response]:
        """The answers at some offsets of one segment."""
        name = self._segments[number]
        content = self._store.read_bytes(name)
        return {
            key: _response(content[offset : content.index(b"\n", offset)], f"{self.uri}/{name}")
            for key, offset in lines
        }


def _response(line: bytes, where: str) -> Response:
    try:
        fields = json.loads(line)["response"]
        usage = fields.pop("usage")
        ending = tuple(Choice(**choice) for choice in fields.pop("ending", ()))
        return Response(**fields, usage=Usage(**usage) if usage is not None else None, ending=ending)
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{where}: an answer cannot be read ({error}); delete the file, its answers are asked for again"
        ) from error
