"""What every task of every pipeline is given."""

from typing import Any, TypeVar

Task = TypeVar("Task", bound=Any)


def uncached(task: Task) -> Task:
    """Switch off KFP's cache for a task: the store is the cache (architecture section 3).

    KFP's key holds image strings and artifact ids, so it gives stale hits when code behind a tag changes.
    """
    task.set_caching_options(False)
    return task
