"""From a URI to the store that serves it: the only place that looks at a scheme."""

from pathlib import Path

from themis_common.errors import UserError
from themis_common.store.base import Store
from themis_common.store.local import LocalStore


def open_store(uri: str | Path) -> Store:
    """The store at `uri`: a local path or `file://` URI.

    Raises:
        UserError: the scheme is not served.
    """
    text = str(uri)
    if "://" not in text:
        return LocalStore(Path(text))
    scheme, _, rest = text.partition("://")
    if scheme == "file":
        return LocalStore(Path(rest))
    raise UserError(f"cannot open {text!r}: {scheme}:// is not served; use a local path or a file:// URI")
