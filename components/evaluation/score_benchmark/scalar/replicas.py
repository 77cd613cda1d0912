"""Copies of a model that score side by side on one machine: each in a process of its own, with parts of its own."""

import multiprocessing
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol

from torch.multiprocessing.spawn import ProcessContext, ProcessExitedException, spawn

from components.evaluation.score_benchmark.scalar.parts import PartsToScore, score_parts
from themis_common.errors import UserError
from themis_common.stages.shares import Share

_LOOK_SECONDS = 2.0


class Errors(Protocol):
    """A queue of messages between processes."""

    def put(self, message: str) -> None:
        """Send one."""


def share_parts(work: PartsToScore, share: Share) -> PartsToScore:
    """The part of the work that falls to one of several copies."""
    parts = {number: work.parts[number] for number in share.of(list(work.parts))}
    keys = {key for batches in parts.values() for batch in batches for key in batch}
    return replace(work, parts=parts, encoded={key: one for key, one in work.encoded.items() if key in keys})


def run_replicas(works: Sequence[PartsToScore], on_wait: Callable[[], None]) -> None:
    """Score all parts of all works, each in a process; where one fails, the others are ended.

    Args:
        on_wait: called every two seconds.

    Raises:
        UserError: a model cannot be loaded, gives no numbers, or its scores depend on the batch.
        ProcessExitedException: a process was killed, for instance for want of memory.
    """
    errors = multiprocessing.get_context("spawn").SimpleQueue()
    # processes of torch end with their parent, however that ends; each is started alone, for all that one call starts
    # are sent the same, and a work holds the tokens of its part of the benchmark
    started: list[ProcessContext] = [
        spawn(_replica, (work, errors), join=False, daemon=True)  # type: ignore[no-untyped-call]
        for work in works
    ]
    processes = ProcessContext(  # type: ignore[no-untyped-call]
        [process for one in started for process in one.processes],
        [file for one in started for file in one.error_files],
    )
    try:
        while not processes.join(timeout=_LOOK_SECONDS):
            on_wait()
    except ProcessExitedException as error:
        if not errors.empty():
            raise UserError(errors.get()) from error
        raise


def _replica(_index: int, work: PartsToScore, errors: Errors) -> None:
    try:
        score_parts(work, on_part=lambda: None)
    except UserError as error:
        errors.put(str(error))
        # the others run on beside a process that ends as if all were well
        sys.exit(1)
