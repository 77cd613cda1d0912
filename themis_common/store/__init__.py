"""Where bytes live: one folder abstraction over a local disk and an object store."""

from themis_common.store.base import AlreadyExistsError, Store
from themis_common.store.open import open_store

__all__ = ["AlreadyExistsError", "Store", "open_store"]
