"""Whether all nodes mean the same folder: each has disks of its own, and paths on them look alike."""

import uuid

from components.training.train_reward_model.parallel import Ranks
from themis_common.errors import UserError
from themis_common.store import Store


def check_shared(store: Store, ranks: Ranks) -> None:
    """See that what the first rank writes into `store` is there for every rank; all ranks call this together.

    Raises:
        UserError: names a rank that does not see it.
    """
    # a name that no earlier attempt has left anywhere
    name = f"seen-by-all-{uuid.uuid4().hex}"
    if ranks.is_first:
        store.write_bytes(name, b"")
    name = ranks.gather(name)[0]
    seen = ranks.gather(store.exists(name))
    if ranks.is_first:
        store.delete(name)
    if not all(seen):
        raise UserError(
            f"process {seen.index(False)} does not see what process 0 writes to {store.uri}: set checkpoints to a "
            "folder that all nodes share"
        )
