"""Many requests at a time: asked concurrently, written down while others are still under way.

When one fails for good the rest is not asked, but answers that may be billed already are waited for and kept.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from themis_common.llm.asking import Asker
from themis_common.llm.chat_completions import Response
from themis_common.llm.engine import Request
from themis_common.llm.response_store import Record, ResponseStore

_SAVE_SECONDS = 1.0
"""How often answers are written down: seldom enough for a bucket, often enough to lose little."""
_GRACE_SECONDS = 30.0
"""After a failure, how long answers under way are waited for."""
_LOOK_SECONDS = 0.05


class Batch:
    """Requests by the key of their answer.

    Args:
        record: makes of an answer what is written down.
        on_answer: is told of each answer.
    """

    def __init__(
        self,
        requests: Mapping[str, Request],
        asker: Asker,
        store: ResponseStore,
        record: Callable[[str, Request, Response], Record],
        on_answer: Callable[[Response], None],
    ) -> None:
        self._asker = asker
        self._store = store
        self._record = record
        self._on_answer = on_answer
        self._queue = deque(requests.items())
        self._answers: dict[str, Response] = {}
        self._unsaved: list[Record] = []
        self._finished = asyncio.Event()

    async def run(self, concurrency: int) -> dict[str, Response]:
        """The answers by key, all of them written down.

        Raises:
            TransientError, UserError: as `Asker.ask`; of several the first.
            OSError: answers could not be written down.
        """
        num_workers = min(concurrency, len(self._queue))
        workers = [asyncio.create_task(self._work()) for _ in range(num_workers)]
        saver = asyncio.create_task(self._save_regularly())
        everybody = asyncio.gather(*workers)
        ends: set[asyncio.Future[Any]] = {everybody, saver}
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            self._queue.clear()
            await self._let_finish(workers)
        finally:
            for worker in workers:
                worker.cancel()
            await asyncio.wait(workers)
            self._finished.set()
            await asyncio.wait({saver})
        saver.result()
        everybody.result()
        return self._answers

    async def _work(self) -> None:
        while self._queue:
            key, request = self._queue.popleft()
            response = await self._asker.ask(request)
            self._answers[key] = response
            self._unsaved.append(self._record(key, request, response))
            self._on_answer(response)

    async def _let_finish(self, workers: list[asyncio.Task[None]]) -> None:
        """End the workers that wait for something, and give the others time to receive their answer."""
        deadline = asyncio.get_running_loop().time() + _GRACE_SECONDS
        while running := {worker for worker in workers if not worker.done()}:
            late = asyncio.get_running_loop().time() > deadline
            for worker in running:
                if late or worker not in self._asker.under_way:
                    worker.cancel()
            await asyncio.wait(running, timeout=_LOOK_SECONDS)

    async def _save_regularly(self) -> None:
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._finished.wait(), _SAVE_SECONDS)
            last = self._finished.is_set()
            records, self._unsaved = self._unsaved, []
            await asyncio.to_thread(self._store.append, records)
            if last:
                return
