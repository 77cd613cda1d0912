"""One rank of a training run: `python -m components.training.train_reward_model --job job.json`.

It finds its place among the others in the environment that torchrun and accelerate make.

Exit codes: 0 trained, 2 the user has to mend something (the message is in the job's failure file), 143 stopped by
SIGTERM or SIGINT after saving.
"""

import argparse
import os
import signal
import sys
import threading
import time
from contextlib import nullcontext
from pathlib import Path

from components.training.train_reward_model.job import Job
from components.training.train_reward_model.launch import STOPPED
from components.training.train_reward_model.lease import exclusive_use
from components.training.train_reward_model.parallel import joined_ranks
from components.training.train_reward_model.shared_folder import check_shared
from components.training.train_reward_model.trainer import Surroundings, Trainer
from themis_common.errors import UserError
from themis_common.progress import Progress
from themis_common.store import open_store


class StopRequest:
    """Remembers that the process was told to end; the loop ends after the step that is under way."""

    def __init__(self) -> None:
        self.received = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._receive)

    def watch_stdin(self) -> None:
        """Count the end of stdin as a request, too: its other end is held by the launcher, however that ends."""
        threading.Thread(target=self._wait_for_end_of_stdin, daemon=True).start()

    def _wait_for_end_of_stdin(self) -> None:
        # not through sys.stdin, whose lock a blocked daemon thread would hold at exit
        while os.read(0, 1):
            pass
        self.received = True

    def _receive(self, *_: object) -> None:
        self.received = True


def main(arguments: list[str]) -> int:
    """Run this process's part of the job; returns the exit code."""
    parser = argparse.ArgumentParser(prog="train_reward_model")
    parser.add_argument("--job", type=Path, required=True, help="job.json as the stage writes it")
    parser.add_argument("--stop-at-eof", action="store_true", help="stop when stdin ends")
    options = parser.parse_args(arguments)
    job = Job.read(options.job)
    rank = int(os.environ["RANK"])
    progress = Progress("training.train_reward_model")
    stop = StopRequest()
    if options.stop_at_eof:
        stop.watch_stdin()

    def say(text: str) -> None:
        if rank == 0:
            progress.say(text)

    # the other ranks wait for the first one only so long
    patience = 60 * job.config.collective_minutes / 2
    store = open_store(job.checkpoints)
    try:
        with (
            exclusive_use(store, patience, say) if rank == 0 else nullcontext() as lease,
            joined_ranks(job.config) as ranks,
        ):
            check_shared(store, ranks)
            trainer = Trainer(
                job,
                Surroundings(
                    ranks=ranks,
                    say=say,
                    clock=time.monotonic,
                    stop_requested=lambda: stop.received,
                    lease=lease,
                ),
            )
            finished = trainer.run()
    except UserError as error:
        job.failure_file(rank).write_text(str(error))
        return 2
    if not finished:
        job.stopped_file.touch()
        return STOPPED
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
