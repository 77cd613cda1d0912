"""torchrun or `accelerate launch` for one node, ending without a traceback of its own.

The first argument says which; the others are those of either. What went wrong in a rank the rank itself has said, on
stderr or in the job's failure file, unless the system killed it.

Exit codes: 0 all ranks have ended well, 1 one has not or the node was told to stop.
"""

import logging
import sys

from torch.distributed.elastic.multiprocessing.api import SignalException
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError


def main(launcher: str, arguments: list[str]) -> int:
    """Start this node's ranks and wait for them; returns the exit code."""
    # says in many lines which rank ended first, which the lines below say in one
    logging.getLogger("torch.distributed.elastic").setLevel(logging.CRITICAL)
    try:
        if launcher == "accelerate":
            from accelerate.commands.launch import launch_command, launch_command_parser

            launch_command(launch_command_parser().parse_args(arguments))
        else:
            from torch.distributed.run import parse_args, run

            run(parse_args(arguments))  # type: ignore[no-untyped-call]
    except SignalException:
        return 1
    except ChildFailedError as error:
        for rank, failure in sorted(error.failures.items()):
            if failure.exitcode < 0:
                print(f"process {rank} was ended by {failure.signal_name()}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
