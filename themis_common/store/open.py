"""From a URI to the store that serves it: the only place that looks at a scheme."""

from pathlib import Path

from themis_common.errors import UserError
from themis_common.store.base import Store
from themis_common.store.local import LocalStore


def open_store(uri: str | Path) -> Store:
    """The store at `uri`: a local path, a `file://` URI, or `gs://BUCKET/FOLDER` on Google Cloud Storage.

    Raises:
        UserError: the scheme is not served, or what serves it is missing (the package, credentials).
    """
    text = str(uri)
    if "://" not in text:
        return LocalStore(Path(text))
    scheme, _, rest = text.partition("://")
    if scheme == "file":
        return LocalStore(Path(rest))
    if scheme == "gs":
        try:
            from themis_common.store.gcs import open_bucket
        except ModuleNotFoundError as error:
            raise UserError(
                f"cannot open {text!r}: {error.name} is not installed; pip install google-cloud-storage"
            ) from error
        return open_bucket(rest)
    raise UserError(
        f"cannot open {text!r}: {scheme}:// is not served; use a local path, a file:// or a gs:// URI"
    )
