"""What a git process may take of the machine: what it reads decides how much it wants.

Sixteen kilobytes of deltas unpack to four gigabytes in memory, and a commit that lists the same folder over and over
has more differences than memory has bytes. Git has a setting for neither, so the kernel holds the limit.
"""

import resource
import sys
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class ProcessLimits:
    """What each process may take; those that it starts inherit it.

    Attributes:
        memory_bytes: of memory that it can write to; files that it maps for reading do not count.
        file_bytes: of each file that it writes; None for any.
    """

    memory_bytes: int
    file_bytes: int | None = None


def impose(limits: ProcessLimits, pid: int) -> None:
    """Limit a process of ours that runs already; on systems other than Linux it stays without limits."""
    # a limit that is set between fork and exec could deadlock in a process with several threads
    if sys.platform == "linux":
        _lower(pid, resource.RLIMIT_DATA, limits.memory_bytes)
        if limits.file_bytes is not None:
            _lower(pid, resource.RLIMIT_FSIZE, limits.file_bytes)


def _lower(pid: int, kind: int, limit: int) -> None:
    _, highest = resource.prlimit(pid, kind)
    if highest != resource.RLIM_INFINITY:
        limit = min(limit, highest)
    resource.prlimit(pid, kind, (limit, limit))
